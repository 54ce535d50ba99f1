--- Signals of the process, told in the loop.
local chuck = require("chuck")

local check = require("spec.helper.check")

local signal = chuck.signal

local engine, open

before_each(function()
  engine, open = chuck.engine(), {}
end)

after_each(function()
  for _, signaler in ipairs(open) do
    signaler:Remove()
  end
  engine:Close()
end)

--- A signaler that the spec need not remove.
local function signaler_of(number)
  local signaler, why, code = signal.signaler(number)
  open[#open + 1] = signaler
  return signaler, why, code
end

local function send(name)
  -- Not os.execute: C's system() ignores SIGINT meanwhile.
  io.popen("kill -" .. name .. " " .. check.pid()):close()
end

--- A child program that knows `chuck`, `signal`, `engine`, and `kill(name)` for itself.
local function child(source, limits)
  return check.child([[
    local chuck = require("chuck")
    local signal, engine = chuck.signal, chuck.engine()
    local pipe = io.popen("echo $PPID")
    local pid = pipe:read("*l")
    pipe:close()
    local function kill(name) io.popen("kill -" .. name .. " " .. pid):close() end
    ]] .. source, limits)
end

describe("a signaler", function()
  it("calls back with the signal's number", function()
    local got
    signaler_of(signal.SIGUSR1):Register(engine, function(...)
      got = { n = select("#", ...), ... }
      engine:Stop()
    end)
    send("USR1")
    check.run(engine)
    assert.are.same({ n = 1, signal.SIGUSR1 }, got)
  end)

  it("tells of a signal that came before Register", function()
    local signaler, got = signaler_of(signal.SIGUSR1), 0
    send("USR1")
    signaler:Register(engine, function()
      got = got + 1
      engine:Stop()
    end)
    check.run(engine)
    assert.are.equal(1, got)
  end)

  it("wakes a loop that waits", function()
    local got = false
    signaler_of(signal.SIGUSR2):Register(engine, function()
      got = true
      engine:Stop()
    end)
    os.execute("(kill -USR2 " .. check.pid() .. ") >/dev/null 2>&1 &")
    check.run(engine)
    assert.is_true(got)
  end)

  it("tells again when the signal comes again", function()
    local got = 0
    signaler_of(signal.SIGUSR1):Register(engine, function()
      got = got + 1
      engine:Stop()
    end)
    for _ = 1, 3 do
      send("USR1")
      check.run(engine)
    end
    assert.are.equal(3, got)
  end)

  it("tells only of its own signal", function()
    local got = {}
    for _, name in ipairs({ "SIGUSR1", "SIGUSR2" }) do
      signaler_of(signal[name]):Register(engine, function()
        got[#got + 1] = name
        engine:Stop()
      end)
    end
    send("USR2")
    check.run(engine)
    assert.are.same({ "SIGUSR2" }, got)
  end)

  it("is one of many: each is told, on its own engine", function()
    local other, got = chuck.engine(), {}
    for name, of in pairs({ first = engine, second = engine, third = other }) do
      signaler_of(signal.SIGUSR1):Register(of, function(number)
        got[name] = number
      end)
    end
    send("USR1")
    check.run_until(engine, function()
      return got.first and got.second
    end)
    check.run_until(other, function()
      return got.third
    end)
    other:Close()
    local number = signal.SIGUSR1
    assert.are.same({ first = number, second = number, third = number }, got)
  end)

  it("is a new object each time", function()
    assert.are_not.equal(signaler_of(signal.SIGUSR1), signaler_of(signal.SIGUSR1))
  end)

  it("is told still after another of its signal was removed, or collected", function()
    local got = false
    signaler_of(signal.SIGUSR1):Remove()
    assert.is_truthy(signal.signaler(signal.SIGUSR1))
    signaler_of(signal.SIGUSR1):Register(engine, function()
      got = true
      engine:Stop()
    end)
    check.collect()
    send("USR1")
    check.run(engine)
    assert.is_true(got)
  end)

  it("may remove another of its signal in its callback, also itself", function()
    local told, signalers = 0, {}
    for n = 1, 3 do
      signalers[n] = signaler_of(signal.SIGUSR1)
      signalers[n]:Register(engine, function()
        told = told + 1
        for _, signaler in ipairs(signalers) do
          signaler:Remove()
        end
        engine:Stop()
      end)
    end
    send("USR1")
    check.run(engine)
    assert.are.equal(1, told)
  end)

  it("without a descriptor left is nil, with a message and EMFILE", function()
    local status, out = child(
      [[
      local held, why, code = {}, nil, nil
      repeat
        held[#held + 1], why, code = signal.signaler(signal.SIGUSR1)
      until code or #held > 1000
      print(type(why), code)
    ]],
      "ulimit -n 50"
    )
    assert.are.same({ 0, "string\tEMFILE\n" }, { status, out })
  end)

  it("registers once: the second time is false, with why", function()
    local signaler = signaler_of(signal.SIGUSR1)
    local first = signaler:Register(engine, function() end)
    local second, why, code = signaler:Register(engine, function() end)
    assert.are.same({ true, false, "string", "EASSENG" }, { first, second, type(why), code })
  end)

  it("registers again after Remove, also with another engine", function()
    local signaler, got, other = signaler_of(signal.SIGUSR1), nil, chuck.engine()
    signaler:Register(engine, error)
    signaler:Remove()
    local again = signaler:Register(other, function(number)
      got = number
      other:Stop()
    end)
    send("USR1")
    check.run(other)
    other:Close()
    assert.are.same({ true, signal.SIGUSR1 }, { again, got })
  end)

  it("is removed any number of times, also in its callback", function()
    local signaler, got = signaler_of(signal.SIGUSR1), 0
    signaler:Register(engine, function()
      got = got + 1
      signaler:Remove()
      signaler:Remove()
      engine:Stop()
    end)
    send("USR1")
    check.run(engine)
    assert.are.equal(1, got)
  end)

  it("is kept alive by its engine", function()
    local got = false
    signal.signaler(signal.SIGUSR1):Register(engine, function()
      got = true
      engine:Stop()
    end)
    check.collect()
    send("USR1")
    check.run(engine)
    assert.is_true(got)
  end)

  it("D49: raises for what is no signal that can be caught", function()
    local wrong = { 0, -1, 9, 19, 11, 4, 8, 32, 1000, 2 ^ 31 - 1, 2 ^ 40, 1.5, 0 / 0, "2" }
    for _, number in ipairs(wrong) do
      assert.is_false(pcall(signal.signaler, number), tostring(number))
    end
    assert.is_false(pcall(signal.signaler))
  end)

  it("D49: leaves no descriptor behind when it is removed", function()
    signaler_of(signal.SIGUSR2):Remove()
    local before = check.descriptors()
    for _ = 1, 50 do
      local signaler = signal.signaler(signal.SIGUSR2)
      signaler:Register(engine, function() end)
      signaler:Remove()
    end
    assert.are.equal(before, check.descriptors())
  end)

  it("D48: stands a flood of signals while Lua allocates and collects", function()
    local status, out = child([[
      local flood = 0
      signal.signaler(signal.SIGUSR1):Register(engine, function()
        flood = flood + 1
        for _ = 1, 5 do
          local one = chuck.engine()
          chuck.RegTimer(one, 1, function() end)
          collectgarbage("step")
        end
        if flood >= 10 then print("stood") engine:Stop() end
      end)
      os.execute("(while kill -USR1 " .. pid .. "; do :; done) >/dev/null 2>&1 &")
      engine:Run(20000)
      os.exit(0)
    ]])
    assert.are.same({ 0, "stood\n" }, { status, out })
  end)
end)

describe("every constant", function()
  it("is a number, and there is one for each signal that may be caught", function()
    local names = [[
      SIGHUP SIGINT SIGQUIT SIGTRAP SIGABRT SIGUSR1 SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGCHLD SIGCONT
      SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO SIGSYS SIGBUS
    ]]
    for name in names:gmatch("%S+") do
      assert.are.equal("number", type(signal[name]), name)
    end
    assert.are.same({ 2, 15 }, { signal.SIGINT, signal.SIGTERM })
  end)

  it("can be caught, and let go", function()
    local status, out, err = child([[
      for name, number in pairs(signal) do
        if type(number) == "number" then
          assert(signal.signaler(number), name):Remove()
        end
      end
      print("all")
    ]])
    assert.are.same({ 0, "all\n", "" }, { status, out, err })
  end)
end)

describe("the default action", function()
  it("D49: is back after Remove", function()
    assert.are.equal(128 + signal.SIGUSR1, (child([[
      signal.signaler(signal.SIGUSR1):Remove()
      kill("USR1")
      engine:Run(5000)
    ]])))
  end)

  it("is back only when the last signaler was removed", function()
    local status, out = child([[
      local first, second = signal.signaler(signal.SIGUSR1), signal.signaler(signal.SIGUSR1)
      first:Remove()
      second:Register(engine, function() print("told") io.stdout:flush() engine:Stop() end)
      kill("USR1")
      engine:Run(5000)
      second:Remove()
      kill("USR1")
      engine:Run(5000)
    ]])
    assert.are.same({ 128 + signal.SIGUSR1, "told\n" }, { status, out })
  end)

  it("is back after Remove of a registered signaler that was told once", function()
    local status, out = child([[
      local signaler = signal.signaler(signal.SIGTERM)
      signaler:Register(engine, function() print("told") io.stdout:flush() engine:Stop() end)
      kill("TERM")
      engine:Run(5000)
      signaler:Remove()
      kill("TERM")
      engine:Run(5000)
    ]])
    assert.are.same({ 128 + signal.SIGTERM, "told\n" }, { status, out })
  end)

  it("D49: is back when the signaler was collected", function()
    assert.are.equal(128 + signal.SIGUSR1, (child([[
      signal.signaler(signal.SIGUSR1)
      collectgarbage() collectgarbage()
      kill("USR1")
      engine:Run(5000)
    ]])))
  end)

  it("is back when the engine was closed or collected", function()
    local endings = { "engine:Close()", "engine = nil collectgarbage() collectgarbage()" }
    for _, ending in ipairs(endings) do
      assert.are.equal(128 + signal.SIGUSR2, (child([[
        local signaler = signal.signaler(signal.SIGUSR2)
        signaler:Register(engine, function() end)
        signaler = nil
        ]] .. ending .. [[

        kill("USR2")
        chuck.engine():Run(5000)
      ]])))
    end
  end)

  it("is away again for a second signaler after the first was removed", function()
    local status, out = child([[
      signal.signaler(signal.SIGUSR1):Remove()
      signal.signaler(signal.SIGUSR1):Register(engine, function() print("told") engine:Stop() end)
      kill("USR1")
      engine:Run(5000)
    ]])
    assert.are.same({ 0, "told\n" }, { status, out })
  end)
end)

describe("SIGINT", function()
  it("ends a program in order: the callback runs, Run returns, the status is 0", function()
    local status, out, err = child([[
      signal.signaler(signal.SIGINT):Register(engine, function(number)
        print("signal", number)
        engine:Stop()
      end)
      kill("INT")
      print("run", engine:Run(5000))
    ]])
    assert.are.same({ 0, "signal\t2\nrun\t0\n", "" }, { status, out, err })
  end)

  it("does not raise in the middle of Lua, as the stand-alone lua does", function()
    local status, out, err = child([[
      local told = false
      signal.signaler(signal.SIGINT):Register(engine, function() told = true engine:Stop() end)
      kill("INT")
      for n = 1, 1000000 do local _ = n * n end
      engine:Run(5000)
      print(told)
    ]])
    assert.are.same({ 0, "true\n", "" }, { status, out, err })
  end)
end)
