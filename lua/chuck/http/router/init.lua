--- Which handler a request is for, and what it passes on its way.
---
---     local app = http.router()
---     app:Use(http.middleware.access_log())
---     app:Get("/users/:id", function(req, res)
---       res:Json(find_user(req.params.id) or error(http.error(404)))
---     end)
---     assert(http.serve("127.0.0.1:8080", app))
---
--- A path that has routes but none for the method is answered with 405 and `Allow`; HEAD by what
--- answers GET, OPTIONS with `Allow`. Two routes that cannot be told apart raise when the second is
--- added. How paths are matched is in routes.lua.

local check = require("chuck.support.check")
local dispatch = require("chuck.http.router.dispatch")
local layers = require("chuck.http.router.layers")
local native = require("chuck.native")
local pattern = require("chuck.http.router.pattern")
local route_list = require("chuck.http.router.list")
local routes = require("chuck.http.router.routes")

---@class chuck.HttpRouter
local Router = {}
local METATABLE = { __call = dispatch, __index = Router, __metatable = "http.router" }

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
  }, METATABLE)
  routes.add(tree, { method = routes.PLACE, pattern = prefix, own = {}, scopes = { self } })
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
--- added, and what is not found there.
function Router:Use(...)
  expect_router("Use", self)
  for i = 1, math.max(1, select("#", ...)) do
    local layer = select(i, ...)
    expect_callable("Use", i, layer)
    self.layers[#self.layers + 1] = layer
  end
  layers.note_change()
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
  add(self, "NotFound", routes.MISSING, "", {}, fn)
  return self
end

--- The routes below this router or group, sorted: a list of `{ method, pattern, layers }`, which
--- prints as a table.
function Router:Routes()
  expect_router("Routes", self)
  return route_list(self.tree.list, self.prefix)
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
  local route, params = routes.find(self.tree, method, path)
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
