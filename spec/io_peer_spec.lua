--- Streams and peers that we did not write: Python, curl, nc; and peers that mean harm.
local chuck = require("chuck")
local net = require("spec.helper.net")
local tasks = require("spec.helper.tasks")

local co, io = chuck.co, chuck.io
local spec = tasks.spec

local function has(program)
  local pipe = assert(rawget(_G, "io").popen("command -v " .. program))
  local found = pipe:read("*l")
  pipe:close()
  return found ~= nil
end

local function port_of(listener)
  return listener:GetSockAddr():match("%d+$")
end

local function listen(handler, options)
  return tasks.own(assert(io.listen("127.0.0.1:0", handler, options)))
end

local PYTHON_CLIENT = [[
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
f = s.makefile("rwb")
for i in range(1000):
    f.write(b"line %d\r\n" % i)
f.flush()
for i in range(1000):
    assert f.readline() == b"LINE %d\n" % i, i
s.sendall(b"x" * 1000000)
s.shutdown(socket.SHUT_WR)
rest = b""
while True:
    piece = s.recv(65536)
    if not piece:
        break
    rest += piece
assert rest == b"1000000 bytes", rest
print("fine")
]]

local PYTHON_SERVER = [[
import socket, sys
l = socket.socket()
l.bind(("127.0.0.1", 0))
l.listen(5)
print(l.getsockname()[1], flush=True)
s, _ = l.accept()
data = b""
while True:
    piece = s.recv(65536)
    if not piece:
        break
    data += piece
s.sendall(data[::-1])
s.close()
]]

--- It answers when nobody has read what it was sent, and closes: the kernel resets the connection.
local PYTHON_REFUSAL = [[
import socket
l = socket.socket()
l.bind(("127.0.0.1", 0))
l.listen(5)
print(l.getsockname()[1], flush=True)
s, _ = l.accept()
s.recv(1)
print("go", flush=True)
s.sendall(b"413 too large\n")
s.close()
print("gone", flush=True)
]]

local has_python, has_curl, has_nc = has("python3"), has("curl"), has("nc")

local function when(is_there, name, body)
  if is_there then
    it(name, spec(body))
  else
    pending(name .. ", where there is such a program")
  end
end

