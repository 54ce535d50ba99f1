--- Forms with files, as browsers send them (RFC 7578): `multipart/form-data`.
---
---     multipart = {
---       { name = "title", value = "A holiday" },
---       { name = "photo", path = "/tmp/a.jpg", type = "image/jpeg" },
---       { name = "notes", filename = "notes.txt", content = "…" },
---     }
---
--- Files are read while they are sent. What is read is what was announced: a file that has become
--- shorter meanwhile fails the request.

local limits = require("chuck.http.client.limits")
local native = require("chuck.native")

local parts = {}

--- Names in quotes, as browsers write them (HTML, "multipart form data").
local function quote(text)
  return '"' .. text:gsub('[\r\n"]', { ["\r"] = "%0D", ["\n"] = "%0A", ['"'] = "%22" }) .. '"'
end

--- The size of a file; or `nil, why`.
local function size_of(path)
  local file, why = io.open(path, "rb")
  if not file then
    return nil, why
  end
  local size
  size, why = file:seek("end")
  file:close()
  return size, why
end

--- What stands before the content of a part.
local function head_of(part, boundary)
  local lines = { "--" .. boundary, "Content-Disposition: form-data; name=" .. quote(part.name) }
  local filename = part.filename or part.path and part.path:match("[^/\\]*$")
  if filename then
    lines[2] = lines[2] .. "; filename=" .. quote(filename)
  end
  if part.type or filename then
    lines[3] = "Content-Type: " .. (part.type or "application/octet-stream")
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

--- What is wrong with a part; nil when nothing is.
local function trouble(part)
  if type(part) ~= "table" or type(part.name) ~= "string" then
    return "a table with a name expected"
  end
  local content = part.value or part.content
  if type(part.path) ~= "string" and type(content) ~= "string" and type(content) ~= "number" then
    return "one of value, content and path expected, a string"
  elseif part.type and (type(part.type) ~= "string" or part.type:find("%c")) then
    return "type: a media type expected"
  elseif part.filename and type(part.filename) ~= "string" then
    return "filename: string expected"
  end
end

--- Parts as a list, also from names with values.
local function list_of(given)
  if #given > 0 then
    return given
  end
  local names, list = {}, {}
  for name in pairs(given) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  for i, name in ipairs(names) do
    list[i] = { name = name, value = given[name] }
  end
  return list
end

--- A function that reads what stands in `segments`: texts, and files as `{ path, size }`.
local function reader(segments)
  local at, file, left = 1, nil, 0
  local function read()
    local segment = segments[at]
    if not segment then
      return nil
    elseif type(segment) == "string" then
      at = at + 1
      return segment
    elseif not file then
      local why
      file, why = io.open(segment.path, "rb")
      if not file then
        return nil, why, "ENOENT"
      end
      left = segment.size
    end
    local piece = left > 0 and file:read(math.min(left, limits.piece))
    if piece then
      left = left - #piece
      return piece
    end
    file:close()
    file, at = nil, at + 1
    if left > 0 then
      return nil, segment.path .. " has become shorter", "EIO"
    end
    return read()
  end
  return read
end

--- The body for parts; or `false, why`.
function parts.source(given)
  local boundary = "chuck-" .. native.web.base64(native.web.random(18), "url")
  local segments, size = {}, 0
  local function add(text)
    local last = #segments
    if type(segments[last]) == "string" then
      segments[last] = segments[last] .. text
    else
      segments[last + 1] = text
    end
    size = size + #text
  end
  for i, part in ipairs(list_of(given)) do
    local wrong = trouble(part)
    if wrong then
      return false, ("option multipart: part %d: %s"):format(i, wrong)
    end
    add((i > 1 and "\r\n" or "") .. head_of(part, boundary))
    if part.path then
      local length, why = size_of(part.path)
      if not length then
        return false, "option multipart: " .. why, "ENOENT"
      end
      segments[#segments + 1] = { path = part.path, size = length }
      size = size + length
    else
      add(tostring(part.value or part.content))
    end
  end
  add((#segments > 0 and "\r\n" or "") .. "--" .. boundary .. "--\r\n")
  return {
    size = size,
    type = "multipart/form-data; boundary=" .. boundary,
    is_repeatable = true,
    open = function()
      return reader(segments)
    end,
  }
end

return parts
