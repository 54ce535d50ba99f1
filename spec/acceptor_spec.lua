--- Acceptors: connections in, pauses, shortage of descriptors, the end.
local chuck = require("chuck")
local child = require("spec.helper.child")
local net = require("spec.helper.net")

local errno = chuck.error
local socket_helper = chuck.socket_helper

--- A process with few descriptors: it accepts until it has none left, waits, gives half of them
--- back, and prints what its callback was told, in order.
local SHORTAGE = [[
local chuck = require("chuck")
local helper = chuck.socket_helper
local engine = chuck.engine()
local function socket()
  return helper.socket(helper.AF_INET, helper.SOCK_STREAM, helper.IPPROTO_TCP)
end
local listener = socket()
assert(helper.listen(listener, "127.0.0.1", 0) == 0)
local port = tonumber(helper.getsockname(listener):match("%d+$"))
local acceptor = chuck.acceptor(listener)
local waiting, spare = {}, {}
for i = 1, 6 do
  waiting[i] = socket()
  assert(helper.connect(waiting[i], "127.0.0.1", port) == 0)
end
while true do
  local fd = socket()
  if fd < 0 then break end
  spare[#spare + 1] = fd
end
local accepted, failed = 0, {}
acceptor:Add2Engine(engine, function(fd, code)
  if code == 0 then
    accepted = accepted + 1
  else
    failed[#failed + 1] = fd .. "/" .. code
  end
  if accepted == 6 then engine:Stop() end
end)
engine:Run(150)
print("failed", table.concat(failed, " "))
print("accepted", accepted)
print("turns below 30", engine:Stats().turns < 30)
for _, fd in ipairs(spare) do
  helper.close(fd)
end
engine:Run(10000)
print("then accepted", accepted)
]]

describe("an acceptor", function()
  local world

  before_each(function()
    world = net.open()
  end)

  after_each(function()
    world:close()
  end)

  --- An acceptor in the engine, its port, and what its callback was given.
  local function open()
    local fd, port = world:listen()
    local acceptor, told = world:own(chuck.acceptor(fd)), {}
    acceptor:Add2Engine(world.engine, function(got, code)
      told[#told + 1] = { got, code }
      world.fds[#world.fds + 1] = got
    end)
    return acceptor, port, told
  end

  local function wait_for(told, count)
    world:wait(count .. " connections", function()
      return #told >= count
    end)
  end

  it("comes from chuck.acceptor and from chuck.acceptor.acceptor alike", function()
    local first = world:own(chuck.acceptor((world:listen())))
    local second = world:own(chuck.acceptor.acceptor((world:listen())))
    assert.are.equal(getmetatable(first), getmetatable(second))
  end)

  it("answers nil, a message and EBADF for a descriptor that is none of ours", function()
    local acceptor, message, code = chuck.acceptor(99999)
    assert.is_nil(acceptor)
    assert.are.equal("string", type(message))
    assert.are.equal("EBADF", code)
  end)

  it("says true when it is added, and false when it is added again or was closed", function()
    local first = world:own(chuck.acceptor((world:listen())))
    local closed = chuck.acceptor((world:listen()))
    closed:Close()
    assert.is_true(first:Add2Engine(world.engine, net.ignore))
    assert.is_false(first:Add2Engine(world.engine, net.ignore))
    assert.is_false(closed:Add2Engine(world.engine, net.ignore))
  end)

  it("tells each connection once, as a descriptor and 0", function()
    local _, port, told = open()
    local client = world:connect(port)
    wait_for(told, 1)
    world:run(10)
    assert.are.equal(1, #told)
    assert.are.equal(0, told[1][2])
    assert.are.equal(socket_helper.getsockname(client), socket_helper.getpeername(told[1][1]))
  end)

  it("D36: gives descriptors that do not block and that children do not inherit", function()
    local _, port, told = open()
    world:connect(port)
    wait_for(told, 1)
    local file = assert(io.open("/proc/self/fdinfo/" .. told[1][1]))
    local flags = file:read("*a"):match("flags:%s*(%d+)")
    file:close()
    assert.are.equal("2004002", flags:match("^0*(%d+)$"))
  end)

  it("D36: lets the address of the peer be asked for", function()
    local _, port, told = open()
    world:connect(port)
    wait_for(told, 1)
    assert.truthy(socket_helper.getpeername(told[1][1]):match("^127%.0%.0%.1:%d+$"))
  end)

  it("takes in a burst of 500 connects", function()
    local _, port, told = open()
    for _ = 1, 500 do
      world:connect(port)
    end
    wait_for(told, 500)
    assert.are.equal(500, world.engine:Stats().accepted)
  end)

  it("takes nobody in while it is disabled, and those who waited once it is enabled", function()
    local acceptor, port, told = open()
    assert.is_true(acceptor:Disable())
    for _ = 1, 5 do
      world:connect(port)
    end
    world:run(30)
    assert.are.equal(0, #told)
    assert.is_true(acceptor:Enable())
    wait_for(told, 5)
    assert.are.equal(5, #told)
  end)

  it("sleeps while it is disabled and somebody waits", function()
    local acceptor, port = open()
    acceptor:Disable()
    world:connect(port)
    world:run(10)
    local before = world.engine:Stats().turns
    world:run(50)
    assert.is_true(world.engine:Stats().turns - before <= 3)
  end)

  it("stops at once when it is disabled in its callback", function()
    local fd, port = world:listen()
    local acceptor, accepted = world:own(chuck.acceptor(fd)), 0
    acceptor:Add2Engine(world.engine, function(got)
      accepted = accepted + 1
      world.fds[#world.fds + 1] = got
      acceptor:Disable()
    end)
    for _ = 1, 3 do
      world:connect(port)
    end
    for i = 1, 3 do
      world:wait("connection " .. i, function()
        return accepted >= i
      end)
      world:run(10)
      assert.are.equal(i, accepted)
      acceptor:Enable()
    end
  end)

  it("D42: accepts after one Enable, however often it was disabled", function()
    local acceptor, port, told = open()
    acceptor:Disable()
    acceptor:Disable()
    acceptor:Disable()
    acceptor:Enable()
    world:connect(port)
    wait_for(told, 1)
    acceptor:Enable()
    acceptor:Enable()
    acceptor:Disable()
    world:connect(port)
    world:run(20)
    assert.are.equal(1, #told)
  end)

  it("D34: says false to Enable and Disable without an engine, and once closed", function()
    local acceptor = world:own(chuck.acceptor((world:listen())))
    assert.is_false(acceptor:Enable())
    assert.is_false(acceptor:Disable())
    acceptor:Close()
    assert.is_false(acceptor:Enable())
    assert.is_false(acceptor:Disable())
  end)

  it("D34: raises when a method is called on another kind of object", function()
    local acceptor = world:own(chuck.acceptor((world:listen())))
    for _, wrong in ipairs({ world.engine, "text", {}, 1 }) do
      for _, name in ipairs({ "Enable", "Disable", "Close", "Add2Engine" }) do
        assert.has_error(function()
          acceptor[name](wrong)
        end)
      end
    end
  end)

  it("tells nothing after Close, which may come twice", function()
    local acceptor, port, told = open()
    world:connect(port)
    acceptor:Close()
    acceptor:Close()
    world:run(20)
    assert.are.equal(0, #told)
  end)

  it("may be closed in its callback: those who wait behind are refused", function()
    local fd, port = world:listen()
    local acceptor, accepted = world:own(chuck.acceptor(fd)), 0
    acceptor:Add2Engine(world.engine, function(got)
      accepted = accepted + 1
      world.fds[#world.fds + 1] = got
      acceptor:Close()
    end)
    for _ = 1, 3 do
      world:connect(port)
    end
    world:wait("a connection", function()
      return accepted > 0
    end)
    world:run(20)
    assert.are.equal(1, accepted)
    local late = world:own_fd(net.socket())
    assert.are.equal(-errno.ECONNREFUSED, socket_helper.connect(late, "127.0.0.1", port))
  end)

  it("closes what it accepted when its callback raises, and accepts the next", function()
    world.keeps_errors = true
    local fd, port = world:listen()
    world:own(chuck.acceptor(fd)):Add2Engine(world.engine, function()
      error("raised on purpose")
    end)
    local before = net.descriptors()
    for i = 1, 3 do
      socket_helper.close(world:connect(port))
      world:wait("error " .. i, function()
        return #world.errors == i
      end)
    end
    world:take_errors()
    assert.are.equal(before, net.descriptors())
  end)

  it("keeps what it accepted open when its callback took it over and then raises", function()
    world.keeps_errors = true
    local fd, port = world:listen()
    local seen = net.recorder()
    world:own(chuck.acceptor(fd)):Add2Engine(world.engine, function(got)
      world:connection(got):Add2Engine(world.engine, net.echo)
      error("raised on purpose")
    end)
    local client = world:connection(world:connect(port))
    client:Add2Engine(world.engine, seen.on_packet)
    client:Send(net.raw("x"))
    world:wait("the echo", function()
      return seen.size == 1
    end)
    world:take_errors()
    assert.are.equal("x", seen.text())
  end)

  it("D31: tells -1 and 155, once, when its engine is closed, and is closed then", function()
    local _, port, told = open()
    world.engine:Close()
    assert.are.same({ { -1, errno.EENGCLOSE } }, told)
    local late = world:own_fd(net.socket())
    assert.are.equal(-errno.ECONNREFUSED, socket_helper.connect(late, "127.0.0.1", port))
  end)

  it("D30: stays alive without being held, through collections", function()
    local fd, port = world:listen()
    local accepted
    chuck.acceptor(fd):Add2Engine(world.engine, function(got)
      accepted = accepted or world:own_fd(got)
    end)
    collectgarbage()
    collectgarbage()
    world:connect(port)
    world:wait("a connection", function()
      return accepted
    end)
    assert.is_true(accepted >= 0)
  end)

  it("D35: tells a shortage of descriptors once, waits, and goes on when there are some", function()
    local result = child.run(SHORTAGE, "ulimit -n 40;")
    assert.are.equal(
      table.concat({
        "failed\t-1/24",
        "accepted\t0",
        "turns below 30\ttrue",
        "then accepted\t6",
        "",
      }, "\n"),
      result.output
    )
    assert.are.equal(0, result.status)
  end)
end)
