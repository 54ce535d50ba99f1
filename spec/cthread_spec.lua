--- Threads: how they begin, what they are called, how they end, and what they leave.
local chuck = require("chuck")
local lfs = require("lfs")

local check = require("spec.helper.check")
local child = require("spec.helper.child")
local threads = require("spec.helper.threads")

local cthread = chuck.cthread

--- Threads of this process, as the kernel counts them.
local function kernel_threads()
  local count = 0
  for name in lfs.dir("/proc/self/task") do
    count = count + (name:match("^%d+$") and 1 or 0)
  end
  return count
end

describe("cthread.new", function()
  after_each(threads.finish)

  it("runs a script with its arguments, nil among them", function()
    local thread = threads.start("return select('#', ...), ...", 1, nil, "x", nil)
    assert.are.same({ n = 5, 4, 1, nil, "x" }, { n = 5, threads.join(thread) })
  end)

  it("gives the script a state of its own, with the standard libraries and chuck", function()
    _G.spec_was_here = true -- luacheck: ignore
    local thread = threads.start([[
      local chuck = require("chuck")
      return spec_was_here, type(string.format), type(io.open), type(chuck.engine())
    ]])
    _G.spec_was_here = nil -- luacheck: ignore
    assert.are.same(
      { n = 4, nil, "function", "function", "userdata" },
      { n = 4, threads.join(thread) }
    )
  end)

  it("gives the script the paths of its creator", function()
    local path, cpath = package.path, package.cpath
    package.path, package.cpath = path .. ";/spec/?.lua", cpath .. ";/spec/?.so"
    local thread = threads.start("return package.path, package.cpath")
    package.path, package.cpath = path, cpath
    local seen, cseen = threads.join(thread)
    assert.are.equal(path .. ";/spec/?.lua", seen)
    assert.are.equal(cpath .. ";/spec/?.so", cseen)
  end)

  it("of a file that is not there is nil, with its name and ENOENT", function()
    local thread, why, code = cthread.new("/nowhere/at all.lua")
    assert.is_nil(thread)
    assert.are.equal("ENOENT", code)
    assert.is_truthy(why:find("/nowhere/at all.lua", 1, true))
  end)

  it("of a file that does not compile is nil, with line and ENOEXEC", function()
    local before = kernel_threads()
    local thread, why, code = threads.new("local x\nx = = 1")
    assert.is_nil(thread)
    assert.are.equal("ENOEXEC", code)
    assert.is_truthy(why:find(":2: "), why)
    assert.are.equal(before, kernel_threads())
  end)

  it("of a folder is nil, with a message", function()
    local thread, why, code = cthread.new("/tmp")
    assert.are.same({ "nil", "string", "EIO" }, { type(thread), type(why), code })
  end)

  it("returns before the script has ended", function()
    local thread = threads.serve()
    assert.is_true(cthread.tid(thread) > 0)
  end)

  it("blames the caller's line for an argument that cannot be copied", function()
    local fine, why = pcall(threads.start, "", 1, { a = print })
    assert.is_false(fine)
    assert.is_truthy(why:find("argument 2.a: a function cannot be sent", 1, true), why)
  end)

  it("refuses a path with a NUL in it", function()
    assert.has_error(function()
      cthread.new("a\0b")
    end)
  end)

  it("lets threads make threads", function()
    local thread = threads.start([[
      local cthread = require("chuck").cthread
      local path = os.tmpname()
      local file = io.open(path, "w")
      file:write("return ... + 1")
      file:close()
      local inner = assert(cthread.new(path, 41))
      os.remove(path)
      return cthread.join(inner)
    ]])
    assert.are.equal(42, (threads.join(thread)))
  end)
end)

