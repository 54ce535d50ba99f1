--- A new link along a route: dialed, led through a proxy, made secure.

local address = require("chuck.support.address")
local dial = require("chuck.dial")
local link = require("chuck.http.client.link")
local native = require("chuck.native")
local sched = require("chuck.co.sched")
local secure = require("chuck.http.client.secure")
local socks = require("chuck.http.client.socks")
local stream = require("chuck.io.stream")

-- The methods of streams, whoever else uses them.
require("chuck.io.bytes")
require("chuck.io.write")

local dialing = {}

--- Why it was aborted.
local CLOSED = "the client is closed"

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

--- What a task waits in that dials.
local function cancel(self)
  self.dialing:Cancel()
end

--- A connection to what a route begins with, in no engine; or `nil, why, code`.
---@async
local function connect(job, decoder)
  local task, place = sched.parking(), job.route.address
  local wait = { dialing = false, Leave = cancel, what = "connect to " .. place }
  local left = math.max(job.give_up - sched.now(), 1)
  local why, code, conn
  -- For the engine, 0 is no limit.
  wait.dialing, why, code = dial(job.engine, place, left < math.huge and left or 0, function(...)
    sched.wake(task, ...)
  end, { decoder = decoder, family = job.options.family, recvbuf = stream.RECVBUF })
  if not wait.dialing then
    return nil, why, code
  end
  function job.abort()
    wait.dialing:Cancel()
    sched.wake(task, false, CLOSED, "ESOCKCLOSE")
  end
  conn, why, code = sched.park(wait)
  job.abort = false
  if not conn then
    return nil, why, code
  end
  stream.unless_cancelled(conn.Close, conn)
  return conn
end

--- A connection that leads through a SOCKS proxy, in no engine.
---@async
local function by_socks(job)
  local route = job.route
  local conn, why, code = connect(job)
  if not conn then
    return nil, why, code
  end
  local greeted
  greeted, why, code = stream.new(conn, route.address, nil, "bytes")
  if not greeted then
    return nil, why, code
  end
  local function left()
    return math.max(job.give_up - sched.now(), 0)
  end
  function job.abort()
    greeted:Close(0)
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
local function by_tunnel(job)
  local route = job.route
  local conn, why, code = connect(job, link.decoder(job.options))
  if not conn then
    return nil, why, code
  end
  local made
  made, why, code = link.over(job.engine, conn, route)
  if not made then
    return nil, why, code
  end
  function job.abort()
    made:Close("ESOCKCLOSE")
  end
  local done
  done, why, code = closing(conn, ask_for_tunnel, made, route, job.give_up)
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

--- A link along the route of a job, `{ engine, route, options, give_up, abort = false }`; or
--- `nil, why, code`. While it waits, `job.abort()` ends that.
---@async
function dialing.open(job)
  local route, options = job.route, job.options
  local done, why, code = check(route)
  if not done then
    return nil, why, code
  end
  local conn
  if route.kind == "socks" then
    conn, why, code = by_socks(job)
  elseif route.kind == "tunnel" then
    conn, why, code = by_tunnel(job)
  else
    conn, why, code = connect(job, link.decoder(options))
  end
  job.abort = false
  if conn and route.is_secure then
    conn, why, code = secure.open(conn, route.host, options, job.give_up)
  end
  if not conn then
    return nil, why, code
  elseif route.kind == "socks" or route.kind == "tunnel" then
    native.http.switch(conn, link.decoder(options))
  end
  return link.over(job.engine, conn, route)
end

return dialing
