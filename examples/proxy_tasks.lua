--- A proxy: whatever arrives here goes there, and back, each direction in a task of its own.
---
---     lua5.4 examples/proxy_tasks.lua PORT example.org:80        curl 127.0.0.1:PORT
---
--- A side that reads slowly holds the other one back; a side that ends first does not cut the other
--- short. Without arguments it forwards to a server of its own, and tries it.
--- Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS.
local chuck = require("chuck")

local co, io_ = chuck.co, chuck.io

local seconds = tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS") or "86400")

--- Copies one direction up to its end. Packets are handed on as they are, without a copy in Lua.
local function copy(from, to)
  while true do
    local packet, message, code = from:ReadPacket()
    if packet then
      local done, why = to:WritePacket(packet)
      if not done then
        return nil, why
      end
    elseif code == "EOF" then
      return to:Shutdown()
    else
      return nil, message
    end
  end
end

--- Handles one client: both directions, and the end of both.
local function forward(target)
  return function(client)
    local server, message = io_.connect(target, { timeout_ms = 5000 })
    if not server then
      print("no way there: " .. message)
      return
    end
    local _, why = co.scope(function(scope)
      scope:Spawn(function()
        if not copy(client, server) then
          scope:Cancel()
        end
      end)
      if not copy(server, client) then
        scope:Cancel()
      end
    end)
    server:Close()
    print(client:Peer() .. " is done" .. (why and ": " .. why or ""))
  end
end

--- A server that answers everything at once, backwards.
local function answer(stream)
  stream:Write(stream:ReadAll():reverse())
end

co.run(function()
  local port, target = arg and arg[1], arg and arg[2]
  local own = not target and assert(io_.listen("127.0.0.1:0", answer))
  target = target or own:GetSockAddr()
  local proxy = assert(io_.listen("127.0.0.1:" .. (port or "0"), forward(target)))
  print("forwarding from " .. proxy:GetSockAddr())
  if own then
    local stream = assert(io_.connect(proxy:GetSockAddr()))
    stream:Write("drawer")
    stream:Shutdown()
    print(stream:ReadAll())
    stream:Close()
  end
  co.sleep(seconds * 1000)
  proxy:Close(0)
  if own then
    own:Close(0)
  end
end)
