--- Other programs: started, talked to, ended, and nothing left of them.
local chuck = require("chuck")
local lfs = require("lfs")

local check = require("spec.helper.check")
local child_program = require("spec.helper.child")
local net = require("spec.helper.net")

local process, signal, socket_helper = chuck.process, chuck.signal, chuck.socket_helper
local raw = net.raw

--- A gigabyte takes seconds; a part of it shows the same.
local FLOOD = os.getenv("CHUCK_LONG") and 2 ^ 30 or 2 ^ 26

local world

before_each(function()
  world = net.open()
end)

after_each(function()
  world:close()
end)

--- Remembers how a child ends.
local function ending()
  local seen = { calls = 0 }
  function seen.on_exit(child, status, signum)
    seen.calls = seen.calls + 1
    seen.child, seen.status, seen.signal = child, status, signum
  end
  return seen
end

--- Starts a program; its end is remembered.
local function start(options)
  local seen = ending()
  return assert(process.spawn(world.engine, options, seen.on_exit)), seen
end

--- Starts a line of shell.
local function shell(line, options)
  options = options or {}
  options.args = { "sh", "-c", line }
  return start(options)
end

--- Remembers what a connection tells, in the world's engine.
local function record(conn)
  local seen = net.recorder()
  assert(conn:Add2Engine(world.engine, seen.on_packet))
  return seen
end

local function wait_for_end(seen)
  world:wait("the end of a child", function()
    return seen.calls > 0
  end)
end

--- Everything a program prints, and how it ends.
local function output_of(options)
  options.stdout = "pipe"
  local child, seen = start(options)
  local out = record(child:Stdout())
  world:wait("the end of a child and of its output", function()
    return seen.calls > 0 and out.code
  end)
  assert.are.equal(0, out.code)
  return out.text(), seen
end

local function exists(pid)
  return process.kill(pid, 0) == 0
end

--- Children of this process, zombies too.
local function children()
  local pipe = io.open("/proc/self/task/" .. process.pid() .. "/children")
  local text = pipe and pipe:read("*a") or ""
  if pipe then
    pipe:close()
  end
  local count = 0
  for _ in text:gmatch("%d+") do
    count = count + 1
  end
  return count
end

--- Resident memory of this process, in kilobytes.
local function memory()
  collectgarbage()
  collectgarbage()
  local file = assert(io.open("/proc/self/status"))
  local size = file:read("*a"):match("VmRSS:%s*(%d+)")
  file:close()
  return tonumber(size)
end

