--- The connection of a request, taken over for another protocol.
---
---     local stream = assert(res:Status(101):Set("Upgrade", "chat"):Hijack())
---
--- From then on it is a stream of `chuck.io`, and belongs to whoever has it: the server neither
--- closes nor counts it. The program, not the server, sees to its time limits.

local native = require("chuck.native")
local stream = require("chuck.io.stream")

local http = native.http

--- What tells native code that it agrees to a tunnel.
local TUNNEL = 16

--- Sends the head of an answer that agrees to the change.
local function agree(res, mode)
  local exchange = res.exchange
  local list = res.fields or {}
  local fine, message, code =
    http.respond(exchange.conn, res.status, res.reason or nil, list, "", mode)
  if fine == false then
    error(code, 0)
  end
  return fine, message, code
end

--- `options`: those of a stream, and a `decoder` for what comes from now on.
local function hijack(res, options)
  local exchange, req = res.exchange, res.request
  options = options or {}
  if exchange.broken or exchange.req ~= req then
    return nil, "the client has gone, or the request is over", "ESOCKCLOSE"
  elseif exchange.queue or exchange.inflow then
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
  local conn = exchange.conn
  exchange:Detach()
  conn:SetSendTimeout(0)
  local decoder = options.decoder
  http.switch(conn, decoder or native.decoder.connection.rawpacket)
  local kept = {}
  for _, name in ipairs({ "high_water", "read_ahead", "send_limit" }) do
    kept[name] = options[name]
  end
  return stream.new(conn, exchange.remote, kept, stream.kind_of(decoder))
end

return hijack
