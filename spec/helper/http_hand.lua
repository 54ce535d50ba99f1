--- Servers of HTTP by hand: they say byte for byte what a spec wants, true or not.
---
---     local server = hand.serve(function(stream, request)
---       stream:Write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
---     end)
---     http.get(server.url .. "/path")
---     server.requests[1].line                         --> GET /path HTTP/1.1
---
--- The handler is called for each request of a connection, which is read to its end before. It ends
--- the connection by returning "close". With `reads_body = false` it reads the body itself.
local chuck = require("chuck")
local tasks = require("spec.helper.tasks")

local co, io = chuck.co, chuck.io

local hand = {}

--- The body in chunks, put together.
local function read_chunks(stream)
  local parts = {}
  while true do
    local line = stream:ReadLine()
    local size = line and tonumber(line:match("^%x+"), 16)
    if not size then
      return nil
    elseif size == 0 then
      local trailers = {}
      local field = stream:ReadLine()
      while field and field ~= "" do
        trailers[#trailers + 1] = field
        field = stream:ReadLine()
      end
      return table.concat(parts), trailers
    end
    parts[#parts + 1] = stream:Read(size)
    stream:ReadLine()
  end
end

--- The next request of a connection: `line`, `method`, `target`, `fields` (small letters), `body`,
--- `trailers`; nil at its end.
function hand.read(stream, reads_body)
  local head = stream:ReadUntil("\r\n\r\n", 1024 * 1024)
  if not head then
    return nil
  end
  local request = { head = head, line = head:match("^[^\r]*"), fields = {}, body = "" }
  request.method, request.target = request.line:match("^(%S+) (%S+)")
  for name, value in (head .. "\r\n"):gmatch("\n([^:\r\n]+): *([^\r\n]*)") do
    local before = request.fields[name:lower()]
    request.fields[name:lower()] = before and before .. ", " .. value or value
  end
  if reads_body ~= false then
    hand.read_body(stream, request)
  end
  return request
end

--- Reads the body of a request.
function hand.read_body(stream, request)
  local size = tonumber(request.fields["content-length"])
  if request.fields["transfer-encoding"] then
    request.body, request.trailers = read_chunks(stream)
  elseif size then
    request.body = stream:Read(size)
  end
  return request.body
end

--- A whole answer.
function hand.answer(status, fields, body)
  local lines = { ("HTTP/1.1 %d Words"):format(status) }
  for _, field in ipairs(fields or {}) do
    lines[#lines + 1] = field
  end
  lines[#lines + 1] = "Content-Length: " .. #(body or "")
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end

--- A server that calls `handler(stream, request, server)`: `url`, `port`, `requests`, `opened` (how
--- many connections have come), and `open` (how many there are).
function hand.serve(handler, options)
  options = options or {}
  local server = { requests = {}, opened = 0, open = 0 }
  server.listener = assert(io.listen("127.0.0.1:0", function(stream)
    server.opened = server.opened + 1
    server.open = server.open + 1
    local fine, problem = co.pcall(function()
      local request = hand.read(stream, options.reads_body)
      while request do
        server.requests[#server.requests + 1] = request
        if handler(stream, request, server) == "close" then
          return
        end
        request = hand.read(stream, options.reads_body)
      end
    end)
    server.open = server.open - 1
    if not fine then
      error(problem, 0)
    end
  end, { linger_ms = 200 }))
  server.address = server.listener:GetSockAddr()
  server.port = tonumber(server.address:match("%d+$"))
  server.url = "http://" .. server.address
  function server.Close()
    server.listener:Close(0)
  end
  return tasks.own(server)
end

--- A server that answers every request with the same bytes, and then closes if it is told to.
function hand.say(bytes, closes)
  return hand.serve(function(stream)
    stream:Write(bytes)
    return closes and "close" or nil
  end)
end

--- A client with short times, closed with the spec.
function hand.client(options)
  return tasks.own(chuck.http.client(options))
end

return hand
