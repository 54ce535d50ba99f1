--- An echo server of lines: one task for each client, who is greeted, and shown out when silent.
---
---     lua5.4 examples/task_echo.lua [PORT]        nc 127.0.0.1 PORT
---
--- Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS, with a few clients of its own until then.
local chuck = require("chuck")

local co, socket = chuck.co, chuck.io

local SILENCE = 5000 -- milliseconds after which a client is let go
local LINE = 1024 -- bytes that a line may have

io.stdout:setvbuf("line")

local function serve(stream, peer)
  stream:Write("hello ", peer, "\n")
  local line, why, code = stream:ReadLine(LINE, SILENCE)
  while line do
    stream:Write(line, "\n")
    line, why, code = stream:ReadLine(LINE, SILENCE)
  end
  if code == "ETIMEDOUT" then
    stream:Write("you are so quiet. bye\n")
  elseif code ~= "EOF" then
    print(why)
  end
end

--- A client that says a few words.
local function visit(addr, name)
  local stream = assert(socket.connect(addr))
  print(name .. " is told: " .. assert(stream:ReadLine()))
  for n = 1, 3 do
    stream:Write(name, " says ", tostring(n), "\n")
    print(assert(stream:ReadLine()))
    co.sleep(50)
  end
  stream:Close()
end

co.run(function()
  local listener = assert(socket.listen("127.0.0.1:" .. (arg[1] or 0), serve))
  local addr = listener:GetSockAddr()
  print("listening on " .. addr)

  local seconds = tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS"))
  if seconds then
    co.scope(function(visitors)
      visitors:Spawn(visit, addr, "ann")
      visitors:Spawn(visit, addr, "bob")
    end)
    listener:Close(1000) -- otherwise it keeps the program running
  end
end)
