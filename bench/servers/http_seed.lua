--- chuck: HTTP in callbacks, as the seed has it.
---
---     GET /hello      "hello"
---     GET /large      64 KiB
---     POST /post      the number of bytes that came

local chuck = require("chuck")
local host = require("host")

local decoder, packet = chuck.decoder.connection, chuck.packet

local LARGE = ("hello"):rep(13108):sub(1, 65536)
local HEADERS = { ["Content-Type"] = "text/plain" }

local function body_for(request)
  local url = request:Url()
  if url == "/hello" then
    return "hello"
  end
  return url == "/large" and LARGE or tostring(#request:Content())
end

local function on_request(conn, request)
  if not request then
    conn:Close()
    return
  end
  conn:Send(packet.httpresponse(200, HEADERS, body_for(request)))
end

host.serve(function(engine, fd)
  local conn = chuck.connection(fd, 65536, decoder.http(1024 * 1024))
  conn:SetNoDelay(true)
  conn:Add2Engine(engine, on_request)
end)
