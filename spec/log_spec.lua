--- Log files: every line is there, whatever happens to the file and however the program ends.
local lfs = require("lfs")

local chuck = require("chuck")

local check = require("spec.helper.check")

local log = chuck.log

local folder

before_each(function()
  folder = check.new_folder()
end)

after_each(function()
  check.remove_folder(folder)
end)

local function open(name, options)
  options = options or {}
  options.console, options.directory = options.console or false, folder
  return log.LogFile(name, options)
end

local function read(name)
  local file = assert(io.open(folder .. "/" .. name, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

--- What follows the head of each record.
local function texts(name)
  local found = {}
  for text in ("\n" .. read(name)):gmatch("\n%[[ %u]+%][%d:.-]+%[%d+%]:([^\n]*)") do
    found[#found + 1] = text
  end
  return found
end

--- A child program that knows `chuck`, `log`, `engine` and `folder`.
local function child(source, limits)
  return check.child(([[
    local folder = %q
    local chuck = require("chuck")
    local log, engine = chuck.log, chuck.engine()
    ]]):format(folder) .. source, limits)
end

--- Logs 10,000 lines, then does as `ending` says; the numbers of the lines that are on disk.
local function lines_of_child(ending)
  local status, out, err = child([[
    log.configure({ directory = folder, console = false })
    for n = 1, 10000 do
      assert(log.SysLog(log.INFO, "line " .. n))
    end
  ]] .. ending)
  local found = texts("syslog.log")
  for n = 1, 10000 do
    assert(found[n] == "line " .. n, "line " .. n .. " is missing")
  end
  return #found, status, out .. err
end

describe("a line", function()
  it("has the layout of 2015", function()
    local file = open("layout")
    file:Log(log.ERROR, "err")
    file:Log(log.CRITICAL, "worse")
    assert.is_true(log.flush())
    local date = "%d%d%d%d%-%d%d%-%d%d%-%d%d:%d%d:%d%d%.%d%d%d"
    local first, second = read("layout.log"):match("^([^\n]*)\n([^\n]*)\n$")
    assert.is_truthy(first:find("^%[   ERROR%]" .. date .. "%[%d+%]:err$"), first)
    assert.is_truthy(second:find("^%[CRITICAL%]" .. date .. "%[%d+%]:worse$"), second)
  end)

  it("has the local time and the thread of its caller", function()
    local before = os.date("%Y-%m-%d-%H:%M:%S")
    open("time"):Log(log.INFO, "x")
    log.flush()
    local time, thread = read("time.log"):match("%]([%d:-]+)%.%d+%[(%d+)%]")
    assert.is_true(before <= time and time <= os.date("%Y-%m-%d-%H:%M:%S"), time)
    if lfs.attributes("/proc/self/task") then
      assert.are.equal(check.pid(), tonumber(thread))
    end
  end)

  it("uses its text as it is, but for control characters", function()
    local file = open("text")
    file:Log(log.INFO, '%d %s \\n {} \255\254 \195\164 \t"')
    file:Log(log.INFO, "nul \0 escape \27[2J return \r")
    log.flush()
    assert.are.same({
      '%d %s \\n {} \255\254 \195\164 \t"',
      "nul \\x00 escape \\x1b[2J return \\x0d",
    }, texts("text.log"))
  end)

  it("cannot forge another by a line break", function()
    local file = open("forged")
    file:Log(log.INFO, "one\n[CRITICAL]2026-11-22-15:32:29.032[1]:forged\n")
    log.flush()
    assert.are.same({ "one" }, texts("forged.log"))
    assert.is_truthy(read("forged.log"):find("one\n\t[CRITICAL]", 1, true))
  end)

  it("of a megabyte is cut to 65535 bytes, and says so", function()
    local file = open("long")
    file:Log(log.INFO, ("x"):rep(1048576))
    file:Log(log.INFO, ("\0"):rep(1048576), { id = 7 })
    log.flush()
    local first, second = read("long.log"):match("^([^\n]*)\n([^\n]*)\n$")
    assert.is_true(#first < 65535 and #first > 65000 and #second < 65535 and #second > 65000)
    assert.is_truthy(first:find("x [cut, 1048576 bytes]", 1, true))
    assert.are.equal("[cut, 1048576 bytes] id=7", second:sub(-25))
  end)

  it("of exactly 65535 bytes is whole, and one of a byte more is cut", function()
    local file = open("whole")
    file:Log(log.INFO, "")
    log.flush()
    local room = 65535 - #read("whole.log")
    file:Log(log.INFO, ("x"):rep(room))
    file:Log(log.INFO, ("x"):rep(room + 1))
    log.flush()
    local _, whole, cut = read("whole.log"):match("^([^\n]*)\n([^\n]*)\n([^\n]*)\n$")
    assert.are.same({ 65534, "x" }, { #whole, whole:sub(-1) })
    assert.is_true(#cut < 65535)
    assert.are.equal((" [cut, %d bytes]"):format(room + 1), cut:match(" %[cut.*"))
  end)

  it("carries fields", function()
    local file = open("fields")
    file:Log(log.INFO, "no fields", {})
    file:Log(log.INFO, "one", { id = 7 })
    file:Log(log.INFO, "quoted", { name = 'a "b"\n' })
    file:Log(log.INFO, "number", { half = 0.5 })
    file:Log(log.INFO, "boolean", { ok = false })
    log.flush()
    assert.are.same({
      "no fields",
      "one id=7",
      'quoted name="a \\"b\\"\\n"',
      "number half=0.5",
      "boolean ok=false",
    }, texts("fields.log"))
  end)

  it("is an object with format json", function()
    local file = open("object", { format = "json" })
    file:Log(log.WARN, 'say "hi"\n\0\255', { id = -7 })
    log.flush()
    local time = "%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%d[+-]%d%d:%d%d"
    local head = '^{"time":"' .. time .. '","level":"WARN","thread":%d+,'
    local _, at = read("object.log"):find(head)
    local rest = '"message":"say \\"hi\\"\\n\\u0000\239\191\189","fields":{"id":-7}}\n'
    assert.are.equal(rest, read("object.log"):sub(at + 1))
  end)

  it("below the level that is set is not logged, and that is no failure", function()
    local file = open("level")
    log.SetLogLev(log.WARN)
    local taken = file:Log(log.DEBUG, "not this")
    file:Log(log.WARN, "this")
    log.SetLogLev(log.INFO)
    log.flush()
    assert.is_true(taken)
    assert.are.same({ "this" }, texts("level.log"))
  end)
end)

describe("a level that is none", function()
  it("D56: raises at the caller's line", function()
    local file = open("wrong")
    for _, wrong in ipairs({ 5, -1, 2 ^ 31, 2 ^ 53, 0.5, 0 / 0, "0", true }) do
      assert.is_false(pcall(log.SysLog, wrong, "x"), tostring(wrong))
      assert.is_false(pcall(log.SetLogLev, wrong), tostring(wrong))
      assert.is_false(pcall(file.Log, file, wrong, "x"), tostring(wrong))
    end
    local _, why = pcall(function()
      file:Log(5, "x")
    end)
    assert.is_truthy(why:find("log_spec.lua", 1, true), why)
    assert.is_truthy(why:find("5 is no level of a log", 1, true), why)
  end)
end)

describe("what is no option or field", function()
  it("raises, and says which", function()
    local wrong = {
      { "keep", -1 },
      { "keep", "3" },
      { "max_bytes", 1.5 },
      { "daily", 1 },
      { "console", "yes" },
      { "format", "xml" },
      { "flush_ms", 60001 },
      { "directory", "" },
      { "path", "a\0b" },
      { "unheard", true },
    }
    for _, pair in ipairs(wrong) do
      local options = { [pair[1]] = pair[2] }
      local fine, why = pcall(log.LogFile, "x", options)
      assert.is_false(fine)
      assert.is_truthy(why:find("option '" .. pair[1] .. "'", 1, true), why)
      assert.is_false(pcall(log.configure, options))
    end
    local file = open("odd")
    for _, value in ipairs({ {}, print, io.stdout }) do
      local fine, why = pcall(file.Log, file, log.INFO, "x", { odd = value })
      assert.is_false(fine)
      assert.is_truthy(why:find("field 'odd'", 1, true), why)
    end
    assert.is_false(pcall(file.Log, file, log.INFO, "x", { "list" }))
    assert.is_false(pcall(log.LogFile, ""))
    assert.is_false(pcall(log.LogFile, "a\0b"))
  end)
end)

describe("a file", function()
  it("is not there before the first line", function()
    local file = open("lazy")
    assert.is_true(log.flush())
    assert.is_nil(lfs.attributes(folder .. "/lazy.log"))
    file:Log(log.INFO, "x")
    log.flush()
    assert.is_truthy(lfs.attributes(folder .. "/lazy.log"))
  end)

  it("of the same name is the same, and is appended to", function()
    open("same"):Log(log.INFO, "1")
    open("same.log"):Log(log.INFO, "2")
    log.flush()
    check.collect()
    open("same"):Log(log.INFO, "3")
    log.flush()
    assert.are.same({ "1", "2", "3" }, texts("same.log"))
  end)

  it("is closed when it is collected", function()
    local before, files = check.descriptors(), {}
    for n = 1, 20 do
      files[n] = open("closed" .. n)
      files[n]:Log(log.INFO, "x")
    end
    log.flush()
    assert.is_true(check.descriptors() >= before + 20)
    files = nil -- luacheck: ignore 311
    check.collect()
    check.run_until(chuck.engine(), function()
      return check.descriptors() <= before + 2
    end)
  end)

  it("that is collected at once is written all the same", function()
    for n = 1, 20 do
      open("gone" .. n):Log(log.INFO, "x")
    end
    check.collect()
    log.flush()
    for n = 1, 20 do
      assert.are.same({ "x" }, texts("gone" .. n .. ".log"))
    end
  end)

  it("counts what it has done", function()
    local file = open("counted")
    local before = log.stats()
    for _ = 1, 10 do
      file:Log(log.INFO, "x")
    end
    assert.is_true(log.flush())
    assert.are.same({ written = 10, dropped = 0, errors = 0, queued = 0 }, file:Stats())
    assert.are.equal(before.written + 10, log.stats().written)
  end)

  it("is one of more than the process may have open", function()
    local status, out, err = child(
      [[
      local files = {}
      for n = 1, 1000 do
        files[n] = log.LogFile("open" .. n, { directory = folder, console = false })
      end
      for round = 1, 3 do
        for _, file in ipairs(files) do file:Log(log.INFO, "line " .. round) end
        assert(log.flush())
      end
      print(log.stats().written)
    ]],
      "ulimit -n 256"
    )
    assert.are.same({ 0, "3000\n", "" }, { status, out, err })
    assert.are.same({ "line 1", "line 2", "line 3" }, texts("open1000.log"))
  end)

  it("is put away by size, and only some are kept", function()
    local file = open("size", { max_bytes = 500, keep = 2 })
    for n = 1, 100 do
      file:Log(log.INFO, "line " .. n)
    end
    log.flush()
    local names = {}
    for name in lfs.dir(folder) do
      if name:find("^size") then
        assert.is_true(lfs.attributes(folder .. "/" .. name, "size") <= 500)
        names[#names + 1] = name
      end
    end
    assert.are.equal(3, #names)
    local last = texts("size.log")
    assert.are.equal("line 100", last[#last])
  end)

  it("of two processes is put away by both without loss", function()
    local program, lua = folder .. "/program.lua", assert(os.getenv("CHUCK_LUA"))
    local source = assert(io.open(program, "w"))
    source:write(([[
      local log = require("chuck").log
      local options = { directory = %q, console = false, max_bytes = 2000, flush_ms = 0 }
      local file = log.LogFile("two", options)
      for n = 1, 20000 do
        file:Log(log.INFO, "line " .. n)
        if n %% 50 == 0 then log.flush() end
      end
    ]]):format(folder))
    source:close()
    os.execute(("%s %s & %s %s; wait"):format(lua, program, lua, program))
    local count = 0
    for name in lfs.dir(folder) do
      count = count + (name:find("^two") and #texts(name) or 0)
    end
    assert.are.equal(40000, count)
  end)

  it("that was moved away is made anew by reopen, from the callback of SIGHUP", function()
    local file, engine = open("moved"), chuck.engine()
    file:Log(log.INFO, "1")
    log.flush()
    os.rename(folder .. "/moved.log", folder .. "/old")
    local hangup = chuck.signal.signaler(chuck.signal.SIGHUP)
    local told = 0
    hangup:Register(engine, function(...)
      log.reopen(...)
      told = told + 1
      engine:Stop()
    end)
    io.popen("kill -HUP " .. check.pid()):close()
    check.run(engine)
    hangup:Remove()
    engine:Close()
    file:Log(log.INFO, "2")
    log.flush()
    assert.are.equal(1, told)
    assert.is_truthy(read("old"):find("]:1\n", 1, true))
    assert.are.same({ "2" }, texts("moved.log"))
  end)

  it("that was removed is made anew without a word", function()
    local file = open("removed")
    file:Log(log.INFO, "1")
    log.flush()
    os.remove(folder .. "/removed.log")
    check.run_until(chuck.engine(), function()
      file:Log(log.INFO, "2")
      return lfs.attributes(folder .. "/removed.log")
    end)
  end)
end)

describe("a disk that is full", function()
  it("is told once on standard error, counted, and the lines are kept", function()
    if not lfs.attributes("/dev/full") then
      return
    end
    local status, out, err = child([[
      local file = log.LogFile("full", { path = "/dev/full", console = false })
      for round = 1, 3 do
        file:Log(log.INFO, "kept " .. round)
        print(log.flush())
      end
      local stats = file:Stats()
      print(stats.written, stats.dropped, stats.queued, stats.errors >= 3)
    ]])
    local failed = "nil\tNo space left on device\tENOSPC\n"
    assert.are.same({ 0, failed:rep(3) .. "0\t0\t3\ttrue\n" }, { status, out })
    local _, told = err:gsub("\n", "")
    assert.are.equal(1, told, err)
    assert.is_truthy(err:find("log file /dev/full cannot be written: No space left", 1, true), err)
    assert.is_truthy(err:find("ENOSPC", 1, true), err)
  end)

  it("takes what was kept once there is room, and notes what was not", function()
    -- The shell's unit is 512 or 1024 bytes; either way the limit is met.
    local status, out = child(
      [[
      local file = log.LogFile("limit", { directory = folder, console = false })
      local text, taken = ("x"):rep(1000), 0
      for _ = 1, 50 do
        file:Log(log.INFO, text)
      end
      print(log.flush())
      for _ = 1, 2000 do
        if file:Log(log.INFO, text) then taken = taken + 1 end
      end
      local stats = file:Stats()
      print(taken > 500, taken < 1500, stats.dropped == 2000 - taken)
      os.rename(folder .. "/limit.log", folder .. "/first")
      -- A new file may be as large again, so a part of what is kept gets there.
      log.reopen()
      log.flush()
      print(file:Stats().written > stats.written)
    ]],
      "ulimit -f 20"
    )
    assert.are.same(0, status)
    assert.are.equal("nil\tFile too large\tEFBIG\ntrue\ttrue\ttrue\ntrue\n", out)
  end)

  it("or a folder where nothing may be made is told with its path and an error's name", function()
    -- Not even root may make a file there: EACCES, EROFS or EPERM.
    local status, out, err = child([[
      local file = log.LogFile("forbidden", { directory = "/sys", console = false })
      file:Log(log.INFO, "x")
      print(select(3, log.flush()))
    ]])
    local code = out:match("^(E%u+)\n$")
    assert.is_truthy(status == 0 and code, out)
    assert.is_truthy(err:find("/sys/forbidden.log cannot be written: ", 1, true), err)
    assert.is_truthy(err:find("(" .. code .. ", ", 1, true), err)
  end)

  it("or a folder that is missing does not hold the end of the program", function()
    local before = chuck.systick()
    local status, _, err = child([[
      log.configure({ directory = folder .. "/missing", console = false })
      log.SysLog(log.INFO, "lost")
    ]])
    assert.are.equal(0, status)
    assert.is_true(chuck.systick() - before < 4000)
    assert.is_truthy(err:find("/missing/syslog.log cannot be written: No such file", 1, true), err)
  end)
end)

describe("at the end of a program", function()
  it("everything is on disk: it returns", function()
    assert.are.same({ 10000, 0, "" }, { lines_of_child("") })
  end)

  it("everything is on disk: os.exit", function()
    assert.are.same({ 10000, 3, "" }, { lines_of_child("os.exit(3)") })
  end)

  it("everything is on disk: os.exit that closes the state", function()
    assert.are.same({ 10000, 0, "" }, { lines_of_child("os.exit(0, true)") })
  end)

  it("everything is on disk: an error", function()
    local count, status = lines_of_child("error('the end')")
    assert.are.same({ 10000, 1 }, { count, status })
  end)

  it("everything is on disk: os.exit in a callback", function()
    assert.are.same({ 10000, 4, "" }, {
      lines_of_child("engine:Post(function() os.exit(4) end) engine:Run(5000)"),
    })
  end)

  it("what a finalizer logs is there", function()
    local count = lines_of_child([[
      local finalizer = function() log.SysLog(log.WARN, "from a finalizer") end
      local proxy = rawget(_G, "newproxy") and newproxy(true)
      if proxy then
        getmetatable(proxy).__gc = finalizer
      else
        proxy = setmetatable({}, { __gc = finalizer })
      end
      chuck.proxy = proxy
    ]])
    assert.are.equal(10001, count)
  end)

  it("an object whose finalizer has run raises and does not crash", function()
    local file = open("finalized")
    debug.getmetatable(file).__gc(file)
    assert.is_false(pcall(file.Log, file, log.INFO, "x"))
    assert.is_false(pcall(file.Stats, file))
  end)

  it("nothing from ERROR on is lost to SIGKILL once it had a moment", function()
    child([[
      log.configure({ directory = folder, console = false, flush_ms = 60000 })
      log.SysLog(log.ERROR, "before the kill")
      while log.stats().queued > 0 do end
      io.popen("kill -KILL $PPID"):close()
      engine:Run(5000)
    ]])
    assert.are.same({ "before the kill" }, texts("syslog.log"))
  end)
end)

describe("errors of callbacks", function()
  it("go to the log of a program that uses it, with their traceback", function()
    local status, _, err = child([[
      log.configure({ directory = folder, console = false })
      engine:Post(function() error("oops") end)
      chuck.RegTimer(engine, 1, function() engine:Stop() end)
      engine:Run(5000)
    ]])
    assert.are.same({ 0, "" }, { status, err })
    local text = read("syslog.log")
    local head = "^%[   ERROR%][^\n]*:error in callback: [^\n]*oops\n\tstack traceback:\n"
    assert.is_truthy(text:find(head), text)
  end)

  it("go to standard error of a program that only has files of its own", function()
    local _, _, err = child([[
      log.LogFile("own", { directory = folder })
      engine:Post(function() error("oops") end)
      chuck.RegTimer(engine, 1, function() engine:Stop() end)
      engine:Run(5000)
    ]])
    assert.is_truthy(err:find("oops", 1, true), err)
  end)
end)

describe("the console", function()
  it("is off when standard output is no terminal, and on when asked for", function()
    local source = [[
      log.configure({ directory = folder, console = %s })
      log.SysLog(log.ERROR, "shown")
    ]]
    local _, out = child(source:format("nil"))
    assert.are.equal("", out)
    _, out = child(source:format("true"))
    assert.is_truthy(out:find("^%[   ERROR%][^\n]*:shown\n$"), out)
  end)

  it("that nobody reads costs no line its place in the file", function()
    -- Somebody could read the pipe, so that it is full and not broken.
    local unread = "mkfifo FIFO; exec 3<>FIFO >FIFO"
    local status = child(
      [[
      local file = log.LogFile("unread", { directory = folder, console = true })
      for n = 1, 400000 do
        assert(file:Log(log.INFO, "a line of about a hundred bytes, which nobody sees: " .. n))
      end
    ]],
      (unread:gsub("FIFO", folder .. "/fifo"))
    )
    assert.are.same({ 0, 400000 }, { status, #texts("unread.log") })
  end)
end)

describe("many lines", function()
  it("from callbacks of an engine are there, in order", function()
    local file, engine, count = open("many"), chuck.engine(), 0
    chuck.RegTimer(engine, 1, function()
      for _ = 1, 5000 do
        count = count + 1
        assert(file:Log(log.INFO, tostring(count)))
      end
      if count >= 50000 then
        engine:Stop()
      end
    end)
    check.run(engine)
    engine:Close()
    assert.is_true(log.flush())
    local found = texts("many.log")
    assert.are.equal(50000, #found)
    for n, text in ipairs(found) do
      assert(text == tostring(n))
    end
  end)
end)
