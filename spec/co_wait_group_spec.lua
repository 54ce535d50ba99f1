--- Groups of what is not done yet, on a clock that is moved by hand.
local compat = require("chuck.support.compat")
local sched = require("chuck.co.sched")
local wait_group = require("chuck.co.wait_group")
require("chuck.co.task")

local clock = require("spec.helper.clock")

local spawn = sched.spawn

describe("a wait group", function()
  it("is waited for until everything is done", function()
    clock.run(function()
      local left, told = wait_group.new(), {}
      left:Add(2)
      left:Add()
      for _ = 1, 2 do
        spawn(function()
          local done = left:Wait()
          told[#told + 1] = done
        end)
      end
      for n = 1, 3 do
        spawn(function()
          sched.sleep(n * 10)
          left:Done()
        end)
      end
      clock.advance(29)
      assert.are.same({}, told)
      assert.are.equal(1, left:Count())
      clock.advance(1)
      assert.are.same({ true, true }, told)
    end)
  end)

  it("is not waited for at zero, and can be used again", function()
    clock.run(function()
      local left = wait_group.new()
      assert.is_true(left:Wait())
      left:Add(3)
      left:Add(-3)
      assert.is_true(left:Wait(0))
      left:Add()
      assert.are.same(
        { n = 3, nil, "timeout", "ETIMEDOUT" },
        clock.play(function()
          return compat.pack(left:Wait(10))
        end)
      )
    end)
  end)

  it("forgets who was cancelled", function()
    clock.run(function()
      local left = wait_group.new()
      left:Add()
      local task = spawn(left.Wait, left)
      clock.settle()
      task:Cancel()
      clock.settle()
      assert.are.equal(0, left.list.count)
      left:Done()
    end)
  end)

  it("blames the caller's line when more is done than was added", function()
    local left = wait_group.new()
    left:Add(1)
    for _, wrong in ipairs({
      function()
        left:Add(-2)
      end,
      function()
        left:Add(0.5)
      end,
      function()
        left:Add("x")
      end,
      function()
        left:Done()
        left:Done()
      end,
    }) do
      local _, why = pcall(wrong)
      assert.matches("^%S*co_wait_group_spec.lua:%d+: ", why)
    end
  end)
end)
