--- Ready layers for routers: each is `f(options)`, and gives `function(req, res, next)`.
---
---     app:Use(http.middleware.access_log())
---     app:Use(http.middleware.compress({ min_bytes = 2048 }))
---
--- What is here is loaded when it is first used.

local middleware = {}

--- The layout rules read names from `require("…")`: one function for each module.
local LOAD = {
  access_log = function()
    return require("chuck.http.middleware.access_log")
  end,
  basic_auth = function()
    return require("chuck.http.middleware.basic_auth")
  end,
  bearer_auth = function()
    return require("chuck.http.middleware.bearer_auth")
  end,
  body_limit = function()
    return require("chuck.http.middleware.body_limit")
  end,
  compress = function()
    return require("chuck.http.middleware.compress")
  end,
  cors = function()
    return require("chuck.http.middleware.cors")
  end,
  rate_limit = function()
    return require("chuck.http.middleware.rate_limit")
  end,
  request_id = function()
    return require("chuck.http.middleware.request_id")
  end,
  security_headers = function()
    return require("chuck.http.middleware.security_headers")
  end,
  session = function()
    return require("chuck.http.middleware.session")
  end,
  static = function()
    return require("chuck.http.server.static").static
  end,
  timeout = function()
    return require("chuck.http.middleware.timeout")
  end,
}

return setmetatable(middleware, {
  __index = function(_, name)
    local value = LOAD[name] and LOAD[name]()
    rawset(middleware, name, value)
    return value
  end,
})
