--- Locks between tasks, on a clock that is moved by hand.
local compat = require("chuck.support.compat")
local mutex = require("chuck.co.mutex")
local sched = require("chuck.co.sched")
require("chuck.co.task")

local clock = require("spec.helper.clock")

local spawn = sched.spawn

describe("a mutex", function()
  it("lets in one task at a time, in the order of coming", function()
    clock.run(function()
      local lock, told, inside = mutex.new(), {}, 0
      for n = 1, 4 do
        spawn(function()
          assert.is_true(lock:Lock())
          inside = inside + 1
          assert.are.equal(1, inside)
          sched.sleep(10)
          told[#told + 1] = n
          inside = inside - 1
          lock:Unlock()
        end)
      end
      clock.advance(40)
      assert.are.same({ 1, 2, 3, 4 }, told)
      assert.is_false(lock:IsLocked())
    end)
  end)

  it("is not free in between: who comes later cannot overtake", function()
    clock.run(function()
      local lock, told = mutex.new(), {}
      spawn(function()
        lock:Lock()
        sched.sleep(10)
        lock:Unlock()
        assert.is_false(lock:TryLock())
      end)
      spawn(function()
        lock:Lock()
        told[1] = "second"
        lock:Unlock()
      end)
      clock.advance(10)
      assert.are.same({ "second" }, told)
    end)
  end)

  it("is waited for no longer than told", function()
    clock.run(function()
      local lock, late, then_ = mutex.new(), nil, nil
      spawn(lock.With, lock, sched.sleep, 20)
      spawn(function()
        late = compat.pack(lock:Lock(10))
        then_ = lock:Lock(15)
        lock:Unlock()
      end)
      clock.advance(10)
      assert.are.same({ n = 3, nil, "timeout", "ETIMEDOUT" }, late)
      clock.advance(10)
      assert.is_true(then_)
    end)
  end)

  it("passes a waiter by that was cancelled", function()
    clock.run(function()
      local lock, told = mutex.new(), {}
      spawn(lock.With, lock, sched.sleep, 10)
      local waiter = spawn(function()
        lock:Lock()
        told[1] = "never"
      end)
      spawn(lock.With, lock, function()
        told[#told + 1] = "next"
      end)
      clock.settle()
      waiter:Cancel()
      clock.advance(10)
      assert.are.same({ "next" }, told)
      assert.is_false(lock:IsLocked())
    end)
  end)

  it("is given back by With when its function returns, raises or is cancelled", function()
    clock.run(function()
      local lock = mutex.new()
      assert.are.same(
        { n = 3, nil, 2, nil },
        clock.play(function()
          return compat.pack(lock:With(function(...)
            return ...
          end, nil, 2, nil))
        end)
      )
      assert.has_error(function()
        clock.play(lock.With, lock, error, { "same object" })
      end)
      assert.is_false(lock:IsLocked())
      local task = spawn(lock.With, lock, sched.sleep, 1000)
      clock.settle()
      assert.is_true(lock:IsLocked())
      task:Cancel()
      clock.settle()
      assert.is_false(lock:IsLocked())
    end)
  end)

  it("belongs to a task that was given it before it was cancelled", function()
    clock.run(function()
      local lock, has = mutex.new(), nil
      spawn(lock.With, lock, sched.sleep, 10)
      local second = spawn(function()
        has = lock:Lock()
        lock:Unlock()
        sched.sleep(1000)
      end)
      clock.advance(9)
      spawn(function()
        sched.sleep(1)
        second:Cancel()
      end)
      clock.advance(1)
      assert.is_true(has)
      assert.is_false(lock:IsLocked())
    end)
  end)

  it("raises at the caller's line for what no lock can do", function()
    clock.run(function()
      local lock = mutex.new()
      local function problem_of(fn, ...)
        local fine, why = sched.pcall(fn, ...)
        assert.is_false(fine)
        assert.matches("^%S*co_mutex_spec.lua:%d+: ", why)
        return why
      end
      clock.play(function()
        assert.matches(
          "nobody has the lock",
          problem_of(function()
            lock:Unlock()
          end)
        )
        lock:Lock()
        assert.matches(
          "has the lock already",
          problem_of(function()
            lock:Lock()
          end)
        )
        assert.matches(
          "has the lock already",
          problem_of(function()
            lock:With(print)
          end)
        )
        assert.matches(
          "milliseconds expected",
          problem_of(function()
            lock:Lock("x")
          end)
        )
        assert.matches(
          "function expected",
          problem_of(function()
            lock:With()
          end)
        )
        local why = problem_of(function()
          lock.Lock()
        end)
        assert.matches("calling 'Lock' on bad self %(mutex expected, got nil%)", why)
      end)
      assert.matches(
        "another task has the lock",
        problem_of(function()
          lock:Unlock()
        end)
      )
      assert.matches(
        "only a task",
        problem_of(function()
          lock:Lock()
        end)
      )
      assert.matches(
        "only a task",
        problem_of(function()
          lock:TryLock()
        end)
      )
    end)
  end)
end)