describe("a stream", function()
  when(has_python, "serves a client of Python that ends its side first", function()
    local listener = listen(function(stream)
      for _ = 1, 1000 do
        stream:Write(assert(stream:ReadLine()):upper(), "\n")
      end
      stream:Write(#stream:ReadAll() .. " bytes")
    end)
    local program = assert(io.popen({ "python3", "-c", PYTHON_CLIENT, port_of(listener) }))
    assert.are.equal("fine", program:ReadLine())
    assert.are.equal(0, program:Wait())
  end)

  when(has_python, "is served by a server of Python", function()
    local program = assert(io.popen({ "python3", "-c", PYTHON_SERVER }))
    local stream = tasks.own(assert(io.connect("127.0.0.1:" .. program:ReadLine())))
    local text = net.pattern(2000000)
    co.spawn(function()
      stream:Write(text)
      stream:Shutdown()
    end)
    net.assert_same_bytes(text:reverse(), assert(stream:ReadAll()))
    assert.are.equal(0, program:Wait())
  end)

  when(has_python, "can still be read when the peer has refused what is being written", function()
    local program = assert(io.popen({ "python3", "-c", PYTHON_REFUSAL }))
    local stream = tasks.own(assert(io.connect("127.0.0.1:" .. program:ReadLine())))
    stream:Write(("x"):rep(20000000))
    assert.are.equal("go", program:ReadLine())
    -- Answer and reset have come when the loop looks again.
    local give_up = chuck.systick() + 200
    while chuck.systick() < give_up do
    end
    assert.are.equal("413 too large", stream:ReadLine(nil, 5000))
    local code = select(3, stream:ReadLine(nil, 5000))
    assert.is_true(code == "ECONNRESET" or code == "EPIPE")
    program:ReadAll()
    assert.are.equal(0, program:Wait())
  end)

  when(has_curl, "is enough to answer curl", function()
    local listener = listen(function(stream)
      local head = stream:ReadUntil("\r\n\r\n", 8192, 5000)
      local length = tonumber(head:match("[Cc]ontent%-[Ll]ength: (%d+)"))
      local body = stream:Read(length):reverse()
      stream:Write("HTTP/1.1 200 OK\r\nContent-Length: ", tostring(#body), "\r\n\r\n", body)
    end)
    local url = "http://127.0.0.1:" .. port_of(listener) .. "/"
    local program = assert(io.popen({ "curl", "-s", "-d", "hello", url }))
    assert.are.equal("olleh", program:ReadAll())
    assert.are.equal(0, program:Wait())
  end)

  when(has_nc, "talks to nc", function()
    local listener = listen(function(stream)
      stream:Write("hello ", stream:ReadLine(), "\n")
    end)
    local program = assert(io.popen({ "nc", "127.0.0.1", port_of(listener) }))
    program:Write("nc\n")
    assert.are.equal("hello nc", program:ReadLine())
    program:Shutdown()
    program:Close(1000)
    program:Wait()
  end)
end)

describe("a server", function()
  it(
    "is not held up by peers that say nothing, or half of it",
    spec(function()
      local served = 0
      local listener = listen(function(stream)
        local line, _, code = stream:ReadLine(100, 30)
        if not line then
          stream:Write(code)
          return
        end
        served = served + 1
        stream:Write(line)
      end)
      local streams = {}
      for i = 1, 20 do
        streams[i] = tasks.own(assert(io.connect(listener:GetSockAddr())))
        streams[i]:Write(i % 2 == 0 and "half" or "")
      end
      local good = tasks.own(assert(io.connect(listener:GetSockAddr())))
      good:Write("good\n")
      assert.are.equal("good", good:ReadAll())
      for i = 1, 20 do
        assert.are.equal("ETIMEDOUT", streams[i]:ReadAll())
      end
      assert.are.equal(1, served)
    end)
  )

  it(
    "survives peers that reset at every moment",
    spec(function()
      local began, ended = 0, 0
      local listener = listen(function(stream)
        began = began + 1
        while true do
          local line = stream:ReadLine()
          if not line or not stream:Write(("x"):rep(100000)) then
            break
          end
        end
        ended = ended + 1
      end)
      for i = 1, 60 do
        local stream = assert(io.connect(listener:GetSockAddr()))
        for _ = 1, i % 4 do
          stream:Write("line\n")
        end
        if i % 3 == 0 then
          co.sleep(i % 5)
        elseif i % 3 == 1 then
          stream:ReadSome(nil, 2)
        end
        stream:Close(0)
      end
      tasks.wait("the handlers", function()
        return began >= 60 and ended == began
      end)
      listener:Close(2000)
    end)
  )

  it(
    "does not grow by a peer that sends without end, nor by one that never reads",
    spec(function()
      local most = 0
      local listener = listen(function(stream)
        assert.are.equal("EMSGSIZE", select(3, stream:ReadLine(1000)))
        most = math.max(most, stream.size)
        co.sleep(30)
        most = math.max(most, stream.size)
        -- Nobody reads this.
        local _, _, code = stream:Write(("y"):rep(1000000))
        for _ = 1, 100 do
          _, _, code = stream:Write(("y"):rep(1000000), 10)
          if code then
            break
          end
        end
        assert.are.equal("ETIMEDOUT", code)
        stream:Close(0)
      end)
      local stream = tasks.own(assert(io.connect(listener:GetSockAddr(), { read_ahead = 1000 })))
      co.spawn(function()
        while stream:Write(("x"):rep(100000)) do
          co.yield()
        end
      end)
      tasks.wait("its end", function()
        return listener:Connections() == 0 and most > 0
      end)
      assert.is_true(most < 64 * 1024 + 2 * 256 * 1024)
    end)
  )
end)
