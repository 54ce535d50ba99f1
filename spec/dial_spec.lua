--- chuck.dial: a connection to a name or an address, in one call, told exactly once.
local address = require("chuck.support.address")
local chuck = require("chuck")
local check = require("spec.helper.check")
local child = require("spec.helper.child")
local net = require("spec.helper.net")

local socket_helper = chuck.socket_helper

local function has_ipv6()
  local file = io.open("/proc/net/if_inet6")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text:find(("0"):rep(31) .. "1 ") ~= nil
end

describe("the order of addresses", function()
  it("begins with IPv6, then takes turns, and keeps each family's own", function()
    for given, ordered in pairs({
      ["1.1.1.1 2.2.2.2 ::1 ::2"] = "::1 1.1.1.1 ::2 2.2.2.2",
      ["::1 1.1.1.1"] = "::1 1.1.1.1",
      ["1.1.1.1 2.2.2.2 3.3.3.3 ::1"] = "::1 1.1.1.1 2.2.2.2 3.3.3.3",
      ["1.1.1.1"] = "1.1.1.1",
      ["::3 ::2 ::1"] = "::3 ::2 ::1",
      [""] = "",
    }) do
      local ips = {}
      for ip in given:gmatch("%S+") do
        ips[#ips + 1] = ip
      end
      assert.are.equal(ordered, table.concat(address.take_turns(ips), " "))
    end
  end)
end)

describe("an address before it is resolved", function()
  it("is taken apart, and put together again", function()
    for text, parts in pairs({
      ["127.0.0.1:80"] = { "127.0.0.1", 80 },
      ["example.org:65535"] = { "example.org", 65535 },
      ["[::1]:0"] = { "::1", 0 },
      ["[fe80::1%2]:80"] = { "fe80::1%2", 80 },
      [":80"] = { "", 80 },
    }) do
      assert.are.same(parts, { address.split(text) })
      assert.are.equal(text, address.join(parts[1], parts[2]))
    end
  end)

  it("is none when it is nothing of the kind", function()
    local wrong = { "", "80", "a:", "a:b", "a:1:2", "a:65536", "a:123456", "[a]:1", "[::1]" }
    for _, text in ipairs(wrong) do
      assert.is_nil((address.split(text)))
    end
  end)
end)

describe("chuck.dial", function()
  local world

  before_each(function()
    world = net.open()
    -- The descriptor by which other threads wake the engine comes with the first query.
    chuck.resolver.resolve(world.engine, "127.0.0.1", net.ignore)
    world:run(0)
  end)

  after_each(function()
    world:close()
  end)

  --- Dials; the list of what the callback was given, and the dial.
  local function dial(addr, timeout, options, engine)
    local told = {}
    local dialing = assert(chuck.dial(engine or world.engine, addr, timeout or 5000, function(...)
      told[#told + 1] = { n = select("#", ...), ... }
      if ... then
        world:own((...))
      end
    end, options))
    return told, dialing
  end

  local function outcome_of(addr, timeout, options)
    local told = dial(addr, timeout, options)
    assert.are.same({}, told)
    world:wait("the outcome", function()
      return told[1]
    end)
    world:run(5)
    assert.are.equal(1, #told)
    return check.unpack(told[1], 1, 3)
  end

  --- A port with an echo behind it.
  local function echo_port()
    return world:serve(net.echo)
  end

  --- A port where nobody listens.
  local function dead_port(ip)
    local fd, port = world:listen(ip)
    socket_helper.close(fd)
    return port
  end

  --- Fills the queue of a listening socket, so that further connects stay in progress.
  local function fill(fd)
    local place = assert(socket_helper.getsockname(fd))
    local family = place:find("[", 1, true) and socket_helper.AF_INET6 or nil
    for _ = 1, 1000 do
      local filler = world:own_fd(net.socket(family))
      socket_helper.noblock(filler, true)
      socket_helper.connect(filler, place)
      world:run(1)
      if not socket_helper.getpeername(filler) then
        return
      end
    end
    error("the backlog has no end")
  end

  --- A port that never answers.
  local function silent_port()
    local fd = world:own_fd(net.socket())
    assert.are.equal(0, socket_helper.listen(fd, "127.0.0.1:0", { backlog = 1 }))
    fill(fd)
    return net.port_of(fd)
  end

  --- Listening sockets with one port on both families: at ::1 one that never answers.
  local function silent_and_lively()
    for _ = 1, 50 do
      local lively, port = world:listen()
      local silent = world:own_fd(net.socket(socket_helper.AF_INET6))
      local place = "[::1]:" .. port
      if socket_helper.listen(silent, place, { backlog = 1 }) == 0 then
        fill(silent)
        return port, lively
      end
    end
    error("no port is free on both families")
  end

  it("connects to a literal, a name, and this machine", function()
    local port = echo_port()
    for _, host in ipairs({ "127.0.0.1", "localhost", "LocalHost", "" }) do
      local conn, message, code = outcome_of(host .. ":" .. port)
      assert.is_nil(message)
      assert.is_nil(code)
      local got = net.recorder()
      conn:Add2Engine(world.engine, got.on_packet)
      conn:Send(net.raw("hello"))
      world:wait("the echo", function()
        return got.size == 5
      end)
    end
  end)

  it("uses the decoder that it is given", function()
    local port = echo_port()
    local conn = outcome_of("127.0.0.1:" .. port, 5000, {
      decoder = chuck.decoder.connection.rpacket(64),
      recvbuf = 64,
    })
    local got = net.recorder()
    conn:Add2Engine(world.engine, got.on_packet)
    conn:Send(net.frame("framed"))
    world:wait("the packet", function()
      return got.packets[1]
    end)
    assert.are.equal("framed", got.packets[1]:ReadStr())
  end)

  it("connects to a path, and later, not at once", function()
    local path = os.tmpname()
    os.remove(path)
    world:own(assert(chuck.listen(world.engine, "unix:" .. path, function(conn)
      conn:Add2Engine(world.engine, net.echo)
    end)))
    local conn = assert(outcome_of("unix:" .. path))
    assert.are.equal("unix:" .. path, conn:GetPeerAddr())
    os.remove(path)
  end)

  it("tells what failed, where, and after how many attempts", function()
    local port = dead_port()
    local conn, message, code = outcome_of("localhost:" .. port, 5000, { family = "inet" })
    assert.is_nil(conn)
    assert.are.equal("ECONNREFUSED", code)
    local text = "dial localhost:%d: 1 attempt failed, the last to 127.0.0.1:%d: Connection refused"
    assert.are.equal(text:format(port, port), message)
  end)

  it("tells every kind of failure later, once, with its code", function()
    local cases = {
      { "no host.invalid:80", "ENOENT" },
      { "unix:/no/such/socket", "ENOENT" },
      { "unix:" .. ("x"):rep(200), "ENAMETOOLONG" },
      { "unix:a\0b", "EINVAL" },
      { "unix:", "EINVAL" },
      { "", "EINVAL" },
      { "nonsense", "EINVAL" },
      { "*:80", "EINVAL" },
      { "127.0.0.1:65536", "EINVAL" },
      { "a\0b:80", "EINVAL" },
      { ("x"):rep(300) .. ":80", "EINVAL" },
    }
    for _, case in ipairs(cases) do
      local conn, message, code = outcome_of(case[1])
      assert.is_nil(conn)
      assert.truthy(message:find("dial " .. case[1], 1, true), message)
      assert.are.equal(case[2], code, case[1])
    end
  end)

  it("answers nil, a message and EENGCLOSE when the engine is closed already", function()
    local engine = world:new_engine()
    engine:Close()
    for _, addr in ipairs({ "localhost:80", "127.0.0.1:80", "unix:/x", "nonsense" }) do
      local dialing, message, code = chuck.dial(engine, addr, 100, net.ignore)
      assert.is_nil(dialing)
      assert.truthy(message:find("dial " .. addr, 1, true))
      assert.are.equal("EENGCLOSE", code)
    end
  end)

  it("raises for options that it does not know or understand", function()
    for _, options in ipairs({
      { timeout_ms = 5 },
      { family = "inet5" },
      { family = 4 },
      { attempt_delay_ms = 0 },
      { attempt_delay_ms = math.huge },
      { recvbuf = 0 },
      { recvbuf = 1e300 },
      { decoder = "raw" },
      { decoder = chuck.decoder.datagram.rawpacket },
      { addresses = {} },
      { addresses = { 1 } },
      { addresses = "127.0.0.1" },
    }) do
      local fine, why = pcall(function()
        chuck.dial(world.engine, "127.0.0.1:1", 100, net.ignore, options)
      end)
      assert.is_false(fine)
      assert.truthy(why:find("dial_spec.lua:%d+: bad argument #5 to 'dial' "), why)
    end
  end)

  it("gives up in time on a peer that never answers, and says how long it took", function()
    local port = silent_port()
    local began = chuck.systick()
    local conn, message, code = outcome_of("127.0.0.1:" .. port, 60)
    assert.is_nil(conn)
    assert.are.equal("ETIMEDOUT", code)
    local text = "dial 127.0.0.1:%d: no connection in 60 ms, 1 attempt, the last to 127.0.0.1:%d"
    assert.are.equal(text:format(port, port), message)
    assert.is_true(chuck.systick() - began >= 60)
    assert.are.equal(0, world.engine:Stats().open)
    assert.are.equal(0, world.engine:Stats().timers)
  end)

  describe("with several addresses", function()
    it("goes on at once when one refuses", function()
      local port = echo_port()
      local given = { addresses = { "127.0.0.1", "::1" }, attempt_delay_ms = 3600000 }
      local conn = outcome_of("name:" .. port, 0, given)
      assert.are.equal("127.0.0.1:" .. port, conn:GetPeerAddr())
    end)

    it("tells the last failure when all refuse", function()
      local port = dead_port()
      local given = { addresses = { "::1", "127.0.0.1" } }
      local _, message, code = outcome_of("name:" .. port, 0, given)
      assert.truthy(message:find("2 attempts failed, the last to 127.0.0.1:" .. port, 1, true))
      assert.are.equal("ECONNREFUSED", code)
    end)

    it("passes over what is no address", function()
      local port = echo_port()
      local given = { addresses = { "nonsense:", "nonsense", "127.0.0.1" } }
      local conn = assert(outcome_of("name:" .. port, 0, given))
      assert.are.equal("127.0.0.1:" .. port, conn:GetPeerAddr())
      local _, _, code = outcome_of("name:1", 0, { addresses = { "nonsense" } })
      assert.are.equal("EINVAL", code)
    end)

    if not has_ipv6() then
      pending("does the rest: this machine has no ::1")
      return
    end

    it("prefers IPv6 where both would answer", function()
      local listener = world:own(assert(chuck.listen(world.engine, ":0", function(conn)
        conn:Close()
      end)))
      local port = listener:GetSockAddr():match("%d+$")
      local conn = outcome_of("name:" .. port, 0, { addresses = { "127.0.0.1", "::1" } })
      assert.are.equal("[::1]:" .. port, conn:GetPeerAddr())
    end)

    it("starts the next beside one that does not answer, and closes the loser", function()
      local port = silent_and_lively()
      local before = net.descriptors()
      local began = chuck.systick()
      local given = { addresses = { "127.0.0.1", "::1" }, attempt_delay_ms = 30 }
      local conn = outcome_of("name:" .. port, 0, given)
      assert.are.equal("127.0.0.1:" .. port, conn:GetPeerAddr())
      assert.is_true(chuck.systick() - began >= 30)
      assert.are.equal(before + 1, net.descriptors())
      assert.are.equal(0, world.engine:Stats().timers)
    end)

    it("counts every attempt when time is up, and closes them all", function()
      local port, lively = silent_and_lively()
      socket_helper.close(lively)
      local fd = world:own_fd(net.socket())
      assert.are.equal(0, socket_helper.listen(fd, "127.0.0.1:" .. port, { backlog = 1 }))
      fill(fd)
      local before = net.descriptors()
      local given = { addresses = { "::1", "127.0.0.1" }, attempt_delay_ms = 10 }
      local _, message, code = outcome_of("name:" .. port, 80, given)
      assert.are.equal("ETIMEDOUT", code)
      assert.truthy(message:find("2 attempts, the last to 127.0.0.1:" .. port, 1, true), message)
      assert.are.equal(before, net.descriptors())
      assert.are.equal(0, world.engine:Stats().open)
    end)

    it("waits for those under way when the last has failed", function()
      local port, lively = silent_and_lively()
      socket_helper.close(lively)
      local given = { addresses = { "::1", "127.0.0.1" }, attempt_delay_ms = 10 }
      local _, _, code = outcome_of("name:" .. port, 80, given)
      assert.are.equal("ETIMEDOUT", code)
    end)
  end)

  describe("that is cancelled", function()
    local function claim_silence(told)
      world:run(50)
      assert.are.same({}, told)
      assert.are.equal(0, world.engine:Stats().open)
      assert.are.equal(0, world.engine:Stats().timers)
    end

    it("while the name is resolved tells nothing", function()
      for _, addr in ipairs({ "localhost:1", "127.0.0.1:1", "unix:/x", "nonsense" }) do
        local told, dialing = dial(addr)
        assert.is_true(dialing:Cancel())
        assert.is_false(dialing:Cancel())
        claim_silence(told)
      end
    end)

    it("while it connects tells nothing, and closes the socket", function()
      local port = silent_port()
      local before = net.descriptors()
      local told, dialing = dial("127.0.0.1:" .. port, 5000, { addresses = { "127.0.0.1", "::1" } })
      world:wait("the connect", function()
        return net.descriptors() > before
      end)
      assert.is_true(dialing:Cancel())
      assert.are.equal(before, net.descriptors())
      claim_silence(told)
    end)

    it("in its own callback, or afterwards, loses nothing", function()
      local port, conn, dialing = echo_port(), nil, nil
      dialing = chuck.dial(world.engine, "127.0.0.1:" .. port, 5000, function(got)
        conn = world:own(got)
        assert.is_false(dialing:Cancel())
      end)
      world:wait("the connection", function()
        return conn
      end)
      assert.is_false(dialing:Cancel())
      assert.truthy(conn:GetPeerAddr())
    end)
  end)

  describe("whose engine is closed", function()
    local function claim_told(told)
      world.engine:Close()
      assert.are.equal(1, #told)
      assert.is_nil(told[1][1])
      assert.are.equal("EENGCLOSE", told[1][3])
    end

    it("before anything happened is told EENGCLOSE, once", function()
      for _, addr in ipairs({ "localhost:1", "127.0.0.1:1", "unix:/x", "nonsense" }) do
        claim_told((dial(addr)))
        world.engine = world:new_engine()
      end
    end)

    it("while it connects is told EENGCLOSE, once", function()
      local port = silent_port()
      local before = net.descriptors()
      local told = dial("127.0.0.1:" .. port)
      world:wait("the connect", function()
        return net.descriptors() > before
      end)
      claim_told(told)
    end)

    it("in its callback is told nothing more", function()
      local port, calls = echo_port(), 0
      chuck.dial(world.engine, "127.0.0.1:" .. port, 5000, function(conn)
        calls = calls + 1
        conn:Close()
        world.engine:Close()
      end)
      world.engine:Run(net.DEADLINE)
      assert.are.equal(1, calls)
    end)
  end)

  it("closes the connection that a callback which raises has not taken", function()
    world.keeps_errors = true
    local port = echo_port()
    local before = net.descriptors()
    collectgarbage("stop")
    local thrown = {}
    chuck.dial(world.engine, "127.0.0.1:" .. port, 5000, function()
      error(thrown)
    end)
    local errors = {}
    world:wait("the error", function()
      errors = world:take_errors()
      return errors[1]
    end)
    world:wait("the end", function()
      return net.descriptors() == before
    end)
    collectgarbage("restart")
    assert.are.equal(thrown, errors[1].err)
  end)

  it("lives without being held, and goes once it is told", function()
    local weak, told = setmetatable({}, { __mode = "v" }), nil
    local port = echo_port()
    weak[1] = chuck.dial(world.engine, "localhost:" .. port, 5000, function(conn)
      told = world:own(conn)
    end)
    check.collect()
    world:wait("the connection", function()
      return told
    end)
    world:run(5)
    assert.are.equal(0, check.count(weak))
  end)

  it("leaves no descriptor behind after a thousand failures", function()
    local port = dead_port()
    local given = { addresses = { "::1", "127.0.0.1" } }
    local before, failed = net.descriptors(), 0
    local function again(conn)
      assert.is_nil(conn)
      failed = failed + 1
      if failed <= 990 then
        chuck.dial(world.engine, "name:" .. port, 1000, again, given)
      end
    end
    for _ = 1, 10 do
      chuck.dial(world.engine, "name:" .. port, 1000, again, given)
    end
    world:wait("a thousand failures", function()
      return failed == 1000
    end)
    assert.are.equal(before, net.descriptors())
    assert.are.equal(0, world.engine:Stats().open)
    assert.are.equal(0, world.engine:Stats().timers)
  end)

  it("tells EMFILE when there are no descriptors", function()
    local result = child.run(
      [[
      local chuck = require("chuck")
      local net = chuck.socket_helper
      local engine = chuck.engine()
      local listener = assert(chuck.listen(engine, "127.0.0.1:0", function() end))
      chuck.dial(engine, "127.0.0.1:1", 1000, function() engine:Stop() end)
      engine:Run(1000)
      repeat
        local fd = net.socket(net.AF_INET, net.SOCK_STREAM, net.IPPROTO_TCP)
      until fd < 0
      chuck.dial(engine, listener:GetSockAddr(), 1000, function(conn, message, code)
        print(conn, code)
        engine:Stop()
      end)
      engine:Run(1000)
    ]],
      "ulimit -n 30;"
    )
    assert.are.equal("nil\tEMFILE\n", result.output)
  end)
end)
