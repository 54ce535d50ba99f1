--- Redis in tasks: one client for all of them, which connects again when the server comes back.
---
---     lua5.4 examples/redis_tasks.lua [redis://HOST:PORT]
---
--- The server is that of the argument, or of REDIS_URL, or the usual one of this machine. Without a
--- server it says so and ends.
local chuck = require("chuck")

local co, redis = chuck.co, chuck.redis

local uri = arg and arg[1] or os.getenv("REDIS_URL") or "redis://127.0.0.1:6379"

--- Keys of this example, which it removes.
local KEY = "chuck:example:tasks"
local WORKERS, ROUNDS = 50, 100
local TIMEOUT = 1000 -- ms

--- Adds to a number, and notes when it did; what fails is told apart.
local function work(client, name)
  for _ = 1, ROUNDS do
    local total, message, code, err = client:HIncrBy(KEY, "total", 1)
    if err then
      return print(name, "the server says no", code, message)
    elseif not total then
      return print(name, "nobody knows", code, message)
    end
  end
  client:HSet(KEY, name, "done")
end

co.run(function()
  local client = redis.client({
    uri = uri,
    client_name = "example",
    timeout_ms = TIMEOUT,
    on_disconnect = function(_, message)
      print("lost: " .. message)
    end,
  })
  local ready, why = client:Ready(TIMEOUT)
  if not ready then
    print("no server to talk to: " .. why)
    client:Close()
    return
  end
  client:Del(KEY)
  local began = co.now()
  co.scope(function()
    for i = 1, WORKERS do
      co.spawn(work, client, "worker " .. i)
    end
  end)
  local all = client:HGetAll(KEY)
  print(("%s increments by %d tasks in %d ms"):format(all.total, WORKERS, co.now() - began))
  print("worker 7 is " .. tostring(all["worker 7"]))
  local none, message, code = client:LPop(KEY)
  print("an error is told apart:", none, code, message)
  print("nothing is there:", client:HGet(KEY, "nobody"))
  local stats = client:Stats()
  print(("%d replies, %d errors, RESP%d"):format(stats.replies, stats.errors, stats.protocol))
  client:Del(KEY)
  client:Close()
end)
