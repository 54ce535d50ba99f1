-- A web server in callbacks: a plain connection whose packets are messages of HTTP. No task, and
-- nothing decided for you.
--
--     lua examples/http_packets.lua 127.0.0.1:8080
--     curl -i http://127.0.0.1:8080/hello
--
-- Without an address it asks itself once, and ends.
local chuck = require("chuck")
local packet, signal = chuck.packet, chuck.signal
local engine = chuck.engine()

--- Bytes of a head, and of a body.
local decoder = chuck.decoder.connection.http(16384, 1024 * 1024)

local function answer(request)
  if request:Url() == "/echo" then
    return packet.httpresponse(200, { ["Content-Type"] = "text/plain" }, request:Content())
  elseif request:Url() == "/hello" then
    return packet.httpresponse(200, { ["Content-Type"] = "text/plain" }, "hello\n")
  end
  return packet.httpresponse(404, nil, "there is nothing at " .. request:Url() .. "\n")
end

local function serve(conn)
  conn:SetRecvTimeout(30000)
  conn:Add2Engine(engine, function(_, request, code, status)
    if request then
      conn:Send(answer(request))
      if not request:KeepAlive() then
        conn:Close(5000)
      end
    elseif status then
      -- What came is no message of HTTP, or too large. The connection ends itself after this.
      conn:Send(packet.httpresponse(status, { Connection = "close" }))
    elseif code == chuck.error.ERVTIMEOUT then
      conn:Close()
    end
  end)
end

local options = { decoder = decoder }
local listener = assert(chuck.listen(engine, arg[1] or "127.0.0.1:0", serve, options))
print("listening at http://" .. listener:GetSockAddr())
signal.signaler(signal.SIGINT):Register(engine, function()
  engine:Stop()
end)

if not arg[1] then
  local function ask(conn)
    conn:Add2Engine(engine, function(_, response)
      if response then
        print(response:Status(), response:Reason(), response:Content())
      end
      engine:Stop()
    end)
    local headers = { Host = "localhost" }
    conn:Send(packet.httprequest("POST", "/echo", headers, "said by the client"))
  end
  chuck.dial(engine, listener:GetSockAddr(), 5000, ask, options)
end
engine:Run()
