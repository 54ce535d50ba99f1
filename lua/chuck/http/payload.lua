--- What a request carries: text, a function that makes pieces, a stream, another message, a form,
--- JSON, files.
---
--- ```text
---   source = { size, text, type, open() -> read() -> piece | nil, is_repeatable }
--- ```
---
--- `size` is nil when nobody knows it: then the body goes in chunks. A source that is not
--- repeatable can be opened once: a request with it is neither tried again nor sent elsewhere.

local native = require("chuck.native")
local sched = require("chuck.co.sched")

local payload = {}

--- A name that nobody has and nobody guesses.
local function new_name()
  return "upload-"
    .. native.web.random(16):gsub(".", function(byte)
      return ("%02x"):format(byte:byte())
    end)
end

--- A file that was not there before.
local function create(path)
  local there = io.open(path, "rb")
  if there then
    there:close()
    return nil, path .. ": there is such a file", "EEXIST"
  end
  local file, message = io.open(path, "wb")
  if not file then
    return nil, message, "EIO"
  end
  return file
end

--- Writes the rest of a part to an open file.
---@async
local function write_part(part, file)
  while true do
    local piece, message, code = part:Read()
    if not piece then
      if code then
        return nil, message, code
      end
      break
    end
    local done
    done, message = file:write(piece)
    if not done then
      return nil, message, "EIO"
    end
  end
  return part.size
end

--- Writes the rest of a part to a new file.
---@async
function upload.save(part, path)
  local file, problem, why = create(path)
  if not file then
    return nil, problem, why
  end
  -- Also when the task is cancelled, the file is closed and removed.
  local fine, size, message, code = sched.pcall(write_part, part, file)
  local closed, text = file:close()
  if fine and size and closed then
    return size
  end
  os.remove(path)
  if not fine then
    error(size, 0)
  end
  return nil, message or text, code or "EIO"
end

--- What becomes of a part with a file name.
---@async
local function take_file(reader, part)
  if reader.on_file then
    local result, message, code = reader.on_file(part)
    if result == nil and message then
      return nil, message, code or "ECANCELED"
    end
    return { result = result }
  elseif reader.folder then
    local path = reader.folder .. "/" .. new_name()
    local size, message, code = upload.save(part, path)
    if not size then
      return nil, message, code
    end
    return { path = path }
  end
  return nil, "the body has a file, and there is no folder for it", "EINVAL"
end

--- Reads a part: its entry in the list.
---@async
local function take(reader, part)
  local entry, message, code
  if part.filename then
    entry, message, code = take_file(reader, part)
  else
    local value
    value, message, code = part:Text()
    entry = value and { value = value }
  end
  if not entry then
    return nil, message, code
  end
  entry.name, entry.filename, entry.type = part.name, part.filename, part.type
  entry.size = part.size
  return entry
end

local function read_all(reader, form)
  while true do
    local part, message, code = reader:Next()
    if not part then
      return not code, message, code
    end
    local entry
    entry, message, code = take(reader, part)
    if not entry then
      return false, message, code
    end
    form.list[#form.list + 1] = entry
    if entry.filename then
      form.files[#form.files + 1] = entry
    elseif form.fields[entry.name] == nil then
      form.fields[entry.name] = entry.value
    end
  end
end

--- A source of a text that is there.
function payload.of_text(text, kind)
  return {
    size = #text,
    text = #text <= limits.high_water and text or nil,
    type = kind or false,
    is_repeatable = true,
    open = function()
      return text_reader(text)
    end,
  }
end

--- A source that can be read once, by `read`.
local function of_function(read, size)
  return {
    size = size,
    type = false,
    is_repeatable = false,
    open = function()
      return read
    end,
  }
end

--- What a stream of `chuck.io` sends, up to its end.
local function stream_reader(stream)
  return function()
    local piece, why, code = stream:ReadSome(limits.piece)
    if not piece and code ~= "EOF" then
      return nil, why, code
    end
    return piece
  end
end

--- What an object has to say whose `Read` answers a piece, nil at the end, or `nil, message, code`:
--- a response, or a request of a server.
local function object_reader(object)
  return function()
    return object:Read()
  end
end

--- The source that options of a request name; nil when there is none; or `false, why`.
function payload.of(options)
  local body = options.body
  if options.json ~= nil then
    local text, why = native.json.encode(options.json)
    if not text then
      return false, "option json: " .. tostring(why)
    end
    return payload.of_text(text, "application/json")
  elseif options.form then
    return payload.of_text(urls.encode(options.form), "application/x-www-form-urlencoded")
  elseif options.multipart then
    return parts.source(options.multipart)
  elseif type(body) == "string" then
    return payload.of_text(body)
  elseif type(body) == "function" then
    return of_function(body, options.length)
  elseif body ~= nil then
    local reader = getmetatable(body) == "stream" and stream_reader or object_reader
    return of_function(reader(body), options.length)
  end
  if not fine then
    error(done, 0)
  end
  reader.request:Discard()
  return nil, message, code
end

return payload
