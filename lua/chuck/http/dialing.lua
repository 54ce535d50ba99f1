--- A new link along a route: dialed, led through a proxy, made secure.

local address = require("chuck.support.address")
local attempt = require("chuck.io.attempt")
local link = require("chuck.http.link")
local native = require("chuck.native")
local sched = require("chuck.co.sched")
local secure = require("chuck.http.secure")
local socks = require("chuck.http.socks")
local stream = require("chuck.io.stream")

local dialing = {}

--- Goes on only if `fn` has worked: closes `conn` when it raises, or answers nil.
---@async
local function closing(conn, fn, ...)
  local fine, result, why, code = sched.pcall(fn, ...)
  if not fine then
    conn:Close()
    error(result, 0)
  elseif not result then
    conn:Close()
    return nil, why, code
  end
  return result
end

---@async
local function dial(engine, route, options, give_up, decoder)
  local left = math.max(give_up - sched.now(), 1)
  -- For the engine, 0 is no limit.
  return attempt(engine, route.address, left < math.huge and left or 0, {
    decoder = decoder,
    family = options.family,
    recvbuf = stream.RECVBUF,
  })
end

--- A connection that leads through a SOCKS proxy, in no engine.
---@async
local function by_socks(engine, route, options, give_up)
  local conn, why, code = dial(engine, route, options, give_up)
  if not conn then
    return nil, why, code
  end
  local greeted
  greeted, why, code = stream.new(conn, route.address, nil, "bytes")
  if not greeted then
    return nil, why, code
  end
  local function left()
    return math.max(give_up - sched.now(), 0)
  end
  local done
  done, why, code = closing(conn, socks.greet, greeted, route, left)
  if not done then
    return nil, why, code
  elseif greeted.size > 0 then
    conn:Close()
    return nil, "the server speaks before it was asked", "EPROTO"
  end
  conn:RemoveEngine()
  return conn
end

--- Asks an HTTP proxy for a tunnel: true, or `nil, why, code`.
---@async
local function ask_for_tunnel(made, route, give_up)
  local place = address.join(route.host, route.port)
  local fields = { "Host", place }
  if route.proxy.authorization then
    fields[3], fields[4] = "Proxy-Authorization", route.proxy.authorization
  end
  local turn = made:Begin("tunnel to " .. place)
  local sent, why, code = native.http.request(made.conn, "CONNECT", place, fields, nil, 0)
  if not sent then
    return nil, tostring(code or why), sent == nil and code or "EINVAL"
  end
  while not turn.status do
    if turn.failure then
      return nil, "the proxy: " .. turn.failure.why, turn.failure.code
    elseif not turn:Wait(math.max(give_up - sched.now(), 0)) then
      return nil, "the proxy has not opened a tunnel in time", "ETIMEDOUT"
    end
  end
  if turn.status < 200 or turn.status > 299 then
    local text = "the proxy has no tunnel to %s: %d %s"
    local is_credentials = turn.status == 407
    return nil,
      text:format(place, turn.status, turn.reason or ""),
      is_credentials and "EACCES" or "ECONNREFUSED"
  end
  return true
end

--- A connection that leads through a tunnel of an HTTP proxy, in no engine.
---@async
local function by_tunnel(engine, route, options, give_up)
  local conn, why, code = dial(engine, route, options, give_up, link.decoder(options))
  if not conn then
    return nil, why, code
  end
  local made
  made, why, code = link.over(engine, conn, route)
  if not made then
    return nil, why, code
  end
  local done
  done, why, code = closing(conn, ask_for_tunnel, made, route, give_up)
  if not done then
    return nil, why, code
  elseif made.ended then
    return nil, "the proxy has closed its tunnel", "EOF"
  end
  return made:Release()
end

--- What is not there yet: true, or `nil, why, code`.
local function check(route)
  if route.is_secure then
    return secure.check("https")
  elseif route.proxy and route.proxy.is_secure then
    return secure.check("a proxy of https")
  end
  return true
end

--- A link along `route`, by the time `give_up`; or `nil, why, code`.
---@async
function dialing.open(engine, route, options, give_up)
  local done, why, code = check(route)
  if not done then
    return nil, why, code
  end
  local conn
  if route.kind == "socks" then
    conn, why, code = by_socks(engine, route, options, give_up)
  elseif route.kind == "tunnel" then
    conn, why, code = by_tunnel(engine, route, options, give_up)
  else
    conn, why, code = dial(engine, route, options, give_up, link.decoder(options))
  end
  if conn and route.is_secure then
    conn, why, code = secure.open(conn, route.host, options, give_up)
  end
  if not conn then
    return nil, why, code
  elseif route.kind == "socks" or route.kind == "tunnel" then
    native.http.switch(conn, link.decoder(options))
  end
  return link.over(engine, conn, route)
end

return dialing
