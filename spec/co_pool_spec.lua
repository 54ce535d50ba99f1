--- Pools of workers, on a clock that is moved by hand.
local compat = require("chuck.support.compat")
local pool = require("chuck.co.pool")
local sched = require("chuck.co.sched")
local scope = require("chuck.co.scope")

local clock = require("spec.helper.clock")

local spawn = sched.spawn

--- A function for jobs that notes its beginning and its end, as "1+@0" and "1-@10".
local function noting(told)
  return function(name, ms)
    told[#told + 1] = name .. "+@" .. clock.now()
    sched.sleep(ms)
    told[#told + 1] = name .. "-@" .. clock.now()
    return name
  end
end

describe("a pool", function()
  it("runs so many jobs at once, in the order of submitting", function()
    clock.run(function()
      local workers, told = pool.new(2), {}
      for n = 1, 4 do
        assert(workers:Submit(noting(told), n, 10))
      end
      clock.settle()
      assert.are.same({ 2, 2 }, { workers:Running(), workers:Waiting() })
      clock.advance(20)
      assert.are.same(
        { "1+@0", "2+@0", "1-@10", "2-@10", "3+@10", "4+@10", "3-@20", "4-@20" },
        told
      )
      assert.are.same({ 0, 0 }, { workers:Running(), workers:Waiting() })
    end)
  end)

  it("starts a job on an idle worker while another is blocked", function()
    clock.run(function()
      local workers, told = pool.new(2), {}
      workers:Submit(noting(told), "long", 1500)
      for _, at in ipairs({ 300, 600, 900 }) do
        sched.timer(at, function()
          assert(workers:TrySubmit(noting(told), "short", 10))
        end)
      end
      clock.advance(1500)
      assert.are.same({
        "long+@0",
        "short+@300",
        "short-@310",
        "short+@600",
        "short-@610",
        "short+@900",
        "short-@910",
        "long-@1500",
      }, told)
    end)
  end)

  it("hands back a task with the results of the job", function()
    clock.run(function()
      local workers = pool.new(1)
      local blocker = workers:Submit(sched.sleep, 10)
      local job = workers:Submit(function(...)
        return ...
      end, nil, 2, nil)
      assert.are.same(
        { n = 3, nil, 2, nil },
        clock.play(function()
          return compat.pack(job:Join())
        end)
      )
      assert.is_true(blocker:IsDone())
    end)
  end)

  it("parks who submits while its queue is full, and lets them in one by one", function()
    clock.run(function()
      local workers, told = pool.new(1, { queue = 1 }), {}
      for n = 1, 5 do
        spawn(function()
          local job = workers:Submit(sched.sleep, 10)
          told[#told + 1] = n .. "@" .. clock.now()
          job:Join()
        end)
      end
      clock.settle()
      assert.are.same({ "1@0", "2@0" }, told)
      assert.are.same({ n = 3, nil, "full", "EAGAIN" }, compat.pack(workers:TrySubmit(print)))
      clock.advance(50)
      assert.are.same({ "1@0", "2@0", "3@10", "4@20", "5@30" }, told)
    end)
  end)

  it("gives up submitting after a time", function()
    clock.run(function()
      local workers = pool.new(1, { queue = 0 })
      workers:Submit(sched.sleep, 25)
      clock.play(function()
        local late = compat.pack(workers:SubmitWithin(10, print))
        assert.are.same({ n = 3, nil, "timeout", "ETIMEDOUT" }, late)
        assert.are.equal(10, clock.now())
        local job = assert(workers:SubmitWithin(20, sched.sleep, 5))
        assert.are.equal(25, clock.now())
        job:Join()
      end)
      assert.are.equal(0, workers:Running())
    end)
  end)

  it("goes on when jobs fail: their errors are those of tasks", function()
    clock.run(function()
      local workers = pool.new(1)
      workers:Submit(error, "nobody asks")
      local job = workers:Submit(function()
        sched.sleep(1)
        error("somebody asks", 0)
      end)
      clock.play(function()
        local value, why, code = job:Join()
        assert.is_nil(value)
        assert.matches("^somebody asks\n", why)
        assert.are.equal("EFAULT", code)
        assert.is_true(workers:Submit(sched.yield):Join() == nil)
      end)
      local errors = clock.take_errors()
      assert.are.equal(1, #errors)
      assert.matches("nobody asks", errors[1].error)
      assert.are.equal(0, workers:Running())
    end)
  end)

  it("forgets jobs that are cancelled: running, waiting, or not begun", function()
    clock.run(function()
      local workers, told = pool.new(1), {}
      local jobs = {}
      for n = 1, 4 do
        jobs[n] = workers:Submit(noting(told), n, 10)
      end
      jobs[2]:Cancel()
      clock.settle()
      jobs[3]:Cancel()
      clock.advance(5)
      jobs[1]:Cancel()
      clock.advance(10)
      assert.are.same({ "1+@0", "4+@5", "4-@15" }, told)
      assert.are.same({ 0, 0 }, { workers:Running(), workers:Waiting() })
      local first = workers:Submit(noting(told), 5, 10)
      first:Cancel()
      clock.settle()
      assert.are.equal(0, workers:Running())
    end)
  end)

  it("loses no place when who waits to submit is cancelled, or was just let in", function()
    clock.run(function()
      local workers, done = pool.new(1, { queue = 0 }), {}
      local function submit(n)
        return spawn(function()
          local job = workers:Submit(function()
            sched.sleep(10)
            done[#done + 1] = n
          end)
          job:Join()
        end)
      end
      local tasks = {}
      for n = 1, 4 do
        tasks[n] = submit(n)
      end
      clock.settle()
      tasks[2]:Cancel()
      sched.timer(10, function()
        -- Task 1 has not run yet; the place goes to task 3 in the same instant.
        sched.spawn(function()
          tasks[3]:Cancel()
        end)
      end)
      clock.advance(40)
      assert.are.equal(4, done[#done])
      assert.are.same({ 0, 0, 0 }, { workers:Running(), workers:Waiting(), workers.promised })
    end)
  end)

  it("refuses jobs once it is closed, and finishes those that it has", function()
    clock.run(function()
      local workers, told = pool.new(1, { queue = 1 }), {}
      workers:Submit(noting(told), 1, 10)
      workers:Submit(noting(told), 2, 10)
      local refused
      spawn(function()
        refused = compat.pack(workers:Submit(noting(told), 3, 10))
      end)
      clock.settle()
      workers:Close()
      workers:Close()
      assert.is_true(workers:IsClosed())
      local closed = { n = 3, nil, "closed", "EPIPE" }
      assert.are.same(closed, compat.pack(workers:TrySubmit(print)))
      assert.are.same(closed, compat.pack(workers:Submit(print)))
      clock.play(workers.Drain, workers)
      assert.are.same(closed, refused)
      assert.are.same({ "1+@0", "1-@10", "2+@10", "2-@20" }, told)
    end)
  end)

  it("is drained when no job is left, or not in time", function()
    clock.run(function()
      local workers, told = pool.new(2, { queue = 0 }), {}
      assert.is_true(workers:Drain())
      for n = 1, 3 do
        spawn(function()
          workers:Submit(sched.sleep, n * 10):Join()
          told[#told + 1] = n
        end)
      end
      clock.play(function()
        local late = compat.pack(workers:Drain(15))
        assert.are.same({ n = 3, nil, "timeout", "ETIMEDOUT" }, late)
        assert.is_true(workers:Drain())
      end)
      assert.are.equal(40, clock.now())
      local job = workers:Submit(function()
        local _, why = sched.pcall(function()
          workers:Drain()
        end)
        return why
      end)
      clock.settle()
      local why = job:Join()
      assert.matches("^%S*co_pool_spec.lua:%d+: a job cannot wait for the end", why)
    end)
  end)

  it("has its jobs end with the scope of who submits them, or with one of its own", function()
    clock.run(function()
      local workers, told = pool.new(1), {}
      clock.play(function()
        scope.open(function(children)
          workers:Submit(noting(told), 1, 100)
          workers:Submit(noting(told), 2, 100)
          sched.sleep(10)
          children:Cancel()
        end)
      end)
      assert.are.same({ "1+@0" }, told)
      assert.are.equal(0, workers:Running())
      clock.play(function()
        local owned
        scope.open(function(children)
          owned = pool.new(1, { scope = children })
          local task = spawn(function()
            owned:Submit(noting(told), 3, 50)
          end)
          task:Join()
        end)
        assert.are.equal("3-@60", told[#told])
        assert.are.equal("EPIPE", (select(3, owned:Submit(print))))
      end)
    end)
  end)

  it("blames the caller's line for wrong arguments", function()
    local workers = pool.new(1)
    for _, wrong in ipairs({
      function()
        return 1, pool.new(0)
      end,
      function()
        return 1, pool.new(1, { queue = -1 })
      end,
      function()
        return 1, pool.new(1, { size = 1 })
      end,
      function()
        workers:Submit("x")
      end,
      function()
        workers:SubmitWithin(print, print)
      end,
      function()
        workers:TrySubmit()
      end,
      function()
        workers:Drain("x")
      end,
      function()
        workers.Close({})
      end,
    }) do
      local fine, why = pcall(wrong)
      assert.is_false(fine)
      assert.matches("^%S*co_pool_spec.lua:%d+: ", why)
    end
  end)
end)
