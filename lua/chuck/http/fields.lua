--- Fields of messages: a flat list `{ name, value, name, value, … }` to send, a view of those that
--- came.

local check = require("chuck.support.check")
local native = require("chuck.native")

local find, gsub, lower = string.find, string.gsub, string.lower

local fields = {}

--- Names whose lower case is remembered, and values that were found to be fine, up to a length.
local KNOWN, SHORT = 512, 64

--- What a name is made of (RFC 9110, section 5.6.2).
local TOKEN = "^[%w!#$%%&'*+%-.^_`|~]+$"

local known, count = {}, 0
local fine, fines = {}, 0

--- The lower case of a name; nil when it is none.
local function name_of(name)
  local low = known[name]
  if low then
    return low
  elseif type(name) ~= "string" or not find(name, TOKEN) then
    return nil
  end
  low = lower(name)
  if count < KNOWN then
    count = count + 1
    known[name] = low
  end
  return low
end
fields.name_of = name_of

--- A number as text: a whole one in digits, whatever Lua takes it for.
function fields.digits(n)
  return n % 1 == 0 and math.abs(n) < 2 ^ 53 and ("%.0f"):format(n) or tostring(n)
end

--- A value as text, and the lower case of the name; raises at the line that has called into these
--- files when one of them cannot be sent.
function fields.checked(method, name, value)
  local low = name_of(name)
  if not low then
    local got = type(name) == "string" and ("%q"):format(name) or type(name)
    check.blame(
      "http",
      ("bad argument #1 to '%s' (name of a field expected, got %s)"):format(method, got)
    )
  end
  if type(value) == "number" then
    value = fields.digits(value)
  elseif type(value) ~= "string" then
    local message = "bad argument #2 to '%s' (string expected, got %s)"
    check.blame("http", message:format(method, type(value)))
  end
  if fine[value] then
    return value, low
  elseif find(value, "%c") and find(gsub(value, "\t", ""), "%c") then
    local message = "bad argument #2 to '%s' (a value of %s must not have control characters)"
    check.blame("http", message:format(method, name))
  elseif fines < KNOWN and #value <= SHORT then
    fine[value], fines = true, fines + 1
  end
  return value, low
end

--- The place of a field in a list, from `at` on; nil when it is not there.
local function index_of(list, low, at)
  for i = at or 1, #list, 2 do
    if name_of(list[i]) == low then
      return i
    end
  end
end
fields.index_of = index_of

--- The values of a field, joined; nil when it is not there.
function fields.get(list, low)
  local found
  for i = 1, #list, 2 do
    if name_of(list[i]) == low then
      found = found and found .. ", " .. list[i + 1] or list[i + 1]
    end
  end
  return found
end

--- Takes fields out whose names `is_unwanted(low)`.
function fields.remove(list, is_unwanted)
  local n, size = 0, #list
  for i = 1, size, 2 do
    if not is_unwanted(name_of(list[i])) then
      list[n + 1], list[n + 2] = list[i], list[i + 1]
      n = n + 2
    end
  end
  for i = n + 1, size do
    list[i] = nil
  end
end

local VIEW = {
  __index = function(self, name)
    if type(name) ~= "string" then
      return nil
    end
    local low = lower(name)
    return low ~= name and rawget(self, low) or nil
  end,
}

--- A table of the fields in `head`, lines as they came: by name in lower case, as `pairs` has them,
--- and found in any case; values of repeated ones are joined by ", ".
function fields.view(head)
  local view, list = {}, native.http.fields(head)
  for i = 1, #list do
    local name, value = lower(list[i][1]), list[i][2]
    local before = view[name]
    view[name] = before and before .. ", " .. value or value
  end
  return setmetatable(view, VIEW)
end

return fields
