--- Where the parts of a body go: to files on disk, or to functions.

local native = require("chuck.native")
local sched = require("chuck.co.sched")

local upload = {}

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

--- Reads all parts of a body.
---@async
function upload.collect(reader)
  local form = { fields = {}, files = {}, list = {} }
  local fine, done, message, code = sched.pcall(read_all, reader, form)
  if fine and done then
    return form
  end
  for _, entry in ipairs(form.files) do
    if entry.path then
      os.remove(entry.path)
    end
  end
  if not fine then
    error(done, 0)
  end
  reader.request:Discard()
  return nil, message, code
end

return upload
