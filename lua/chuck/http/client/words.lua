--- Why requests fail, in words; and who is to blame for wrong arguments.

local check = require("chuck.support.check")
local native = require("chuck.native")

local errors = native.error

local words = {}

local WORDS = {
  EOF = "the server has closed the connection",
  ESOCKCLOSE = "the client is closed",
  EHTTPPARSE = "the answer is malformed, or cut short",
  EHTTPTOOLARGE = "the answer is larger than its limit",
  ECANCELED = "the request was cancelled",
}

--- What a code means.
function words.of(code)
  return WORDS[code] or errors[code] and errors.strerror(errors[code]) or tostring(code)
end

--- The name of an error number.
function words.code_of(number)
  return number == 0 and "EOF" or errors.name(number) or "EIO"
end

--- Raises at the line that has called into these files, through however many of them.
function words.blame(message)
  check.blame("http", message)
end

--- Raises for argument `n` of `name`.
function words.raise(name, n, message)
  words.blame(("bad argument #%d to '%s' (%s)"):format(n, name, message))
end

--- What a value is, for people.
function words.kind_of(value)
  return type(value) == "number" and tostring(value) or type(value)
end

--- Raises for what a method was not made for.
function words.expect(self, name, metatable)
  if debug.getmetatable(self) ~= metatable then
    local message = "calling '%s' on bad self (%s expected, got %s)"
    words.blame(message:format(name, metatable.__metatable, words.kind_of(self)))
  end
end

--- Raises for a time that is none.
function words.expect_time(name, n, value)
  if value ~= nil and not (type(value) == "number" and value >= 0) then
    words.raise(name, n, "milliseconds expected, got " .. words.kind_of(value))
  end
end

return words
