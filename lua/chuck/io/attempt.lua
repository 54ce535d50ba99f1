--- A connection to an address, in a task, before anything is built around it.

local dial = require("chuck.dial")
local sched = require("chuck.co.sched")
local stream = require("chuck.io.stream")

local function cancel(self)
  self.dialing:Cancel()
end

--- Dials `addr` and parks until that has come to an end: a connection that is in no engine, or
--- `nil, message, code`.
---@async
local function attempt(engine, addr, timeout_ms, options)
  local task = sched.parking()
  local wait = { dialing = false, Leave = cancel, what = "connect to " .. addr }
  local message, code, conn
  wait.dialing, message, code = dial(engine, addr, timeout_ms, function(...)
    sched.wake(task, ...)
  end, options)
  if not wait.dialing then
    return nil, message, code
  end
  conn, message, code = sched.park(wait)
  if not conn then
    return nil, message, code
  end
  stream.unless_cancelled(conn.Close, conn)
  return conn
end

return attempt
