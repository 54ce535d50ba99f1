--- Conditions, with a lock and without, on a clock that is moved by hand.
local compat = require("chuck.support.compat")
local condition = require("chuck.co.condition")
local mutex = require("chuck.co.mutex")
local sched = require("chuck.co.sched")
require("chuck.co.task")

local clock = require("spec.helper.clock")

local spawn = sched.spawn

--- Starts a task that notes its name when its wait has ended.
local function waiter(told, name, cond, ...)
  return spawn(function(...)
    local results = compat.pack(cond:Wait(...))
    told[#told + 1] = name
    told[name] = results
  end, ...)
end

describe("a condition", function()
  it("wakes with each signal the one who has waited longest", function()
    clock.run(function()
      local cond, told = condition.new(), {}
      for n = 1, 3 do
        waiter(told, n .. "", cond)
      end
      clock.settle()
      assert.is_true(cond:Signal())
      assert.is_true(cond:Signal())
      clock.settle()
      assert.are.same({ "1", "2" }, { told[1], told[2] })
      assert.is_true(cond:Signal())
      clock.settle()
      assert.is_false(cond:Signal())
    end)
  end)

  it("wakes everyone who waits with a broadcast, and nobody who comes later", function()
    clock.run(function()
      local cond, told = condition.new(), {}
      for n = 1, 3 do
        waiter(told, n .. "", cond)
      end
      clock.settle()
      assert.are.equal(3, cond:Broadcast())
      local last = waiter(told, "later", cond)
      clock.settle()
      assert.are.equal(3, #told)
      assert.are.equal(0, 0 * cond:Broadcast())
      clock.settle()
      assert.is_true(last:IsDone())
    end)
  end)

  it("is waited for no longer than told, and gives no signal to who has gone", function()
    clock.run(function()
      local cond, told = condition.new(), {}
      waiter(told, "late", cond, 10)
      local gone = waiter(told, "gone", cond)
      waiter(told, "last", cond)
      clock.advance(10)
      gone:Cancel()
      clock.settle()
      cond:Signal()
      clock.settle()
      assert.are.same({ "late", "last" }, { told[1], told[2] })
      assert.are.same({ n = 3, nil, "timeout", "ETIMEDOUT" }, told.late)
      assert.are.same({ n = 1, true }, told.last)
    end)
  end)
end)

describe("a wait with a lock", function()
  it("gives the lock up meanwhile, and has it again afterwards", function()
    clock.run(function()
      local cond, lock, told = condition.new(), mutex.new(), {}
      spawn(lock.With, lock, function()
        told[#told + 1] = "waits"
        assert.is_true(cond:Wait(lock))
        assert.are.equal(sched.current(), lock.owner)
        told[#told + 1] = "was told"
      end)
      spawn(lock.With, lock, function()
        cond:Signal()
        told[#told + 1] = "tells"
        sched.sleep(10)
        told[#told + 1] = "unlocks"
      end)
      clock.advance(10)
      assert.are.same({ "waits", "tells", "unlocks", "was told" }, told)
      assert.is_false(lock:IsLocked())
    end)
  end)

  it("has the lock again when its time has passed", function()
    clock.run(function()
      local cond, lock, results = condition.new(), mutex.new(), nil
      spawn(lock.With, lock, function()
        results = compat.pack(cond:Wait(lock, 10))
        assert.are.equal(sched.current(), lock.owner)
      end)
      spawn(lock.With, lock, sched.sleep, 30)
      clock.advance(20)
      assert.is_nil(results)
      clock.advance(10)
      assert.are.same({ n = 3, nil, "timeout", "ETIMEDOUT" }, results)
      assert.is_false(lock:IsLocked())
    end)
  end)

  it("has the lock again when its task is cancelled, and waits for it", function()
    clock.run(function()
      local cond, lock, told = condition.new(), mutex.new(), {}
      local task = spawn(lock.With, lock, function()
        local fine, problem = sched.pcall(cond.Wait, cond, lock)
        told[#told + 1] = not fine and sched.is_stop(problem) and "cancelled"
        assert.are.equal(sched.current(), lock.owner)
        error(problem, 0)
      end)
      spawn(lock.With, lock, function()
        task:Cancel()
        sched.sleep(10)
        told[#told + 1] = "unlocks"
      end)
      clock.advance(10)
      assert.are.same({ "unlocks", "cancelled" }, told)
      assert.is_false(lock:IsLocked())
      assert.are.equal("ECANCELED", (select(3, task:Join())))
    end)
  end)

  it("lets many wait, and each have the lock in turn", function()
    clock.run(function()
      local cond, lock, inside, done = condition.new(), mutex.new(), 0, 0
      for n = 1, 20 do
        local task = spawn(lock.With, lock, function()
          cond:Wait(lock, n % 5 == 0 and 7 or nil)
          inside = inside + 1
          assert.are.equal(1, inside)
          sched.sleep(1)
          inside, done = inside - 1, done + 1
        end)
        if n % 7 == 0 then
          sched.timer(n, function()
            task:Cancel()
          end)
        end
      end
      clock.advance(21)
      cond:Broadcast()
      clock.advance(30)
      assert.are.equal(18, done)
      assert.is_false(lock:IsLocked())
    end)
  end)

  it("blames the caller's line for a lock that its task does not have", function()
    clock.run(function()
      clock.play(function()
        local cond = condition.new()
        for _, wrong in ipairs({ mutex.new(), {}, "x", cond }) do
          local _, why = sched.pcall(function()
            cond:Wait(wrong)
          end)
          assert.matches("^%S*co_condition_spec.lua:%d+: bad argument #1", why)
        end
        local _, why = sched.pcall(function()
          cond:Wait(nil, "x")
        end)
        assert.matches("^%S*co_condition_spec.lua:%d+: bad argument #2", why)
        _, why = sched.pcall(function()
          cond:Wait(-1)
        end)
        assert.matches("^%S*co_condition_spec.lua:%d+: bad argument #1", why)
      end)
    end)
  end)
end)
