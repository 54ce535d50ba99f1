--- chuck: so many tasks that call over one connection.
---
---     lua rpc.lua PORT DEPTH COUNT

local chuck = require("chuck")
local meter = require("meter")

local co, rpc = chuck.co, chuck.rpc
local port, depth, total = meter.arguments()
local answered = meter.new(chuck.systick)
local sent = 0

local function caller(peer)
  while sent < total do
    sent = sent + 1
    local a = sent
    assert(peer:Call("add", a, 1) == a + 1)
    answered()
  end
end

co.run(function()
  local stream = assert(chuck.io.connect("127.0.0.1:" .. port, { decoder = rpc.framing() }))
  local peer = rpc.peer(stream)
  co.scope(function(callers)
    for _ = 1, depth do
      callers:Spawn(caller, peer)
    end
  end)
  peer:Close()
end)
