--- Which handler a request is for, and what it passes on its way.
---
---     local app = http.router()
---     app:Use(http.middleware.access_log())
---     app:Get("/users/:id", function(req, res)
---       res:Json(find_user(req.params.id) or error(http.error(404)))
---     end)
---     assert(http.serve("127.0.0.1:8080", app))
---
--- A path that has routes but none for the method is answered with 405 and `Allow`; HEAD is answered
--- by what answers GET, OPTIONS with `Allow`. Two routes that cannot be told apart raise when the
--- second is added. How paths are matched is in routes.lua.

local answers = require("chuck.http.answers")
local check = require("chuck.support.check")
local native = require("chuck.native")
local pattern = require("chuck.http.pattern")
local routes = require("chuck.http.routes")

local find_route = routes.find
local sub = string.sub

---@class chuck.HttpRouter
local Router = {}
local METATABLE = { __index = Router, __metatable = "http.router" }

--- Counts every `Use`: layers that were put together before are put together anew.
local edition = 0

--- Whether a value can be called.
local function is_callable(value)
  local class = type(value) == "table" and debug.getmetatable(value)
  return type(value) == "function" or class and class.__call ~= nil
end

local function expect_callable(name, n, value)
  if not is_callable(value) then
    local message = "bad argument #%d to '%s' (function expected, got %s)"
    check.blame("http", message:format(n, name, type(value)))
  end
end

local function expect_router(name, self)
  if getmetatable(self) ~= "http.router" then
    local message = "calling '%s' on bad self (http.router expected, got %s)"
    check.blame("http", message:format(name, type(self)))
  end
end

