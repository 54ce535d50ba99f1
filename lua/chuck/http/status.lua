--- Statuses, dates, and errors that stand for an answer.
---
---     error(http.error(404, "no such user"))      -- in a handler: the client gets that

local check = require("chuck.support.check")
local native = require("chuck.native")

local checked = require("chuck.http.fields").checked

local status = {
  --- The words of a status, or nil.
  reason = native.http.reason,
  --- "Sun, 06 Nov 1994 08:49:37 GMT": of a time in seconds, or of now.
  date = native.http.date,
}

---@class chuck.HttpError
---@field status integer
---@field message string
---@field fields table|false
local Problem = {}

local METATABLE = {
  __index = Problem,
  __metatable = "http.error",
  __tostring = function(self)
    return ("%d %s"):format(self.status, self.message)
  end,
}

--- An error that a handler raises to answer with a status. `fields` are set in the answer.
function status.error(code, message, fields)
  check.type("error", 1, code, "positive integer")
  if code < 400 or code > 599 then
    error(("bad argument #1 to 'error' (400 to 599 expected, got %d)"):format(code), 2)
  end
  check.message("error", 2, message)
  if fields ~= nil then
    check.type("error", 3, fields, "table")
    for name, value in pairs(fields) do
      checked("error", name, value)
    end
  end
  local words = message or status.reason(code) or "error"
  return setmetatable({ status = code, message = words, fields = fields or false }, METATABLE)
end

--- Whether an error is one of these.
function status.is_error(value)
  return getmetatable(value) == "http.error"
end

return status
