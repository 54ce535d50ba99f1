--- Timers of an engine, and the wheel that moves only when it is told to.
local chuck = require("chuck")

local check = require("spec.helper.check")

local DAY = 24 * 60 * 60 * 1000

local engine

before_each(function()
  engine = chuck.engine()
end)

after_each(function()
  engine:Close()
end)

--- Keeps the loop from turning for `ms` milliseconds.
local function stall(ms)
  local start = chuck.systick()
  repeat
  until chuck.systick() - start >= ms
end

--- The two places where timers live, and how time passes there.
local places = {
  {
    name = "RegTimer",
    new = function()
      return engine
    end,
    register = function(_, ms, callback)
      return chuck.RegTimer(engine, ms, callback)
    end,
    wait = function(_, is_done)
      check.run_until(engine, is_done)
    end,
  },
  {
    name = "TimingWheel:Register",
    new = chuck.TimingWheel,
    register = function(wheel, ms, callback)
      return wheel:Register(ms, callback)
    end,
    wait = function(wheel, is_done)
      local give_up = chuck.systick() + check.DEADLINE
      while not is_done() do
        assert(chuck.systick() < give_up, "it did not happen in time")
        wheel:Tick()
      end
    end,
  },
}

for _, place in ipairs(places) do
  describe(place.name, function()
    local owner

    before_each(function()
      owner = place.new()
    end)

    local function register(ms, callback)
      return place.register(owner, ms, callback)
    end

    local function wait(is_done)
      place.wait(owner, is_done)
    end

    --- Waits until a timer of `ms` that is registered now has fired.
    local function let_pass(ms)
      local passed = false
      register(ms, function()
        passed = true
        return -1
      end)
      wait(function()
        return passed
      end)
    end

    --- The times between the calls of a timer that answers `answers` one by one, then -1.
    local function gaps(ms, answers)
      local times, calls = { chuck.systick() }, 0
      register(ms, function()
        calls = calls + 1
        times[#times + 1] = chuck.systick()
        if calls > #answers then
          return -1
        end
        return answers[calls]
      end)
      wait(function()
        return calls > #answers
      end)
      local between = {}
      for n = 2, #times do
        between[#between + 1] = times[n] - times[n - 1]
      end
      return between
    end

    it("never fires before its time", function()
      for turn = 1, 20 do
        -- Not always at the same point of a millisecond.
        local now = os.clock() + turn / 20000
        repeat
        until os.clock() >= now
        assert.is_true(gaps(3, {})[1] >= 3)
      end
    end)

    it("calls back without arguments", function()
      local count
      register(1, function(...)
        count = select("#", ...)
        return -1
      end)
      wait(function()
        return count ~= nil
      end)
      assert.are.equal(0, count)
    end)

    it("repeats with the same interval when the callback returns nothing, nil or 0", function()
      for _, answer in ipairs({ "nothing", "nil", "0" }) do
        local calls = 0
        register(1, function()
          calls = calls + 1
          if calls == 3 then
            return -1
          elseif answer == "nil" then
            return nil
          elseif answer == "0" then
            return 0
          end
        end)
        wait(function()
          return calls == 3
        end)
        assert.are.equal(3, calls, answer)
      end
    end)

    it("repeats when the callback returns what is no integer", function()
      for _, answer in ipairs({ "7", true, {}, 1.5, 0 / 0, -0.5, 1 / 0 }) do
        assert.are.equal(3, #gaps(1, { answer, answer }), tostring(answer))
      end
    end)

    it("takes a positive answer as the interval from now on", function()
      local between = gaps(1, { 20, 0, 1 })
      assert.is_true(between[2] >= 20 and between[3] >= 20)
    end)

    it("ends when the callback returns a negative number", function()
      local calls = 0
      register(1, function()
        calls = calls + 1
        return -5
      end)
      let_pass(10)
      assert.are.equal(1, calls)
    end)

    it("D43: of 0 fires as one of 1 millisecond does", function()
      assert.is_true(gaps(0, { 0 })[1] >= 0)
    end)

    it("D43: of a negative time raises, as does NaN", function()
      for _, ms in ipairs({ -1, -0.5, -1 / 0, 0 / 0 }) do
        assert.has_error(function()
          register(ms, function() end)
        end)
      end
    end)

    it("of more than 24 hours is taken as 24 hours less a millisecond", function()
      for _, ms in ipairs({ DAY, 1e18, 1 / 0 }) do
        local timer = register(ms, function() end)
        assert.are.equal("timer", getmetatable(timer))
        timer:UnRegister()
      end
    end)

    it("D45: fires once after a stall, and then not before its interval is over", function()
      local calls = 0
      register(5, function()
        calls = calls + 1
      end)
      stall(60)
      let_pass(1)
      assert.is_true(calls <= 1)
    end)

    it("D45: counts the next interval from the end of a slow callback", function()
      local ended, early = nil, false
      local calls = 0
      register(3, function()
        early = early or (ended ~= nil and chuck.systick() - ended < 3)
        calls = calls + 1
        if calls == 5 then
          return -1
        end
        stall(10)
        ended = chuck.systick()
      end)
      wait(function()
        return calls == 5
      end)
      assert.is_false(early)
    end)

    it("D47: fires though nobody holds its handle", function()
      local fired = false
      register(5, function()
        fired = true
        return -1
      end)
      check.collect()
      wait(function()
        return fired
      end)
      assert.is_true(fired)
    end)

    it("fires timers in the order of their times", function()
      local order = {}
      for _, ms in ipairs({ 9, 3, 6, 1 }) do
        register(ms, function()
          order[#order + 1] = ms
          return -1
        end)
      end
      stall(12)
      wait(function()
        return #order == 4
      end)
      assert.are.same({ 1, 3, 6, 9 }, order)
    end)

    it("goes on with other timers when one raises, which stops", function()
      local raised, calls = 0, 0
      engine:SetErrorHandler(function() end)
      register(1, function()
        raised = raised + 1
        if place.name == "RegTimer" then
          error("on purpose")
        end
        return -1
      end)
      register(2, function()
        calls = calls + 1
      end)
      wait(function()
        return calls == 5
      end)
      assert.are.equal(1, raised)
    end)

    it("lets a callback register another timer", function()
      local fired = false
      register(1, function()
        register(1, function()
          fired = true
          return -1
        end)
        return -1
      end)
      wait(function()
        return fired
      end)
      assert.is_true(fired)
    end)

    describe("'s timer:UnRegister", function()
      it("keeps it from firing", function()
        local fired = false
        register(1, function()
          fired = true
        end):UnRegister()
        let_pass(10)
        assert.is_false(fired)
      end)

      it("may be called again and again, and answers nothing", function()
        local timer = register(1, function() end)
        timer:UnRegister()
        assert.are.equal(0, select("#", timer:UnRegister()))
      end)

      it("inside its own callback ends it, whatever the callback returns", function()
        for _, answer in ipairs({ 0, 1, -1 }) do
          local calls, timer = 0, nil
          timer = register(1, function()
            calls = calls + 1
            timer:UnRegister()
            return answer
          end)
          let_pass(10)
          assert.are.equal(1, calls, answer)
        end
      end)

      it("inside its own callback does not harm a timer registered there", function()
        local fired, timer = 0, nil
        timer = register(1, function()
          timer:UnRegister()
          register(1, function()
            fired = fired + 1
          end)
          return -1
        end)
        wait(function()
          return fired == 3
        end)
        timer:UnRegister()
        wait(function()
          return fired == 6
        end)
        assert.are.equal(6, fired)
      end)

      it("of another timer that is due in the same pass keeps that from firing", function()
        local fired, timers = {}, {}
        for n = 1, 2 do
          timers[n] = register(1, function()
            fired[#fired + 1] = n
            timers[3 - n]:UnRegister()
            return -1
          end)
        end
        stall(5)
        let_pass(5)
        assert.are.equal(1, #fired)
      end)

      it("lets go of the callback", function()
        local alive = setmetatable({}, { __mode = "k" })
        local function register_held()
          local function callback()
            return alive
          end
          alive[callback] = true
          return register(1000, callback)
        end
        local timer = register_held()
        timer:UnRegister()
        assert.are.equal(0, check.count(alive))
      end)
    end)

    it("keeps 100,000 timers: each fires once, cancelled ones never", function()
      local fired, wrong, cancelled = 0, 0, {}
      local seed = 42
      for n = 1, 100000 do
        seed = (seed * 16807) % 2147483647
        local is_cancelled = n % 2 == 0
        local timer = register(seed % 100, function()
          fired = fired + 1
          wrong = wrong + (is_cancelled and 1 or 0)
          return -1
        end)
        if is_cancelled then
          cancelled[#cancelled + 1] = timer
        end
      end
      for _, timer in ipairs(cancelled) do
        timer:UnRegister()
      end
      wait(function()
        return fired >= 50000
      end)
      let_pass(110)
      assert.are.same({ 50000, 0 }, { fired, wrong })
    end)
  end)
end

describe("RegTimer", function()
  it("raises what its callback raises to the engine's handler, and stops", function()
    local got, calls = nil, 0
    engine:SetErrorHandler(function(err)
      got = err
    end)
    local thrown = {}
    chuck.RegTimer(engine, 1, function()
      calls = calls + 1
      error(thrown)
    end)
    engine:Run(20)
    assert.are.same({ thrown, 1, 0 }, { got, calls, engine:Stats().timers })
    assert.are.equal(thrown, got)
  end)

  it("D44: that is far away causes no turn of the loop", function()
    chuck.RegTimer(engine, DAY, function() end)
    engine:Run(50)
    assert.is_true(engine:Stats().turns <= 3)
  end)

  it("counts in Stats until it ends", function()
    local timer = chuck.RegTimer(engine, 1000, function() end)
    local before = engine:Stats().timers
    timer:UnRegister()
    assert.are.same({ 1, 0 }, { before, engine:Stats().timers })
  end)

  it("has a handle that is harmless after its engine is gone", function()
    local gone = chuck.engine()
    local timer = chuck.RegTimer(gone, 1000, function() end)
    local closed = chuck.RegTimer(engine, 1000, function() end)
    gone = nil -- luacheck: ignore
    engine:Close()
    check.collect()
    timer:UnRegister()
    closed:UnRegister()
    assert.are.equal("timer", getmetatable(timer))
  end)

  it("may close its engine and be one of many that were due", function()
    local fired = 0
    for _ = 1, 10 do
      chuck.RegTimer(engine, 1, function()
        fired = fired + 1
        engine:Close()
      end)
    end
    stall(5)
    check.run(engine)
    assert.are.equal(1, fired)
  end)
end)

describe("TimingWheel", function()
  it("moves only by Tick", function()
    local wheel, fired = chuck.TimingWheel(), false
    wheel:Register(1, function()
      fired = true
    end)
    engine:Run(10)
    local before = fired
    wheel:Tick()
    assert.are.same({ false, true }, { before, fired })
  end)

  it("D46: fires nothing twice when Tick follows Tick", function()
    local wheel, fired = chuck.TimingWheel.TimingWheel(), 0
    wheel:Register(20, function()
      fired = fired + 1
    end)
    stall(25)
    for _ = 1, 10 do
      wheel:Tick()
    end
    assert.is_true(fired <= 2)
  end)

  it("may be told to Tick by its own timer", function()
    local wheel, order = chuck.TimingWheel(), {}
    for n = 1, 3 do
      wheel:Register(1, function()
        order[#order + 1] = n
        wheel:Tick()
        return -1
      end)
    end
    stall(5)
    wheel:Tick()
    assert.are.equal(3, #order)
  end)

  it("writes an error of a callback to standard error, and ticks on", function()
    local status, out, err = check.child([[
      local wheel = require("chuck").TimingWheel()
      local fired = 0
      wheel:Register(1, function() fired = fired + 1 error("oh no") end)
      wheel:Register(2, function() print(fired) os.exit(0) end)
      while true do wheel:Tick() end
    ]])
    assert.are.same({ 0, "1\n", true }, { status, out, err:find("oh no", 1, true) ~= nil })
  end)

  it("is collected with its timers, without calling them", function()
    local alive = setmetatable({}, { __mode = "k" })
    local wheel = chuck.TimingWheel()
    wheel:Register(1, function()
      return wheel, error("never")
    end)
    alive[wheel] = true
    wheel = nil -- luacheck: ignore
    assert.are.equal(0, check.count(alive))
  end)
end)

describe("systick", function()
  it("D46: never goes back", function()
    local last, back = chuck.systick(), false
    for _ = 1, 100000 do
      local now = chuck.systick()
      back = back or now < last
      last = now
    end
    assert.is_false(back)
  end)

  it("counts whole milliseconds", function()
    assert.are.equal(0, chuck.systick() % 1)
  end)
end)
