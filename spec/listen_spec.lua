--- chuck.listen: connections from an address, in one call.
local chuck = require("chuck")
local check = require("spec.helper.check")
local child = require("spec.helper.child")
local net = require("spec.helper.net")

local errno = chuck.error
local socket_helper = chuck.socket_helper

local function has_ipv6()
  local file = io.open("/proc/net/if_inet6")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text:find(("0"):rep(31) .. "1 ") ~= nil
end

describe("chuck.listen", function()
  local world

  before_each(function()
    world = net.open()
  end)

  after_each(function()
    world:close()
  end)

  --- A listener whose connections are kept in `seen.conns` and echo; `seen.peers` tells who came.
  local function listen(addr, options)
    local seen = { conns = {}, peers = {} }
    local listener = assert(chuck.listen(world.engine, addr, function(conn, peer)
      seen.conns[#seen.conns + 1] = world:own(conn)
      seen.peers[#seen.peers + 1] = peer
      conn:Add2Engine(world.engine, net.echo)
    end, options))
    return world:own(listener), seen
  end

  local function port_of(listener)
    return tonumber(listener:GetSockAddr():match(":(%d+)$"))
  end

  local function wait_for(seen, count)
    world:wait(count .. " connections", function()
      return #seen.conns >= count
    end)
  end

  it("gives connections that work, and the address of who has come", function()
    local listener, seen = listen("127.0.0.1:0")
    local client = world:connection(world:connect(port_of(listener)))
    local got = net.recorder()
    client:Add2Engine(world.engine, got.on_packet)
    client:Send(net.raw("hello"))
    world:wait("the echo", function()
      return got.size == 5
    end)
    assert.are.equal("hello", got.text())
    assert.are.same({ client:GetSockAddr() }, seen.peers)
    assert.are.equal(client:GetPeerAddr(), listener:GetSockAddr())
  end)

  it("uses the decoder and the size that it is given", function()
    local sizes = {}
    local listener = world:own(assert(chuck.listen(world.engine, "127.0.0.1:0", function(conn)
      world:own(conn):Add2Engine(world.engine, function(_, packet)
        sizes[#sizes + 1] = packet and packet:ReadStr()
      end)
    end, { decoder = chuck.decoder.connection.rpacket(64), recvbuf = 64 })))
    local client = world:connection(world:connect(port_of(listener)))
    client:Add2Engine(world.engine, net.ignore)
    client:Send(net.frame("framed"))
    world:wait("the packet", function()
      return sizes[1]
    end)
    assert.are.same({ "framed" }, sizes)
  end)

  it("takes localhost for the loopback address", function()
    local listener, seen = listen("localhost:0")
    assert.truthy(listener:GetSockAddr():match("^127%.0%.0%.1:%d+$"))
    world:connect(port_of(listener))
    wait_for(seen, 1)
  end)

  for _, addr in ipairs({ ":0", "*:0", "[::]:0" }) do
    it("serves both families at " .. addr .. ", where there are both", function()
      local listener, seen = listen(addr)
      local near = socket_helper.getsockname(world:connect(port_of(listener)))
      wait_for(seen, 1)
      -- As who has come calls itself, not as IPv6 writes it.
      assert.are.same({ near }, seen.peers)
      if has_ipv6() then
        world:connect(port_of(listener), "::1")
        wait_for(seen, 2)
        assert.truthy(seen.peers[2]:match("^%[::1%]:%d+$"))
      end
    end)
  end

  if has_ipv6() then
    it("keeps to IPv6 at any other address of it", function()
      local listener, seen = listen("[::1]:0")
      world:connect(port_of(listener), "::1")
      wait_for(seen, 1)
      local fd = world:own_fd(net.socket())
      local result = socket_helper.connect(fd, "127.0.0.1", port_of(listener))
      assert.are.equal(-errno.ECONNREFUSED, result)
    end)
  else
    pending("keeps to IPv6 at any other address of it: this machine has no ::1")
  end

  it("listens at a path", function()
    local path = os.tmpname()
    os.remove(path)
    local listener, seen = listen("unix:" .. path)
    assert.are.equal("unix:" .. path, listener:GetSockAddr())
    local fd = world:own_fd(socket_helper.socket(socket_helper.AF_UNIX, 1, 0))
    assert.are.equal(0, socket_helper.connect(fd, "unix:" .. path))
    wait_for(seen, 1)
    assert.are.same({ "unix:" }, seen.peers)
    os.remove(path)
  end)

  it("answers nil, a message that names the address, and a code", function()
    local taken = listen("127.0.0.1:0"):GetSockAddr()
    local cases = {
      { taken, "EADDRINUSE" },
      { "", "EINVAL" },
      { "80", "EINVAL" },
      { "127.0.0.1", "EINVAL" },
      { "127.0.0.1:65536", "EINVAL" },
      { "127.0.0.1:-1", "EINVAL" },
      { "127.0.0.1:000080", "EINVAL" },
      { "::1:80", "EINVAL" },
      { "[::1]", "EINVAL" },
      { "[127.0.0.1]:80", "EINVAL" },
      { "[nonsense:]:80", "EINVAL" },
      { "no host.invalid:80", "ENOENT" },
      { "\255\254:80", "EINVAL" },
      { "192.0.2.1:0", "EADDRNOTAVAIL" },
      { "unix:/no/such/folder/socket", "ENOENT" },
      { "unix:" .. ("x"):rep(200), "ENAMETOOLONG" },
      { "unix:a\0b", "EINVAL" },
      { "unix:", "EINVAL" },
    }
    for _, case in ipairs(cases) do
      local listener, message, code = chuck.listen(world.engine, case[1], net.ignore)
      assert.is_nil(listener)
      assert.truthy(message:find("listen at " .. case[1], 1, true), message)
      assert.are.equal(case[2], code, case[1])
    end
  end)

  it("answers EENGCLOSE for an engine that is closed, and keeps no socket", function()
    local engine = world:new_engine()
    engine:Close()
    local before = net.descriptors()
    local listener, _, code = chuck.listen(engine, "127.0.0.1:0", net.ignore)
    assert.is_nil(listener)
    assert.are.equal("EENGCLOSE", code)
    assert.are.equal(before, net.descriptors())
  end)

  it("raises for options that it does not know or understand", function()
    for _, options in ipairs({
      { max_conections = 5 },
      { max_connections = 0 },
      { max_connections = 1.5 },
      { recvbuf = "big" },
      { reuse_port = 1 },
      { decoder = {} },
      { on_error = true },
      { backlog = -1 },
      { mode = 600 },
      { mode = "0800" },
      { mode = true },
      { backlog = 2 ^ 31 },
      { recvbuf = 1e300 },
      { max_connections = 2 ^ 70 },
      { fd = 0.5 },
      { fd = 1e10 },
      { decoder = chuck.decoder.datagram.rpacket(64) },
      { "127.0.0.1:0" },
    }) do
      local fine, why = pcall(function()
        chuck.listen(world.engine, "127.0.0.1:0", net.ignore, options)
      end)
      assert.is_false(fine)
      assert.truthy(why:find("listen_spec.lua:%d+: bad argument #4 to 'listen' "), why)
    end
  end)

  it("shares one port among listeners that ask for it", function()
    local first, one = listen("127.0.0.1:0", { reuse_port = true })
    local _, two = listen(first:GetSockAddr(), { reuse_port = true })
    local deadline, count = chuck.systick() + net.DEADLINE, 0
    while #one.conns == 0 or #two.conns == 0 do
      assert(chuck.systick() < deadline, "one of them gets everybody")
      world:connect(port_of(first))
      count = count + 1
      world:wait("the connection", function()
        return #one.conns + #two.conns == count
      end)
    end
    assert.are.equal(count, first:Connections() + #two.conns)
  end)

  describe("its limit on connections", function()
    --- A listener with this limit, and clients that wait for it.
    local function crowd(limit, clients)
      local listener, seen = listen("127.0.0.1:0", { max_connections = limit })
      local fds = {}
      for n = 1, clients do
        fds[n] = world:connect(port_of(listener))
      end
      wait_for(seen, limit)
      world:run(20)
      return listener, seen, fds
    end

    it("lets nobody in beyond it, and one for each that closes", function()
      local listener, seen = crowd(2, 5)
      assert.are.equal(2, #seen.conns)
      assert.are.equal(2, listener:Connections())
      for n = 3, 5 do
        seen.conns[n - 2]:Close()
        assert.are.equal(1, listener:Connections())
        wait_for(seen, n)
        world:run(10)
        assert.are.equal(n, #seen.conns)
        assert.are.equal(2, listener:Connections())
      end
    end)

    it("sees that a peer has gone", function()
      local listener, seen, fds = crowd(1, 3)
      socket_helper.close(fds[1])
      wait_for(seen, 2)
      assert.are.equal(1, listener:Connections())
    end)

    it("sees that a connection without an engine was collected", function()
      local count, held = 0, nil
      local listener = world:own(assert(chuck.listen(world.engine, "127.0.0.1:0", function(conn)
        count, held = count + 1, conn
      end, { max_connections = 1 })))
      for _ = 1, 3 do
        world:connect(port_of(listener))
      end
      for n = 1, 3 do
        world:wait("connection " .. n, function()
          return count == n
        end)
        world:run(5)
        assert.are.equal(n, count)
        assert.truthy(held:GetSockAddr())
        held = nil
        check.collect()
      end
      assert.are.equal(0, listener:Connections())
    end)

    it("sees connections of another engine close with it", function()
      local other, count = world:new_engine(), 0
      local listener = world:own(assert(chuck.listen(world.engine, "127.0.0.1:0", function(conn)
        count = count + 1
        conn:Add2Engine(other, net.ignore)
      end, { max_connections = 2 })))
      for _ = 1, 4 do
        world:connect(port_of(listener))
      end
      world:wait("two", function()
        return count == 2
      end)
      other:Close()
      other = world:new_engine()
      world:wait("two more", function()
        return count == 4
      end)
      assert.are.equal(2, listener:Connections())
    end)

    it("counts a connection until what it had to send has left", function()
      local listener, seen = crowd(1, 2)
      local conn = seen.conns[1]
      conn:Send(net.raw(("x"):rep(8 * 1024 * 1024)))
      conn:Close(200)
      assert.are.equal(1, listener:Connections())
      wait_for(seen, 2)
    end)

    it("goes on after callbacks that raise, whose connections are closed", function()
      world.keeps_errors = true
      local raised = {}
      local listener = world:own(assert(chuck.listen(world.engine, "127.0.0.1:0", function()
        raised[#raised + 1] = true
        error(raised)
      end, { max_connections = 1 })))
      collectgarbage("stop")
      for _ = 1, 5 do
        world:connect(port_of(listener))
      end
      world:wait("five errors", function()
        return #raised == 5
      end)
      world:run(5)
      assert.are.equal(0, listener:Connections())
      collectgarbage("restart")
      for _, one in ipairs(world:take_errors()) do
        assert.are.equal(raised, one.err)
      end
    end)
  end)

  describe("a listener", function()
    it("pauses and resumes", function()
      local listener, seen = listen("127.0.0.1:0")
      assert.is_true(listener:Pause())
      world:connect(port_of(listener))
      world:run(20)
      assert.are.equal(0, #seen.conns)
      assert.is_true(listener:Resume())
      wait_for(seen, 1)
    end)

    it("stops at once when it is closed, twice, and its connections live on", function()
      local listener, seen = listen("127.0.0.1:0")
      local port = port_of(listener)
      local client = world:connection(world:connect(port))
      wait_for(seen, 1)
      listener:Close()
      listener:Close()
      local got = net.recorder()
      client:Add2Engine(world.engine, got.on_packet)
      client:Send(net.raw("still there"))
      world:wait("the echo", function()
        return got.size == 11
      end)
      assert.are.equal(1, listener:Connections())
      local fd = world:own_fd(net.socket())
      assert.are.equal(-errno.ECONNREFUSED, socket_helper.connect(fd, "127.0.0.1", port))
    end)

    it("answers nil, a message and ESOCKCLOSE once it is closed", function()
      local listener = listen("127.0.0.1:0")
      listener:Close()
      for _, method in ipairs({ "GetSockAddr", "Pause", "Resume" }) do
        local value, message, code = listener[method](listener)
        assert.is_nil(value)
        assert.are.equal("string", type(message))
        assert.are.equal("ESOCKCLOSE", code)
      end
      assert.are.equal(0, listener:Connections())
    end)

    it("may be closed, paused and resumed in its callback", function()
      local count, listener = 0, nil
      listener = world:own(assert(chuck.listen(world.engine, "127.0.0.1:0", function(conn)
        count = count + 1
        conn:Close()
        listener:Pause()
        listener:Resume()
        if count == 2 then
          listener:Close()
        end
      end)))
      for _ = 1, 4 do
        world:connect(port_of(listener))
      end
      world:wait("two", function()
        return count == 2
      end)
      world:run(10)
      assert.are.equal(2, count)
    end)

    it("may have its engine closed in its callback, which tells on_error", function()
      local told = {}
      local listener = world:own(assert(chuck.listen(world.engine, "127.0.0.1:0", function(conn)
        conn:Close()
        world.engine:Close()
      end, {
        on_error = function(message, code)
          told[#told + 1] = { message, code }
        end,
      })))
      world:connect(port_of(listener))
      world.engine:Run(net.DEADLINE)
      assert.are.same({ { "engine is closed", "EENGCLOSE" } }, told)
      assert.are.equal("ESOCKCLOSE", (select(3, listener:GetSockAddr())))
    end)

    it("lives without being held, and goes once it is closed", function()
      local weak, count = setmetatable({}, { __mode = "v" }), 0
      weak[1] = assert(chuck.listen(world.engine, "127.0.0.1:0", function(conn)
        count = count + 1
        conn:Close()
      end))
      check.collect()
      world:connect(port_of(weak[1]))
      world:wait("the connection", function()
        return count == 1
      end)
      weak[1]:Close()
      assert.are.equal(0, check.count(weak))
    end)

    it("is told that the process is out of descriptors, and goes on when it is not", function()
      local result = child.run(
        [[
        local chuck = require("chuck")
        local net = chuck.socket_helper
        local engine, told, count = chuck.engine(), {}, 0
        local listener = assert(chuck.listen(engine, "127.0.0.1:0", function(conn)
          count = count + 1
          conn:Close()
        end, { on_error = function(message, code) told[#told + 1] = code end }))
        local client = net.socket(net.AF_INET, net.SOCK_STREAM, net.IPPROTO_TCP)
        local kept = {}
        repeat
          kept[#kept + 1] = net.socket(net.AF_INET, net.SOCK_STREAM, net.IPPROTO_TCP)
        until kept[#kept] < 0
        assert(net.connect(client, listener:GetSockAddr()) == 0)
        engine:Run(200)
        assert(count == 0)
        net.close(kept[1])
        while count == 0 do engine:Run(10) end
        print(table.concat(told, " "))
      ]],
        "ulimit -n 30;"
      )
      assert.are.equal("EMFILE\n", result.output)
      assert.are.equal(0, result.status)
    end)
  end)

  describe("a descriptor that is there already", function()
    it("is listened at", function()
      local fd, port = world:listen()
      local listener, seen = listen("the old one", { fd = fd })
      assert.are.equal("127.0.0.1:" .. port, listener:GetSockAddr())
      world:connect(port)
      wait_for(seen, 1)
    end)

    it("is EBADF when it is none of ours", function()
      local listener, _, code = chuck.listen(world.engine, "", net.ignore, { fd = 99999 })
      assert.is_nil(listener)
      assert.are.equal("EBADF", code)
    end)
  end)
end)
