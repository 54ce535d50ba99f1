--- luv: calls by hand, for both sides: frames of JSON with a length in front.
---
---     local write = calls.speak(stream, function(message) ... end)
---     write({ id = 1, name = "add", args = { 1, 2 } })
---
--- What one read has brought is answered in one write, as its users learn to do.

local cjson = require("cjson")

local byte, sub, char = string.byte, string.sub, string.char
local encode, decode = cjson.encode, cjson.decode

local calls = {}

local function frame(message)
  local text = encode(message)
  local size = #text
  return char(
    math.floor(size / 16777216),
    math.floor(size / 65536) % 256,
    math.floor(size / 256) % 256,
    size % 256
  ) .. text
end

--- Where the frame at `pos` begins and ends, without its head; nil when it is not whole.
local function bounds(text, pos)
  local a, b, c, d = byte(text, pos, pos + 3)
  local last = d and pos + 3 + ((a * 256 + b) * 256 + c) * 256 + d
  if last and last <= #text then
    return pos + 4, last
  end
end

--- Calls `on_message` with each message; returns the function that writes one.
function calls.speak(stream, on_message)
  local rest, frames, is_reading = "", {}, false

  local function flush()
    if frames[1] then
      stream:write(frames)
      frames = {}
    end
  end

  stream:read_start(function(_, chunk)
    if not chunk then
      stream:close()
      return
    end
    rest = rest .. chunk
    is_reading = true
    local pos = 1
    local first, last = bounds(rest, pos)
    while first do
      on_message(decode(sub(rest, first, last)))
      pos = last + 1
      first, last = bounds(rest, pos)
    end
    rest = sub(rest, pos)
    is_reading = false
    flush()
  end)

  return function(message)
    frames[#frames + 1] = frame(message)
    if not is_reading then
      flush()
    end
  end
end

return calls
