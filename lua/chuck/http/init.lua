--- HTTP/1.1: servers and clients whose handlers and calls are tasks.
---
---     local server = assert(http.serve("127.0.0.1:8080", function(req, res)
---       res:Text("hello, " .. (req.query.name or "world"))
---     end))
---
--- What is here is loaded when it is first used.

local http = {}

--- Modules that are values themselves.
local MODULES = {
  middleware = "chuck.http.middleware",
  router = "chuck.http.router",
}

--- Functions, and the modules that have them under the same name.
local MEMBERS = {
  client = "chuck.http.client.calls",
  date = "chuck.http.status",
  delete = "chuck.http.client.calls",
  error = "chuck.http.status",
  event_source = "chuck.http.client.calls",
  get = "chuck.http.client.calls",
  head = "chuck.http.client.calls",
  jar = "chuck.http.client.calls",
  patch = "chuck.http.client.calls",
  post = "chuck.http.client.calls",
  put = "chuck.http.client.calls",
  reason = "chuck.http.status",
  request = "chuck.http.client.calls",
  serve = "chuck.http.server.serve",
  server = "chuck.http.server.serve",
  static = "chuck.http.server.static",
}

--- The layout rules read names from `require("…")`: one function for each module.
local LOAD = {
  ["chuck.http.client.calls"] = function()
    return require("chuck.http.client.calls")
  end,
  ["chuck.http.middleware"] = function()
    return require("chuck.http.middleware")
  end,
  ["chuck.http.router"] = function()
    return require("chuck.http.router")
  end,
  ["chuck.http.server.serve"] = function()
    return require("chuck.http.server.serve")
  end,
  ["chuck.http.server.static"] = function()
    return require("chuck.http.server.static")
  end,
  ["chuck.http.status"] = function()
    return require("chuck.http.status")
  end,
}

return setmetatable(http, {
  __index = function(_, name)
    local value
    if MODULES[name] then
      value = LOAD[MODULES[name]]()
    elseif MEMBERS[name] then
      value = LOAD[MEMBERS[name]]()[name]
    end
    rawset(http, name, value)
    return value
  end,
})
