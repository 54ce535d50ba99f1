--- Which route a path belongs to: a tree with a node for each segment.
---
---     /users --- :id --- posts            text before parameters, parameters before wildcards
---
--- Paths are matched as they came and decoded segment by segment, so that an encoded slash parts
--- nothing. A lookup visits each node once at most.

local pattern = require("chuck.http.router.pattern")

local decode, decode_rest = pattern.decode, pattern.decode_rest
local find, sub = string.find, string.sub

local routes = {
  --- In place of methods: what answers when there is no route, and parts of routers.
  MISSING = {},
  PLACE = {},
}

local function new_node()
  return {
    --- Nodes below: by text, for a parameter, and for the rest of the path.
    static = false,
    param = false,
    wildcard = false,
    --- Routes that end here, by method; "*" is any other.
    methods = false,
    --- What answers below here when there is no route, and whose layers it passes.
    missing = false,
    place = false,
  }
end

--- A tree without routes.
function routes.new()
  return {
    top = new_node(),
    --- Nodes of paths without parameters.
    exact = {},
    --- All routes, in the order in which they came, and what answers where there is none.
    list = {},
    --- Trees that have taken in what is here: `{ tree, prefix, scope }`.
    hosts = {},
  }
end

--- The node of a segment below another, or nil.
local function child_of(node, segment)
  if segment.kind == "static" then
    return node.static and node.static[segment.text] or nil
  end
  return node[segment.kind] or nil
end

local function add_child(node, segment)
  local child = child_of(node, segment)
  if child then
    return child
  end
  child = new_node()
  if segment.kind == "static" then
    node.static = node.static or {}
    node.static[segment.text] = child
  else
    node[segment.kind] = child
  end
  return child
end

