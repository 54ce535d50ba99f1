--- An echo server of lines, one task for each client, and clients that try it.
---
---     lua5.4 examples/echo_tasks.lua [PORT]        telnet 127.0.0.1 PORT
---
--- A line has a limit, so has silence. Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS; then clients
--- that are in the middle of something have two seconds to finish.
local chuck = require("chuck")

local co, io_ = chuck.co, chuck.io

local LINE_MAX = 1024 -- bytes
local SILENCE_MAX = 60 * 1000 -- ms
local GRACE = 2000 -- ms

local seconds = tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS") or "86400")

local function serve(stream, peer)
  stream:Write("welcome, ", tostring(peer), "\n")
  while true do
    local line, message, code = stream:ReadLine(LINE_MAX, SILENCE_MAX)
    if line then
      stream:Write(line, "\n")
    elseif code == "EOF" then
      return
    else
      stream:Write("goodbye: ", message, "\n")
      return
    end
  end
end

local function try(addr, name)
  local stream = assert(io_.connect(addr, { timeout_ms = 5000 }))
  print(name, stream:ReadLine())
  for n = 1, 3 do
    stream:Write(name, " says ", tostring(n), "\n")
    print(name, stream:ReadLine(LINE_MAX, 5000))
  end
  stream:Close()
end

co.run(function()
  local port = arg and arg[1] or "0"
  local server = assert(io_.listen("127.0.0.1:" .. port, serve, { max_connections = 1000 }))
  print("lines are echoed at " .. server:GetSockAddr())
  for _, name in ipairs({ "ann", "ben" }) do
    co.spawn(try, server:GetSockAddr(), name)
  end
  co.sleep(seconds * 1000)
  server:Close(GRACE)
end)
