--- Redis by callbacks: one connection, many commands in flight, messages of a channel.
---
---     lua5.4 examples/redis_callback.lua [HOST [PORT]]
---
--- The server is that of the arguments, or of REDIS_URL (redis://HOST:PORT), or the usual one of
--- this machine. Without a server it says so and ends.
local chuck = require("chuck")

local redis = chuck.redis
local engine = chuck.engine()

local place = os.getenv("REDIS_URL") or "redis://127.0.0.1:6379"
local host = arg and arg[1] or place:match("^redis://([^:/]+)")
local port = tonumber(arg and arg[2] or place:match(":(%d+)")) or 6379

--- Keys of this example, which it removes.
local KEY = "chuck:example:callback"
local INCREMENTS = 10000
local TIMEOUT = 1000 -- ms

local function fail(what, err)
  print(what .. ": " .. err)
  engine:Stop()
end

local function on_error(_, code, message)
  print("lost (" .. code .. "): " .. message)
  engine:Stop()
end

local err, client = redis.Connect(engine, host, port, {
  connect_ms = TIMEOUT,
  timeout_ms = TIMEOUT,
  on_error = on_error,
})
if err then
  print("no server to talk to: " .. err)
  engine:Close()
  return
end

--- The second connection: one that listens takes no other commands.
local function listen(continue)
  local why, listener = redis.Connect(engine, host, port, { connect_ms = TIMEOUT })
  if why then
    return fail("connect", why)
  end
  listener:Execute("subscribe " .. KEY, function(_, items, problem)
    if problem then
      fail("subscribe", problem)
    elseif items[1] == "subscribe" then
      client:Execute(nil, "PUBLISH", KEY, "a message, with \r\n and \0 in it")
    else
      print(("heard %d bytes on %s"):format(#items[3], items[2]))
      listener:Close()
      continue()
    end
  end)
end

local function finish()
  client:Execute("del " .. KEY, function()
    client:Close()
    engine:Stop()
  end)
end

--- All of them are sent at once; the last reply comes last.
local function count()
  local began = chuck.systick()
  for n = 1, INCREMENTS do
    client:Execute(function(_, total, problem, code)
      if problem then
        fail(code, problem)
      elseif n == INCREMENTS then
        print(("%d increments in %d ms"):format(total, chuck.systick() - began))
        listen(finish)
      end
    end, "INCR", KEY)
  end
end

client:Execute(("set %s 'hello world'"):format(KEY))
client:Execute(function(_, value)
  print("the value is " .. tostring(value))
end, "GET", KEY)
client:Execute(function(_, _, problem, code)
  print("an error is told apart: " .. tostring(code) .. ", " .. tostring(problem))
end, "LPUSH", KEY, "x")
client:Execute("del " .. KEY, function(_, _, problem)
  if problem then
    return fail("del", problem)
  end
  count()
end)

engine:Run()
engine:Close()
