--- Sockets for specs: ports that the kernel chose, pairs in one process, waits with a deadline.
---
---     local world = net.open()                        -- in before_each
---     local client, server = world:pair()             -- two connections, not in an engine yet
---     server:Add2Engine(world.engine, seen.on_packet)
---     world:wait("the end", function() return seen.code end)
---     world:close()                                   -- in after_each: checks what is left
---
--- Errors in callbacks are collected: `wait` and `close` raise them, unless a spec takes them.
local assert = require("luassert")
local chuck = require("chuck")
local lfs = require("lfs")

local socket_helper = chuck.socket_helper
local packet = chuck.packet

local net = {}

--- How long a spec waits for anything, in milliseconds. Passing it fails the spec.
net.DEADLINE = 20000

local World = {}
World.__index = World

--- How many descriptors a process has; this one when `pid` is left out.
function net.descriptors(pid)
  local count = 0
  for name in lfs.dir("/proc/" .. (pid or "self") .. "/fd") do
    count = count + (name:match("^%d+$") and 1 or 0)
  end
  return count
end

--- A TCP socket; a new one, not yet bound or connected.
function net.socket(family)
  return socket_helper.socket(
    family or socket_helper.AF_INET,
    socket_helper.SOCK_STREAM,
    socket_helper.IPPROTO_TCP
  )
end

--- The port of a bound socket.
function net.port_of(fd)
  return tonumber(assert(socket_helper.getsockname(fd)):match(":(%d+)$"))
end

--- Bytes in which every place differs from its neighbours, so that loss and disorder show.
function net.pattern(size)
  local words = {}
  for i = 1, math.ceil(size / 8) do
    words[i] = ("%08x"):format(i)
  end
  return table.concat(words):sub(1, size)
end