describe("cthread.join", function()
  after_each(threads.finish)

  it("is true of a script without results", function()
    assert.are.same({ true }, { threads.join(threads.start("")) })
  end)

  it("copies results, tables and packets among them", function()
    local thread = threads.start([[
      local packet = require("chuck").packet
      return { list = { 1, 2, { x = "y" } } }, packet.rawpacket("bytes")
    ]])
    local result, packet = threads.join(thread)
    assert.are.same({ list = { 1, 2, { x = "y" } } }, result)
    assert.are.equal("bytes", packet:ReadBin())
  end)

  it("after an error has message and traceback, and ECANCELED", function()
    local result, why, code = threads.join(threads.start([[
      local function inner() error("no luck") end
      inner()
      return 1
    ]]))
    assert.is_nil(result)
    assert.are.equal("ECANCELED", code)
    assert.is_truthy(why:find(":1: no luck", 1, true), why)
    assert.is_truthy(why:find("stack traceback", 1, true), why)
    assert.is_truthy(why:find("'inner'", 1, true) or why:find("<.->"), why)
  end)

  it("after a table that says what it is has its words", function()
    local _, why = threads.join(threads.start([[
      error(setmetatable({}, { __tostring = function() return "in words" end }))
    ]]))
    assert.is_truthy(why:find("^in words\n"), why)
  end)

  it("after any other error has what tostring makes of it", function()
    local _, nothing, code = threads.join(threads.start("error(nil)"))
    assert.is_truthy(nothing:find("nil", 1, true))
    assert.are.equal("ECANCELED", code)
    local _, object = threads.join(threads.start("error({})"))
    assert.is_truthy(object:find("^table: "), object)
    local _, worse = threads.join(threads.start([[
      error(setmetatable({}, { __tostring = function() error("not even that") end }))
    ]]))
    assert.is_truthy(worse:find("not even that", 1, true), worse)
  end)

  it("gives the handle of the thread itself, when that is its result", function()
    local thread = threads.start('return require("chuck").cthread.self()')
    assert.are.equal(thread, (threads.join(thread)))
  end)

  it("is not needed for what a thread leaves to be freed, its own handle among it", function()
    local result = child.run([[
      local cthread = require("chuck").cthread
      local path = os.tmpname()
      local file = io.open(path, "w")
      file:write('return require("chuck").cthread.self(), ("x"):rep(2 ^ 20)')
      file:close()
      for _ = 1, 50 do
        local thread = cthread.new(path)
        while cthread.tid(thread) ~= 0 do end
      end
      os.remove(path)
      collectgarbage()
      collectgarbage()
      for line in io.lines("/proc/self/status") do
        local found = line:match("VmRSS:%s+(%d+)")
        if found then print(found) end
      end
    ]])
    assert.is_true(tonumber(result.output) < 40000, result.output)
  end)

  it("of a result that cannot be copied names it", function()
    local result, why, code = threads.join(threads.start("return 1, { f = print }"))
    assert.is_nil(result)
    assert.are.equal("EINVAL", code)
    assert.are.equal("result 2.f: a function cannot be sent", why)
  end)

  it("waits no longer than it is told to, with ETIMEDOUT, and may be tried again", function()
    local thread = threads.serve()
    local begin = chuck.systick()
    local result, why, code = cthread.join(thread, 30)
    assert.are.same({ "nil", "the thread still runs", "ETIMEDOUT" }, { type(result), why, code })
    assert.is_true(chuck.systick() - begin >= 29)
    cthread.sendmail(thread, "stop")
    assert.is_true(threads.join(thread))
  end)

  it("with zero does not wait", function()
    local _, _, code = cthread.join(threads.serve(), 0)
    assert.are.equal("ETIMEDOUT", code)
  end)

  it("a second time is ESRCH", function()
    local thread = threads.start("return 1")
    assert.are.equal(1, (threads.join(thread)))
    for _ = 1, 2 do
      local result, why, code = cthread.join(thread)
      assert.are.same({ "nil", "string", "ESRCH" }, { type(result), type(why), code })
    end
  end)

  it("of oneself is EDEADLK", function()
    local thread = threads.start([[
      local cthread = require("chuck").cthread
      return select(3, cthread.join(cthread.self()))
    ]])
    assert.are.equal("EDEADLK", (threads.join(thread)))
  end)

  it("of one that waits for us is EDEADLK for one of the two", function()
    local source = [[
      local chuck = require("chuck")
      local engine, other, creator = chuck.engine(), nil, nil
      chuck.cthread.process_mail(engine, function(from, mail)
        creator, other = from, mail
        engine:Stop()
      end)
      engine:Run()
      local _, _, code = chuck.cthread.join(other)
      chuck.cthread.sendmail(creator, code or "fine")
    ]]
    local engine, told = chuck.engine(), {}
    cthread.process_mail(engine, function(_, mail)
      told[#told + 1] = mail
    end)
    local one, other = threads.start(source), threads.start(source)
    cthread.sendmail(one, other)
    cthread.sendmail(other, one)
    check.run_until(engine, function()
      return #told == 2
    end)
    assert.are.same({ "EDEADLK", "fine" }, told)
    engine:Close()
  end)

  it("of a thread that was there before is EINVAL", function()
    local thread = threads.start(
      [[
      return select(3, require("chuck").cthread.join((...)))
    ]],
      cthread.self()
    )
    assert.are.equal("EINVAL", (threads.join(thread)))
  end)
end)

describe("a handle", function()
  after_each(threads.finish)

  it("knows the kernel's number of its thread, until that has ended", function()
    local thread = threads.serve("cthread.sendmail((...), cthread.selftid())", cthread.self())
    local engine, told = chuck.engine(), nil
    cthread.process_mail(engine, function(_, mail)
      told = mail
    end)
    check.run_until(engine, function()
      return told
    end)
    assert.are.equal(told, cthread.tid(thread))
    assert.are_not.equal(told, cthread.selftid())
    cthread.sendmail(thread, "stop")
    threads.join(thread)
    assert.are.equal(0, cthread.tid(thread))
    engine:Close()
  end)

  it("of the first thread has the number of the process", function()
    assert.are.equal(check.pid(), cthread.selftid())
    assert.are.equal(check.pid(), cthread.tid(cthread.self()))
  end)

  it("is found by its number, and is the very same", function()
    local thread = threads.serve()
    local found = cthread.findbytid(cthread.tid(thread))
    assert.is_true(rawequal(thread, found))
    assert.are.equal("found", ({ [thread] = "found" })[found])
    assert.is_true(rawequal(cthread.self(), cthread.findbytid(cthread.selftid())))
  end)

  it("of the first thread is found by whoever asks first", function()
    local result = child.run([[
      local cthread = require("chuck").cthread
      local found = cthread.findbytid(cthread.selftid())
      print(found ~= nil and found == cthread.self())
    ]])
    assert.are.equal("true\n", result.output)
  end)

  it("of a state is one, also when a finalizer asks for it first", function()
    local result = child.run([[
      local cthread = require("chuck").cthread
      local seen
      local function drop()
        local proxy = rawget(_G, "newproxy")
        local object = proxy and proxy(true) or {}
        local meta = proxy and getmetatable(object) or {}
        meta.__gc = function() seen = seen or cthread.self() end
        if not proxy then setmetatable(object, meta) end
      end
      collectgarbage("setpause", 1)
      collectgarbage("setstepmul", 100000)
      collectgarbage("stop")
      for _ = 1, 20 do drop() end
      local own = cthread.self
      collectgarbage("restart")
      local me = own()
      collectgarbage()
      print(me == seen)
    ]])
    assert.are.equal("true\n", result.output)
  end)

  it("of nobody is nil", function()
    local thread = threads.start("")
    threads.join(thread)
    for _, tid in ipairs({ 0, -1, 1, 2 ^ 40 }) do
      assert.is_nil(cthread.findbytid(tid))
    end
  end)

  it("says what it is", function()
    local thread = threads.serve()
    assert.is_truthy(tostring(thread):find("^cthread %d+ %(lua_"), tostring(thread))
    assert.is_truthy(tostring(cthread.self()):find("^cthread %d+ %(main%)$"))
  end)

  it("may be collected while its thread runs, which goes on", function()
    local engine, got = chuck.engine(), nil
    cthread.process_mail(engine, function(from, mail)
      got = { from, mail }
    end)
    local tid = cthread.tid(threads.serve([[
      on_mail = function(from) cthread.sendmail(from, "still here") end
    ]]))
    check.collect()
    assert.is_true(cthread.sendmail(cthread.findbytid(tid), "are you?"))
    check.run_until(engine, function()
      return got
    end)
    assert.are.equal("still here", got[2])
    assert.are.equal(tid, cthread.tid(got[1]))
    engine:Close()
  end)
end)

describe("a thread", function()
  after_each(threads.finish)

  it("closes its state when it ends: finalizers run, before join returns", function()
    local path = os.tmpname()
    threads.join(threads.start(
      [[
      local path = ...
      local proxy = rawget(_G, "newproxy")
      local object = proxy and proxy(true) or setmetatable({}, {})
      local meta = getmetatable(object)
      if proxy then
        meta.__gc = function() local f = io.open(path, "w") f:write("closed") f:close() end
      else
        setmetatable(object, {
          __gc = function() local f = io.open(path, "w") f:write("closed") f:close() end,
        })
      end
      KEPT = object
    ]],
      path
    ))
    local file = io.open(path)
    assert.are.equal("closed", file:read("*a"))
    file:close()
    os.remove(path)
  end)

  it("that nobody joins reports its error on standard error, once", function()
    local result = child.run([[
      local chuck = require("chuck")
      local path = os.tmpname()
      local file = io.open(path, "w")
      file:write('error("nobody knows")')
      file:close()
      local thread = assert(chuck.cthread.new(path))
      while chuck.cthread.tid(thread) ~= 0 do end
      thread = nil
      collectgarbage()
      os.remove(path)
    ]])
    assert.are.equal(0, result.status, result.output)
    local _, count = result.output:gsub("nobody knows", "")
    assert.are.equal(1, count, result.output)
    assert.is_truthy(result.output:find("stack traceback", 1, true))
  end)

  it("that somebody joins reports its error to that one alone", function()
    local result = child.run([[
      local chuck = require("chuck")
      local path = os.tmpname()
      local file = io.open(path, "w")
      file:write('error("told once")')
      file:close()
      local _, why = chuck.cthread.join(assert(chuck.cthread.new(path)))
      local thread = assert(chuck.cthread.new(path))
      while chuck.cthread.tid(thread) ~= 0 do end
      chuck.cthread.join(thread)
      os.remove(path)
      print(why:match("told once"))
    ]])
    assert.are.equal("told once\n", result.output)
  end)

  it("that fails as the program ends is waited for, and its error reported", function()
    local result = child.run([[
      local chuck = require("chuck")
      local path = os.tmpname()
      local file = io.open(path, "w")
      file:write('error("the last of it")')
      file:close()
      local thread = assert(chuck.cthread.new(path))
      while chuck.cthread.tid(thread) ~= 0 do end
      os.remove(path)
    ]])
    assert.is_truthy(result.output:find("the last of it", 1, true), result.output)
  end)

  it("ends the process by os.exit, with its status", function()
    local result = child.run([[
      local chuck = require("chuck")
      local path = os.tmpname()
      local file = io.open(path, "w")
      file:write('os.remove(...) os.exit(7)')
      file:close()
      assert(chuck.cthread.new(path, path))
      chuck.engine():Run()
    ]])
    assert.are.equal(7, result.status, result.output)
  end)

  it("comes a hundred times at once", function()
    local many = {}
    for n = 1, 100 do
      many[n] = threads.serve("on_mail = function(from, n) cthread.sendmail(from, n) end")
    end
    local engine, sum = chuck.engine(), 0
    cthread.process_mail(engine, function(_, mail)
      sum = sum + mail
    end)
    for n, thread in ipairs(many) do
      assert.is_true(cthread.sendmail(thread, n))
    end
    check.run_until(engine, function()
      return sum == 5050
    end)
    engine:Close()
  end)

  it("idles without using the processor, also right after a flood", function()
    local thread = threads.serve("on_mail = function(from, mail) cthread.sendmail(from, mail) end")
    local engine, got = chuck.engine(), 0
    cthread.process_mail(engine, function()
      got = got + 1
      if got < 5000 then
        cthread.sendmail(thread, got)
      end
    end)
    cthread.sendmail(thread, 0)
    check.run_until(engine, function()
      return got == 5000
    end)
    local begin = os.clock()
    engine:Run(300)
    assert.is_true(os.clock() - begin < 0.02, "it used the processor while nothing happened")
    engine:Close()
  end)
end)
