--- A server of calls: adds numbers, and tells everybody once a second how many it has added.
---
---     lua5.4 examples/rpcserver.lua [ADDR]        lua5.4 examples/rpcclient.lua ADDR
---
--- Its first line is its address. Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS: calls that are
--- under way are answered.
local chuck = require("chuck")

local co, rpc = chuck.co, chuck.rpc

io.stdout:setvbuf("line")

local calls = 0

local services = {
  add = function(a, b)
    calls = calls + 1
    return a + b
  end,
  sleep = function(ms)
    co.sleep(ms)
    return ms
  end,
}

--- Ends when `seconds` have passed; never when that is nil.
local function report(server, seconds)
  local rounds = 0
  repeat
    co.sleep(1000)
    rounds = rounds + 1
    if calls > 0 then
      print(("%d calls/s, %d connections"):format(calls, server:Connections()))
      server:Broadcast("load", calls)
      calls = 0
    end
  until rounds == seconds
end

co.run(function()
  local server = assert(rpc.serve(arg[1] or "127.0.0.1:0", services))
  print(server:GetSockAddr())
  report(server, tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS")))
  server:Close(1000)
end)
