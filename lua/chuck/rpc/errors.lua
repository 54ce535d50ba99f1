--- Why calls fail: the codes of `chuck.rpc` in one table.
---
--- Codes are names as in `chuck.error`, so that programs know most of them already.

local check = require("chuck.support.check")
local sched = require("chuck.co.sched")

local errors = {}

--- What each code means. Those that a peer may answer with are marked.
errors.MEANING = {
  ETIMEDOUT = "no answer in time",
  ESOCKCLOSE = "the connection is closed, by this side or by the other, or has broken",
  ECONNREFUSED = "nobody to connect to",
  EACCES = "the other side refuses the call",
  ENOSYS = "there is no such service",
  EREMOTE = "the service has raised an error",
  ECANCELED = "the call was cancelled",
  EBUSY = "too many calls are under way",
  EMSGSIZE = "the message is too large",
  EINVAL = "a service of streams was called, or something else that cannot be",
  EBADMSG = "a message that makes no sense: the connection is closed",
  EPROTO = "the other side speaks another version: the connection is closed",
  ENOBUFS = "the other side does not read",
  EOF = "the stream has ended in good order",
}

--- Codes that a peer may answer a call with; any other counts as EREMOTE.
errors.ANSWERS = {
  ETIMEDOUT = true,
  ESOCKCLOSE = true,
  EACCES = true,
  ENOSYS = true,
  EREMOTE = true,
  ECANCELED = true,
  EBUSY = true,
  EMSGSIZE = true,
  EINVAL = true,
}

--- Raises at the line that has called into these files, through however many of them.
function errors.blame(message)
  check.blame("rpc", message)
end

--- Raises outside of tasks: there is no scope that anything could live in.
function errors.expect_task(name)
  if not sched.current() then
    errors.blame(("'%s' is for tasks: use it inside of co.run or co.spawn"):format(name))
  end
end

--- Raises for an argument, at the line that has called into these files.
function errors.raise(method, n, message)
  errors.blame(("bad argument #%d to '%s' (%s)"):format(n, method, message))
end

--- As `raise`, at a level: 1 is this function, 2 its caller.
function errors.raise_at(level, method, n, message)
  error(("bad argument #%d to '%s' (%s)"):format(n, method, message), level)
end

--- Whether a value of a peer is a number from `least` on, which NaN is not.
function errors.is_at_least(least, value)
  return type(value) == "number" and value >= least
end

--- What an error has to say, for people at the other end: no more than `limit` bytes.
function errors.text_of(problem, limit)
  local meta = getmetatable(problem)
  local is_text = type(problem) == "string" or type(problem) == "number"
  if not is_text and not (type(meta) == "table" and meta.__tostring) then
    return ("error object of type %s"):format(type(problem))
  end
  local fine, text = pcall(tostring, problem)
  if not fine or type(text) ~= "string" then
    return "error object without words"
  end
  return text:sub(1, limit)
end

return errors
