--- Connectors: how a connect in progress ends, told exactly once.
local chuck = require("chuck")
local net = require("spec.helper.net")

local errno = chuck.error
local socket_helper = chuck.socket_helper

describe("a connector", function()
  local world

  before_each(function()
    world = net.open()
  end)

  after_each(function()
    world:close()
  end)

  --- A connect to a port of loopback that was started and not waited for.
  local function start(port)
    local fd = world:own_fd(net.socket())
    socket_helper.noblock(fd, 1)
    local result = socket_helper.connect(fd, "127.0.0.1", port)
    assert.are.equal(-errno.EINPROGRESS, result)
    return fd
  end

  --- A connector in the engine and the list of what its callback was given.
  local function watch(fd, timeout)
    local told = {}
    local connector = world:own(chuck.connector(fd, timeout))
    connector:Add2Engine(world.engine, function(got, code)
      told[#told + 1] = { got, code }
      world.fds[#world.fds + 1] = got
    end)
    return told, connector
  end

  local function wait_for(told)
    world:wait("the outcome", function()
      return told[1]
    end)
    world:run(10)
  end

  --- A port where nobody listens.
  local function dead_port()
    local fd, port = world:listen()
    socket_helper.close(fd)
    return port
  end

  --- A port whose listener takes nobody in: its backlog is full, so connects stay in progress.
  local function full_port()
    local _, port = world:listen()
    for _ = 1, 70000 do
      local fd = start(port)
      table.remove(world.fds)
      local is_connected = socket_helper.getpeername(fd)
      socket_helper.close(fd)
      if not is_connected then
        return port
      end
    end
    error("the backlog has no end")
  end

  it("comes from chuck.connector and from chuck.connector.connector alike", function()
    local port = dead_port()
    local first = world:own(chuck.connector(start(port)))
    local second = world:own(chuck.connector.connector(start(port), 100))
    assert.are.equal(getmetatable(first), getmetatable(second))
  end)

  it("answers nil, a message and EBADF for a descriptor that is none of ours", function()
    local connector, message, code = chuck.connector(99999)
    assert.is_nil(connector)
    assert.are.equal("string", type(message))
    assert.are.equal("EBADF", code)
  end)

  it("needs no timeout", function()
    local _, port = world:listen()
    local told = watch(start(port))
    wait_for(told)
    assert.are.equal(0, told[1][2])
  end)

  it("tells success once, with a descriptor that works", function()
    local _, port = world:listen()
    local told = watch(start(port), 5000)
    wait_for(told)
    assert.are.equal(1, #told)
    assert.are.equal(0, told[1][2])
    assert.are.equal("127.0.0.1:" .. port, socket_helper.getpeername(told[1][1]))
  end)

  it("says true when it is added, and false when it is added again or was closed", function()
    local _, port = world:listen()
    local connector, closed = chuck.connector(start(port)), chuck.connector(start(port))
    world:own(connector)
    closed:Close()
    assert.is_true(connector:Add2Engine(world.engine, net.ignore))
    assert.is_false(connector:Add2Engine(world.engine, net.ignore))
    assert.is_false(closed:Add2Engine(world.engine, net.ignore))
  end)

  it("D40: tells a refusal as -1 and 111, once, and closes the socket", function()
    local fd = start(dead_port())
    local before = net.descriptors()
    local told = watch(fd, 5000)
    wait_for(told)
    assert.are.same({ { -1, errno.ECONNREFUSED } }, told)
    assert.are.equal(before - 1, net.descriptors())
  end)

  it("D21: tells a timeout as -1 and 110, once, and not before its time", function()
    local fd = start(full_port())
    local began = chuck.systick()
    local told = watch(fd, 30)
    wait_for(told)
    assert.are.same({ { -1, errno.ETIMEDOUT } }, told)
    assert.is_true(chuck.systick() - began >= 30)
    assert.are.equal(0, world.engine:Stats().open)
  end)

  it("D21: has no timer left once it succeeded", function()
    local _, port = world:listen()
    local told = watch(start(port), 15)
    wait_for(told)
    world:run(40)
    assert.are.equal(1, #told)
  end)

  it("tells nothing after Close, which also closes the socket and may come twice", function()
    local fd = start(full_port())
    local before = net.descriptors()
    local told, connector = watch(fd, 10)
    connector:Close()
    connector:Close()
    world:run(40)
    assert.are.same({}, told)
    assert.are.equal(before - 1, net.descriptors())
  end)

  it("may be closed before it has an engine, and in its own callback", function()
    local _, port = world:listen()
    local connector, told = world:own(chuck.connector(start(port))), nil
    chuck.connector(start(port)):Close()
    connector:Add2Engine(world.engine, function(fd, code)
      connector:Close()
      told = { socket_helper.getpeername(fd), code }
      socket_helper.close(fd)
    end)
    world:wait("the outcome", function()
      return told
    end)
    assert.are.same({ "127.0.0.1:" .. port, 0 }, told)
  end)

  it("D31: tells -1 and 155, once, when its engine is closed", function()
    local told = watch(start(full_port()), 5000)
    world.engine:Close()
    assert.are.same({ { -1, errno.EENGCLOSE } }, told)
  end)

  it("D30: stays alive without being held, through collections", function()
    local told
    chuck.connector(start(full_port()), 20):Add2Engine(world.engine, function(fd, code)
      told = { fd, code }
    end)
    collectgarbage()
    collectgarbage()
    world:wait("the outcome", function()
      return told
    end)
    assert.are.same({ -1, errno.ETIMEDOUT }, told)
  end)

  it("closes the connected socket when its callback raises", function()
    world.keeps_errors = true
    local _, port = world:listen()
    local before = net.descriptors()
    world:own(chuck.connector(start(port))):Add2Engine(world.engine, function()
      error("raised on purpose")
    end)
    world:wait("the error", function()
      return #world.errors == 1
    end)
    world:take_errors()
    assert.are.equal(before, net.descriptors())
  end)

  it("may start the next one inside its callback", function()
    local _, port = world:listen()
    local done = 0
    local function again(fd, code)
      assert(code == 0)
      socket_helper.close(fd)
      done = done + 1
      if done < 50 then
        chuck.connector(start(port), 1000):Add2Engine(world.engine, again)
      end
    end
    chuck.connector(start(port), 1000):Add2Engine(world.engine, again)
    world:wait("fifty connects", function()
      return done == 50
    end)
    assert.are.equal(0, world.engine:Stats().open)
  end)
end)
