--- What the specs of packets, engines, timers and signals share: loopback pairs, bytes as they
--- travel, and programs run by the same Lua.
local lfs = require("lfs")

local chuck = require("chuck")

local helper = chuck.socket_helper

local check = {}

--- No spec waits longer for an event, in milliseconds.
check.DEADLINE = 5000

check.unpack = rawget(_G, "unpack") or rawget(table, "unpack")

--- Integers of 64 bits beside doubles: Lua 5.3 and later.
check.has_integers = rawget(math, "type") ~= nil

--- Runs until something stops the engine; fails when nothing does in time.
function check.run(engine)
  local stopped = true
  local late = chuck.RegTimer(engine, check.DEADLINE, function()
    stopped = false
    engine:Stop()
    return -1
  end)
  local result = engine:Run()
  late:UnRegister()
  assert(stopped, "nothing stopped the engine in time")
  return result
end

--- Runs `engine` until `is_done()`; fails when it never is.
function check.run_until(engine, is_done)
  local give_up = chuck.systick() + check.DEADLINE
  while not is_done() do
    assert(chuck.systick() < give_up, "it did not happen in time")
    engine:Run(1)
  end
end

--- A new TCP socket.
function check.socket()
  local fd = helper.socket(helper.AF_INET, helper.SOCK_STREAM, helper.IPPROTO_TCP)
  assert(fd >= 0, "no socket")
  return fd
end

--- A listening socket on a free port of loopback, and the port.
function check.listener()
  local fd = check.socket()
  assert(helper.listen(fd, "127.0.0.1", 0) == 0)
  return fd, tonumber(helper.getsockname(fd):match(":(%d+)$"))
end

--- The two ends of a connection over loopback, as descriptors.
function check.pair()
  local engine = chuck.engine()
  local listener, port = check.listener()
  local near, far = check.socket(), nil
  chuck.acceptor(listener):Add2Engine(engine, function(fd)
    far = far or (fd >= 0 and fd) or nil
    engine:Stop()
  end)
  assert(helper.connect(near, "127.0.0.1", port) == 0)
  check.run(engine)
  engine:Close()
  return near, far
end

--- Every byte that arrives when `packets` are sent in order and the stream is ended.
function check.bytes_of(...)
  local engine = chuck.engine()
  local near, far = check.pair()
  local received = {}
  far = chuck.connection(far, 65536)
  local ended
  far:Add2Engine(engine, function(_, packet, code)
    if packet then
      received[#received + 1] = packet:ReadBin()
    else
      ended = ended or code
      engine:Stop()
    end
  end)
  near = chuck.connection(near, 65536)
  near:Add2Engine(engine, function() end)
  for n = 1, select("#", ...) do
    assert(near:Send((select(n, ...))) == 0)
  end
  near:ShutdownWrite()
  check.run(engine)
  engine:Close()
  assert(ended == 0, "the stream did not end in order")
  return table.concat(received)
end

--- Sends `chunks` one after the other, each when the one before was read, to a connection with
--- `decoder`. Lists what it tells: a packet, or an error number.
function check.decode(decoder, chunks, recvbuf)
  local engine = chuck.engine()
  local near, far = check.pair()
  local told = {}
  far = chuck.connection(far, recvbuf or 65536, decoder)
  far:Add2Engine(engine, function(_, packet, code)
    told[#told + 1] = packet or code
  end)
  near = chuck.connection(near, 65536)
  near:Add2Engine(engine, function() end)
  local size, give_up = 0, chuck.systick() + check.DEADLINE
  for _, chunk in ipairs(chunks) do
    size = size + #chunk
    near:Send(chuck.packet.rawpacket(chunk))
    while engine:Stats().bytes_in < size and type(told[#told]) ~= "number" do
      assert(chuck.systick() < give_up, "the bytes did not arrive")
      engine:Run(0)
    end
  end
  local count = #told
  engine:Close()
  -- The engine tells its end, which is no news.
  told[count + 1], told[count + 2] = nil, nil
  return told
end

--- An rpacket over what `write(packet)` wrote.
function check.reader(write, bits)
  local made = chuck.packet.wpacket(64, bits)
  write(made)
  return chuck.packet.rpacket(made)
end

--- An rpacket whose payload is `bytes`.
function check.reader_of(bytes, bits)
  return check.reader(function(made)
    for byte in bytes:gmatch(".") do
      made:WriteU8(byte:byte())
    end
  end, bits)
end

--- "00 0b 01", or a string of bytes from that.
function check.hex(bytes)
  return (
    bytes
      :gsub(".", function(byte)
        return ("%02x "):format(byte:byte())
      end)
      :gsub(" $", "")
  )
end

function check.unhex(text)
  return (text:gsub("(%x%x)%s*", function(byte)
    return string.char(tonumber(byte, 16))
  end))
end

--- Open descriptors of this process.
function check.descriptors()
  local count = 0
  for _ in lfs.dir("/dev/fd") do
    count = count + 1
  end
  return count
end

--- Collects all garbage, also what finalizers set free.
function check.collect()
  for _ = 1, 4 do
    collectgarbage("collect")
  end
end

--- Number of live keys or values of a weak table.
function check.count(weak)
  check.collect()
  local count = 0
  for _ in pairs(weak) do
    count = count + 1
  end
  return count
end

--- A new, empty folder below the one for temporary files. Whoever asks for it removes it.
function check.new_folder()
  local path = os.tmpname()
  os.remove(path)
  assert(lfs.mkdir(path))
  return path
end

--- Removes a folder with everything in it, after what is logged there is written.
function check.remove_folder(path)
  chuck.log.flush(check.DEADLINE)
  os.execute("rm -rf '" .. path .. "'")
end

--- The number of this process.
function check.pid()
  local pipe = io.popen("echo $PPID")
  local pid = tonumber(pipe:read("*l"))
  pipe:close()
  return pid
end

local function slurp(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  os.remove(path)
  return text
end

--- Runs a program text by the same Lua: its exit status (128 + n for signal n), output, errors.
--- `limits` are shell commands that run before, as "ulimit -v 100000".
function check.child(source, limits)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(source)
  file:close()
  local lua = assert(os.getenv("CHUCK_LUA"), "run me by scripts/spec")
  local command = ("%s; timeout -k 5 60 %s %s"):format(limits or ":", lua, path)
  local record = ("(%s) >%s.out 2>%s.err; echo $? >%s.status"):format(command, path, path, path)
  os.execute("sh -c '" .. record .. "' 2>/dev/null")
  os.remove(path)
  local status = tonumber(slurp(path .. ".status"))
  return status, slurp(path .. ".out"), slurp(path .. ".err")
end

return check
