--- Unix sockets: addresses, the files that belong to them, and descriptors that travel over them.
local chuck = require("chuck")
local child = require("spec.helper.child")
local dgram = require("spec.helper.dgram")
local lfs = require("lfs")
local net = require("spec.helper.net")

local errno = chuck.error
local socket_helper = chuck.socket_helper

describe("a Unix socket", function()
  local world, folder

  before_each(function()
    folder = dgram.folder()
    world = net.open()
  end)

  after_each(function()
    world:close()
    folder:remove()
  end)

  local function socket(kind)
    return world:own_fd(
      socket_helper.socket(socket_helper.AF_UNIX, kind or socket_helper.SOCK_STREAM, 0)
    )
  end

  local function listen(address, options)
    local fd = socket()
    assert.are.equal(0, socket_helper.listen(fd, address, options))
    return fd
  end

  local function path_of(address)
    return address:match("^unix:(.*)$")
  end

  local function exists(address)
    return lfs.symlinkattributes(path_of(address), "mode") ~= nil
  end

  --- Leaves the file of a socket behind whose process is gone.
  local function leave_stale(address, kind)
    local result = child.run(([[
      local helper = require("chuck").socket_helper
      local fd = helper.socket(helper.AF_UNIX, helper.%s, 0)
      assert(helper.bind(fd, %q) == 0)
      io.stdout:flush()
    ]]):format(kind or "SOCK_STREAM", address))
    assert.are.equal(0, result.status, result.output)
    assert.is_true(exists(address))
  end

  for _, kind in ipairs({ "path", "abstract" }) do
    local function address_of()
      local address = folder:address()
      return kind == "path" and address or (address:gsub("^unix:", "unix:@"))
    end

    it("with a name of kind " .. kind .. " carries connections, with their addresses", function()
      local address = address_of()
      local acceptor, seen = world:own(chuck.acceptor(listen(address))), net.recorder()
      local server
      acceptor:Add2Engine(world.engine, function(fd)
        server = world:connection(fd)
        server:Add2Engine(world.engine, net.echo)
      end)
      local fd = socket()
      assert.are.equal(0, socket_helper.connect(fd, address))
      assert.are.equal(address, socket_helper.getpeername(fd))
      local client = world:connection(fd)
      client:Add2Engine(world.engine, seen.on_packet)
      client:Send(net.raw("hello"))
      world:wait("the echo", function()
        return seen.size == 5
      end)
      assert.are.equal(address, client:GetPeerAddr())
      assert.are.equal("unix:", client:GetSockAddr())
      assert.are.equal(address, server:GetSockAddr())
      assert.are.equal("unix:", server:GetPeerAddr())
    end)
  end

  it("connects by a connector as well", function()
    local address = folder:address()
    listen(address)
    local fd, told = socket(), nil
    socket_helper.noblock(fd, true)
    assert.are.equal(0, socket_helper.connect(fd, address))
    chuck.connector(fd, 1000):Add2Engine(world.engine, function(connected, code)
      told = { world:own_fd(connected), code }
    end)
    world:wait("the connector", function()
      return told
    end)
    assert.are.equal(0, told[2])
  end)

  describe("file", function()
    it("goes with its listener, however that is closed", function()
      local one, two, three = folder:address(), folder:address(), folder:address()
      socket_helper.close(listen(one))
      assert.is_false(exists(one))
      chuck.acceptor(listen(two)):Close()
      assert.is_false(exists(two))
      local engine = world:new_engine()
      chuck.acceptor(listen(three)):Add2Engine(engine, function() end)
      engine:Close()
      assert.is_false(exists(three))
    end)

    it("goes with its datagram socket, and with an engine that is collected", function()
      local made = dgram.bind(world, folder, "Unix path")
      local address = made:GetSockAddr()
      assert.is_true(exists(address))
      made:Close()
      assert.is_false(exists(address))
      local other = folder:address()
      local fd = socket(socket_helper.SOCK_DGRAM)
      socket_helper.bind(fd, other)
      chuck.datagram(fd, 64):Add2Engine(chuck.engine(), function() end)
      collectgarbage()
      collectgarbage()
      assert.is_false(exists(other))
    end)

    it("goes with its connector: closed, failed, or never started", function()
      for _, ending in ipairs({
        function(connector)
          connector:Close()
        end,
        function(connector)
          local code
          connector:Add2Engine(world.engine, function(_, outcome)
            code = outcome
          end)
          world:wait("the outcome", function()
            return code
          end)
          assert.are_not.equal(0, code)
        end,
        function()
          collectgarbage()
          collectgarbage()
        end,
      }) do
        local address, fd = folder:address(), socket()
        assert.are.equal(0, socket_helper.bind(fd, address))
        ending((chuck.connector(fd, 1000)))
        assert.is_false(exists(address))
      end
    end)

    it("stays when it is another socket's by now", function()
      local address = folder:address()
      local old = listen(address)
      os.remove(path_of(address))
      local new = listen(address)
      socket_helper.close(old)
      assert.is_true(exists(address))
      socket_helper.close(new)
      assert.is_false(exists(address))
    end)

    it("is found again after the working folder has changed", function()
      local here = lfs.currentdir()
      assert(lfs.chdir(folder.path))
      local fd = socket()
      local result = socket_helper.listen(fd, "unix:relative")
      assert(lfs.chdir(here))
      assert.are.equal(0, result)
      assert.are.equal("unix:relative", socket_helper.getsockname(fd))
      socket_helper.close(fd)
      assert.is_nil(lfs.symlinkattributes(folder.path .. "/relative"))
    end)

    for _, kind in ipairs({ "SOCK_STREAM", "SOCK_DGRAM" }) do
      it("that is stale is replaced: " .. kind, function()
        local address = folder:address()
        leave_stale(address, kind)
        local fd = socket(socket_helper[kind])
        assert.are.equal(0, socket_helper.bind(fd, address))
        socket_helper.close(fd)
      end)

      it("that is served is in use, for either type: " .. kind, function()
        local address = folder:address()
        local live = socket(socket_helper[kind])
        socket_helper.bind(live, address)
        if kind == "SOCK_STREAM" then
          assert.are.equal(0, socket_helper.listen(live))
        end
        for _, other in ipairs({ socket_helper.SOCK_STREAM, socket_helper.SOCK_DGRAM }) do
          assert.are.equal(-errno.EADDRINUSE, socket_helper.bind(socket(other), address))
        end
        assert.is_true(exists(address))
      end)
    end

    it("that was taken for stale before its listener listened makes the listen fail", function()
      local address = folder:address()
      local slow, fast = socket(), socket()
      assert.are.equal(0, socket_helper.bind(slow, address))
      assert.are.equal(0, socket_helper.listen(fast, address))
      assert.are.equal(-errno.EADDRINUSE, socket_helper.listen(slow))
      socket_helper.close(slow)
      assert.are.equal(0, socket_helper.connect(socket(), address))
    end)

    it("that is no socket is never removed", function()
      local address = folder:address()
      local path = path_of(address)
      io.open(path, "w"):close()
      assert.are.equal(-errno.EADDRINUSE, socket_helper.listen(socket(), address))
      assert.are.equal("file", lfs.attributes(path, "mode"))
      os.remove(path)
      lfs.mkdir(path)
      assert.are.equal(-errno.EADDRINUSE, socket_helper.listen(socket(), address))
      lfs.rmdir(path)
    end)

    it("has the permissions that were asked for, more and less than the process masks", function()
      for mode, text in pairs({
        ["0600"] = "rw-------",
        ["0666"] = "rw-rw-rw-",
        ["777"] = "rwxrwxrwx",
        ["0"] = "---------",
        [384] = "rw-------",
        [tonumber("660", 8)] = "rw-rw----",
        [511.0] = "rwxrwxrwx",
      }) do
        local address = folder:address()
        local fd = listen(address, { mode = mode })
        assert.are.equal(text, lfs.attributes(path_of(address), "permissions"))
        socket_helper.close(fd)
      end
    end)
  end)

  it("raises for a mode that is none, and for one where there is no file", function()
    for _, case in ipairs({
      { folder:address(), { mode = 600 } },
      { folder:address(), { mode = 512 } },
      { folder:address(), { mode = -1 } },
      { folder:address(), { mode = 1.5 } },
      { folder:address(), { mode = 0 / 0 } },
      { folder:address(), { mode = true } },
      { folder:address(), { mode = "0o600" } },
      { folder:address(), { mod = "0600" } },
      { folder:address(), { mode = "0800" } },
      { folder:address(), { mode = "01000" } },
      { folder:address(), { mode = "" } },
      { folder:address(), { mode = "-1" } },
      { "unix:@" .. folder.path, { mode = "0600" } },
      { "127.0.0.1:0", { mode = "0600" } },
    }) do
      for _, call in ipairs({ socket_helper.bind, socket_helper.listen }) do
        local fine, why = pcall(function()
          call(socket(), case[1], case[2])
        end)
        assert.is_false(fine)
        assert.truthy(why:find("unix_socket_spec.lua:%d+: bad argument #3"), why)
      end
    end
  end)

  it("has -ENOENT, -ECONNREFUSED and -ENAMETOOLONG for names that lead nowhere", function()
    local address = folder:address()
    assert.are.equal(-errno.ENOENT, socket_helper.connect(socket(), address))
    leave_stale(address)
    assert.are.equal(-errno.ECONNREFUSED, socket_helper.connect(socket(), address))
    os.remove(path_of(address))
    local nobody = "unix:@nobody/" .. address
    assert.are.equal(-errno.ECONNREFUSED, socket_helper.connect(socket(), nobody))
    local long = "unix:/" .. ("x"):rep(200)
    assert.are.equal(-errno.ENAMETOOLONG, socket_helper.connect(socket(), long))
    assert.are.equal(-errno.ENAMETOOLONG, socket_helper.listen(socket(), long))
    assert.are.equal(-errno.EINVAL, socket_helper.connect(socket(), "unix:"))
  end)

  describe("pair", function()
    it("gives two that are connected, of streams or datagrams", function()
      local one, other = socket_helper.pair()
      local near, far = world:connection(one), world:connection(other)
      local seen = net.recorder()
      far:Add2Engine(world.engine, seen.on_packet)
      near:Add2Engine(world.engine, net.ignore)
      near:Send(net.raw("stream"))
      world:wait("a packet", function()
        return seen.size == 6
      end)
      one, other = socket_helper.pair(socket_helper.SOCK_DGRAM)
      local left, right = world:own(chuck.datagram(one, 64)), world:own(chuck.datagram(other, 64))
      local heard = dgram.recorder()
      right:Add2Engine(world.engine, heard.on_packet)
      left:Add2Engine(world.engine, net.ignore)
      assert.are.equal(0, left:Send(net.raw("alone")))
      world:wait("a datagram", function()
        return heard.calls == 1
      end)
      assert.are.equal("alone", heard.packets[1]:ReadBin())
      assert.is_nil(heard.froms[1])
    end)

    it("answers nil, a message and a code for an unknown type", function()
      local one, message, code = socket_helper.pair(9999)
      assert.is_nil(one)
      assert.are.equal("string", type(message))
      assert.are.equal("string", type(code))
    end)
  end)

  describe("that carries a descriptor", function()
    local near, far

    before_each(function()
      near, far = socket_helper.pair()
      world:own_fd(near)
      world:own_fd(far)
    end)

    it("brings it open, not inherited by children, with its data", function()
      local listener, port = world:listen()
      assert.are.equal(0, socket_helper.send_fd(near, listener, "listener"))
      socket_helper.close(listener)
      local got, data = socket_helper.recv_fd(far)
      world:own_fd(got)
      assert.are.equal("listener", data)
      assert.are.equal("127.0.0.1:" .. port, socket_helper.getsockname(got))
      world:connect(port)
      local file = assert(io.open("/proc/self/fdinfo/" .. got))
      local flags = tonumber(file:read("*a"):match("flags:%s*(%d+)"), 8)
      file:close()
      assert.are.equal(1, math.floor(flags / 524288) % 2)
    end)

    it("brings false where only data came, and one zero byte where none was given", function()
      local conn = world:connection(near)
      conn:Add2Engine(world.engine, net.ignore)
      conn:Send(net.raw("words"))
      world:run(1)
      local got, data = socket_helper.recv_fd(far)
      assert.is_false(got)
      assert.are.equal("words", data)
      local one, other = socket_helper.pair()
      world:own_fd(one)
      world:own_fd(other)
      socket_helper.send_fd(one, far)
      got, data = socket_helper.recv_fd(other)
      world:own_fd(got)
      assert.are.equal("\0", data)
    end)

    it("answers EAGAIN when nothing came in time, and ESOCKCLOSE at the end", function()
      for _, timeout in ipairs({ 0, 5 }) do
        local start = chuck.systick()
        local got, _, code = socket_helper.recv_fd(far, timeout)
        assert.is_nil(got)
        assert.are.equal("EAGAIN", code)
        assert.is_true(chuck.systick() - start >= timeout - 1)
      end
      socket_helper.close(near)
      local got, _, code = socket_helper.recv_fd(far)
      assert.is_nil(got)
      assert.are.equal("ESOCKCLOSE", code)
    end)

    it("stays where it is while there is no number for it", function()
      local program = [[
        local chuck = require("chuck")
        local helper = chuck.socket_helper
        local near, far = helper.pair()
        assert(helper.send_fd(near, near, "gift") == 0)
        local open = {}
        repeat
          local fd = helper.socket(helper.AF_INET, helper.SOCK_DGRAM, 0)
          open[#open + 1] = fd
        until fd < 0
        local got, _, code = helper.recv_fd(far)
        assert(got == nil and code == "EMFILE", code)
        for _, fd in ipairs(open) do
          helper.close(fd)
        end
        local data
        got, data = helper.recv_fd(far)
        assert(got and data == "gift" and helper.getpeername(got) == "unix:")
      ]]
      local result = child.run(program, "ulimit -n 64;")
      assert.are.equal(0, result.status, result.output)
    end)

    it("is not waited for any longer when a signal comes", function()
      local result = child.run([[
        local chuck = require("chuck")
        local helper, signal = chuck.socket_helper, chuck.signal
        local engine, count = chuck.engine(), 0
        signal.signaler(signal.SIGUSR1):Register(engine, function()
          count = count + 1
          engine:Stop()
        end)
        local near, far = helper.pair()
        -- Until this process is gone: the first may come too early.
        os.execute(("while kill -USR1 %d; do sleep 0.05; done 2>&- &"):format(chuck.process.pid()))
        local got, _, code = helper.recv_fd(far, 30000)
        assert(got == nil and code == "EINTR", code)
        engine:Run()
        assert(count > 0)
        assert(helper.send_fd(near, near) == 0 and helper.recv_fd(far))
      ]])
      assert.are.equal(0, result.status, result.output)
    end)

    it("may come with an empty datagram before and after it", function()
      local one, other = socket_helper.pair(socket_helper.SOCK_DGRAM)
      world:own_fd(other)
      local sender = world:own(chuck.datagram(one, 64))
      sender:Add2Engine(world.engine, net.ignore)
      sender:Send(net.raw(""))
      sender:Send(net.raw("x"))
      world:run(1)
      assert.are.same({ false, "" }, { socket_helper.recv_fd(other) })
      assert.are.same({ false, "x" }, { socket_helper.recv_fd(other) })
    end)

    it("does not come with half of a datagram", function()
      local one, other = socket_helper.pair(socket_helper.SOCK_DGRAM)
      world:own_fd(other)
      local sender = world:own(chuck.datagram(one, 64))
      sender:Add2Engine(world.engine, net.ignore)
      sender:Send(net.raw(("x"):rep(4096)))
      sender:Send(net.raw(("x"):rep(4097)))
      world:run(1)
      assert.are.equal(4096, #select(2, socket_helper.recv_fd(other)))
      local got, _, code = socket_helper.recv_fd(other)
      assert.is_nil(got)
      assert.are.equal("EMSGSIZE", code)
    end)

    it("refuses what is not lent, other sockets, and too much or no data", function()
      assert.are.equal(-errno.EBADF, socket_helper.send_fd(near, 99999))
      assert.are.equal(-errno.EBADF, socket_helper.send_fd(99999, near))
      local one = world:fd_pair()
      assert.are.equal(-errno.EAFNOSUPPORT, socket_helper.send_fd(one, near))
      for _, data in ipairs({ "", ("x"):rep(4097) }) do
        local fine, why = pcall(function()
          socket_helper.send_fd(near, far, data)
        end)
        assert.is_false(fine)
        assert.truthy(why:find("unix_socket_spec.lua:%d+: bad argument #3"), why)
      end
      assert.are.equal(0, socket_helper.send_fd(near, far, ("x"):rep(4096)))
    end)

    it("leaks none: passed a hundred times, and never received", function()
      local before = net.descriptors()
      for _ = 1, 100 do
        assert.are.equal(0, socket_helper.send_fd(near, near, "x"))
        assert.are.equal(0, socket_helper.close((socket_helper.recv_fd(far))))
      end
      assert.are.equal(before, net.descriptors())
      for _ = 1, 20 do
        socket_helper.send_fd(near, near, "x")
      end
      local conn, seen = world:connection(far), net.recorder()
      conn:Add2Engine(world.engine, seen.on_packet)
      world:wait("the data", function()
        return seen.size == 20
      end)
      assert.are.equal(before, net.descriptors())
    end)

    it("that nobody asked for is closed by a datagram socket", function()
      local one, other = socket_helper.pair(socket_helper.SOCK_DGRAM)
      world:own_fd(one)
      local receiver, seen = world:own(chuck.datagram(other, 64)), dgram.recorder()
      receiver:Add2Engine(world.engine, seen.on_packet)
      local before = net.descriptors()
      for _ = 1, 5 do
        assert.are.equal(0, socket_helper.send_fd(one, far, "gift"))
      end
      world:wait("the data", function()
        return seen.calls == 5
      end)
      assert.are.equal("gift", seen.packets[5]:ReadBin())
      assert.are.equal(before, net.descriptors())
    end)

    it("leaves the file of a passed listener to whoever got it", function()
      local address = folder:address()
      local listener = listen(address)
      socket_helper.send_fd(near, listener)
      socket_helper.close(listener)
      assert.is_true(exists(address))
      local got = world:own_fd((socket_helper.recv_fd(far)))
      assert.are.equal(0, socket_helper.connect(socket(), address))
      socket_helper.close(got)
      os.remove(path_of(address))
    end)

    it("reaches another process, which serves on with it", function()
      local address = folder:address()
      listen(address)
      local server, port = world:listen()
      local acceptor = world:own(chuck.acceptor(world.fds[#world.fds - 1]))
      acceptor:Add2Engine(world.engine, function(fd)
        assert(socket_helper.send_fd(world:own_fd(fd), server, "yours") == 0)
      end)
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(([[
        local chuck = require("chuck")
        local helper = chuck.socket_helper
        local fd = helper.socket(helper.AF_UNIX, helper.SOCK_STREAM, 0)
        assert(helper.connect(fd, %q) == 0)
        local listener, data = helper.recv_fd(fd, 10000)
        assert(listener, data)
        local engine = chuck.engine()
        chuck.acceptor(listener):Add2Engine(engine, function(accepted)
          local conn = chuck.connection(accepted, 64)
          conn:Add2Engine(engine, function() end)
          conn:Send(chuck.packet.rawpacket(data), function()
            engine:Stop()
          end)
        end)
        engine:Run()
      ]]):format(address))
      file:close()
      local process = child.start(path)
      local conn, seen = world:connection(world:connect(port)), net.recorder()
      conn:Add2Engine(world.engine, seen.on_packet)
      world:wait("the answer of the other process", function()
        return seen.size == 5
      end)
      assert.are.equal("yours", seen.text())
      world:wait("its end", function()
        return process:status()
      end)
      assert.are.equal(0, process:status(), process:output())
      process:finish()
      os.remove(path)
    end)
  end)
end)
