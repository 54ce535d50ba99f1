--- The connection of a request, taken over for another protocol.
---
---     local stream = assert(res:Status(101):Set("Upgrade", "chat"):Hijack())
---
--- From then on it is a stream of `chuck.io`, and belongs to whoever has it: the server neither
--- closes nor counts it. The program, not the server, sees to its time limits.

local check = require("chuck.support.check")
local hijacking = require("chuck.http.client.hijacking")
local native = require("chuck.native")
local stream = require("chuck.io.stream")

-- The methods of streams, whoever else uses them.
require("chuck.io.bytes")
require("chuck.io.write")

local http = native.http

--- What tells native code that it agrees to a tunnel.
local TUNNEL = 16

--- Sends the head of an answer that agrees to the change.
local function agree(res, mode)
  local conn, list = res.exchange.conn, res.fields or {}
  local fine, message, code = http.respond(conn, res.status, res.reason or nil, list, "", mode)
  if fine == false then
    check.blame("http", code)
  end
  return fine, message, code
end

--- The connection as a stream, once it is not the server's any more.
local function take(exchange, options)
  local conn = exchange.conn
  local is_half, is_paused = exchange.is_half, exchange.is_paused
  exchange:Detach()
  conn:SetSendTimeout(0)
  local decoder = options.decoder
  http.switch(conn, decoder or native.decoder.connection.rawpacket)
  local taken, message, code = stream.new(conn, exchange.remote, options, stream.kind_of(decoder))
  if not taken then
    return nil, message, code
  elseif is_half then
    taken.ended = "EOF"
  end
  if is_paused then
    conn:ResumeRead()
  end
  return taken
end

--- `options`: those of a stream, and a `decoder` for what comes from now on.
local function hijack(res, options)
  check.blame_options("http", "Hijack", 1, options, hijacking.OPTIONS)
  options = options or {}
  stream.check_options("Hijack", 1, options)
  local exchange, req = res.exchange, res.request
  if exchange.broken or exchange.req ~= req then
    return nil, "the client has gone, or the request is over", "ESOCKCLOSE"
  elseif exchange.queue or exchange.inflow or exchange.violation then
    return nil, "the client has sent more than this request", "EBUSY"
  end
  local is_connect = req.method == "CONNECT" and res.status >= 200 and res.status < 300
  if res.stage == "open" and (res.status == 101 or is_connect) then
    if res.status == 101 and not res:Get("Connection") then
      res:Set("Connection", "Upgrade")
    end
    local sent, message, code = agree(res, is_connect and TUNNEL or 0)
    if not sent then
      return nil, message, code
    end
  end
  return take(exchange, options)
end

return hijack
