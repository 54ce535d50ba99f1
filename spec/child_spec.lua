--- Children: talked to, held back, ended, forgotten, and nothing left of them.
local chuck = require("chuck")

local Programs = require("spec.helper.programs")
local check = require("spec.helper.check")
local child_program = require("spec.helper.child")
local net = require("spec.helper.net")

local process, signal = chuck.process, chuck.signal
local raw = net.raw

--- A gigabyte takes a second or more; a part of it shows the same.
local FLOOD = os.getenv("CHUCK_LONG") and 2 ^ 30 or 2 ^ 26

local world, programs

before_each(function()
  world = net.open()
  programs = Programs.new(world)
end)

after_each(function()
  world:close()
end)

describe("a child", function()
  it("that closes its pipes early is told as EPIPE, and the process lives", function()
    local child, seen = programs:shell("exec <&-; exec sleep 60", { stdin = "pipe" })
    local input = programs:record(child:Stdin())
    world:wait("the end of the pipe", function()
      child:Stdin():Send(raw("x"))
      return input.code
    end)
    assert.are.equal(chuck.error.EPIPE, input.code)
    assert.are.equal(0, seen.calls)
    assert.are.equal(-chuck.error.ESOCKCLOSE, child:Stdin():Send(raw("x")))
    child:Kill(process.SIGKILL)
    programs:wait_for_end(seen)
  end)

  it("that reads nothing and ends takes what was queued with it, and no signal comes", function()
    local child, seen = programs:start({ "true", stdin = "pipe" })
    local input = programs:record(child:Stdin())
    child:Stdin():Send(raw(("x"):rep(1000000)))
    programs:wait_for_end(seen)
    world:wait("the end of the pipe", function()
      return input.code
    end)
    assert.are.equal(chuck.error.EPIPE, input.code)
    assert.are.equal(1, input.calls)
  end)

  it("that ignores SIGTERM is killed after its grace", function()
    local line = "trap '' TERM; echo ready; while :; do sleep 0.02; done"
    local child, seen = programs:shell(line, { stdout = "pipe" })
    local out = programs:record(child:Stdout())
    world:wait("the trap", function()
      return out.size > 0
    end)
    local began = chuck.systick()
    assert.are.equal(0, child:Terminate(60))
    programs:wait_for_end(seen)
    assert.are.same({ nil, process.SIGKILL }, { seen.status, seen.signal })
    assert.is_true(chuck.systick() - began >= 60)
    child:Stdout():Close()
  end)

  it("that takes SIGTERM ends by it", function()
    local child, seen = programs:start({ "sleep", "60" })
    assert.are.equal(0, child:Terminate())
    programs:wait_for_end(seen)
    assert.are.equal(signal.SIGTERM, seen.signal)
    assert.are.equal(-chuck.error.ESRCH, child:Terminate())
  end)

  it("that prints without end is held back while we do not read", function()
    local size_wanted = ("%d"):format(FLOOD)
    local options = { "head", "-c", size_wanted, "/dev/zero", stdout = "pipe" }
    local child, seen = programs:start(options)
    local out, size, before = child:Stdout(), 0, nil
    local paused, ended, most = 0, nil, 0
    out:Add2Engine(world.engine, function(conn, packet, code)
      if not packet then
        ended = code
        return
      end
      size = size + packet:Size()
      before = before or Programs.memory()
      if size / 2 ^ 22 > paused then
        paused = paused + 1
        conn:PauseRead()
        most = math.max(most, Programs.memory())
        chuck.RegTimer(world.engine, 1, function()
          conn:ResumeRead()
          return -1
        end)
      end
    end)
    world:wait("all of it", function()
      return ended and seen.calls > 0
    end)
    assert.are.same({ FLOOD, 0, 0 }, { size, ended, seen.status })
    assert.is_true(most - before < 32 * 1024, most - before .. " KB more")
    assert.is_true(child:Pid() > 0)
  end)

  it("whose pipe is not read waits for us", function()
    local child, seen = programs:start({ "head", "-c", "1000000", "/dev/zero", stdout = "pipe" })
    world:run(50)
    assert.are.equal(0, seen.calls)
    local out = programs:record(child:Stdout())
    programs:wait_for_end(seen)
    world:wait("its end", function()
      return out.code
    end)
    assert.are.equal(1000000, out.size)
  end)

  it("has its number when it is gone, and is signalled no more", function()
    local child, seen = programs:start({ "true" })
    local pid = child:Pid()
    assert.is_true(Programs.exists(pid))
    programs:wait_for_end(seen)
    assert.are.equal(pid, child:Pid())
    assert.are.equal(-chuck.error.ESRCH, child:Kill(0))
    assert.is_false(Programs.exists(pid))
  end)

  it("refuses what is no signal", function()
    local child, seen = programs:start({ "sleep", "60" })
    assert.are.equal(-chuck.error.EINVAL, child:Kill(1000))
    child:Kill(process.SIGKILL)
    programs:wait_for_end(seen)
  end)

  it("that is closed runs on, is told of no more, and leaves no zombie", function()
    local child, seen = programs:start({ "sleep", "0.1" })
    child:Close()
    child:Close()
    assert.is_true(Programs.exists(child:Pid()))
    assert.are.equal(-chuck.error.ESRCH, child:Kill(process.SIGKILL))
    world:wait("its end", function()
      return not Programs.exists(child:Pid())
    end)
    assert.are.equal(0, seen.calls)
  end)

  it("that was to be terminated and is closed is killed", function()
    local child = programs:shell("trap '' TERM; while :; do sleep 0.02; done")
    child:Terminate(60000)
    child:Close()
    world:wait("its end", function()
      return not Programs.exists(child:Pid())
    end)
  end)

  it("runs on when its engine is closed or collected, and leaves no zombie", function()
    local closed, lost = chuck.engine(), chuck.engine()
    local pids = {}
    for n, engine in ipairs({ closed, lost }) do
      local child = process.spawn(engine, { "sleep", "0.1" }, function()
        error("nobody is to be told")
      end)
      pids[n] = child:Pid()
    end
    closed:Close()
    closed, lost = nil, nil
    check.collect()
    assert.is_true(Programs.exists(pids[1]) and Programs.exists(pids[2]))
    world:wait("their ends", function()
      return not Programs.exists(pids[1]) and not Programs.exists(pids[2])
    end)
    assert.is_nil(closed or lost)
  end)

  it("is kept alive by its engine until it ends, and not after", function()
    local weak = setmetatable({}, { __mode = "k" })
    local seen = Programs.ending()
    weak[process.spawn(world.engine, { "true" }, function()
      seen.calls = 1
    end)] = true
    assert.are.equal(1, check.count(weak))
    programs:wait_for_end(seen)
    assert.are.equal(0, check.count(weak))
  end)

  it("may be closed, signalled and followed by another in its own callback", function()
    local second = Programs.ending()
    local first = assert(process.spawn(world.engine, { "true" }, function(child)
      assert.are.equal(-chuck.error.ESRCH, child:Kill(9))
      child:Close()
      process.spawn(world.engine, { "true" }, second.on_exit)
      world.engine:Stop()
    end))
    programs:wait_for_end(second)
    assert.is_true(first:Pid() ~= second.child:Pid())
  end)

  it("may close its engine in its own callback", function()
    local engine, calls = world:new_engine(), 0
    for _ = 1, 3 do
      process.spawn(engine, { "sleep", "0.02" }, function()
        calls = calls + 1
        engine:Close()
      end)
    end
    world:wait("one callback", function()
      return calls > 0
    end, engine)
    world:run(50)
    assert.are.equal(1, calls)
    world:wait("the ends of all", function()
      return Programs.children() == 0
    end)
  end)

  it("may have its pipes closed in their own callbacks", function()
    local child, seen = programs:start({ "cat", stdin = "pipe", stdout = "pipe" })
    local calls = 0
    child:Stdin():Add2Engine(world.engine, net.ignore)
    child:Stdout():Add2Engine(world.engine, function(out)
      calls = calls + 1
      out:Close()
      child:Stdin():Close()
    end)
    child:Stdin():Send(raw("x"))
    programs:wait_for_end(seen)
    assert.are.equal(1, calls)
  end)

  it("has pipes that have no addresses", function()
    local child, seen = programs:start({ "cat", stdin = "pipe" })
    for _, name in ipairs({ "GetPeerAddr", "GetSockAddr" }) do
      local address, _, code = child:Stdin()[name](child:Stdin())
      assert.are.same({ nil, "ENOTSOCK" }, { address, code })
    end
    assert.are.equal(-chuck.error.ENOTSOCK, child:Stdin():SetNoDelay(true))
    child:Stdin():Close()
    programs:wait_for_end(seen)
  end)

  it("that reads nothing fills the queue up to its limit, and no further", function()
    local child, seen = programs:start({ "sleep", "60", stdin = "pipe" })
    local input = child:Stdin()
    programs:record(input)
    input:SetHighWater(100000, nil, 200000)
    local result
    repeat
      result = input:Send(raw(("x"):rep(10000)))
    until result ~= 0
    assert.are.equal(-chuck.error.ENOBUFS, result)
    assert.is_true(input:QueuedBytes() <= 200000)
    child:Kill(process.SIGKILL)
    programs:wait_for_end(seen)
    input:Close()
  end)

  it("whose status the system does not keep is told without one", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write([[
      local chuck = require("chuck")
      local engine = chuck.engine()
      assert(chuck.process.spawn(engine, { "true" }, function(_, status, signum)
        print(status, signum)
        engine:Stop()
      end))
      engine:Run(5000)
      print(chuck.process.fork("/nonexistent"))
    ]])
    file:close()
    local result =
      child_program.shell(("env --ignore-signal=CHLD '%s' %s"):format(child_program.lua, path))
    os.remove(path)
    local words = 'nil\tnil\nnil\tcannot execute "/nonexistent"'
    assert.are.equal(words, result.output:sub(1, #words))
  end)

  it("that ended while the engine was stopped is told in the next run", function()
    local seen = {}
    for n = 1, 3 do
      process.spawn(world.engine, { "true" }, function()
        seen[#seen + 1] = n
        world.engine:Stop()
      end)
    end
    world:wait("all three", function()
      return #seen == 3
    end)
  end)

  it("whose callback raises is gone all the same", function()
    world.keeps_errors = true
    process.spawn(world.engine, { "true" }, function()
      error("as it happens")
    end)
    local errors
    world:wait("the error", function()
      errors = world:take_errors()
      return #errors > 0
    end)
    assert.is_truthy(errors[1].err:find("as it happens", 1, true))
    assert.are.equal(0, Programs.children())
  end)

  it("needs no callback", function()
    local child = assert(process.spawn(world.engine, { "true" }))
    world:wait("its end", function()
      return not Programs.exists(child:Pid())
    end)
    assert.are.equal(0, world.engine:Stats().open)
  end)

  it("whose stdin is shut before it has an engine sees the end", function()
    local child, seen = programs:start({ "cat", stdin = "pipe", stdout = "null" })
    child:Stdin():ShutdownWrite()
    programs:wait_for_end(seen)
    assert.are.equal(0, seen.status)
  end)

  it("one after the other, a thousand leave no zombie, no descriptor, no growth", function()
    local function one()
      local child, seen = programs:start({ "true", stdin = "pipe", stdout = "pipe" })
      local out = programs:record(child:Stdout())
      programs:wait_for_end(seen)
      world:wait("the end of its output", function()
        return out.code
      end)
      child:Stdin():Close()
    end
    for _ = 1, 100 do
      one()
    end
    check.collect()
    local before, descriptors = Programs.memory(), net.descriptors()
    for _ = 1, 900 do
      one()
    end
    check.collect()
    assert.are.same({ 0, descriptors }, { Programs.children(), net.descriptors() })
    assert.is_true(Programs.memory() - before < 4096, Programs.memory() - before .. " KB more")
    assert.are.equal(0, world.engine:Stats().open)
  end)

  it("of many at once is told each by its own end", function()
    local seen, ends = {}, 0
    for n = 1, 50 do
      local line = ("exit %d"):format(n)
      process.spawn(world.engine, { "sh", "-c", line }, function(_, status)
        seen[n], ends = status, ends + 1
      end)
    end
    world:wait("all of them", function()
      return ends == 50
    end)
    for n = 1, 50 do
      assert.are.equal(n, seen[n])
    end
  end)

  it("of another part of the program is not reaped by us", function()
    local pipe = io.popen("sleep 0.05; exit 3")
    local _, seen = programs:start({ "sleep", "0.1" })
    programs:wait_for_end(seen)
    assert.is_truthy(process.fork("/bin/true"))
    local fine, _, status = pipe:close()
    -- Lua 5.1 says nothing of the status.
    assert.are.equal(status ~= nil and 3 or nil, status)
    assert.is_true(fine or status == 3)
  end)
end)
