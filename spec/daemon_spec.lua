--- Programs that go to the background: what the shell learns, what the daemon has.
local chuck = require("chuck")
local lfs = require("lfs")

local child = require("spec.helper.child")

local process = chuck.process

local folder, pids

local function read(name)
  local file = io.open(folder .. "/" .. name, "rb")
  local text = file and file:read("*a")
  if file then
    file:close()
  end
  return text
end

--- Whether it runs: who has ended is its new parent's to reap, who may take a while.
local function exists(pid)
  local file = process.kill(pid, 0) == 0 and io.open("/proc/" .. pid .. "/stat")
  local state = file and file:read("*a"):match("%) (%a)")
  if file then
    file:close()
  end
  return state ~= nil and state ~= "Z"
end

--- Waits until `done()` is true; fails when it never is.
local function wait(what, done)
  local engine = chuck.engine()
  local deadline = chuck.systick() + 20000
  local result = done()
  while not result do
    assert(chuck.systick() < deadline, "waited in vain for " .. what)
    engine:Run(2)
    result = done()
  end
  engine:Close()
  return result
end

--- Runs a program that becomes a daemon: what its shell sees. It knows `chuck`, `daemon`,
--- `folder`, and `write(name, text)`, which leaves a file there in one step.
local function run(source, before)
  return child.run(([[
    local chuck = require("chuck")
    local daemon, folder = chuck.daemon, %q
    local function write(name, text)
      local file = assert(io.open(folder .. "/" .. name .. ".part", "wb"))
      file:write(text)
      file:close()
      os.rename(folder .. "/" .. name .. ".part", folder .. "/" .. name)
    end
    local function wait(ms)
      local engine = chuck.engine()
      engine:Run(ms)
      engine:Close()
    end
    ]]):format(folder) .. source, before)
end

