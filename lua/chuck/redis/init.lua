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

--- Loaded when first used: name, and the module that is its value, or has it.
local LAZY = {
  Connect = "chuck.redis.connect",
  cluster = "chuck.redis.cluster",
  pool = { "chuck.redis.pool", "connect" },
  script = { "chuck.redis.script", "new" },
  sentinel = "chuck.redis.sentinel",
  stream = { "chuck.redis.stream", "new" },
}

return setmetatable(redis, {
  __index = function(_, name)
    local module = LAZY[name]
    if module then
      local value
      if type(module) == "table" then
        value = require(module[1])[module[2]]
      else
        value = require(module)
      end
      redis[name] = value
      return value
    end
  end,
})
