--- Redis for tasks and callbacks.
---
---     local client = redis.client("redis://127.0.0.1:6379")
---     client:Set("name", "chuck")
---     print(client:Get("name"))       --> chuck
---
--- What is further up the road is loaded when it is first used.

local client = require("chuck.redis.client")
local limits = require("chuck.redis.limits")
local outcome = require("chuck.redis.outcome")

local redis = {
  client = client.connect,
  null = outcome.null,
  is_error = outcome.is_error,
  limits = limits,
}

--- Loaded when first used.
local LAZY = {
  Connect = function()
    return require("chuck.redis.connect")
  end,
  cluster = function()
    return require("chuck.redis.cluster").connect
  end,
  pool = function()
    return require("chuck.redis.pool").connect
  end,
  script = function()
    return require("chuck.redis.script").new
  end,
  sentinel = function()
    return require("chuck.redis.sentinel").connect
  end,
  stream = function()
    return require("chuck.redis.stream").new
  end,
}

return setmetatable(redis, {
  __index = function(_, name)
    local load_value = LAZY[name]
    if load_value then
      local value = load_value()
      redis[name] = value
      return value
    end
  end,
})
