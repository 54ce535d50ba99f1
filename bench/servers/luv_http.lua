--- luv: HTTP by hand, as one writes it who needs it once: the head taken apart into a table.
---
---     GET /hello      "hello"
---     GET /large      64 KiB
---     POST /post      the number of bytes that came

local host = require("luv_host")

local LARGE = ("hello"):rep(13108):sub(1, 65536)
local ANSWER =
  "HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"

local second, date

--- The date is made once a second.
local function today()
  local now = os.time()
  if now ~= second then
    second, date = now, os.date("!%a, %d %b %Y %H:%M:%S GMT", now)
  end
  return date
end

local function body_for(target, body)
  if target == "/hello" then
    return "hello"
  end
  return target == "/large" and LARGE or tostring(#body)
end

--- Method, target, fields and body of the request at `from`, and where the next one begins.
local function parse(input, from)
  local first, last = input:find("\r\n\r\n", from, true)
  if not first then
    return nil
  end
  local method, target, at = input:match("^(%u+) (%S+) HTTP/1%.1\r\n()", from)
  local fields = {}
  for name, value in input:sub(at, first + 1):gmatch("([^:\r\n]+):[ \t]*([^\r\n]*)\r\n") do
    fields[name:lower()] = value
  end
  local size = tonumber(fields["content-length"] or 0)
  if #input < last + size then
    return nil
  end
  return method, target, fields, input:sub(last + 1, last + size), last + size + 1
end

host.serve(function(stream)
  local input = ""
  stream:read_start(function(_, chunk)
    if not chunk then
      stream:close()
      return
    end
    input = input == "" and chunk or input .. chunk
    local from, answers = 1, {}
    while true do
      local _, target, fields, body, after = parse(input, from)
      if not target then
        break
      end
      local text = body_for(target, body)
      answers[#answers + 1] = ANSWER:format(today(), #text, text)
      from = after
      if fields.connection == "close" then
        break
      end
    end
    input = input:sub(from)
    if #answers > 0 then
      stream:write(answers)
    end
  end)
end)
