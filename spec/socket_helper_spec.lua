--- socket_helper: sockets as plain numbers, and its results for everything that can fail.
local chuck = require("chuck")
local net = require("spec.helper.net")

local errno = chuck.error
local socket_helper = chuck.socket_helper

--- A number that no socket has.
local UNKNOWN = 99999

local function has_ipv6()
  local file = io.open("/proc/net/if_inet6")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text:find(("0"):rep(31) .. "1 ") ~= nil
end

describe("socket_helper", function()
  local world

  before_each(function()
    world = net.open()
  end)

  after_each(function()
    world:close()
  end)

  local function socket()
    return world:own_fd(net.socket())
  end

  it("has the numbers of the platform", function()
    assert.are.equal(2, socket_helper.AF_INET)
    assert.are.equal(1, socket_helper.SOCK_STREAM)
    assert.are.equal(6, socket_helper.IPPROTO_TCP)
    assert.are.equal("number", type(socket_helper.AF_INET6))
  end)

  describe("socket", function()
    it("gives a descriptor that children do not inherit", function()
      local file = assert(io.open("/proc/self/fdinfo/" .. socket()))
      local flags = tonumber(file:read("*a"):match("flags:%s*(%d+)"), 8)
      file:close()
      assert.are.equal(1, math.floor(flags / 524288) % 2)
    end)

    it("has the usual protocol of its type when none is named", function()
      local fd = socket_helper.socket(socket_helper.AF_INET, socket_helper.SOCK_STREAM)
      world:own_fd(fd)
      assert.are.equal(0, socket_helper.nodelay(fd, true))
    end)

    it("answers -errno for a family, a type or a protocol that is unknown", function()
      assert.are.equal(-errno.EAFNOSUPPORT, socket_helper.socket(9999, 1, 6))
      assert.is_true(socket_helper.socket(2, 9999, 6) < 0)
      assert.are.equal(-errno.EPROTONOSUPPORT, socket_helper.socket(2, 1, 17))
    end)
  end)

  describe("listen and connect", function()
    it("answer 0, on a port that the kernel chose", function()
      local listener = socket()
      assert.are.equal(0, socket_helper.listen(listener, "127.0.0.1", 0))
      local client = socket()
      assert.are.equal(0, socket_helper.connect(client, "127.0.0.1", net.port_of(listener)))
    end)

    it("answer -98 and -111 for a port in use and a port without listener", function()
      local listener, port = world:listen()
      assert.are.equal(-errno.EADDRINUSE, socket_helper.listen(socket(), "127.0.0.1", port))
      socket_helper.close(listener)
      assert.are.equal(-errno.ECONNREFUSED, socket_helper.connect(socket(), "127.0.0.1", port))
    end)

    it("answer -115 for a socket that does not block", function()
      local _, port = world:listen()
      local client = socket()
      assert.are.equal(0, socket_helper.noblock(client, 1))
      assert.are.equal(-errno.EINPROGRESS, socket_helper.connect(client, "127.0.0.1", port))
    end)

    it("answer -99 for an address that is not ours", function()
      local result = socket_helper.listen(socket(), "192.0.2.1", 0)
      assert.are.equal(-errno.EADDRNOTAVAIL, result)
    end)

    it("answer -22 for the second listen on other addresses, as the kernel does", function()
      local listener = world:listen()
      assert.are.equal(-errno.EINVAL, socket_helper.listen(listener, "127.0.0.1", 0))
    end)

    it("raise for what is no address, at the line of the caller", function()
      for _, call in ipairs({ socket_helper.listen, socket_helper.connect }) do
        for _, ip in ipairs({ "", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "::g", "1 " }) do
          local fine, message = pcall(function()
            call(socket(), ip, 80)
          end)
          assert.is_false(fine)
          assert.truthy(tostring(message):find("socket_helper_spec.lua:%d+: bad argument #2"))
        end
      end
    end)

    it("raise for a port outside of 0 to 65535", function()
      for _, port in ipairs({ -1, 65536, 1.5, 0 / 0 }) do
        assert.has_error(function()
          socket_helper.connect(socket(), "127.0.0.1", port)
        end)
      end
    end)

    if has_ipv6() then
      it("speak IPv6", function()
        local _, port = world:listen("::1")
        local client = world:connect(port, "::1")
        assert.are.equal("[::1]:" .. port, socket_helper.getpeername(client))
      end)

      it("carry a connection over IPv6, with its addresses", function()
        local connected, accepted = world:fd_pair("::1")
        local client, server = world:connection(connected), world:connection(accepted)
        local seen = net.recorder()
        client:Add2Engine(world.engine, seen.on_packet)
        server:Add2Engine(world.engine, net.echo)
        client:Send(net.raw("six"))
        world:wait("the echo", function()
          return seen.size == 3
        end)
        assert.are.equal(client:GetSockAddr(), server:GetPeerAddr())
        assert.truthy(client:GetSockAddr():match("^%[::1%]:%d+$"))
      end)
    else
      pending("speak IPv6: this machine has no ::1")
    end

    it("answer -97 for an IPv6 address on an IPv4 socket", function()
      assert.are.equal(-errno.EAFNOSUPPORT, socket_helper.connect(socket(), "::1", 80))
    end)
  end)

  describe("the options", function()
    it("answer 0 to a number and to a boolean", function()
      local fd = socket()
      for _, set in ipairs({ socket_helper.noblock, socket_helper.addr_reuse }) do
        for _, on in ipairs({ 1, 0, true, false }) do
          assert.are.equal(0, set(fd, on))
        end
      end
    end)

    it("addr_reuse lets a port be bound while connections of it linger", function()
      local listener = world:own_fd(net.socket())
      socket_helper.addr_reuse(listener, 1)
      socket_helper.listen(listener, "127.0.0.1", 0)
      local port, accepted = net.port_of(listener), nil
      local acceptor = world:own(chuck.acceptor(listener))
      acceptor:Add2Engine(world.engine, function(fd)
        accepted = fd
      end)
      local client = world:connect(port)
      world:wait("a connection", function()
        return accepted
      end)
      -- Whoever ends first keeps the port for a minute.
      socket_helper.close(accepted)
      socket_helper.close(client)
      acceptor:Close()
      local plain, reusing = socket(), socket()
      socket_helper.addr_reuse(reusing, 1)
      assert.are.equal(-errno.EADDRINUSE, socket_helper.listen(plain, "127.0.0.1", port))
      assert.are.equal(0, socket_helper.listen(reusing, "127.0.0.1", port))
    end)
  end)

  describe("close", function()
    it("answers 0 once, and -9 for what is closed already", function()
      local fd = net.socket()
      assert.are.equal(0, socket_helper.close(fd))
      assert.are.equal(-errno.EBADF, socket_helper.close(fd))
    end)

    it("D40: is harmless with -1", function()
      assert.are.equal(-errno.EBADF, socket_helper.close(-1))
    end)

    it("does not close descriptors that chuck did not open", function()
      for fd = 0, 2 do
        assert.are.equal(-errno.EBADF, socket_helper.close(fd))
      end
      assert(io.open("/proc/self/fdinfo/1")):close()
    end)
  end)

  describe("an unknown descriptor", function()
    it("is -9 to everything that answers with a status", function()
      local results = {
        socket_helper.connect(UNKNOWN, "127.0.0.1", 1),
        socket_helper.listen(UNKNOWN, "127.0.0.1", 0),
        socket_helper.noblock(UNKNOWN, 1),
        socket_helper.addr_reuse(UNKNOWN, 1),
        socket_helper.close(UNKNOWN),
      }
      assert.are.same({ -9, -9, -9, -9, -9 }, results)
    end)

    it("is nil, a message and EBADF to everything that answers with an address", function()
      for _, ask in ipairs({ socket_helper.getsockname, socket_helper.getpeername }) do
        local addr, message, code = ask(UNKNOWN)
        assert.is_nil(addr)
        assert.are.equal("string", type(message))
        assert.are.equal("EBADF", code)
      end
    end)
  end)

  describe("the names of a socket", function()
    it("are ip:port, crosswise equal on both sides", function()
      local one, other = world:fd_pair()
      local name = socket_helper.getsockname(one)
      assert.are.equal(name, socket_helper.getpeername(other))
      assert.truthy(name:match("^127%.0%.0%.1:%d+$"))
    end)

    it("are nil, a message and ENOTCONN where there is no peer", function()
      local name, message, code = socket_helper.getpeername(socket())
      assert.is_nil(name)
      assert.are.equal("string", type(message))
      assert.are.equal("ENOTCONN", code)
    end)
  end)

  describe("gethostbyname_ipv4", function()
    it("lists the addresses of localhost", function()
      local found = assert(socket_helper.gethostbyname_ipv4("localhost"))
      assert.are.equal("127.0.0.1", found[1])
    end)

    it("gives an address back that is one already", function()
      assert.are.same({ "127.0.0.1" }, socket_helper.gethostbyname_ipv4("127.0.0.1"))
    end)

    it("answers nil, a message and a code for a host that nobody knows", function()
      local found, message, code = socket_helper.gethostbyname_ipv4("no-such-host.invalid")
      assert.is_nil(found)
      assert.are.equal("string", type(message))
      assert.is_true(type(code) == "string" and #code > 0)
    end)

    it("answers nil for names that cannot be one", function()
      for _, host in ipairs({ "", "a b", ("x"):rep(5000), "nul\0byte" }) do
        assert.is_nil((socket_helper.gethostbyname_ipv4(host)))
      end
    end)
  end)
end)
