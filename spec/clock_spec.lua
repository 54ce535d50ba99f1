--- The clock of the other specs of tasks: what is due runs in order, and nothing may be left over.
local sched = require("chuck.co.sched")

local clock = require("spec.helper.clock")

describe("the hand-moved clock", function()
  it("runs timers in the order of their times, then of their making", function()
    clock.run(function()
      local told = {}
      for n, ms in ipairs({ 30, 10, 20, 10 }) do
        sched.timer(ms, function()
          told[#told + 1] = n .. "@" .. clock.now()
        end)
      end
      clock.advance(25)
      assert.are.same({ "2@10", "4@10", "3@20" }, told)
      clock.advance(5)
      assert.are.equal("1@30", told[4])
    end)
  end)

  it("runs what a timer has woken before the next instant", function()
    clock.run(function()
      local told = {}
      sched.spawn(function()
        for _ = 1, 3 do
          sched.sleep(10)
          told[#told + 1] = clock.now()
        end
      end)
      sched.timer(25, function()
        told[#told + 1] = "timer"
      end)
      clock.advance(100)
      assert.are.same({ 10, 20, "timer", 30 }, told)
    end)
  end)

  it("calls a timer that was turned off no more, and may be told so twice", function()
    clock.run(function()
      local timer = sched.timer(10, error)
      timer:UnRegister()
      timer:UnRegister()
      clock.advance(20)
      assert.are.equal(0, clock.timers())
    end)
  end)

  it("plays a function to its end, however long it sleeps", function()
    clock.run(function()
      assert.are.equal(
        "late",
        clock.play(function(ms)
          sched.sleep(ms)
          return "late"
        end, 86400000)
      )
      assert.are.equal(86400000, clock.now())
      assert.has_error(function()
        clock.play(error, "raised")
      end, "raised")
    end)
  end)

  it("notices tasks, timers and errors that are left over", function()
    local function problem_of(body)
      local _, problem = pcall(clock.run, body)
      return tostring(problem)
    end
    assert.matches(
      "1 tasks are left over",
      problem_of(function()
        sched.spawn(function()
          sched.park(false)
        end)
      end)
    )
    assert.matches(
      "1 timers are left over",
      problem_of(function()
        sched.timer(10, error)
      end)
    )
    assert.matches(
      "raised",
      problem_of(function()
        sched.spawn(error, "raised")
      end)
    )
    assert.matches(
      "waits for ever",
      problem_of(function()
        clock.play(function()
          sched.parking()
          sched.park(false)
        end)
      end)
    )
  end)
end)