--- The daemon's number, from its pid file; it is killed after the spec.
local function pid_of()
  local pid = tonumber(read("pid"))
  pids[#pids + 1] = pid
  return pid
end

before_each(function()
  folder, pids = os.tmpname(), {}
  os.remove(folder)
  assert(lfs.mkdir(folder))
end)

after_each(function()
  for _, pid in ipairs(pids) do
    process.kill(pid, process.SIGKILL)
    wait("the end of a daemon", function()
      return not exists(pid)
    end)
  end
  os.execute("rm -rf " .. folder)
end)

describe("daemon.daemonize", function()
  it("lets the shell go with status 0, and returns true in the background", function()
    local result = run([[
      write("result", tostring(daemon.daemonize({ pid_file = folder .. "/pid" })))
      wait(60000)
    ]])
    assert.are.same({ 0, "" }, { result.status, result.output })
    local pid = pid_of()
    assert.is_true(exists(pid))
    assert.are.equal(
      "true",
      wait("a word of the daemon", function()
        return read("result")
      end)
    )
  end)

  it("has a session without a terminal, and leads it not", function()
    run([[
      daemon.daemonize({ pid_file = folder .. "/pid" })
      wait(60000)
    ]])
    local pid = pid_of()
    local text = child.shell("ps -o pid=,sid=,tty= -p " .. pid).output
    local own, session, terminal = text:match("(%d+)%s+(%d+)%s+(%S+)")
    assert.are.equal(tostring(pid), own)
    assert.are_not.equal(own, session)
    assert.are.equal("?", terminal)
  end)

  it("keeps the umask and the directory, or takes what it is given", function()
    local report = [[
      local pipe = io.popen("umask; pwd")
      write("report", pipe:read("*a"))
      pipe:close()
    ]]
    run("daemon.daemonize()" .. report, "umask 022; cd /tmp;")
    local function reported()
      return wait("a report", function()
        return read("report")
      end)
    end
    assert.are.equal("0022\n/tmp\n", reported())
    os.remove(folder .. "/report")
    run("daemon.daemonize({ umask = '027', workdir = folder })" .. report, "umask 022; cd /tmp;")
    assert.are.equal("0027\n" .. folder .. "\n", reported())
    os.remove(folder .. "/report")
    run("daemon.set_workdir('/') daemon.daemonize()" .. report, "umask 022; cd /tmp;")
    assert.are.equal("0022\n/\n", reported())
  end)

  it("loses what is printed, or appends it to files", function()
    run([[
      io.write("said before; ")
      daemon.daemonize({ stdout = folder .. "/out", stderr = folder .. "/err" })
      print("out")
      io.stderr:write("err")
      io.stdout:flush()
      write("done", "")
    ]])
    wait("its end", function()
      return read("done")
    end)
    assert.are.same({ "out\n", "err" }, { read("out"), read("err") })
  end)

  it("prints once what was in the buffers before", function()
    local result = run([[
      io.stdout:setvbuf("full")
      io.write("once")
      daemon.daemonize()
      write("done", "")
    ]])
    assert.are.equal("once", result.output)
    wait("its end", function()
      return read("done")
    end)
  end)

  it("refuses a second instance and names the first, before anything is forked", function()
    local source = [[
      local fine, why, code = daemon.daemonize({ pid_file = folder .. "/pid" })
      if not fine then
        print(why)
        print(code)
        os.exit(4)
      end
      wait(60000)
    ]]
    assert.are.equal(0, run(source).status)
    local pid = pid_of()
    local result = run(source)
    assert.are.equal(4, result.status)
    local words = ('pid file "%s/pid" is locked by process %d'):format(folder, pid)
    assert.is_truthy(result.output:find(words, 1, true), result.output)
    assert.is_truthy(result.output:find("EEXIST", 1, true), result.output)
    assert.are.equal(pid, tonumber(read("pid")))
  end)

  it("takes a pid file over that a killed one has left", function()
    local source = [[
      daemon.daemonize({ pid_file = folder .. "/pid" })
      wait(60000)
    ]]
    run(source)
    local first = pid_of()
    process.kill(first, process.SIGKILL)
    wait("its end", function()
      return not exists(first)
    end)
    assert.are.equal(first, tonumber(read("pid")))
    assert.are.equal(0, run(source).status)
    assert.are_not.equal(first, pid_of())
  end)

  it("removes its pid file when it ends in good order", function()
    for _, leave in ipairs({ "", "os.exit(0)", "os.exit(3)", "error('no')" }) do
      run([[
        daemon.daemonize({ pid_file = folder .. "/pid" })
        io.popen("true"):close()
        write("up", "")
        ]] .. leave)
      wait("its end", function()
        return read("up") and not read("pid")
      end)
      os.remove(folder .. "/up")
    end
  end)

  it("has removed nothing and forked nothing when it fails", function()
    local cases = {
      { "pid_file = folder .. '/none/pid'", "cannot lock", "ENOENT" },
      { "pid_file = '/dev/null'", "cannot lock", "EINVAL" },
      { "pid_file = folder", "cannot lock", "EISDIR" },
      { "workdir = folder .. '/none'", "cannot enter", "ENOENT" },
      { "stdout = folder", "cannot open", "EISDIR" },
      { "stderr = folder .. '/none/err'", "cannot open", "ENOENT" },
    }
    for _, case in ipairs(cases) do
      local result = run(([[
        local pid = chuck.process.pid()
        local fine, why, code = daemon.daemonize({ %s })
        print(fine, why, code, pid == chuck.process.pid())
      ]]):format(case[1]))
      assert.are.equal(0, result.status)
      local expected = "^nil\t" .. case[2] .. ".*\t" .. case[3] .. "\ttrue\n"
      assert.is_truthy(result.output:find(expected), result.output)
    end
  end)

  it("is refused while engines exist, and says how many", function()
    local result = run([[
      local engines = { chuck.engine(), chuck.engine() }
      print(daemon.daemonize())
      engines[1]:Close()
      engines[2]:Close()
      print(daemon.daemonize())
      write("up", "")
    ]])
    local words = "nil\t2 engine(s) exist: daemonize before the first one\tEBUSY\n"
    assert.are.equal(words, result.output)
    assert.are.equal(0, result.status)
    wait("a daemon after all", function()
      return read("up")
    end)
  end)

  it("is refused while threads run", function()
    local result = run([[
      local engine = chuck.engine()
      -- Whom nobody watches any more is reaped by a thread.
      chuck.process.spawn(engine, { "sleep", "0.2", stdout = "null", stderr = "null" })
      engine:Close()
      print(daemon.daemonize())
    ]])
    local words = "nil\t2 threads run, also chuck-reap (of children that were closed, "
      .. "until they end): daemonize before the second one\tEBUSY\n"
    assert.are.equal(words, result.output)
  end)

  it("is refused while a thread of the program runs, and not once that was joined", function()
    local result = run([[
      local script = folder .. "/worker.lua"
      local file = assert(io.open(script, "w"))
      file:write("local go = ... while not io.open(go) do end")
      file:close()
      local worker = assert(chuck.cthread.new(script, folder .. "/go"))
      os.remove(script)
      local done, why, code = daemon.daemonize()
      print(done, why:match("^2 threads run, also (%S+)"), code)
      assert(io.open(folder .. "/go", "w")):close()
      print(chuck.cthread.join(worker, 10000))
      print(daemon.daemonize())
    ]])
    assert.are.equal("nil\tworker.lua\tEBUSY\ntrue\n", result.output:gsub("[:,]", ""))
  end)

  it("is not refused for a thread that ends at that moment", function()
    local result = run([[
      local engine = chuck.engine()
      local pid = chuck.process.spawn(engine, { "sleep", "0.05", stdout = "null" }):Pid()
      engine:Close()
      -- Reaped, by a thread that has nothing left to do.
      repeat until chuck.process.kill(pid, 0) ~= 0
      print(daemon.daemonize())
    ]])
    assert.are.same({ 0, "" }, { result.status, result.output })
  end)

  it("is refused once there is a line in the log, which is not lost, and says so", function()
    local result = run([[
      local log = chuck.log
      log.configure({ directory = folder })
      log.SysLog(log.INFO, "before")
      print(daemon.daemonize())
    ]])
    local words = "nil\t2 threads run, also chuck-log (the log's, since its first line): "
      .. "daemonize before the second one\tEBUSY\n"
    assert.are.equal(words, result.output)
    assert.is_truthy(read("syslog.log"):find(":before\n", 1, true))
  end)

  it("writes to log files that were opened before, wherever it works, to its end", function()
    run(
      [[
      local log = chuck.log
      local file = log.LogFile("app")
      assert(daemon.daemonize({ workdir = "/" }))
      file:Log(log.INFO, "in the background")
    ]],
      "cd " .. folder .. ";"
    )
    local text = wait("its lines", function()
      local text = read("app.log")
      return text and text ~= "" and text
    end)
    assert.is_truthy(text:find(":in the background\n", 1, true), text)
  end)

  it("has its standard descriptors when it was started without", function()
    for _, closed in ipairs({ "0<&-", "1>&-", "2>&-", "0<&- 1>&-", "0<&- 1>&- 2>&-" }) do
      run(
        [[
        local files = { stdout = folder .. "/out", stderr = folder .. "/err" }
        -- The one before may still hold its own.
        files.pid_file = folder .. "/pid." .. chuck.process.pid()
        assert(daemon.daemonize(files))
        print("out")
        io.stderr:write("err")
        io.stdout:flush()
        local own = "/proc/" .. chuck.process.pid() .. "/fd/"
        local pipe = io.popen("readlink " .. own .. "0 " .. own .. "1 " .. own .. "2")
        write("report", pipe:read("*a"))
        pipe:close()
      ]],
        closed
      )
      local report = wait("a report after " .. closed, function()
        return read("report")
      end)
      local expected = ("/dev/null\n%s/out\n%s/err\n"):format(folder, folder)
      assert.are.equal(expected, report, closed)
      assert.are.same({ "out\n", "err" }, { read("out"), read("err") }, closed)
      for _, name in ipairs({ "report", "out", "err" }) do
        os.remove(folder .. "/" .. name)
      end
    end
  end)

  it("is refused where a socket has the place of a standard descriptor", function()
    local result = run(
      [[
      local helper = chuck.socket_helper
      local fd = helper.socket(helper.AF_INET, helper.SOCK_STREAM, helper.IPPROTO_TCP)
      print(fd, daemon.daemonize())
    ]],
      "0<&-"
    )
    local words = "0\tnil\tdescriptor 0 was closed, and is something else by now: "
      .. "start the program with it, or daemonize earlier\tEBUSY\n"
    assert.are.equal(words, result.output)
  end)

  it("is refused to a daemon", function()
    run([[
      daemon.daemonize()
      local fine, why, code = daemon.daemonize()
      write("result", tostring(fine) .. why .. code)
    ]])
    assert.are.equal(
      "nilthis process is a daemon alreadyEALREADY",
      wait("its word", function()
        return read("result")
      end)
    )
  end)

  it("has no engine's descriptors, and keeps those that were lent", function()
    run([[
      local helper = chuck.socket_helper
      local fd = helper.socket(helper.AF_INET, helper.SOCK_STREAM, helper.IPPROTO_TCP)
      helper.listen(fd, "127.0.0.1", 0)
      daemon.daemonize()
      write("name", tostring(helper.getsockname(fd)))
    ]])
    local name = wait("its word", function()
      return read("name")
    end)
    assert.is_truthy(name:find("^127%.0%.0%.1:%d+$"), name)
  end)

  it("runs engines, children and signals as any process does", function()
    run([[
      daemon.daemonize({ pid_file = folder .. "/pid" })
      local engine = chuck.engine()
      chuck.signal.signaler(chuck.signal.SIGTERM):Register(engine, function()
        chuck.process.spawn(engine, { "true" }, function(_, status)
          write("status", tostring(status))
          engine:Stop()
        end)
      end)
      write("up", "")
      engine:Run()
    ]])
    wait("the daemon", function()
      return read("up")
    end)
    process.kill(pid_of(), chuck.signal.SIGTERM)
    wait("its end", function()
      return read("status") == "0" and not read("pid")
    end)
  end)

  it("is not told of signals that meant the process before it", function()
    local result = run([[
      local signaler = chuck.signal.signaler(chuck.signal.SIGUSR1)
      local shell = chuck.process.pid()
      daemon.daemonize({ notify = true, pid_file = folder .. "/pid" })
      local engine = chuck.engine()
      local count = 0
      signaler:Register(engine, function()
        count = count + 1
      end)
      chuck.process.kill(shell, chuck.signal.SIGUSR1)
      engine:Run(50)
      chuck.process.kill(chuck.process.pid(), chuck.signal.SIGUSR1)
      engine:Run(50)
      write("count", tostring(count))
    ]])
    local word = wait("its word", function()
      return read("count")
    end)
    assert.are.equal("1", word)
    assert.are_not.equal(0, result.status)
  end)

  it("ignores SIGHUP, but for signalers, also those that were made before", function()
    run([[
      local SIGHUP = chuck.signal.SIGHUP
      local early = chuck.signal.signaler(SIGHUP)
      daemon.daemonize()
      local engine, told = chuck.engine(), {}
      local function watch(name, signaler)
        signaler:Register(engine, function()
          told[#told + 1] = name
        end)
      end
      watch("early", early)
      watch("late", chuck.signal.signaler(SIGHUP))
      chuck.process.kill(chuck.process.pid(), SIGHUP)
      local deadline = chuck.systick() + 10000
      while #told < 2 and chuck.systick() < deadline do
        engine:Run(5)
      end
      table.sort(told)
      write("told", table.concat(told, " "))
    ]])
    assert.are.equal(
      "early late",
      wait("its word", function()
        return read("told")
      end)
    )
    run([[
      daemon.daemonize()
      chuck.process.kill(chuck.process.pid(), chuck.signal.SIGHUP)
      write("alive", "")
    ]])
    wait("a word after SIGHUP", function()
      return read("alive")
    end)
  end)

  it("raises for options that are none", function()
    local cases = {
      { { pidfile = "x" }, 'unknown option "pidfile"' },
      { { pid_file = 1 }, "pid_file: string expected, got number" },
      { { umask = 512 }, "umask: 512 is not from 0 to 511" },
      { { umask = "8" }, 'umask: octal digits from "0000" to "0777" expected' },
      { { notify = 1 }, "notify: boolean expected, got number" },
      { { timeout = -1 }, "timeout: a time in milliseconds" },
      { { workdir = "\0" }, "workdir: string has a zero byte in it" },
    }
    local engine = chuck.engine()
    for _, case in ipairs(cases) do
      local fine, why = pcall(chuck.daemon.daemonize, case[1])
      assert.is_false(fine)
      assert.is_truthy(why:find(case[2], 1, true), why)
    end
    engine:Close()
  end)
end)

describe("a daemon that says when it is ready", function()
  it("keeps the shell waiting until then", function()
    local result = run([[
      daemon.daemonize({ notify = true, pid_file = folder .. "/pid" })
      wait(50)
      write("up", "")
      print("seen")
      assert(daemon.ready())
      print("not seen")
      assert(daemon.ready())
      wait(60000)
    ]])
    pid_of()
    assert.are.same({ 0, "seen\n" }, { result.status, result.output })
    assert.is_truthy(read("up"))
  end)

  it("that ends before is a failure that the shell sees, with its words", function()
    local result = run([[
      daemon.daemonize({ notify = true })
      error("no such port")
    ]])
    assert.are.equal(1, result.status)
    assert.is_truthy(result.output:find("no such port", 1, true), result.output)
    local words = "chuck: the daemon ended before it was ready"
    assert.is_truthy(result.output:find(words, 1, true), result.output)
  end)

  it("is waited for no longer than the timeout", function()
    local result = run([[
      daemon.daemonize({ notify = true, timeout = 50, pid_file = folder .. "/pid" })
      -- It has the shell's output as long as it is not ready, and the spec reads that to its end.
      wait(500)
    ]])
    assert.are.equal(1, result.status)
    assert.is_truthy(result.output:find("chuck: the daemon is not ready in time", 1, true))
  end)

  it("may say so when nobody waits any more", function()
    run([[
      daemon.daemonize({ notify = true, timeout = 1 })
      wait(100)
      write("result", tostring(daemon.ready()))
    ]])
    assert.are.equal(
      "true",
      wait("its word", function()
        return read("result")
      end)
    )
  end)
end)

describe("daemon.notify", function()
  it("says when nobody asks", function()
    local before = "unset NOTIFY_SOCKET;"
    local result = run("print(daemon.notify('STATUS=x')) print(daemon.ready())", before)
    local words = "nil\tNOTIFY_SOCKET is not set: nobody asks\tEDESTADDRREQ\ntrue\n"
    assert.are.equal(words, result.output)
  end)

  it("says when nobody is there", function()
    local before = "export NOTIFY_SOCKET=" .. folder .. "/none;"
    local result = run("print(daemon.notify('STATUS=x')) print(daemon.ready())", before)
    local words = "nil\tNo such file or directory\tENOENT\n"
    assert.are.equal(words .. words, result.output)
  end)
end)
