--- A stream to a name or an address.
---
---     local stream, message, code = io.connect("example.org:80", { timeout_ms = 5000 })

local attempt = require("chuck.io.attempt")
local check = require("chuck.support.check")
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

--- Connects to `addr`. Parks until that has come to an end.
---@async
local function connect(addr, options)
  check.type("connect", 1, addr, "string")
  check.options("connect", 2, options, OPTIONS)
  options = options or NONE
  stream.check_options("connect", 2, options)
  local engine = stream.engine_for("connect")
  local conn, message, code = attempt(engine, addr, options.timeout_ms or TIMEOUT, {
    addresses = options.addresses,
    attempt_delay_ms = options.attempt_delay_ms,
    decoder = options.decoder,
    family = options.family,
    recvbuf = options.recvbuf or stream.RECVBUF,
  })
  if not conn then
    return nil, message, code
  end
  return stream.new(conn, nil, options, stream.kind_of(options.decoder))
end

return connect
