--- Connect, send, close, or make a thread and join it, many times over: descriptors, threads and
--- memory come back to where they began.
---
--- 5,000 cycles; 100,000 with CHUCK_LONG set.
local chuck = require("chuck")
local lfs = require("lfs")

local net = require("spec.helper.net")
local threads = require("spec.helper.threads")

local socket_helper = chuck.socket_helper

local CYCLES = os.getenv("CHUCK_LONG") and 100000 or 5000

--- Connections at a time.
local BATCH = 50

--- How much the process may have grown, in kilobytes: allocators keep a little, a leak of one
--- kilobyte in each cycle would be 5,000. Warming up lets them take it before.
local SLACK = 4096
local WARM_UP = 5000

--- Memory of this process, in kilobytes.
local function resident()
  collectgarbage()
  collectgarbage()
  local file = assert(io.open("/proc/self/status"))
  local kilobytes = tonumber(file:read("*a"):match("VmRSS:%s*(%d+)"))
  file:close()
  return kilobytes
end

describe(CYCLES .. " connections in turn", function()
  local world, ended

  before_each(function()
    world, ended = net.open(), 0
  end)

  after_each(function()
    world:close()
  end)

  --- A server that echoes; its connections belong to nobody but the engine.
  local function serve()
    local fd, port = world:listen()
    world:own(chuck.acceptor(fd)):Add2Engine(world.engine, function(accepted, code)
      if code == 0 then
        chuck.connection(accepted, 512):Add2Engine(world.engine, net.echo)
      end
    end)
    return port
  end

  --- Connects, sends, reads the echo, closes.
  local function cycle(port)
    local fd = net.socket()
    socket_helper.noblock(fd, 1)
    assert(socket_helper.connect(fd, "127.0.0.1", port) == -chuck.error.EINPROGRESS)
    chuck.connector(fd, 10000):Add2Engine(world.engine, function(connected, code)
      assert(code == 0, code)
      local conn = chuck.connection(connected, 512)
      conn:Add2Engine(world.engine, function(_, got)
        assert(got and got:ReadBin() == "hello")
        conn:Close()
        ended = ended + 1
      end)
      conn:Send(net.raw("hello"), function(sender)
        assert(sender == conn)
      end)
    end)
  end

  local function run_cycles(port, count)
    local before = ended
    for first = 1, count, BATCH do
      for _ = 1, math.min(BATCH, count - first + 1) do
        cycle(port)
      end
      world:wait("a batch of connections", function()
        return ended - before >= first + BATCH - 1 or ended - before == count
      end)
    end
    world:wait("the server's ends", function()
      return world.engine:Stats().open == 1
    end)
  end

  it("leave neither descriptors nor memory behind", function()
    local port = serve()
    run_cycles(port, WARM_UP)
    local descriptors, memory = net.descriptors(), resident()
    run_cycles(port, CYCLES)
    assert.are.equal(descriptors, net.descriptors())
    assert.is_true(resident() - memory < SLACK, "grown by " .. resident() - memory .. " kB")
    assert.are.equal(CYCLES + WARM_UP, world.engine:Stats().accepted)
  end)
end)

describe("500 threads in turn", function()
  --- Threads of this process, as the kernel counts them.
  local function kernel_threads()
    local count = 0
    for name in lfs.dir("/proc/self/task") do
      count = count + (name:match("^%d+$") and 1 or 0)
    end
    return count
  end

  local function cycle(count)
    for n = 1, count do
      local packet = chuck.packet.rawpacket(("x"):rep(1000))
      local thread = threads.new("return ...", n, { packet })
      assert.are.equal(n, (threads.join(thread)))
    end
    threads.finish()
  end

  it("leave no memory, no descriptor and no thread behind", function()
    cycle(50)
    local memory, fds, count = resident(), net.descriptors(), kernel_threads()
    cycle(500)
    local grown = resident() - memory
    assert.are.same({ fds, count }, { net.descriptors(), kernel_threads() })
    -- A leak of a state each would be 10,000.
    assert.is_true(grown < 3000, grown .. " KB more")
  end)
end)