--- Everything that a handler passes before it runs: layers of the scopes, from the outermost, and
--- its own.
local function layers_of(route)
  if route.edition == edition then
    return route.layers
  end
  local layers = {}
  local function climb(scope)
    if scope.outer then
      climb(scope.outer)
    end
    for _, layer in ipairs(scope.layers) do
      layers[#layers + 1] = layer
    end
  end
  for _, scope in ipairs(route.scopes) do
    climb(scope)
  end
  for _, layer in ipairs(route.own) do
    layers[#layers + 1] = layer
  end
  route.layers, route.edition = layers, edition
  return layers
end

--- Runs the layers from the n-th on, then the handler. A text that it returns is sent here: layers
--- need not pass it on.
---@async
local function pass(layers, n, handler, req, res)
  local layer = layers[n]
  if layer then
    local is_called = false
    layer(req, res, function()
      if is_called then
        error("'next' was called before: a request passes a layer once", 2)
      end
      is_called = true
      pass(layers, n + 1, handler, req, res)
    end)
    return
  end
  local out = handler(req, res)
  if type(out) == "string" and not res:IsEnded() then
    res:End(out)
  end
end

--- Runs what answers a request, behind the layers of a route.
---@async
local function run(route, handler, req, res)
  local layers = layers_of(route)
  if layers[1] then
    return pass(layers, 1, handler, req, res)
  end
  return handler(req, res)
end

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
    return answers.options(routes.all_methods(tree)), self.nowhere
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
  if policy == "redirect" and routes.allowed(tree, other) then
    return answers.moved(other), self.nowhere
  end
  route = routes.missing(tree, path)
  if route then
    return answers.missing(route.handler), route
  end
  return answers.not_found, self.nowhere
end

--- Answers a request: routers are handlers.
---@async
function METATABLE:__call(req, res)
  local path = req.raw_path
  local route, params = find_route(self.tree, req.method, path)
  if not route and self.options.trailing_slash == "ignore" then
    route, params = find_route(self.tree, req.method, twin(path))
  end
  if route then
    req.params, req.route = params, route.pattern
    return run(route, route.handler, req, res)
  end
  local handler, place = fallback(self, req, path)
  return run(place, handler, req, res)
end

--- Part of a tree of routes: all of it, or what is below a prefix.
local function new(tree, prefix, outer, options)
  local self = setmetatable({
    tree = tree,
    prefix = prefix,
    --- The part that this is in.
    outer = outer,
    options = options,
    --- What every request in this part passes.
    layers = {},
    --- Stands for requests that have no route.
    nowhere = false,
  }, METATABLE)
  self.nowhere = { scopes = { self }, own = {} }
  return self
end

local function add(self, name, method, text, own, handler)
  local route = {
    method = method,
    pattern = pattern.join(self.prefix, text),
    handler = handler,
    own = own,
    scopes = { self },
  }
  local fine, why = routes.check(self.tree, route)
  if not fine then
    check.blame("http", ("bad argument to '%s' (%s)"):format(name, why))
  end
  routes.add(self.tree, route)
end

--- Adds a route: layers of its own may stand before the handler.
local function handle(self, name, method, text, first, ...)
  expect_router(name, self)
  if type(text) ~= "string" or text == "" and self.prefix == "" then
    local message = "bad argument to '%s' (a pattern such as \"/users/:id\" expected, got %s)"
    check.blame("http", message:format(name, type(text)))
  end
  local own = { ... }
  for i = 1, math.max(1, select("#", ...)) do
    expect_callable(name, first + i - 1, own[i])
  end
  local handler = table.remove(own)
  add(self, name, method, text, own, handler)
  return self
end

for name, method in pairs({
  Get = "GET",
  Head = "HEAD",
  Post = "POST",
  Put = "PUT",
  Patch = "PATCH",
  Delete = "DELETE",
  Options = "OPTIONS",
  Any = "*",
}) do
  Router[name] = function(self, text, ...)
    return handle(self, name, method, text, 2, ...)
  end
end

--- Adds a route for whatever method.
function Router:Handle(method, text, ...)
  if type(method) ~= "string" or not method:find("^[%w!#$%%&'+.^_`|~-]+$") then
    check.blame("http", "bad argument #1 to 'Handle' (a method such as \"PUT\" expected)")
  end
  return handle(self, "Handle", method, text, 3, ...)
end

--- Has every request in this router or group pass `fn(req, res, next)`, whenever its route was
--- added. In a router that is everything, also what is not found.
function Router:Use(...)
  expect_router("Use", self)
  for i = 1, math.max(1, select("#", ...)) do
    local layer = select(i, ...)
    expect_callable("Use", i, layer)
    self.layers[#self.layers + 1] = layer
  end
  edition = edition + 1
  return self
end

--- A prefix as it stands before patterns.
local function checked_prefix(self, name, prefix)
  expect_router(name, self)
  local text = prefix == "/" and "" or prefix
  local parsed, why = nil, "a pattern expected, got " .. type(prefix)
  if type(text) == "string" then
    parsed, why = pattern.parse(self.prefix .. text)
  end
  local last = parsed and parsed[#parsed]
  if last and (last.kind == "wildcard" or last.text == "") then
    parsed, why = nil, "a prefix ends with neither a wildcard nor a slash"
  end
  if not parsed then
    check.blame("http", ("bad argument #1 to '%s' (%s)"):format(name, why))
  end
  return text
end

--- Part of this router, below a prefix, with layers of its own: given to `fn`, and returned.
function Router:Group(prefix, fn)
  prefix = checked_prefix(self, "Group", prefix)
  if fn ~= nil then
    expect_callable("Group", 2, fn)
  end
  local group = new(self.tree, self.prefix .. prefix, self, self.options)
  if fn then
    fn(group)
  end
  return group
end

--- Whether a tree has been taken in by another, or by one that was.
local function is_within(tree, other)
  if tree == other then
    return true
  end
  for _, host in ipairs(tree.hosts) do
    if is_within(host.tree, other) then
      return true
    end
  end
  return false
end

--- Takes in the routes of another router.
local function mount_router(self, prefix, other)
  if is_within(self.tree, other.tree) then
    check.blame("http", "bad argument #2 to 'Mount' (a router cannot be mounted in itself)")
  end
  local host = { tree = self.tree, prefix = self.prefix .. prefix, scope = self }
  local lifted = {}
  for i, route in ipairs(other.tree.list) do
    lifted[i] = routes.lift(route, host)
  end
  for _, route in ipairs(lifted) do
    local fine, why = routes.check(self.tree, route)
    if not fine then
      check.blame("http", "bad argument #2 to 'Mount' (" .. why .. ")")
    end
  end
  for _, route in ipairs(lifted) do
    routes.add(self.tree, route)
  end
  local hosts = other.tree.hosts
  hosts[#hosts + 1] = host
end

--- Has another router, or any handler, answer what is below a prefix. A router's routes become
--- routes here, also those that it is given later. Another handler gets the rest of the path as
--- `req.params.path`.
function Router:Mount(prefix, other)
  prefix = checked_prefix(self, "Mount", prefix)
  if getmetatable(other) == "http.router" then
    if other.outer then
      check.blame("http", "bad argument #2 to 'Mount' (a group belongs to its router)")
    end
    mount_router(self, prefix, other)
    return self
  end
  expect_callable("Mount", 2, other)
  add(self, "Mount", "*", prefix .. "/*path", {}, other)
  if self.prefix .. prefix ~= "" then
    add(self, "Mount", "*", prefix, {}, other)
  end
  return self
end

--- Has `fn(req, res)` answer requests in this router or group that have no route, with status 404
--- unless it sets another.
function Router:NotFound(fn)
  expect_router("NotFound", self)
  expect_callable("NotFound", 1, fn)
  add(self, "NotFound", false, "", {}, fn)
  return self
end

local function by_pattern(left, right)
  if left.pattern ~= right.pattern then
    return left.pattern < right.pattern
  end
  return left.method < right.method
end

local LIST = {
  __tostring = function(list)
    local lines, widest = {}, 6
    for _, route in ipairs(list) do
      widest = math.max(widest, #route.method)
    end
    for i, route in ipairs(list) do
      local line = ("%-" .. widest .. "s  %s"):format(route.method, route.pattern)
      lines[i] = line .. (route.layers > 0 and ("  (%d layers)"):format(route.layers) or "")
    end
    return table.concat(lines, "\n")
  end,
}

local function is_below(text, prefix)
  return prefix == "" or sub(text .. "/", 1, #prefix + 1) == prefix .. "/"
end

--- The routes below this router or group, sorted: a list of `{ method, pattern, layers }`, which
--- prints as a table.
function Router:Routes()
  expect_router("Routes", self)
  local list = {}
  for _, route in ipairs(self.tree.list) do
    if route.method and is_below(route.pattern, self.prefix) then
      list[#list + 1] = {
        method = route.method == "*" and "ANY" or route.method,
        pattern = route.pattern,
        layers = #layers_of(route),
      }
    end
  end
  table.sort(list, by_pattern)
  return setmetatable(list, LIST)
end

function METATABLE:__tostring()
  return tostring(self:Routes())
end

--- The pattern and the parameters that a method and a path lead to; nil when there is no route, and
--- the methods that the path has.
function Router:Match(method, path)
  expect_router("Match", self)
  check.type("Match", 1, method, "string")
  check.type("Match", 2, path, "string")
  local route, params = find_route(self.tree, method, path)
  if route then
    return route.pattern, params
  end
  return nil, (routes.allowed(self.tree, path))
end

--- The path of a pattern with these parameters; what the pattern does not have becomes the query.
function Router:Url(text, values)
  expect_router("Url", self)
  check.type("Url", 1, text, "string")
  if values ~= nil then
    check.type("Url", 2, values, "table")
  end
  local rest, pairs_of = {}, {}
  local path, why = pattern.build(pattern.join(self.prefix, text), values or {}, rest)
  if not path then
    error(("bad argument to 'Url' (%s)"):format(why), 2)
  end
  for name, value in pairs(rest) do
    pairs_of[#pairs_of + 1] = { tostring(name), tostring(value) }
  end
  if not pairs_of[1] then
    return path
  end
  table.sort(pairs_of, function(left, right)
    return left[1] < right[1]
  end)
  return path .. "?" .. native.web.build_query(pairs_of)
end

local OPTIONS = { method_not_allowed = "function", trailing_slash = "string" }
local SLASH = { redirect = true, strict = true, ignore = true }

--- A router without routes.
return function(options)
  check.options("router", 1, options, OPTIONS)
  local given = {}
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  given.trailing_slash = given.trailing_slash or "redirect"
  if not SLASH[given.trailing_slash] then
    local message =
      'bad argument #1 to \'router\' (trailing_slash: "redirect", "strict" or "ignore")'
    error(message, 2)
  end
  return new(routes.new(), "", false, given)
end
