--- Results that come later, on a clock that is moved by hand.
local compat = require("chuck.support.compat")
local future = require("chuck.co.future")
local sched = require("chuck.co.sched")
require("chuck.co.task")

local clock = require("spec.helper.clock")

local spawn = sched.spawn

describe("a future", function()
  it("gives its results to everyone who asks, before and after, with their nils", function()
    clock.run(function()
      local answer, got = future.new(), {}
      for n = 1, 2 do
        spawn(function()
          got[n] = compat.pack(answer:Get())
        end)
      end
      clock.settle()
      assert.is_false(answer:IsDone())
      assert.is_true(answer:Set(nil, 2, nil))
      clock.settle()
      local expected = { n = 3, nil, 2, nil }
      assert.are.same({ expected, expected }, got)
      assert.are.same(expected, compat.pack(answer:Get()))
      assert.is_true(answer:IsDone())
    end)
  end)

  it("is settled by the first who does so", function()
    local answer = future.new()
    assert.is_true(answer:Set("first"))
    assert.is_false(answer:Set("second"))
    assert.is_false(answer:Fail("third", "EPIPE"))
    assert.are.equal("first", answer:Get())
  end)

  it("fails with a message and a code", function()
    local answer = future.new()
    assert.is_true(answer:Fail("the peer has gone", "ECONNRESET"))
    assert.is_false(answer:Set(1))
    assert.are.same({ n = 3, nil, "the peer has gone", "ECONNRESET" }, compat.pack(answer:Get(10)))
  end)

  it("is waited for no longer than told, and can be asked again", function()
    clock.run(function()
      local answer = future.new()
      sched.timer(20, function()
        answer:Set("late")
      end)
      clock.play(function()
        local late = compat.pack(answer:Get(10))
        assert.are.same({ n = 3, nil, "timeout", "ETIMEDOUT" }, late)
        assert.are.equal("late", answer:Get(10))
      end)
    end)
  end)

  it("forgets who was cancelled", function()
    clock.run(function()
      local answer = future.new()
      local task = spawn(answer.Get, answer)
      clock.settle()
      task:Cancel()
      clock.settle()
      assert.are.equal(0, answer.list.count)
      assert.is_true(answer:Set(1))
    end)
  end)

  it("blames the caller's line for wrong arguments", function()
    local answer = future.new()
    for _, wrong in ipairs({
      function()
        answer:Fail()
      end,
      function()
        answer:Fail("message", 110)
      end,
      function()
        answer:Get("x")
      end,
      function()
        answer.Set()
      end,
    }) do
      local fine, why = pcall(wrong)
      assert.is_false(fine)
      assert.matches("^%S*co_future_spec.lua:%d+: ", why)
    end
    assert.is_false(answer:IsDone())
  end)
end)
