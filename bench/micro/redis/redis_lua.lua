--- redis-lua, which blocks: the neighbour of chuck.lua, on Lua 5.1. It has no concurrent callers.
---
---     lua5.1 redis_lua.lua ROW PORT COUNT      sequential pipeline big messages

--- Ends the program with why there is no number.
local function missing(why)
  print(('{"name":"missing","why":"redis-lua: %s"}'):format(why))
  os.exit(0)
end

local rows = require("redis.rows")

-- Our own folder of that name is not in the way of the library's one file.
local is_there, redis = pcall(require, "redis")
if not is_there then
  missing("not on this machine")
end
local socket = require("socket")

local client = redis.connect("127.0.0.1", rows.port)
local keys, KEYS = rows.keys, rows.KEYS
local work = {}

function work.sequential(count)
  for i = 1, count do
    assert(#client:get(keys[i % KEYS + 1]) == rows.SMALL)
  end
end

function work.big(count)
  for _ = 1, count do
    assert(#client:get("big") == rows.BIG)
  end
end

local function get_all(pipe)
  for i = 1, rows.BATCH do
    pipe:get(keys[i])
  end
end

function work.pipeline(count)
  for _ = 1, count / rows.BATCH do
    local replies = client:pipeline(get_all)
    for i = 1, rows.BATCH do
      assert(#replies[i] == rows.SMALL)
    end
  end
end

function work.messages(count)
  local left = count
  for message, abort in client:pubsub({ subscribe = { rows.CHANNEL } }) do
    if message.kind == "subscribe" then
      rows.publish()
    else
      assert(#message.payload == rows.SMALL)
      left = left - 1
      if left == 0 then
        abort()
      end
    end
  end
end

if not work[rows.name] then
  missing("no concurrent callers")
end
rows.measure(socket.gettime, work[rows.name])
