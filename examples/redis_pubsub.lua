--- Channels, a queue of work and kept replies, by a real server of Redis.
---
---     scripts/lua 5.4 examples/redis_pubsub.lua [redis://127.0.0.1:6379]
---
--- A reporter publishes, a reader listens with a function and another one message by message. A
--- worker waits for work without holding up anybody. Without a server it says so, and ends.
local chuck = require("chuck")

local co, redis = chuck.co, chuck.redis

local uri = arg[1] or os.getenv("REDIS_URI") or "redis://127.0.0.1:6379"

local function listen(client)
  local function on_message(message)
    print("heard", message.pattern, message.channel, message.payload)
  end
  local heard = assert(client:Psubscribe("example.*", on_message))
  local sub = assert(client:Subscribe("example.news", "example.weather"))
  client:Publish("example.news", "chuck speaks to Redis")
  client:Publish("example.weather", "fair")
  for _ = 1, 2 do
    local message = assert(sub:Next(1000))
    print("read", message.channel, message.payload)
  end
  sub:Close()
  heard:Close()
end

--- Takes work until there is none for a while.
local function work(client)
  local item = client:BLPop("example.queue", 0.2)
  while item do
    print("worked on", item[2])
    item = client:BLPop("example.queue", 0.2)
  end
end

local function remember(client)
  client:Set("example.setting", "blue")
  for _ = 1, 3 do
    client:Cached("example.setting")
  end
  local stats = client:Stats().cache
  print("kept", client:Cached("example.setting"), stats.hits .. " hits", stats.misses .. " miss")
end

co.run(function()
  local client = redis.client({ uri = uri, connect_ms = 300 })
  local up, message = client:Ready()
  if not up then
    print("there is no server: " .. message)
    return client:Close()
  end
  listen(client)
  local worker = co.spawn(work, client)
  client:RPush("example.queue", "letters", "parcels")
  remember(client)
  worker:Join()
  client:Del("example.setting", "example.queue")
  client:Close()
end)
