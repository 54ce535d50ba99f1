-- Bodies in pieces, in both directions: what is uploaded comes back in capitals while it arrives.
--
--     lua examples/http_streaming.lua 127.0.0.1:8080
--     curl -T big.txt http://127.0.0.1:8080/ -o capitals.txt
--
-- Neither side holds more than a few pieces: who is slow makes the other wait. Without an address
-- it uploads something to itself, and ends.
local chuck = require("chuck")
local co, http, io = chuck.co, chuck.http, chuck.io

local function capitals(req, res)
  res:Set("Content-Type", "text/plain")
  while true do
    local piece, message = req:Read()
    if not piece then
      -- Half of a body must not look like the whole.
      return message and error(message) or nil
    end
    if not res:Write(piece:upper()) then
      return
    end
  end
end

--- Uploads `count` pieces in chunks, and counts what comes back.
local function upload(address, count)
  local stream = assert(io.connect(address))
  stream:Write("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n")
  stream:Write("Transfer-Encoding: chunked\r\n\r\n")
  local sender = co.spawn(function()
    local piece = ("the quick brown fox "):rep(1000)
    for _ = 1, count do
      stream:Write(("%x\r\n"):format(#piece), piece, "\r\n")
    end
    stream:Write("0\r\n\r\n")
  end)
  local received = 0
  while true do
    local bytes = stream:ReadSome()
    if not bytes then
      break
    end
    received = received + #bytes
  end
  sender:Join()
  stream:Close()
  return received
end

co.run(function()
  local server = assert(http.serve(arg[1] or "127.0.0.1:0", capitals, { max_body = 2 ^ 30 }))
  print("listening at http://" .. server:GetSockAddr())
  if not arg[1] then
    print(("%d bytes came back"):format(upload(server:GetSockAddr(), 500)))
    server:Shutdown(1000)
  end
end)