--- A route as it stands in a tree that has taken in its own.
local function lift(route, host)
  local scopes = { host.scope }
  for _, scope in ipairs(route.scopes) do
    scopes[#scopes + 1] = scope
  end
  return {
    method = route.method,
    pattern = pattern.join(host.prefix, route.pattern),
    handler = route.handler,
    own = route.own,
    scopes = scopes,
  }
end
routes.lift = lift

--- What stands where a route is to stand. The first place counts, so none is in the way.
local function occupant(node, route)
  local method = route.method
  if method == routes.MISSING then
    return node.missing
  end
  return method ~= routes.PLACE and node.methods and node.methods[method]
end

--- Whether a route can be added, here and wherever this tree was taken in: nil and why not.
local function check(tree, route)
  local parsed, why = pattern.parse(route.pattern)
  if not parsed then
    return nil, ("the pattern %q cannot be: %s"):format(route.pattern, why)
  end
  local node = tree.top
  for _, segment in ipairs(parsed) do
    node = node and child_of(node, segment)
  end
  local other = node and occupant(node, route)
  if other then
    local what = route.method == routes.MISSING and "what is not found below"
      or route.method == "*" and "any method of"
      or route.method
    local message = "%s %s is taken already, by %s"
    return nil, message:format(what, route.pattern, other.pattern)
  end
  for _, host in ipairs(tree.hosts) do
    local fine, problem = check(host.tree, lift(route, host))
    if not fine then
      return nil, problem
    end
  end
  return true
end
routes.check = check

local function is_plain(parsed)
  for _, segment in ipairs(parsed) do
    if segment.kind ~= "static" or find(segment.text, "%", 1, true) then
      return false
    end
  end
  return #parsed > 0
end

--- Adds a route that was checked.
local function add(tree, route)
  local parsed = pattern.parse(route.pattern)
  local node, texts = tree.top, {}
  for i, segment in ipairs(parsed) do
    node = add_child(node, segment)
    texts[i] = segment.text
  end
  route.names = parsed.names
  route.bare = { scopes = route.scopes, own = {} }
  tree.list[#tree.list + 1] = route
  if route.method == routes.MISSING then
    node.missing = route
  elseif route.method == routes.PLACE then
    node.place = node.place or route
  else
    node.methods = node.methods or {}
    node.methods[route.method] = route
    if is_plain(parsed) then
      tree.exact["/" .. table.concat(texts, "/")] = node
    end
  end
  for _, host in ipairs(tree.hosts) do
    add(host.tree, lift(route, host))
  end
end
routes.add = add

--- The route of a node for a method.
local function pick(node, method)
  local methods = node.methods
  if methods then
    return methods[method] or method == "HEAD" and methods.GET or methods["*"]
  end
end

--- Looks for the first node below `node` for which `choose(node, wanted)` has an answer. `at` is
--- where the next segment begins, or nil at the end of the path. Returns the answer and how many
--- values of parameters are in `values`.
local function search(node, path, at, values, n, choose, wanted)
  if not at then
    return choose(node, wanted), n
  end
  local slash = find(path, "/", at, true)
  local segment = decode(sub(path, at, (slash or 0) - 1))
  if not segment then
    return nil
  end
  local after = slash and slash + 1 or nil
  local child = node.static and node.static[segment]
  if child then
    local found, count = search(child, path, after, values, n, choose, wanted)
    if found then
      return found, count
    end
  end
  if node.param and segment ~= "" then
    values[n + 1] = segment
    local found, count = search(node.param, path, after, values, n + 1, choose, wanted)
    if found then
      return found, count
    end
  end
  local rest = node.wildcard and decode_rest(sub(path, at))
  if rest then
    values[n + 1] = rest
    return choose(node.wildcard, wanted), n + 1
  end
end

--- The route for a method and a path, and the values of its parameters by name; nil when there is
--- none.
function routes.find(tree, method, path)
  local node = tree.exact[path]
  local route = node and pick(node, method)
  if route then
    return route, {}
  elseif sub(path, 1, 1) ~= "/" then
    return nil
  end
  local values, params = {}, {}
  local found, count = search(tree.top, path, 2, values, 0, pick, method)
  if found then
    for i = 1, count do
      params[found.names[i]] = values[i]
    end
    return found, params
  end
end

--- Notes the methods of a node, and goes on looking.
local function note_methods(node, seen)
  for method, route in pairs(node.methods or {}) do
    if not seen[method] then
      seen[method] = true
      seen.n = seen.n + 1
    end
    seen.route = seen.route or route
  end
end

--- The methods as `Allow` has them.
local function allow_of(seen)
  seen.n, seen.route, seen["*"] = nil, nil, nil
  seen.HEAD = seen.HEAD or seen.GET
  seen.OPTIONS = true
  local names = {}
  for name in pairs(seen) do
    names[#names + 1] = name
  end
  table.sort(names)
  return table.concat(names, ", ")
end

--- The methods that a path has, as `Allow` has them, and one of its routes; nil when it has none.
function routes.allowed(tree, path)
  if sub(path, 1, 1) ~= "/" then
    return nil
  end
  local seen = { n = 0, route = false }
  search(tree.top, path, 2, {}, 0, note_methods, seen)
  local route = seen.route
  if seen.n > 0 then
    return allow_of(seen), route
  end
end

--- All methods of a tree, as `Allow` has them.
function routes.all_methods(tree)
  local seen = {}
  for _, route in ipairs(tree.list) do
    if type(route.method) == "string" then
      seen[route.method] = true
    end
  end
  return allow_of(seen)
end

--- What answers for paths at and below a node that have no route, and whose layers they pass: the
--- deepest of each.
local function around(node, path, at)
  local missing, place
  if at then
    local slash = find(path, "/", at, true)
    local segment = decode(sub(path, at, (slash or 0) - 1))
    local after = slash and slash + 1 or nil
    local child = segment and node.static and node.static[segment]
    if child then
      missing, place = around(child, path, after)
    end
    if segment and segment ~= "" and node.param then
      local other, elsewhere = around(node.param, path, after)
      missing, place = missing or other, place or elsewhere
    end
  end
  return missing or node.missing, place or node.place
end

function routes.around(tree, path)
  return around(tree.top, path, 2)
end

return routes
