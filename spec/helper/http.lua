--- Raw clients for specs of HTTP servers: what is sent and received is seen byte by byte.
---
---     local server = http.serve(function(req, res) res:Text("hello") end)
---     local client = http.connect(server)
---     client:Write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
---     assert.are.equal("hello", http.read(client).body)
local assert = require("luassert")
local chuck = require("chuck")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local io = chuck.io

local http = {}

--- How long a spec waits for anything, in milliseconds.
http.PATIENCE = tasks.DEADLINE / 2

--- A server on loopback that is closed at the end of the spec.
function http.serve(handler, options)
  return tasks.own(assert(chuck.http.serve("127.0.0.1:0", handler, options)))
end

--- A stream to a server, without any HTTP.
function http.connect(server)
  return tasks.own(assert(io.connect(server:GetSockAddr(), { timeout_ms = http.PATIENCE })))
end

--- A stream whose `Close(0)` resets the connection.
function http.connect_rudely(server)
  local ip, port = server:GetSockAddr():match("^(.*):(%d+)$")
  local fd = net.socket()
  assert.are.equal(0, chuck.socket_helper.connect(fd, ip, tonumber(port)))
  assert.are.equal(0, chuck.socket_helper.linger(fd, 0))
  return tasks.own(assert(io.stream(assert(chuck.connection(fd, 65536)))))
end

--- A request as text: `http.text("GET / HTTP/1.1", "Host: a")`, with a body behind when the last
--- argument is `{ body }`.
function http.text(...)
  local lines = { ... }
  local body = ""
  if type(lines[#lines]) == "table" then
    body = table.remove(lines)[1]
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

--- A GET for a path, with more fields.
function http.get(path, ...)
  return http.text("GET " .. path .. " HTTP/1.1", "Host: a", ...)
end

--- A POST with a body of a known length.
function http.post(path, body, ...)
  local length = "Content-Length: " .. #body
  local fields = { "POST " .. path .. " HTTP/1.1", "Host: a", length, ... }
  fields[#fields + 1] = { body }
  return http.text((table.unpack or unpack)(fields))
end

local function read_chunks(stream)
  local parts = {}
  while true do
    local line, message, code = stream:ReadLine(nil, http.PATIENCE)
    if not line then
      return nil, message, code
    end
    local size = tonumber(line:match("^%x+"), 16)
    if size == 0 then
      break
    end
    local piece
    piece, message, code = stream:Read(size, http.PATIENCE)
    if not piece then
      return nil, message, code
    end
    parts[#parts + 1] = piece
    stream:ReadLine(nil, http.PATIENCE)
  end
  local trailers = {}
  while true do
    local line = stream:ReadLine(nil, http.PATIENCE)
    if line == "" or not line then
      break
    end
    trailers[#trailers + 1] = line
  end
  return table.concat(parts), trailers
end

--- Reads a response: `version`, `status`, `reason`, `fields` by lower case, `lines`, `body`,
--- `trailers`; or nil, message, code. The answer to HEAD has no body.
function http.read(stream, is_head)
  local first, message, code = stream:ReadLine(nil, http.PATIENCE)
  if not first then
    return nil, message, code
  end
  local answer = { fields = {}, lines = {}, body = "" }
  answer.version, answer.status, answer.reason = first:match("^HTTP/(%d%.%d) (%d%d%d) ?(.*)$")
  answer.status = assert(tonumber(answer.status), "no response: " .. first)
  while true do
    local line = assert(stream:ReadLine(nil, http.PATIENCE))
    if line == "" then
      break
    end
    local name, value = line:match("^([^:]+): ?(.*)$")
    answer.lines[#answer.lines + 1] = line
    answer.fields[name:lower()] = value
  end
  local fields = answer.fields
  if is_head or answer.status < 200 or answer.status == 204 or answer.status == 304 then
    return answer
  elseif fields["transfer-encoding"] == "chunked" then
    answer.body, answer.trailers, code = read_chunks(stream)
    if not answer.body then
      return nil, answer.trailers, code
    end
  elseif fields["content-length"] then
    local length = tonumber(fields["content-length"])
    answer.body = length == 0 and "" or assert(stream:Read(length, http.PATIENCE))
  else
    answer.body = stream:ReadAll(nil, http.PATIENCE) or ""
  end
  return answer
end

--- Sends a text over a connection of its own and reads the answer; also returns the stream.
function http.ask(server, text, is_head)
  local client = http.connect(server)
  assert(client:Write(text))
  local answer, message = http.read(client, is_head)
  assert(answer, message)
  return answer, client
end

--- Claims that the server ends the connection, and sends nothing more.
function http.assert_end(client)
  local piece, _, code = client:ReadSome(nil, http.PATIENCE)
  assert.is_nil(piece)
  assert(code == "EOF" or code == "ECONNRESET" or code == "EPIPE", tostring(code))
end

return http
