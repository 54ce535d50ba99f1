--- Forms as browsers send them, as a whole.
---
---     local form, list = req:Form()
---     print(form.name, form.picture.filename, #form.picture.data)
---
--- What is sent as `application/x-www-form-urlencoded` is text; in `multipart/form-data` files are
--- tables. Large files are for `req:Multipart`, which does not keep them in memory.

local check = require("chuck.support.check")
local multipart = require("chuck.http.server.multipart")
local native = require("chuck.native")

--- Bytes of a body that a form has, unless the handler allows more.
local MOST = 1048576

--- Fields of a form.
local FIELDS = 1000

--- The first value of each name, and all pairs.
local function by_name(list)
  local form = {}
  for i = #list, 1, -1 do
    form[list[i][1]] = list[i][2]
  end
  return form, list
end

--- The text of a body, decoded.
---@async
local function decode(req, max)
  local text, message, code = req:Body(max)
  if not text then
    return nil, message, code
  end
  local list
  list, message, code = native.web.query(text, FIELDS)
  if not list then
    return nil, message, code
  end
  return by_name(list)
end

--- A part as the value of a field.
---@async
local function value_of(part, left)
  local data, message, code = part:Text(left)
  if not data then
    return nil, message, code
  elseif part.filename then
    return { filename = part.filename, type = part.type, data = data }, #data
  end
  return data, #data
end

--- All parts of a body.
---@async
local function collect(req, max)
  local limits = { max_parts = FIELDS, max_field = max, max_file = max }
  local reader, message, code = multipart.reader(req, limits)
  if not reader then
    return nil, message, code
  end
  local list, left = {}, max
  while true do
    local part
    part, message, code = reader:Next()
    if not part then
      if code then
        return nil, message, code
      end
      return by_name(list)
    end
    local value, size, why = value_of(part, left)
    if not value then
      req:Discard()
      return nil, size, why
    end
    left = left - size
    list[#list + 1] = { part.name, value }
  end
end

--- The fields of a form by name, and a list of all pairs; or nil, message, code.
---@async
local function form(req, max)
  if max ~= nil and (type(max) ~= "number" or max < 0) then
    check.blame("http", "bad argument #1 to 'Form' (count expected, got " .. tostring(max) .. ")")
  end
  local kind = native.web.media_type(req:Header("content-type") or "")
  if kind == "application/x-www-form-urlencoded" then
    return decode(req, max or MOST)
  elseif kind == "multipart/form-data" then
    return collect(req, max or MOST)
  end
  return nil, "the body is no form: " .. tostring(kind or "it has no type"), "EINVAL"
end

return form
