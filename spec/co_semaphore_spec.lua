--- Permits, on a clock that is moved by hand.
local compat = require("chuck.support.compat")
local sched = require("chuck.co.sched")
local semaphore = require("chuck.co.semaphore")
require("chuck.co.task")

local clock = require("spec.helper.clock")

local spawn = sched.spawn

describe("a semaphore", function()
  it("lets in as many as it has permits, in the order of coming", function()
    clock.run(function()
      local seats, told, inside, most = semaphore.new(2), {}, 0, 0
      for n = 1, 6 do
        spawn(seats.With, seats, function()
          inside = inside + 1
          most = math.max(most, inside)
          told[#told + 1] = n
          sched.sleep(10)
          inside = inside - 1
        end)
      end
      clock.advance(30)
      assert.are.same({ 1, 2, 3, 4, 5, 6 }, told)
      assert.are.equal(2, most)
      assert.are.equal(2, seats:Free())
    end)
  end)

  it("gives a permit to who waits, not to who comes just then", function()
    clock.run(function()
      local seats, told = semaphore.new(0), {}
      spawn(function()
        seats:Acquire()
        told[1] = "waited"
      end)
      clock.settle()
      seats:Release()
      assert.is_false(seats:TryAcquire())
      clock.settle()
      assert.are.same({ "waited" }, told)
      seats:Release()
      assert.is_true(seats:TryAcquire())
    end)
  end)

  it("keeps its permits when waiters are late or cancelled", function()
    clock.run(function()
      local seats, late = semaphore.new(0), nil
      spawn(function()
        late = compat.pack(seats:Acquire(10))
      end)
      local gone = spawn(seats.Acquire, seats)
      clock.advance(10)
      gone:Cancel()
      clock.settle()
      assert.are.same({ n = 3, nil, "timeout", "ETIMEDOUT" }, late)
      seats:Release()
      assert.are.equal(1, seats:Free())
    end)
  end)

  it("gets its permit back from With when its function raises or is cancelled", function()
    clock.run(function()
      local seats = semaphore.new(1)
      assert.has_error(function()
        clock.play(seats.With, seats, error, "no")
      end, "no")
      assert.are.equal(1, seats:Free())
      local task = spawn(seats.With, seats, sched.sleep, 1000)
      clock.settle()
      assert.are.equal(0, seats:Free())
      task:Cancel()
      clock.settle()
      assert.are.equal(1, seats:Free())
    end)
  end)

  it("blames the caller's line for wrong arguments", function()
    for _, wrong in ipairs({ -1, 1.5, "x", 0 / 0 }) do
      local _, why = pcall(function()
        return 1, semaphore.new(wrong)
      end)
      assert.matches("^%S*co_semaphore_spec.lua:%d+: .*count expected", why)
    end
    local _, why = pcall(function()
      semaphore.new(1):Acquire(false)
    end)
    assert.matches("^%S*co_semaphore_spec.lua:%d+: .*milliseconds expected", why)
  end)
end)
