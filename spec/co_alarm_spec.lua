--- The limits of waits: thousands of them, on few timers of the loop.
local clock = require("spec.helper.clock")
local co = require("chuck").co

describe("waits with a limit", function()
  it("that end in the same millisecond share a timer", function()
    clock.run(function()
      local woken = 0
      for _ = 1, 100 do
        co.spawn(function()
          co.sleep(50)
          woken = woken + 1
        end)
      end
      clock.settle()
      assert.are.equal(1, clock.timers())
      clock.advance(49)
      assert.are.equal(0, woken)
      clock.advance(1)
      assert.are.equal(100, woken)
      assert.are.equal(0, clock.timers())
    end)
  end)

  it("leave no timer behind when all of them have ended before", function()
    clock.run(function()
      local tasks = {}
      for i = 1, 10 do
        tasks[i] = co.spawn(co.sleep, 50)
      end
      clock.settle()
      for i = 1, 9 do
        tasks[i]:Cancel()
      end
      clock.settle()
      assert.are.equal(1, clock.timers())
      co.wakeup(tasks[10])
      clock.settle()
      assert.are.equal(0, clock.timers())
    end)
  end)

  it("wake in the order in which they began to wait", function()
    clock.run(function()
      local seen = {}
      for i = 1, 5 do
        co.spawn(function()
          co.sleep(i * 10)
          co.sleep(100 - i * 10)
          seen[#seen + 1] = i
        end)
      end
      clock.advance(100)
      assert.are.same({ 1, 2, 3, 4, 5 }, seen)
    end)
  end)

  it("are not ended by the limit of a wait before", function()
    clock.run(function()
      local channel, got = co.channel(0), nil
      co.spawn(function()
        got = channel:Recv(20)
        co.sleep(20)
        got = got .. " at " .. co.now()
      end)
      clock.advance(10)
      assert.is_true(channel:TrySend("early"))
      clock.advance(30)
      assert.are.equal("early at 30", got)
    end)
  end)

  it("may be ended by another whose limit is the same", function()
    clock.run(function()
      local order = {}
      local second
      co.spawn(function()
        co.sleep(30)
        order[#order + 1] = "first"
        order[#order + 1] = tostring(second:Cancel())
      end)
      second = co.spawn(function()
        co.sleep(30)
        order[#order + 1] = "second"
      end)
      clock.advance(30)
      assert.are.same({ "first", "true", "second" }, order)
    end)
  end)

  it("take whole and broken milliseconds, and none at all", function()
    clock.run(function()
      local ended = {}
      for _, ms in ipairs({ 0.25, 3.5, 40.5, math.huge }) do
        co.spawn(function()
          co.wait(ms)
          ended[#ended + 1] = ms
        end)
      end
      clock.advance(4)
      assert.are.same({ 0.25, 3.5 }, ended)
      clock.advance(100)
      assert.are.same({ 0.25, 3.5, 40.5 }, ended)
      co.stop()
      for _, entry in ipairs(co.tasks()) do
        entry.task:Cancel()
      end
    end)
  end)
end)
