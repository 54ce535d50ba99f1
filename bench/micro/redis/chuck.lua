--- chuck: commands to Redis from tasks.
---
---     lua chuck.lua ROW PORT COUNT      sequential callers pipeline big messages

local chuck = require("chuck")

local rows = require("redis.rows")

local co = chuck.co
local keys, KEYS = rows.keys, rows.KEYS
local client

local function sequential(count)
  for i = 1, count do
    assert(#client:Get(keys[i % KEYS + 1]) == rows.SMALL)
  end
end

local function big(count)
  for _ = 1, count do
    assert(#client:Get("big") == rows.BIG)
  end
end

local function callers(count)
  local left = count
  local function call()
    while left > 0 do
      left = left - 1
      assert(#client:Get(keys[left % KEYS + 1]) == rows.SMALL)
    end
  end
  co.scope(function(scope)
    for _ = 1, rows.CALLERS do
      scope:Spawn(call)
    end
  end)
end

local function pipeline(count)
  for _ = 1, count / rows.BATCH do
    local pipe = client:Pipeline()
    for i = 1, rows.BATCH do
      pipe:Get(keys[i])
    end
    local replies = assert(pipe:Execute())
    for i = 1, rows.BATCH do
      assert(#replies[i] == rows.SMALL)
    end
  end
end

local subscription

local function messages(count)
  rows.publish()
  for _ = 1, count do
    assert(#subscription:Next().payload == rows.SMALL)
  end
end

local work = {
  sequential = sequential,
  callers = callers,
  pipeline = pipeline,
  big = big,
  messages = messages,
}

co.run(function()
  client = chuck.redis.client({ port = rows.port })
  assert(client:Ready(5000))
  if rows.name == "messages" then
    subscription = assert(client:Subscribe(rows.CHANNEL))
  end
  rows.measure(function()
    return chuck.systick() / 1000
  end, work[rows.name])
  client:Close()
end)
os.exit(0)