describe("process.spawn", function()
  it("tells the status of a child that returns, once", function()
    local child, seen = shell("exit 3")
    wait_for_end(seen)
    assert.are.same({ child, 3, nil }, { seen.child, seen.status, seen.signal })
    world:run(20)
    assert.are.equal(1, seen.calls)
  end)

  it("tells the signal of a child that is killed", function()
    local child, seen = start({ "sleep", "60" })
    assert.are.equal(0, child:Kill(signal.SIGUSR1))
    wait_for_end(seen)
    assert.are.same({ nil, signal.SIGUSR1 }, { seen.status, seen.signal })
  end)

  it("tells of a child that has ended before we look", function()
    local child, seen = start({ "true" })
    -- It has ended when its number is a zombie's, whose parent we are.
    world:wait("a zombie", function()
      local file = io.open("/proc/" .. child:Pid() .. "/stat")
      local state = file and file:read("*a"):match("%) (%a)")
      if file then
        file:close()
      end
      return state == "Z" or seen.calls > 0
    end, world:new_engine())
    assert.are.equal(0, seen.calls)
    wait_for_end(seen)
    assert.are.equal(0, seen.status)
  end)

  it("reads what a child prints, and its end", function()
    assert.are.equal("hello\n", (output_of({ "echo", "hello" })))
  end)

  it("writes what a child reads, and its end", function()
    local child, seen = start({ "cat", stdin = "pipe", stdout = "pipe" })
    local input, out = record(child:Stdin()), record(child:Stdout())
    local sent = net.pattern(300000)
    assert.are.equal(0, child:Stdin():Send(raw(sent)))
    child:Stdin():ShutdownWrite()
    world:wait("the end", function()
      return out.code and input.code and seen.calls > 0
    end)
    net.assert_same_bytes(sent, out.text())
    assert.are.same({ 0, 0, 0 }, { out.code, input.code, seen.status })
  end)

  it("sends frames, and decodes what the child prints", function()
    local decoder = chuck.decoder.connection.rpacket(4096)
    local child, seen = start({ "cat", stdin = "pipe", stdout = "pipe", decoder = decoder })
    record(child:Stdin())
    local out = record(child:Stdout())
    for n = 1, 100 do
      child:Stdin():Send(net.frame("packet " .. n))
    end
    child:Stdin():Close(1000)
    wait_for_end(seen)
    world:wait("the end", function()
      return out.code
    end)
    assert.are.equal(100, #out.packets)
    assert.are.equal("packet 100", out.packets[100]:ReadStr())
  end)

  it("keeps output and errors apart, or together", function()
    local child, seen = shell("echo out; echo err >&2", { stdout = "pipe", stderr = "pipe" })
    local out, err = record(child:Stdout()), record(child:Stderr())
    wait_for_end(seen)
    world:wait("both ends", function()
      return out.code and err.code
    end)
    assert.are.same({ "out\n", "err\n" }, { out.text(), err.text() })
    local options = { "sh", "-c", "echo out; echo err >&2", stderr = "stdout" }
    assert.are.equal("out\nerr\n", (output_of(options)))
  end)

  it("has no connections where there are no pipes", function()
    local child, seen = start({ "true", stdin = "null", stdout = "null" })
    assert.are.same({}, { child:Stdin(), child:Stdout(), child:Stderr() })
    wait_for_end(seen)
  end)

  it("cuts what it reads by recvbuf", function()
    local child = start({ "printf", "123456789", stdout = "pipe", recvbuf = 4 })
    local out = record(child:Stdout())
    world:wait("the end", function()
      return out.code
    end)
    assert.are.equal("123456789", out.text())
    assert.are.equal(3, #out.packets)
  end)

  it("hands descriptors on by their numbers", function()
    local near, far = world:fd_pair()
    local _, seen = start({ "echo", "to the socket", stdout = near })
    wait_for_end(seen)
    socket_helper.close(near)
    local received = record(world:connection(far))
    world:wait("the end", function()
      return received.code
    end)
    assert.are.equal("to the socket\n", received.text())
  end)

  it("passes arguments as they are", function()
    local odd = { "", "two words", "line\nfeed", "\1\255\200", "$HOME", "" }
    local options = { "sh", "-c", [[printf '%s|' "$@"]], "sh" }
    for _, arg in ipairs(odd) do
      options[#options + 1] = arg
    end
    assert.are.equal(table.concat(odd, "|") .. "|", (output_of(options)))
  end)

  it("takes very many arguments, and refuses more than the system has room for", function()
    local args = { "sh", "-c", "echo $#", "sh" }
    for n = 1, 20000 do
      args[#args + 1] = tostring(n)
    end
    assert.are.equal("20000\n", (output_of({ args = args })))
    local long = ("x"):rep(2 ^ 20)
    for n = 1, 16 do
      args[n + 4] = long
    end
    local child, why, code = process.spawn(world.engine, { args = args })
    assert.are.same({ nil, "E2BIG" }, { child, code })
    assert.is_truthy(why:find('cannot execute "sh"', 1, true))
  end)

  it("replaces the environment, or adds to it", function()
    local env = { ODD = "\1\255 =", EMPTY = "" }
    local text = output_of({ "/usr/bin/env", env = env })
    assert.is_truthy(text == "ODD=\1\255 =\nEMPTY=\n" or text == "EMPTY=\nODD=\1\255 =\n", text)
    local more = { "sh", "-c", "echo $CHUCK_X$PATH", env = { CHUCK_X = "x" }, extend_env = true }
    assert.are.equal("x" .. os.getenv("PATH") .. "\n", (output_of(more)))
    assert.are.equal("", (output_of({ "/usr/bin/env", env = {} })))
  end)

  it("begins in its directory", function()
    assert.are.equal("/\n", (output_of({ "pwd", cwd = "/" })))
  end)

  it("says why there is no process", function()
    local plain = os.tmpname()
    local cases = {
      { { "chuck-no-such-program" }, "ENOENT", 'cannot execute "chuck-no-such-program"' },
      { { "/nonexistent/program" }, "ENOENT", 'cannot execute "/nonexistent/program"' },
      { { "" }, "ENOENT", 'cannot execute ""' },
      { { "/tmp" }, "EACCES", 'cannot execute "/tmp"' },
      { { plain }, "EACCES", "cannot execute" },
      { { plain .. "/x" }, "ENOTDIR", "cannot execute" },
      { { "true", cwd = "/nonexistent" }, "ENOENT", 'cannot enter "/nonexistent" to run "true"' },
      { { "true", stdin = 12345 }, "EBADF", "Bad file descriptor" },
      { { "true", listen = { web = 12345 } }, "EBADF", "Bad file descriptor" },
    }
    for _, case in ipairs(cases) do
      local child, why, code = process.spawn(world.engine, case[1], error)
      assert.are.same({ nil, case[2] }, { child, code }, case[1][1])
      assert.is_truthy(why:find(case[3], 1, true), why)
    end
    os.remove(plain)
    assert.are.equal(0, children())
  end)

  it("is refused by a closed engine", function()
    local engine = chuck.engine()
    engine:Close()
    local child, _, code = process.spawn(engine, { "true" })
    assert.are.same({ nil, "EENGCLOSE" }, { child, code })
  end)

  it("raises for options that are none", function()
    local cases = {
      { {}, "args: the name of a program expected" },
      { { args = {} }, "args: the name of a program expected" },
      { { args = "true" }, "args: list of strings expected, got string" },
      { { "true", 1 }, "2: string expected, got number" },
      { { "true", "\0" }, "2: string has a zero byte in it" },
      { { "true", strerr = "null" }, 'unknown option "strerr"' },
      { { "true", env = 1 }, "env: table expected, got number" },
      { { "true", env = { ["A=B"] = "" } }, 'env: names are strings without "="' },
      { { "true", env = { A = 1 } }, "env: A: string expected, got number" },
      { { "true", env = { "A=1" } }, "env: names are strings" },
      { { "true", cwd = true }, "cwd: string expected, got boolean" },
      { { "true", stdin = "stdout" }, 'stdin: "pipe", "null", "inherit", or a descriptor' },
      { { "true", stderr = {} }, '"stdout", or a descriptor expected, got table' },
      { { "true", detached = 1 }, "detached: boolean expected, got number" },
      { { "true", listen = { ["a:b"] = 1 } }, "listen: names are short words" },
      { { "true", listen = { a = "b" } }, "listen: acceptor or descriptor expected, got string" },
      { { "true", decoder = 1 }, "decoder: decoder expected, got number" },
      { { "true", recvbuf = 0 }, "recvbuf: a number of bytes, at least 1" },
    }
    for _, case in ipairs(cases) do
      local fine, why = pcall(process.spawn, world.engine, case[1])
      assert.is_false(fine, case[2])
      assert.is_truthy(why:find(case[2], 1, true), why)
    end
  end)

  it("inherits no descriptor by accident, not even of Lua's files", function()
    local file = assert(io.open("/dev/null"))
    local near = world:fd_pair()
    local text = output_of({ "ls", "/dev/fd/", stdin = "null" })
    -- 3 is the folder that ls reads.
    assert.are.equal("0\n1\n2\n3\n", text)
    file:close()
    socket_helper.close(near)
  end)

  it("hands listening descriptors over as systemd does", function()
    local first, second = world:listen(), world:listen()
    local acceptor = world:own(chuck.acceptor(second))
    local text = output_of({
      "sh",
      "-c",
      "echo $LISTEN_FDS $LISTEN_FDNAMES; test $LISTEN_PID = $$ && ls -L /dev/fd/3 /dev/fd/4",
      listen = { web = acceptor, admin = first },
    })
    assert.are.equal("2 admin:web\n/dev/fd/3\n/dev/fd/4\n", text)
    text = output_of({ "sh", "-c", "echo $LISTEN_FDS $LISTEN_FDNAMES", listen = { first } })
    assert.are.equal("1 unknown\n", text)
  end)

  it("gives a detached child a session of its own", function()
    local text = output_of({ "sh", "-c", "ps -o pid=,sid= -p $$", detached = true })
    local pid, session = text:match("(%d+)%s+(%d+)")
    assert.are.equal(pid, session)
  end)

  it("fails without a process or a descriptor left when descriptors run out", function()
    local result = child_program.run(
      [[
      local chuck = require("chuck")
      local lfs = require("lfs")
      local engine, taken, results = chuck.engine(), {}, {}
      local file
      repeat
        taken[#taken + 1] = file
        file = io.open("/dev/null")
      until not file
      for room = 0, 20 do
        local options = { "true", stdin = "pipe", stdout = "pipe", stderr = "pipe" }
        local ended = false
        local child, _, code = chuck.process.spawn(engine, options, function()
          ended = true
        end)
        results[#results + 1] = code or "started"
        if child then
          while not ended do
            engine:Run(1)
          end
          child:Stdin():Close()
          child:Stdout():Close()
          child:Stderr():Close()
        end
        taken[#taken]:close()
        taken[#taken] = nil
      end
      for _, left in ipairs(taken) do
        left:close()
      end
      local count = 0
      for _ in lfs.dir("/proc/self/fd") do
        count = count + 1
      end
      local children = io.open("/proc/self/task/" .. chuck.process.pid() .. "/children")
      print(count, children:read("*a") == "", table.concat(results, " "))
    ]],
      "ulimit -n 40;"
    )
    assert.are.equal(0, result.status, result.output)
    local count, childless, results = result.output:match("(%d+)\t(%a+)\t(.-)\n")
    -- Three, the folder, what the engine has, and the two dots.
    assert.are.equal("true", childless)
    assert.is_true(tonumber(count) <= 9, count)
    local words = {}
    for word in results:gmatch("%S+") do
      words[#words + 1] = word
      assert.is_truthy(word == "EMFILE" or word == "started", results)
    end
    assert.are.equal("EMFILE", words[1])
    assert.are.equal("started", words[#words])
  end)
end)

describe("a child", function()
  it("that closes its pipes early is told as EPIPE, and the process lives", function()
    local child, seen = shell("exec <&-; exec sleep 60", { stdin = "pipe" })
    local input = record(child:Stdin())
    world:wait("the end of the pipe", function()
      child:Stdin():Send(raw("x"))
      return input.code
    end)
    assert.are.equal(chuck.error.EPIPE, input.code)
    assert.are.equal(0, seen.calls)
    assert.are.equal(-chuck.error.ESOCKCLOSE, child:Stdin():Send(raw("x")))
    child:Kill(process.SIGKILL)
    wait_for_end(seen)
  end)

  it("that reads nothing and ends takes what was queued with it, and no signal comes", function()
    local child, seen = start({ "true", stdin = "pipe" })
    local input = record(child:Stdin())
    child:Stdin():Send(raw(("x"):rep(1000000)))
    wait_for_end(seen)
    world:wait("the end of the pipe", function()
      return input.code
    end)
    assert.are.equal(chuck.error.EPIPE, input.code)
    assert.are.equal(1, input.calls)
  end)

  it("that ignores SIGTERM is killed after its grace", function()
    local line = "trap '' TERM; echo ready; while :; do sleep 0.02; done"
    local child, seen = shell(line, { stdout = "pipe" })
    local out = record(child:Stdout())
    world:wait("the trap", function()
      return out.size > 0
    end)
    local began = chuck.systick()
    assert.are.equal(0, child:Terminate(60))
    wait_for_end(seen)
    assert.are.same({ nil, process.SIGKILL }, { seen.status, seen.signal })
    assert.is_true(chuck.systick() - began >= 60)
    child:Stdout():Close()
  end)

  it("that takes SIGTERM ends by it", function()
    local child, seen = start({ "sleep", "60" })
    assert.are.equal(0, child:Terminate())
    wait_for_end(seen)
    assert.are.equal(signal.SIGTERM, seen.signal)
    assert.are.equal(-chuck.error.ESRCH, child:Terminate())
  end)

  it("that prints without end is held back while we do not read", function()
    local child, seen = start({ "head", "-c", ("%d"):format(FLOOD), "/dev/zero", stdout = "pipe" })
    local out, size, before = child:Stdout(), 0, nil
    local paused, ended, most = 0, nil, 0
    out:Add2Engine(world.engine, function(conn, packet, code)
      if not packet then
        ended = code
        return
      end
      size = size + packet:Size()
      before = before or memory()
      if size / 2 ^ 22 > paused then
        paused = paused + 1
        conn:PauseRead()
        most = math.max(most, memory())
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
    local child, seen = start({ "head", "-c", "1000000", "/dev/zero", stdout = "pipe" })
    world:run(50)
    assert.are.equal(0, seen.calls)
    local out = record(child:Stdout())
    wait_for_end(seen)
    world:wait("its end", function()
      return out.code
    end)
    assert.are.equal(1000000, out.size)
  end)

  it("has its number when it is gone, and is signalled no more", function()
    local child, seen = start({ "true" })
    local pid = child:Pid()
    assert.is_true(exists(pid))
    wait_for_end(seen)
    assert.are.equal(pid, child:Pid())
    assert.are.equal(-chuck.error.ESRCH, child:Kill(0))
    assert.is_false(exists(pid))
  end)

  it("refuses what is no signal", function()
    local child, seen = start({ "sleep", "60" })
    assert.are.equal(-chuck.error.EINVAL, child:Kill(1000))
    child:Kill(process.SIGKILL)
    wait_for_end(seen)
  end)

  it("that is closed runs on, is told of no more, and leaves no zombie", function()
    local child, seen = start({ "sleep", "0.1" })
    child:Close()
    child:Close()
    assert.is_true(exists(child:Pid()))
    assert.are.equal(-chuck.error.ESRCH, child:Kill(process.SIGKILL))
    world:wait("its end", function()
      return not exists(child:Pid())
    end)
    assert.are.equal(0, seen.calls)
  end)

  it("that was to be terminated and is closed is killed", function()
    local child = shell("trap '' TERM; while :; do sleep 0.02; done")
    child:Terminate(60000)
    child:Close()
    world:wait("its end", function()
      return not exists(child:Pid())
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
    assert.is_true(exists(pids[1]) and exists(pids[2]))
    world:wait("their ends", function()
      return not exists(pids[1]) and not exists(pids[2])
    end)
    assert.is_nil(closed or lost)
  end)

  it("is kept alive by its engine until it ends, and not after", function()
    local weak = setmetatable({}, { __mode = "k" })
    local seen = ending()
    weak[process.spawn(world.engine, { "true" }, function()
      seen.calls = 1
    end)] = true
    assert.are.equal(1, check.count(weak))
    wait_for_end(seen)
    assert.are.equal(0, check.count(weak))
  end)

  it("may be closed, signalled and followed by another in its own callback", function()
    local second = ending()
    local first = assert(process.spawn(world.engine, { "true" }, function(child)
      assert.are.equal(-chuck.error.ESRCH, child:Kill(9))
      child:Close()
      process.spawn(world.engine, { "true" }, second.on_exit)
      world.engine:Stop()
    end))
    wait_for_end(second)
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
      return children() == 0
    end)
  end)

  it("may have its pipes closed in their own callbacks", function()
    local child, seen = start({ "cat", stdin = "pipe", stdout = "pipe" })
    local calls = 0
    child:Stdin():Add2Engine(world.engine, net.ignore)
    child:Stdout():Add2Engine(world.engine, function(out)
      calls = calls + 1
      out:Close()
      child:Stdin():Close()
    end)
    child:Stdin():Send(raw("x"))
    wait_for_end(seen)
    assert.are.equal(1, calls)
  end)

  it("has pipes that have no addresses", function()
    local child, seen = start({ "cat", stdin = "pipe" })
    for _, name in ipairs({ "GetPeerAddr", "GetSockAddr" }) do
      local address, _, code = child:Stdin()[name](child:Stdin())
      assert.are.same({ nil, "ENOTSOCK" }, { address, code })
    end
    assert.are.equal(-chuck.error.ENOTSOCK, child:Stdin():SetNoDelay(true))
    child:Stdin():Close()
    wait_for_end(seen)
  end)

  it("that reads nothing fills the queue up to its limit, and no further", function()
    local child, seen = start({ "sleep", "60", stdin = "pipe" })
    local input = child:Stdin()
    record(input)
    input:SetHighWater(100000, nil, 200000)
    local result
    repeat
      result = input:Send(raw(("x"):rep(10000)))
    until result ~= 0
    assert.are.equal(-chuck.error.ENOBUFS, result)
    assert.is_true(input:QueuedBytes() <= 200000)
    child:Kill(process.SIGKILL)
    wait_for_end(seen)
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
    local result = child_program.shell(
      ("env --ignore-signal=CHLD '%s' %s"):format(child_program.lua, path)
    )
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
    assert.are.equal(0, children())
  end)

  it("needs no callback", function()
    local child = assert(process.spawn(world.engine, { "true" }))
    world:wait("its end", function()
      return not exists(child:Pid())
    end)
    assert.are.equal(0, world.engine:Stats().open)
  end)

  it("whose stdin is shut before it has an engine sees the end", function()
    local child, seen = start({ "cat", stdin = "pipe", stdout = "null" })
    child:Stdin():ShutdownWrite()
    wait_for_end(seen)
    assert.are.equal(0, seen.status)
  end)

  it("one after the other, a thousand leave no zombie, no descriptor, no growth", function()
    local function one()
      local child, seen = start({ "true", stdin = "pipe", stdout = "pipe" })
      local out = record(child:Stdout())
      wait_for_end(seen)
      world:wait("the end of its output", function()
        return out.code
      end)
      child:Stdin():Close()
    end
    for _ = 1, 100 do
      one()
    end
    check.collect()
    local before, descriptors = memory(), net.descriptors()
    for _ = 1, 900 do
      one()
    end
    check.collect()
    assert.are.same({ 0, descriptors }, { children(), net.descriptors() })
    assert.is_true(memory() - before < 4096, memory() - before .. " KB more")
    assert.are.equal(0, world.engine:Stats().open)
  end)

  it("of many at once is told each by its own end", function()
    local seen = {}
    for n = 1, 50 do
      local line = ("exit %d"):format(n)
      process.spawn(world.engine, { "sh", "-c", line }, function(_, status)
        seen[n] = status
      end)
    end
    world:wait("all of them", function()
      return #seen == 50
    end)
    for n = 1, 50 do
      assert.are.equal(n, seen[n])
    end
  end)

  it("of another part of the program is not reaped by us", function()
    local pipe = io.popen("sleep 0.05; exit 3")
    local _, seen = start({ "sleep", "0.1" })
    wait_for_end(seen)
    assert.is_truthy(process.fork("/bin/true"))
    local fine, _, status = pipe:close()
    -- Lua 5.1 says nothing of the status.
    assert.are.equal(status ~= nil and 3 or nil, status)
    assert.is_true(fine or status == 3)
  end)
end)

describe("process.fork", function()
  it("returns the number of a program that is nobody's child", function()
    local path = os.tmpname()
    local line = ("echo $$ $# $1 >%s.part; mv %s.part %s"):format(path, path, path)
    os.remove(path)
    local pid = assert(process.fork("/bin/sh", "-c", line, "sh", "one argument"))
    world:wait("its file", function()
      return lfs.attributes(path)
    end)
    local file = assert(io.open(path))
    assert.are.equal(pid .. " 1 one argument\n", file:read("*a"))
    file:close()
    os.remove(path)
    assert.are.equal(0, children())
  end)

  it("ignores SIGHUP, has no terminal, and nothing of ours open", function()
    local path = os.tmpname()
    os.remove(path)
    local line = "(ls -l /proc/self/fd; grep SigIgn /proc/self/status) >%s.part; mv %s.part %s"
    assert(process.fork("/bin/sh", "-c", (line:gsub("%%s", path))))
    world:wait("its file", function()
      return lfs.attributes(path)
    end)
    local file = assert(io.open(path))
    local text = file:read("*a")
    file:close()
    os.remove(path)
    assert.is_truthy(text:find(" 0 -> /dev/null", 1, true), text)
    assert.is_truthy(text:find(" 2 -> /dev/null", 1, true), text)
    assert.is_nil(text:find("socket", 1, true), text)
    assert.is_truthy(tonumber(text:match("SigIgn:%s*(%x+)"), 16) % 2 == 1, text)
  end)

  it("says why there is no program, and leaves nothing", function()
    local paths = { ["/nonexistent"] = "ENOENT", ["/tmp"] = "EACCES", sh = "ENOENT" }
    for path, expected in pairs(paths) do
      local pid, why, code = process.fork(path)
      assert.are.same({ nil, expected }, { pid, code }, path)
      assert.is_truthy(why:find(('cannot execute "%s"'):format(path), 1, true), why)
    end
    assert.are.equal(0, children())
  end)

  it("raises for what is no string", function()
    local cases = { {}, { 1 }, { "/bin/true", 1 }, { "/bin/true", "\0" }, { "/bin/true", {} } }
    for _, args in ipairs(cases) do
      assert.is_false(pcall(process.fork, check.unpack(args)))
    end
  end)
end)

describe("process", function()
  it("knows our number and our parent's", function()
    assert.are.equal(check.pid(), process.pid())
    assert.is_true(exists(process.ppid()))
  end)

  it("kills with 0, or says why not", function()
    assert.are.equal(0, process.kill(process.pid(), 0))
    assert.are.equal(-chuck.error.EINVAL, process.kill(process.pid(), 1000))
    local child, seen = start({ "true" })
    wait_for_end(seen)
    assert.are.equal(-chuck.error.ESRCH, process.kill(child:Pid(), 0))
  end)

  it("starts programs with several engines in one process", function()
    local other, count = world:new_engine(), 0
    for n = 1, 40 do
      process.spawn(n % 2 == 0 and other or world.engine, { "true" }, function()
        count = count + 1
      end)
    end
    world:wait("all of them", function()
      other:Run(0)
      return count == 40
    end)
  end)
end)
