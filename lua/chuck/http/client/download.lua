--- A body that goes to a file, which has its name once it is whole.

local sched = require("chuck.co.sched")

local download = {}

--- Copies what `response` still has to say into a file: the number of bytes, or `nil, message,
--- code`.
---@async
local function copy(response, file)
  local size = 0
  while true do
    local piece, message, code = response:Read()
    if not piece then
      if message then
        return nil, message, code
      end
      return size
    end
    local written, why = file:write(piece)
    if not written then
      return nil, why, "EIO"
    end
    size = size + #piece
  end
end

--- As `response:SaveTo`.
---@async
function download.save(response, path)
  local part = path .. ".part"
  local file, why = io.open(part, "wb")
  if not file then
    response:Close()
    return nil, why, "EACCES"
  end
  local fine, size, message, code = sched.pcall(copy, response, file)
  local closed, trouble = file:close()
  if not fine or not size or not closed then
    response:Close()
    os.remove(part)
  end
  if not fine then
    error(size, 0)
  elseif not size then
    return nil, message, code
  elseif not closed then
    return nil, trouble, "EIO"
  end
  local renamed
  renamed, trouble = os.rename(part, path)
  if not renamed then
    os.remove(part)
    return nil, trouble, "EACCES"
  end
  return size
end

return download
