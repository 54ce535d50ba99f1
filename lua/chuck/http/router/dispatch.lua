--- Which of a router's handlers answers a request, and what does when there is none.

local answers = require("chuck.http.router.answers")
local layers = require("chuck.http.router.layers")
local routes = require("chuck.http.router.routes")

local find_route = routes.find
local sub = string.sub

--- The path with a slash at its end, or without it.
local function twin(path)
  if path == "/" or path == "" then
    return path
  end
  return sub(path, -1) == "/" and sub(path, 1, -2) or path .. "/"
end

--- What answers a request that has no route of its own, and the route whose layers it passes.
local function fallback(self, req, path)
  local tree, method = self.tree, req.method
  if path == "*" and method == "OPTIONS" then
    return answers.options(routes.all_methods(tree)), tree.top.place
  end
  local policy, other = self.options.trailing_slash, twin(path)
  local allow, route = routes.allowed(tree, path)
  if not allow and policy == "ignore" then
    allow, route = routes.allowed(tree, other)
  end
  if allow then
    if method == "OPTIONS" then
      return answers.options(allow), route.bare
    end
    return answers.not_allowed(allow, self.options.method_not_allowed), route.bare
  end
  if policy == "redirect" then
    allow, route = routes.allowed(tree, other)
    if allow then
      return answers.moved(other), route.bare
    end
  end
  local missing, place = routes.around(tree, path)
  return missing and answers.missing(missing.handler) or answers.not_found, place
end

--- Has a router answer a request.
---@async
local function dispatch(self, req, res)
  local path = req.raw_path
  local route, params = find_route(self.tree, req.method, path)
  if not route and self.options.trailing_slash == "ignore" then
    route, params = find_route(self.tree, req.method, twin(path))
  end
  if route then
    req.params, req.route = params, route.pattern
    return layers.run(route, route.handler, req, res)
  end
  local handler, place = fallback(self, req, path)
  return layers.run(place, handler, req, res)
end

return dispatch
