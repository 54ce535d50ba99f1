--- luv: the work of rpc.lua, by hand.
---
---     lua luv_rpc.lua PORT DEPTH COUNT

local calls = require("luv_calls")
local meter = require("meter")
local uv = require("luv")

local port, depth, total = meter.arguments()

local stream = uv.new_tcp()
local answered = meter.new(function()
  return uv.hrtime() / 1e6
end)
local waiting, ids, sent = {}, 0, 0
local write

local function call(name, ...)
  ids = ids + 1
  waiting[ids] = coroutine.running()
  write({ id = ids, name = name, args = { ... } })
  return coroutine.yield()
end

local function caller()
  while sent < total do
    sent = sent + 1
    local a = sent
    assert(call("add", a, 1) == a + 1)
    if answered() then
      uv.stop()
    end
  end
end

stream:connect("127.0.0.1", port, function(problem)
  assert(not problem, problem)
  stream:nodelay(true)
  write = calls.speak(stream, function(message)
    local thread = waiting[message.id]
    waiting[message.id] = nil
    assert(coroutine.resume(thread, message.result))
  end)
  for _ = 1, depth do
    coroutine.wrap(caller)()
  end
end)
uv.run()
os.exit(0)
