--- HTTP/1.1: requests.
---
---     local response = assert(http.get("http://example.org/"))
---     print(response.status, response:Body())

local http = {}

--- Modules that are values themselves.
local MODULES = {
  client = "chuck.http.client",
  event_source = "chuck.http.event_source",
  middleware = "chuck.http.middleware",
  router = "chuck.http.router",
}

--- Functions, and the modules that have them under the same name.
local MEMBERS = {
  date = "chuck.http.status",
  delete = "chuck.http.client",
  error = "chuck.http.status",
  get = "chuck.http.client",
  head = "chuck.http.client",
  patch = "chuck.http.client",
  post = "chuck.http.client",
  put = "chuck.http.client",
  reason = "chuck.http.status",
  request = "chuck.http.client",
  serve = "chuck.http.serve",
  server = "chuck.http.serve",
  static = "chuck.http.static",
}

--- The layout rules read names from `require("…")`: one function for each module.
local LOAD = {
  ["chuck.http.client"] = function()
    return require("chuck.http.client")
  end,
  ["chuck.http.event_source"] = function()
    return require("chuck.http.event_source")
  end,
  ["chuck.http.middleware"] = function()
    return require("chuck.http.middleware")
  end,
  ["chuck.http.router"] = function()
    return require("chuck.http.router")
  end,
  ["chuck.http.serve"] = function()
    return require("chuck.http.serve")
  end,
  ["chuck.http.static"] = function()
    return require("chuck.http.static")
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
