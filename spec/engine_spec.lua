--- The loop: how it runs, stops, ends, and what becomes of errors.
local chuck = require("chuck")

local check = require("spec.helper.check")
local scenes = require("spec.helper.scene")

local engine, other

before_each(function()
  engine, other = chuck.engine(), chuck.engine()
end)

after_each(function()
  engine:Close()
  other:Close()
end)

describe("engine:Run", function()
  it("returns 0 once it is stopped", function()
    engine:Post(function()
      engine:Stop()
    end)
    assert.are.equal(0, check.run(engine))
  end)

  it("without events ends after its limit", function()
    local before = chuck.systick()
    engine:Run(20)
    assert.is_true(chuck.systick() - before >= 20)
  end)

  it("goes on after the first event until its limit", function()
    local fired = 0
    chuck.RegTimer(engine, 1, function()
      fired = fired + 1
    end)
    engine:Run(100)
    assert.is_true(fired > 1)
  end)

  it("of 0 does not wait", function()
    chuck.RegTimer(engine, check.DEADLINE, error)
    local before = chuck.systick()
    engine:Run(0)
    assert.is_true(chuck.systick() - before < check.DEADLINE)
  end)

  it("of 0 tells what is there already", function()
    local near, far = check.pair()
    near, far = chuck.connection(near, 10), chuck.connection(far, 10)
    local got
    far:Add2Engine(engine, function(_, packet)
      got = got or packet
    end)
    near:Add2Engine(engine, function() end)
    near:Send(chuck.packet.rawpacket("x"))
    check.run_until(engine, function()
      engine:Run(0)
      return got ~= nil
    end)
    assert.are.equal("x", got:ReadBin())
  end)

  it("ends at once when it was stopped before, and only the first time", function()
    engine:Stop()
    engine:Stop()
    local ran = false
    chuck.RegTimer(engine, 1, function()
      ran = true
      engine:Stop()
    end)
    engine:Run()
    local first = ran
    check.run(engine)
    assert.are.same({ false, true }, { first, ran })
  end)

  it("runs again after Stop, with everything still registered", function()
    local fired = 0
    chuck.RegTimer(engine, 1, function()
      fired = fired + 1
      engine:Stop()
    end)
    check.run(engine)
    check.run(engine)
    check.run(engine)
    assert.are.equal(3, fired)
  end)

  it("delivers in the next run what Stop kept from being told", function()
    local near, far = check.pair()
    near, far = chuck.connection(near, 10), chuck.connection(far, 1)
    local got = {}
    far:Add2Engine(engine, function(_, packet)
      got[#got + 1] = packet and packet:ReadBin()
      engine:Stop()
    end)
    near:Add2Engine(engine, function() end)
    near:Send(chuck.packet.rawpacket("abc"))
    check.run(engine)
    check.run(engine)
    check.run(engine)
    assert.are.same({ "a", "b", "c" }, got)
  end)

  it("inside itself raises, at the caller's line", function()
    local message
    engine:Post(function()
      local _, why = pcall(function()
        engine:Run()
      end)
      message = why
      engine:Stop()
    end)
    check.run(engine)
    assert.is_truthy(message:find("engine_spec.lua:%d+: engine is already running"))
  end)

  it("of another engine inside a callback serves that engine", function()
    local served = false
    engine:Post(function()
      other:Post(function()
        served = true
        other:Stop()
      end)
      check.run(other)
      engine:Stop()
    end)
    check.run(engine)
    assert.is_true(served)
  end)

  it("works from inside a coroutine", function()
    local ran = false
    engine:Post(function()
      ran = true
      engine:Stop()
    end)
    local result = coroutine.wrap(function()
      return (check.run(engine))
    end)()
    assert.are.same({ true, 0 }, { ran, result })
  end)

  it("raises for a negative limit", function()
    assert.has_error(function()
      engine:Run(-1)
    end)
  end)
end)

describe("several engines", function()
  it("do not serve each other's timers", function()
    local fired = false
    chuck.RegTimer(other, 1, function()
      fired = true
    end)
    engine:Run(20)
    assert.is_false(fired)
  end)

  it("stop one by one", function()
    engine:Stop()
    local ran = false
    other:Post(function()
      ran = true
      other:Stop()
    end)
    check.run(other)
    assert.is_true(ran)
  end)

  it("are as many as one likes", function()
    local before, ran = check.descriptors(), 0
    for _ = 1, 50 do
      local one = chuck.engine.engine()
      one:Post(function()
        ran = ran + 1
        one:Stop()
      end)
      check.run(one)
      one:Close()
    end
    assert.are.same({ 50, before }, { ran, check.descriptors() })
  end)
end)

describe("engine:Post", function()
  it("runs functions in the order in which they were posted", function()
    local order = {}
    for n = 1, 5 do
      engine:Post(function()
        order[#order + 1] = n
      end)
    end
    engine:Post(function()
      engine:Stop()
    end)
    check.run(engine)
    assert.are.same({ 1, 2, 3, 4, 5 }, order)
  end)

  it("before Run is enough to be run, with nothing else registered", function()
    local ran = false
    engine:Post(function()
      ran = true
      engine:Stop()
    end)
    engine:Run(check.DEADLINE)
    assert.is_true(ran)
  end)

  it("of the same function twice runs it twice", function()
    local ran = 0
    local function count()
      ran = ran + 1
    end
    engine:Post(count)
    engine:Post(count)
    engine:Run(0)
    assert.are.equal(2, ran)
  end)

  it("from a posted function runs it in a later pass, before the loop sleeps", function()
    local order = {}
    engine:Post(function()
      engine:Post(function()
        order[#order + 1] = "inner"
        engine:Stop()
      end)
      order[#order + 1] = "outer"
    end)
    check.run(engine)
    assert.are.same({ "outer", "inner" }, order)
  end)

  it("for ever does not keep timers from firing", function()
    local function again()
      engine:Post(again)
    end
    again()
    local fired = false
    chuck.RegTimer(engine, 1, function()
      fired = true
      engine:Stop()
    end)
    check.run(engine)
    assert.is_true(fired)
  end)

  it("runs the others when one raises", function()
    local ran = false
    engine:SetErrorHandler(function() end)
    engine:Post(error)
    engine:Post(function()
      ran = true
    end)
    engine:Run(0)
    assert.is_true(ran)
  end)

  it("keeps for the next run what comes after Stop", function()
    local order = {}
    engine:Post(function()
      order[#order + 1] = "first"
      engine:Stop()
    end)
    engine:Post(function()
      order[#order + 1] = "second"
      engine:Stop()
    end)
    check.run(engine)
    local first_run = #order
    check.run(engine)
    assert.are.same({ 1, 2 }, { first_run, #order })
  end)
end)

describe("an error in a callback", function()
  --- What the handler gets when a callback raises by `raise`.
  local function handed(raise)
    local got
    engine:SetErrorHandler(function(...)
      got = { n = select("#", ...), ... }
      engine:Stop()
    end)
    engine:Post(raise)
    check.run(engine)
    return got
  end

  it("that is a table reaches the handler as that very table", function()
    local thrown = { code = 7 }
    assert.are.equal(
      thrown,
      handed(function()
        error(thrown)
      end)[1]
    )
  end)

  it("that is a string reaches the handler with its place", function()
    local message = handed(function()
      error("oh no")
    end)[1]
    assert.is_truthy(message:find("engine_spec.lua:%d+: oh no$"))
  end)

  it("that is nil reaches the handler as nil, and D39: harms nobody", function()
    local got = handed(function()
      error(nil)
    end)
    -- Lua 5.5 makes a string of it.
    assert.is_truthy(got[1] == nil or got[1] == "<no error object>")
    assert.are.equal(2, got.n)
  end)

  it("comes with a traceback that names the callback's file", function()
    local function guilty()
      error("oh no")
    end
    assert.is_truthy(handed(guilty)[2]:find("engine_spec.lua", 1, true))
  end)

  it("that overflows the stack reaches the handler", function()
    local function deeper()
      return 1 + deeper()
    end
    assert.is_truthy(tostring(handed(deeper)[1]):find("overflow"))
  end)

  for _, scene in ipairs(scenes) do
    it("of " .. scene.name .. " is handed over and the loop lives on", function()
      local thrown, got = {}, nil
      engine:SetErrorHandler(function(err)
        got = err
        engine:Stop()
      end)
      scene.arrange(engine, function()
        error(thrown)
      end)
      check.run(engine)
      engine:Post(function()
        engine:Stop()
      end)
      check.run(engine)
      assert.are.equal(thrown, got)
    end)
  end

  --- The exit status, output and standard error of a child in which `raise` runs in a callback.
  local function uncaught(raise, handler)
    return check.child(([[
      local chuck = require("chuck")
      local engine = chuck.engine()
      engine:SetErrorHandler(%s)
      engine:Post(function() %s end)
      engine:Post(function() print("alive") engine:Stop() end)
      engine:Run()
      engine:Close()
    ]]):format(handler or "nil", raise))
  end

  it("without a handler is written to standard error, with a traceback", function()
    local status, out, err = uncaught('error("oh no")')
    assert.are.same({ 0, "alive\n" }, { status, out })
    assert.is_truthy(err:find("oh no", 1, true) and err:find("stack traceback", 1, true))
  end)

  it("that is a table, nil or a number does not end the program", function()
    for _, what in ipairs({ "{}", "nil", "42", "print" }) do
      local status, out, err = uncaught("error(" .. what .. ")")
      assert.are.same({ 0, "alive\n", true }, { status, out, #err > 0 }, what)
    end
  end)

  it("in the handler itself is written to standard error, and the loop lives on", function()
    local status, out, err = uncaught('error("first")', 'function() error("second") end')
    assert.are.same({ 0, "alive\n" }, { status, out })
    assert.is_truthy(err:find("second", 1, true))
  end)

  it("goes to standard error again after SetErrorHandler(nil)", function()
    local handler = "function() end) engine:SetErrorHandler(nil"
    local status, _, err = uncaught('error("oh no")', handler)
    assert.are.same({ 0, true }, { status, err:find("oh no", 1, true) ~= nil })
  end)
end)

describe("engine:Stop", function()
  for _, scene in ipairs(scenes) do
    it("in " .. scene.name .. " ends the run, and the engine runs again", function()
      local stopped = false
      scene.arrange(engine, function()
        stopped = true
        engine:Stop()
      end)
      check.run_until(engine, function()
        return stopped
      end)
      local ran = false
      engine:Post(function()
        ran = true
      end)
      engine:Run(0)
      assert.is_true(ran)
    end)
  end

  it("keeps the other timers of the batch for the next run", function()
    local fired = 0
    for _ = 1, 3 do
      chuck.RegTimer(engine, 1, function()
        fired = fired + 1
        engine:Stop()
        return -1
      end)
    end
    check.run(engine)
    local first = fired
    check.run(engine)
    check.run(engine)
    assert.are.same({ 1, 3 }, { first, fired })
  end)
end)

describe("engine:Close", function()
  for _, scene in ipairs(scenes) do
    it("in " .. scene.name .. " ends the run and closes every descriptor", function()
      engine:Close()
      engine = nil
      check.collect()
      local before = check.descriptors()
      engine = chuck.engine()
      local closed = false
      scene.arrange(engine, function()
        closed = true
        engine:Close()
        collectgarbage("collect")
      end)
      check.run(engine)
      assert.are.same({ true, before }, { closed, check.descriptors() })
    end)
  end

  it("makes Run return -155, EENGCLOSE, from then on", function()
    engine:Close()
    assert.are.equal(-chuck.error.EENGCLOSE, engine:Run())
  end)

  it("twice is as good as once", function()
    engine:Close()
    engine:Close()
    assert.are.equal(-155, engine:Run(0))
  end)

  it("D32: tells connections EENGCLOSE, once", function()
    local near, far = check.pair()
    chuck.socket_helper.close(near)
    local told = {}
    chuck.connection(far, 10):Add2Engine(engine, function(_, packet, code)
      told[#told + 1] = packet == nil and code
    end)
    engine:Close()
    engine:Close()
    assert.are.same({ 155 }, told)
  end)

  it("tells acceptors and connectors -1 and EENGCLOSE", function()
    local told = {}
    local function tell(fd, code)
      told[#told + 1] = fd .. " " .. code
    end
    local listener, port = check.listener()
    local client = check.socket()
    chuck.socket_helper.connect(client, "127.0.0.1", port)
    chuck.acceptor(listener):Add2Engine(engine, tell)
    chuck.connector(client):Add2Engine(engine, tell)
    engine:Close()
    assert.are.same({ "-1 155", "-1 155" }, told)
  end)

  it("refuses what is added later: Add2Engine answers false, RegTimer nil and why", function()
    local near, far = check.pair()
    chuck.socket_helper.close(far)
    local connection = chuck.connection(near, 10)
    engine:Close()
    local added = connection:Add2Engine(engine, function() end)
    connection:Close()
    local timer, why, code = chuck.RegTimer(engine, 1, function() end)
    assert.are.same(
      { false, "nil", "string", "EENGCLOSE" },
      { added, type(timer), type(why), code }
    )
  end)

  it("never runs what is posted later", function()
    local ran = false
    engine:Close()
    engine:Post(function()
      ran = true
    end)
    engine:Run(0)
    assert.is_false(ran)
  end)

  it("lets go of the callbacks of timers and of posted functions", function()
    local alive = setmetatable({}, { __mode = "k" })
    local function held()
      local function callback()
        return alive
      end
      alive[callback] = true
      return callback
    end
    chuck.RegTimer(engine, 60000, held())
    engine:Post(held())
    engine:SetErrorHandler(held())
    engine:Close()
    assert.are.equal(0, check.count(alive))
  end)

  it("leaves the other engines alone", function()
    engine:Close()
    local ran = false
    other:Post(function()
      ran = true
    end)
    other:Run(0)
    assert.is_true(ran)
  end)
end)

describe("engine:Stats", function()
  it("names every counter, and all but the longest callback start at 0", function()
    assert.are.same({
      turns = 0,
      wakes = 0,
      bytes_in = 0,
      bytes_out = 0,
      accepted = 0,
      open = 0,
      timers = 0,
      longest_callback_us = 0,
    }, engine:Stats())
  end)

  it("counts what is open and the timers that live", function()
    local near, far = check.pair()
    chuck.socket_helper.close(far)
    local connection = chuck.connection(near, 10)
    connection:Add2Engine(engine, function() end)
    local timer = chuck.RegTimer(engine, 1000, function() end)
    local with = engine:Stats()
    connection:Close()
    timer:UnRegister()
    local without = engine:Stats()
    assert.are.same({ 1, 1, 0, 0 }, { with.open, with.timers, without.open, without.timers })
  end)

  it("counts the bytes of both directions", function()
    local near, far = check.pair()
    near, far = chuck.connection(near, 4096), chuck.connection(far, 4096)
    near:Add2Engine(engine, function() end)
    far:Add2Engine(engine, function()
      engine:Stop()
    end)
    near:Send(chuck.packet.rawpacket("hello"))
    check.run(engine)
    local stats = engine:Stats()
    assert.are.same({ 5, 5 }, { stats.bytes_in, stats.bytes_out })
  end)

  it("knows the longest callback, in microseconds", function()
    engine:Post(function()
      local start = chuck.systick()
      repeat
      until chuck.systick() - start > 5
      engine:Stop()
    end)
    check.run(engine)
    assert.is_true(engine:Stats().longest_callback_us >= 5000)
  end)

  it("shows that an idle engine does not turn", function()
    chuck.RegTimer(engine, 60000, function() end)
    engine:Run(50)
    assert.is_true(engine:Stats().turns <= 3)
  end)
end)