--- Fails with the first place where two strings differ, instead of printing megabytes.
function net.assert_same_bytes(expected, actual)
  if expected == actual then
    return
  end
  local at = 1
  while expected:byte(at) == actual:byte(at) do
    at = at + 1
  end
  local text = "expected %d bytes, got %d; they differ from byte %d on"
  error(text:format(#expected, #actual, at), 2)
end

--- An on_packet that remembers: `packets`, `codes` (of calls without a packet), `code` (the last
--- of them), `size` (bytes in raw packets), `calls`, and `text()`.
function net.recorder()
  local seen = { packets = {}, codes = {}, size = 0, calls = 0, conns = {} }
  function seen.on_packet(conn, got, code)
    seen.calls = seen.calls + 1
    seen.conns[seen.calls] = conn
    if got then
      seen.packets[#seen.packets + 1] = got
      seen.size = seen.size + #got
    else
      seen.codes[#seen.codes + 1] = code
      seen.code = code
    end
  end
  function seen.text()
    local parts = {}
    for i, got in ipairs(seen.packets) do
      parts[i] = got:ReadBin()
    end
    return table.concat(parts)
  end
  return seen
end

--- An on_packet that does nothing.
function net.ignore() end

--- An on_packet that sends raw packets back, and closes at the end.
function net.echo(conn, got)
  if got then
    conn:Send(got)
  else
    conn:Close()
  end
end

--- A rawpacket.
function net.raw(text)
  return packet.rawpacket(text)
end

--- A wpacket with one string in it.
function net.frame(text, bits)
  local frame = packet.wpacket(#text + 8, bits or 16)
  frame:WriteStr(text)
  return frame
end

--- A world: an engine, and everything that a spec opens in it.
function net.open()
  collectgarbage()
  collectgarbage()
  local world = setmetatable({
    descriptors = net.descriptors(),
    engine = nil,
    --- Descriptors as numbers; closing one that was taken over does nothing.
    fds = {},
    --- Objects with Close.
    objects = {},
    --- Raised by callbacks and not taken by the spec.
    errors = {},
  }, World)
  world.engine = world:new_engine()
  return world
end

--- Another engine, closed with the world.
function World:new_engine()
  local engine = chuck.engine()
  engine:SetErrorHandler(function(err, traceback)
    self.errors[#self.errors + 1] = { err = err, traceback = traceback }
  end)
  return self:own(engine)
end

--- Closes `object` at the end.
function World:own(object)
  self.objects[#self.objects + 1] = object
  return object
end

function World:own_fd(fd)
  assert(fd >= 0, "no socket: " .. chuck.error.strerror(-fd))
  self.fds[#self.fds + 1] = fd
  return fd
end

--- The errors that callbacks have raised so far; they are forgotten.
function World:take_errors()
  local errors = self.errors
  self.errors = {}
  return errors
end

function World:raise_errors()
  local first = self:take_errors()[1]
  if first then
    error(tostring(first.err) .. "\n" .. tostring(first.traceback), 0)
  end
end

--- Runs the engine until `done()`; fails when the deadline passes first.
function World:wait(what, done, engine)
  local deadline = chuck.systick() + net.DEADLINE
  while not done() do
    if chuck.systick() > deadline then
      error("waited in vain for " .. what, 2)
    end
    (engine or self.engine):Run(1)
    if not self.keeps_errors then
      self:raise_errors()
    end
  end
end

--- Runs the engine for so long: to claim that something does not happen.
function World:run(ms, engine)
  (engine or self.engine):Run(ms)
  if not self.keeps_errors then
    self:raise_errors()
  end
end

--- A listening socket and its port.
function World:listen(ip)
  ip = ip or "127.0.0.1"
  local fd = self:own_fd(net.socket(ip:find(":") and socket_helper.AF_INET6 or nil))
  assert.are.equal(0, socket_helper.listen(fd, ip, 0))
  return fd, net.port_of(fd)
end

--- A socket that is connected to a listening port.
function World:connect(port, ip)
  ip = ip or "127.0.0.1"
  local fd = self:own_fd(net.socket(ip:find(":") and socket_helper.AF_INET6 or nil))
  assert.are.equal(0, socket_helper.connect(fd, ip, port))
  return fd
end

--- Two connected sockets: the one that connected, and the one that was accepted.
function World:fd_pair(ip)
  local listener, port = self:listen(ip)
  local engine, accepted = chuck.engine(), nil
  local acceptor = chuck.acceptor(listener)
  acceptor:Add2Engine(engine, function(fd)
    accepted = fd
    acceptor:Close()
  end)
  local connected = self:connect(port, ip)
  self:wait("a connection", function()
    return accepted
  end, engine)
  engine:Close()
  return connected, self:own_fd(accepted)
end

--- A connection over `fd`, closed with the world.
function World:connection(fd, decoder, recvbuf)
  return self:own(assert(chuck.connection(fd, recvbuf or 4096, decoder)))
end

--- Two connections that talk to each other, both with this decoder.
function World:pair(decoder, recvbuf)
  local connected, accepted = self:fd_pair()
  return self:connection(connected, decoder, recvbuf), self:connection(accepted, decoder, recvbuf)
end

--- An acceptor that makes a connection of whatever comes; returns its port.
function World:serve(on_packet, decoder)
  local fd, port = self:listen()
  local acceptor = self:own(chuck.acceptor(fd))
  acceptor:Add2Engine(self.engine, function(accepted, code)
    if code == 0 then
      self:connection(accepted, decoder):Add2Engine(self.engine, on_packet)
    end
  end)
  return port
end

--- Closes everything. No error may be left, and no descriptor.
function World:close()
  for _, object in ipairs(self.objects) do
    if object ~= self.engine then
      object:Close()
    end
  end
  self.engine:Close()
  for _, fd in ipairs(self.fds) do
    socket_helper.close(fd)
  end
  self.objects, self.fds, self.engine = {}, {}, nil
  self:raise_errors()
  collectgarbage()
  collectgarbage()
  -- Fewer than before are no leak: something of an earlier spec has gone meanwhile.
  local left = net.descriptors()
  local message = ("%d descriptors are left, before it were %d"):format(left, self.descriptors)
  assert(left <= self.descriptors, message)
end

return net
