--- The addresses of a host.
---
---     local addresses, message, code = io.resolve("example.org", { timeout_ms = 2000 })

local check = require("chuck.support.check")
local native = require("chuck.native")
local sched = require("chuck.co.sched")
local stream = require("chuck.io.stream")

local OPTIONS = { cache = "boolean", family = "string", timeout_ms = "milliseconds" }

local function cancel(self)
  self.query:Cancel()
end

--- Resolves a host. Parks until there is an answer.
--- @async
--- @return string[]? addresses
--- @return string? message
--- @return string? code
local function resolve(host, options)
  check.type("resolve", 1, host, "string")
  check.options("resolve", 2, options, OPTIONS)
  local family = options and options.family
  if family and family ~= "inet" and family ~= "inet6" then
    stream.blame('bad argument #2 to \'resolve\' (option family: "inet" or "inet6" expected)')
  end
  local engine = stream.engine_for("resolve")
  local task = sched.parking()
  local question = { query = false, Leave = cancel, what = "addresses of " .. host }
  local message, code
  question.query, message, code = native.resolver.resolve(engine, host, function(found, why, name)
    sched.wake(task, found or false, why, name)
  end, options)
  if not question.query then
    return nil, message, code
  end
  local found
  found, message, code = sched.park(question)
  if found then
    return found
  end
  return nil, message, code
end

return resolve
