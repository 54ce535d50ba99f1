--- A stream to a name or an address.
---
---     local stream, message, code = io.connect("example.org:80", { timeout_ms = 5000 })

local check = require("chuck.support.check")
local dial = require("chuck.dial")
local sched = require("chuck.co.sched")
local stream = require("chuck.io.stream")

--- How long a connection may take, in milliseconds, unless told otherwise.
local TIMEOUT = 30000

local OPTIONS = {
  addresses = "list of strings",
  attempt_delay_ms = "positive integer",
  decoder = "decoder",
  family = "string",
  high_water = "positive integer",
  read_ahead = "positive integer",
  recvbuf = "positive integer",
  send_limit = "positive integer",
  timeout_ms = "milliseconds",
}

local NONE = {}

local function cancel(self)
  self.dialing:Cancel()
end

--- Connects to `addr`. Parks until that has come to an end.
---@async
local function connect(addr, options)
  check.type("connect", 1, addr, "string")
  check.options("connect", 2, options, OPTIONS)
  options = options or NONE
  stream.check_options("connect", 2, options)
  local engine = stream.engine_for("connect")
  local task = sched.parking()
  local attempt = { dialing = false, Leave = cancel, what = "connect to " .. addr }
  local message, code, conn
  attempt.dialing, message, code = dial(engine, addr, options.timeout_ms or TIMEOUT, function(...)
    sched.wake(task, ...)
  end, {
    addresses = options.addresses,
    attempt_delay_ms = options.attempt_delay_ms,
    decoder = options.decoder,
    family = options.family,
    recvbuf = options.recvbuf or stream.RECVBUF,
  })
  if not attempt.dialing then
    return nil, message, code
  end
  conn, message, code = sched.park(attempt)
  if not conn then
    return nil, message, code
  end
  stream.unless_cancelled(conn.Close, conn)
  return stream.new(conn, nil, options, stream.kind_of(options.decoder))
end

return connect
