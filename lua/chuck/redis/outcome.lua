--- What a call answers: a value, an error of the server, or no reply at all.
---
---     client:Get("name")      --> "chuck"                                  a value
---     client:Get("nobody")    --> nil                                      the null reply
---     client:LPop("name")     --> nil, "WRONGTYPE …", "WRONGTYPE", err     the server refuses
---     client:Get("name")      --> nil, "…: no reply in 10000 ms", "ETIMEDOUT"
---
--- Codes of the server are its words; codes of chuck are names of `chuck.error`. Only an error of
--- the server has a fourth value. In lists, null is `redis.null` and an error is that value.

local check = require("chuck.support.check")
local native = require("chuck.native")

local ERROR, null = native.redis.ERROR, native.redis.null
local errors = native.error
--- Less than half the price of `getmetatable`, which looks for the name of the class.
local metatable_of = debug.getmetatable

local outcome = { null = null }

--- Whether a value is an error of the server.
local function is_error(value)
  return metatable_of(value) == ERROR
end
outcome.is_error = is_error

--- What a call answers for a reply.
function outcome.of(value)
  if value == null then
    return nil
  elseif is_error(value) then
    return nil, value.message, value.code, value
  end
  return value
end

--- No reply: what was to be done, why not, and the code.
function outcome.none(what, why, code)
  return nil, what .. ": " .. why, code
end

--- The name of an error number.
function outcome.code_of(number)
  return number == 0 and "EOF" or errors.name(number) or "EIO"
end

--- What a code means.
function outcome.words_of(code)
  if code == "EOF" then
    return "the server has closed the connection"
  end
  return errors[code] and errors.strerror(errors[code]) or code
end

--- Raises at the line that has called into these files, through however many of them.
function outcome.blame(message)
  check.blame("redis", message)
end

--- Raises for argument `n` of `name`.
function outcome.raise(name, n, message)
  outcome.blame(("bad argument #%d to '%s' (%s)"):format(n, name, message))
end

--- What a value is, for people.
function outcome.kind_of(value)
  return type(value) == "number" and tostring(value) or type(value)
end

return outcome
