--- socket_helper: addresses as one text, options, and descriptors from outside.
local chuck = require("chuck")
local child = require("spec.helper.child")
local lfs = require("lfs")
local net = require("spec.helper.net")

local errno = chuck.error
local socket_helper = chuck.socket_helper

describe("socket_helper", function()
  local world

  before_each(function()
    world = net.open()
  end)

  after_each(function()
    world:close()
  end)

  local function socket(family, kind)
    return world:own_fd(
      socket_helper.socket(family or socket_helper.AF_INET, kind or socket_helper.SOCK_STREAM, 0)
    )
  end

  it("has the numbers of the platform", function()
    assert.are.equal(1, socket_helper.AF_UNIX)
    assert.are.equal(2, socket_helper.SOCK_DGRAM)
    assert.are.equal(17, socket_helper.IPPROTO_UDP)
    local kind, protocol = socket_helper.SOCK_DGRAM, socket_helper.IPPROTO_UDP
    world:own_fd(socket_helper.socket(socket_helper.AF_INET, kind, protocol))
  end)

  describe("an address as one text", function()
    it("goes round: what getsockname says can be bound and connected to", function()
      for _, case in ipairs({
        { socket_helper.AF_INET, "127.0.0.1:0", "^127%.0%.0%.1:%d+$" },
        { socket_helper.AF_INET6, "[::1]:0", "^%[::1%]:%d+$" },
        { socket_helper.AF_UNIX, "unix:@chuck/" .. tostring({}), "^unix:@chuck/table" },
        { socket_helper.AF_UNIX, "unix:@nul\0byte" .. tostring({}), "^unix:@nul%zbyte" },
      }) do
        local listener = socket(case[1])
        assert.are.equal(0, socket_helper.listen(listener, case[2]))
        local name = socket_helper.getsockname(listener)
        assert.truthy(name:find((case[3]:gsub("%%z", "\0"))), name)
        local client = socket(case[1])
        assert.are.equal(0, socket_helper.connect(client, name))
        assert.are.equal(name, socket_helper.getpeername(client))
        socket_helper.close(listener)
        local again = socket(case[1])
        socket_helper.addr_reuse(again, true)
        assert.are.equal(0, socket_helper.bind(again, name))
        assert.are.equal(name, socket_helper.getsockname(again))
      end
    end)

    it("means the same as an ip and a port", function()
      local one, other = socket(), socket()
      assert.are.equal(0, socket_helper.bind(one, "127.0.0.1", 0))
      assert.are.equal(0, socket_helper.listen(one))
      local port = net.port_of(one)
      assert.are.equal(-errno.EADDRINUSE, socket_helper.bind(other, "127.0.0.1:" .. port))
      assert.are.equal(0, socket_helper.connect(other, "127.0.0.1:" .. port))
    end)

    it("raises at the caller's line when it is none, and says what one is", function()
      local calls = { socket_helper.bind, socket_helper.connect, socket_helper.listen }
      for _, text in ipairs({ "", "localhost:80", "127.0.0.1", "[::1]", "1.2.3.4:99999" }) do
        for _, call in ipairs(calls) do
          local fine, why = pcall(function()
            call(socket(), text)
          end)
          assert.is_false(fine)
          assert.truthy(why:find("socket_option_spec.lua:%d+: bad argument #2"), why)
          assert.truthy(why:find('"unix:/path"', 1, true), why)
        end
      end
    end)

    it("is -EAFNOSUPPORT or -EINVAL on a socket of another family", function()
      assert.is_true(socket_helper.connect(socket(), "unix:@x") < 0)
      assert.is_true(socket_helper.bind(socket(), "[::1]:0") < 0)
      assert.is_true(socket_helper.bind(socket(socket_helper.AF_UNIX), "127.0.0.1:0") < 0)
    end)
  end)

  describe("an option", function()
    it("answers 0 on a socket that has it", function()
      local fd = socket()
      for _, on in ipairs({ true, false, 1, 0 }) do
        assert.are.equal(0, socket_helper.nodelay(fd, on))
        assert.are.equal(0, socket_helper.reuseport(fd, on))
      end
      assert.are.equal(0, socket_helper.keepalive(fd, 60, 10, 5))
      assert.are.equal(0, socket_helper.keepalive(fd, 60))
      assert.are.equal(0, socket_helper.keepalive(fd, 0))
      assert.are.equal(0, socket_helper.keepalive(fd, false))
      assert.are.equal(0, socket_helper.linger(fd, 0))
      assert.are.equal(0, socket_helper.linger(fd, 5))
      assert.are.equal(0, socket_helper.linger(fd, false))
      assert.are.equal(0, socket_helper.v6only(socket(socket_helper.AF_INET6), true))
    end)

    it("answers -errno on a socket that has it not, and on none", function()
      local unix = socket(socket_helper.AF_UNIX)
      assert.is_true(socket_helper.nodelay(unix, true) < 0)
      assert.is_true(socket_helper.keepalive(unix, 60) < 0)
      assert.is_true(socket_helper.v6only(unix, true) < 0)
      for _, set in ipairs({ "nodelay", "keepalive", "linger", "reuseport", "v6only" }) do
        assert.are.equal(-errno.EBADF, socket_helper[set](99999, 1))
      end
      for _, ask in ipairs({ "recv_buffer", "send_buffer" }) do
        local size, _, code = socket_helper[ask](99999)
        assert.is_nil(size)
        assert.are.equal("EBADF", code)
      end
    end)

    it("raises for numbers that are out of range", function()
      local fd = socket()
      for _, call in ipairs({
        function()
          socket_helper.keepalive(fd, -1)
        end,
        function()
          socket_helper.keepalive(fd, 32768)
        end,
        function()
          socket_helper.keepalive(fd, true)
        end,
        function()
          socket_helper.keepalive(fd, 1, 0)
        end,
        function()
          socket_helper.keepalive(fd, 1, 1, 128)
        end,
        function()
          socket_helper.linger(fd, true)
        end,
        function()
          socket_helper.linger(fd, 0.5)
        end,
        function()
          socket_helper.recv_buffer(fd, 0)
        end,
      }) do
        assert.has_error(call)
      end
    end)

    it("of a buffer is what the kernel has made of it", function()
      local fd = socket()
      for _, buffer in ipairs({ socket_helper.recv_buffer, socket_helper.send_buffer }) do
        assert.is_true(buffer(fd) > 0)
        local size = buffer(fd, 32768)
        assert.is_true(size >= 32768)
        assert.are.equal(size, buffer(fd))
        assert.is_true(buffer(fd, 2 ^ 52) >= size)
      end
    end)

    it("of linger 0 makes a close reset the connection", function()
      local one, other = world:fd_pair()
      socket_helper.linger(one, 0)
      local conn, seen = world:connection(other), net.recorder()
      conn:Add2Engine(world.engine, seen.on_packet)
      socket_helper.close(one)
      world:wait("the end", function()
        return seen.code
      end)
      assert.are.equal(errno.ECONNRESET, seen.code)
    end)

    it("of reuseport lets two sockets listen at one port", function()
      local one, two, three = socket(), socket(), socket()
      socket_helper.reuseport(one, true)
      socket_helper.reuseport(two, true)
      assert.are.equal(0, socket_helper.listen(one, "127.0.0.1:0"))
      local name = socket_helper.getsockname(one)
      assert.are.equal(0, socket_helper.listen(two, name))
      assert.are.equal(-errno.EADDRINUSE, socket_helper.listen(three, name))
    end)

    it("of v6only keeps IPv4 out, or lets it in", function()
      for _, case in ipairs({ { true, -errno.ECONNREFUSED }, { false, 0 } }) do
        local six = socket(socket_helper.AF_INET6)
        assert.are.equal(0, socket_helper.v6only(six, case[1]))
        assert.are.equal(0, socket_helper.listen(six, "[::]:0"))
        local result = socket_helper.connect(socket(), "127.0.0.1", net.port_of(six))
        assert.are.equal(case[2], result)
      end
    end)
  end)

  describe("adopt", function()
    it("takes over a descriptor that the process was started with", function()
      local result =
        child.shell(("echo words | { exec 7<&0; %s -e '%s'; } 2>&1"):format(
          child.lua,
          [[
          local helper = require("chuck").socket_helper
          assert(helper.adopt(7) == 0)
          assert(helper.adopt(7) == -require("chuck").error.EEXIST)
          assert(helper.close(7) == 0)
          assert(helper.adopt(7) == -require("chuck").error.EBADF)
        ]]
        ))
      assert.are.equal(0, result.status, result.output)
    end)

    it("refuses what chuck owns: lent, taken over, or the kernel's part of an engine", function()
      local one, other = world:fd_pair()
      assert.are.equal(-errno.EEXIST, socket_helper.adopt(one))
      local conn = world:connection(other)
      assert.are.equal(-errno.EEXIST, socket_helper.adopt(other))
      conn:Close()
      assert.are.equal(-errno.EBADF, socket_helper.adopt(other))
      local tried = 0
      for name in lfs.dir("/proc/self/fd") do
        local target = lfs.symlinkattributes("/proc/self/fd/" .. name, "target") or ""
        if target:find("^anon_inode") then
          tried = tried + 1
          assert.are.equal(-errno.EINVAL, socket_helper.adopt(tonumber(name)))
        end
      end
      assert.is_true(tried > 0)
      assert.are.equal(0, world.engine:Run(0))
    end)

    it("takes a number again that was closed and is another's now", function()
      local fd = net.socket()
      assert.are.equal(0, socket_helper.close(fd))
      local file = assert(io.open("/dev/null"))
      local result = socket_helper.adopt(fd)
      assert.is_true(result == 0 or result == -errno.EBADF)
      if result == 0 then
        socket_helper.close(fd)
      end
      pcall(file.close, file)
    end)
  end)
end)
