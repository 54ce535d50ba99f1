--- Tasks: start, wait, join, cancel. On a clock that is moved by hand.
local clock = require("spec.helper.clock")
local co = require("chuck").co
local sched = require("chuck.co.sched")

--- The line below the one that calls this.
local function next_line()
  local info = debug.getinfo(2, "Sl")
  return info.short_src .. ":" .. info.currentline + 1
end

--- The results of a function, counted.
local function packed(...)
  return { n = select("#", ...), ... }
end

describe("a task", function()
  it("runs after spawn has returned, in order", function()
    clock.run(function()
      local seen = {}
      for i = 1, 3 do
        co.spawn(function()
          seen[#seen + 1] = i
        end)
      end
      assert.are.same({}, seen)
      clock.settle()
      assert.are.same({ 1, 2, 3 }, seen)
    end)
  end)

  it("gets its arguments and gives its results, nil among them", function()
    clock.run(function()
      local got, task
      task = co.spawn(function(...)
        got = packed(...)
        return nil, 2, nil
      end, nil, "b", nil)
      local results = clock.play(function()
        return packed(task:Join())
      end)
      assert.are.same({ n = 3, nil, "b", nil }, got)
      assert.are.same({ n = 3, nil, 2, nil }, results)
    end)
  end)

  it("sleeps as long as it is told, and lets others run meanwhile", function()
    clock.run(function()
      local seen = {}
      for _, ms in ipairs({ 30, 10, 20 }) do
        co.spawn(function()
          co.sleep(ms)
          seen[#seen + 1] = { ms, co.now() }
        end)
      end
      clock.advance(100)
      assert.are.same({ { 10, 10 }, { 20, 20 }, { 30, 30 } }, seen)
    end)
  end)

  it("takes turns with others when it yields", function()
    clock.run(function()
      local seen = {}
      for _, name in ipairs({ "a", "b" }) do
        co.spawn(function()
          for i = 1, 3 do
            seen[#seen + 1] = name .. i
            co.yield()
          end
        end)
      end
      clock.settle()
      assert.are.equal("a1 b1 a2 b2 a3 b3", table.concat(seen, " "))
    end)
  end)

  it("takes turns as well when it yields by Lua's own means, and can be cancelled then", function()
    clock.run(function()
      local seen = {}
      for i = 1, 2 do
        co.spawn(function()
          for n = 1, 2 do
            seen[#seen + 1] = i * 10 + n
            if n == 1 then
              coroutine.yield()
            else
              coroutine.yield("something")
            end
          end
        end)
      end
      clock.settle()
      assert.are.same({ 11, 21, 12, 22 }, seen)
      local task = co.spawn(coroutine.yield)
      co.spawn(function()
        task:Cancel()
      end)
      clock.settle()
      assert.is_true(task:IsDone())
    end)
  end)

  it("knows itself, and outside there is none", function()
    clock.run(function()
      assert.is_nil(co.current())
      local task, inside
      task = co.spawn(function()
        co.yield()
        inside = co.current()
      end)
      clock.settle()
      assert.are.equal(task, inside)
    end)
  end)

  it("says how it is", function()
    clock.run(function()
      local own
      local task = co.spawn(function()
        own = co.current():Status()
        co.sleep(10)
      end)
      assert.are.equal("ready", task:Status())
      assert.is_false(task:IsDone())
      clock.settle()
      assert.are.equal("running", own)
      assert.are.equal("parked", task:Status())
      clock.advance(10)
      assert.are.equal("done", task:Status())
      assert.is_true(task:IsDone())
    end)
  end)

  it("may be joined by many, and long after its end", function()
    clock.run(function()
      local task = co.spawn(function()
        co.sleep(5)
        return "x"
      end)
      local got = {}
      for i = 1, 3 do
        co.spawn(function()
          got[i] = task:Join()
        end)
      end
      clock.advance(5)
      assert.are.same({ "x", "x", "x" }, got)
      assert.are.equal("x", clock.play(task.Join, task))
      assert.are.equal("x", clock.play(co.join, task))
    end)
  end)

  it("is joined for a limited time", function()
    clock.run(function()
      local task = co.spawn(co.sleep, 50)
      local value, message, code = clock.play(task.Join, task, 20)
      assert.is_nil(value)
      assert.are.equal("the task still runs after 20 ms", message)
      assert.are.equal("ETIMEDOUT", code)
      assert.are.equal(20, clock.now())
      clock.advance(50)
    end)
  end)

  it("cannot join itself", function()
    clock.run(function()
      local fine, why = clock.play(function()
        return co.pcall(function()
          co.current():Join()
        end)
      end)
      assert.is_false(fine)
      assert.matches("co_task_spec.lua:%d+: a task cannot wait for its own end", why)
    end)
  end)

  it("waits only inside of a task, and says so at the caller's line", function()
    clock.run(function()
      local function outside()
        co.sleep(1)
      end
      local fine, why = pcall(outside)
      assert.is_false(fine)
      assert.matches("^spec/co_task_spec.lua:%d+: this call waits, and only a task can wait", why)
    end)
  end)

  it("can be woken early from a sleep, and with values from a wait", function()
    clock.run(function()
      local got, woken_at
      local waiting = co.spawn(function()
        got = packed(co.wait())
      end)
      local sleeping = co.spawn(function()
        co.sleep(1000)
        woken_at = co.now()
      end)
      assert.is_false(co.wakeup(waiting, 1))
      clock.settle()
      assert.is_true(co.wakeup(waiting, 1, nil, 3, nil))
      assert.is_false(co.wakeup(waiting, 2))
      clock.advance(7)
      assert.is_true(co.wakeup(sleeping))
      clock.settle()
      assert.are.same({ n = 4, 1, nil, 3, nil }, got)
      assert.are.equal(7, woken_at)
      assert.is_false(co.wakeup(sleeping))
    end)
  end)

  it("waits for a wakeup no longer than it is told", function()
    clock.run(function()
      local results = clock.play(function()
        return packed(co.wait(30))
      end)
      assert.are.same({ n = 3, nil, "nobody has called wakeup", "ETIMEDOUT" }, results)
      assert.are.equal(30, clock.now())
    end)
  end)

  it("is not woken out of a channel by wakeup", function()
    clock.run(function()
      local channel = co.channel(0)
      local task = co.spawn(channel.Recv, channel)
      clock.settle()
      assert.is_false(co.wakeup(task, "wrong"))
      assert.is_true(channel:TrySend("right"))
      assert.are.equal("right", clock.play(task.Join, task))
    end)
  end)

  it("does not delay others when thousands are ready", function()
    clock.run(function()
      local ran = 0
      for _ = 1, 5000 do
        co.spawn(function()
          co.yield()
          ran = ran + 1
        end)
      end
      clock.settle()
      assert.are.equal(5000, ran)
    end)
  end)
end)

describe("an error in a task", function()
  it("is what join returns, with the stack and where the task was spawned", function()
    clock.run(function()
      local site
      local function fail()
        error("broken")
      end
      local value, text, code, problem = clock.play(function()
        site = next_line()
        local task = co.spawn(fail)
        return task:Join()
      end)
      assert.is_nil(value)
      assert.are.equal("EFAULT", code)
      assert.matches("co_task_spec.lua:%d+: broken$", problem)
      assert.are.equal(problem, text:match("^[^\n]*"))
      assert.matches("stack traceback:", text)
      assert.matches("started at " .. site:gsub("%p", "%%%0"), text)
    end)
  end)

  it("keeps the very object that was raised", function()
    clock.run(function()
      local mine = {}
      local task = co.spawn(error, mine)
      local _, _, code, problem = clock.play(task.Join, task)
      assert.are.equal("EFAULT", code)
      assert.are.equal(mine, problem)
      assert.are.equal(1, #clock.take_errors())
    end)
  end)

  it("is reported when nobody waits for it", function()
    clock.run(function()
      co.spawn(function()
        error("nobody asked", 0)
      end)
      clock.settle()
      local errors = clock.take_errors()
      assert.are.equal(1, #errors)
      assert.are.equal("nobody asked", errors[1].error)
      assert.matches("stack traceback:.*started at spec/co_task_spec.lua", errors[1].traceback)
    end)
  end)

  it("ends that task alone", function()
    clock.run(function()
      local done = 0
      for i = 1, 10 do
        co.spawn(function()
          co.yield()
          if i % 2 == 0 then
            error("even")
          end
          done = done + 1
        end)
      end
      clock.settle()
      assert.are.equal(5, done)
      assert.are.equal(5, #clock.take_errors())
    end)
  end)
end)

describe("cancelling a task", function()
  it("raises where it waits, which runs its clean-up", function()
    clock.run(function()
      local seen, cleaned
      local task = co.spawn(function()
        local fine, why = co.pcall(co.sleep, 1000)
        seen = { fine, co.is_cancelled(why), why.code, tostring(why) }
        cleaned = true
        error(why, 0)
      end)
      clock.settle()
      assert.is_true(task:Cancel("enough"))
      clock.settle()
      assert.are.same({ false, true, "ECANCELED", "enough" }, seen)
      assert.is_true(cleaned)
      assert.is_true(task:IsDone())
      assert.are.equal(0, clock.timers())
      local value, message, code = clock.play(task.Join, task)
      assert.are.same({ nil, "enough", "ECANCELED" }, { value, message, code })
    end)
  end)

  it("raises again at each further wait", function()
    clock.run(function()
      local raised = 0
      local task = co.spawn(function()
        for _ = 1, 3 do
          if not co.pcall(co.sleep, 1000) then
            raised = raised + 1
          end
        end
        return "went on"
      end)
      clock.settle()
      co.cancel(task)
      clock.settle()
      assert.are.equal(3, raised)
      assert.are.equal("went on", clock.play(task.Join, task))
    end)
  end)

  it("keeps one that has not begun from beginning", function()
    clock.run(function()
      local has_run = false
      local task = co.spawn(function()
        has_run = true
      end)
      assert.is_true(task:Cancel())
      assert.is_true(task:IsDone())
      clock.settle()
      assert.is_false(has_run)
      local _, message, code = clock.play(task.Join, task)
      assert.are.same({ "cancelled", "ECANCELED" }, { message, code })
    end)
  end)

  it("says false when it has ended, and changes nothing", function()
    clock.run(function()
      local task = co.spawn(function()
        return 1
      end)
      clock.settle()
      assert.is_false(task:Cancel())
      assert.are.equal(1, clock.play(task.Join, task))
    end)
  end)

  it("loses no value that had been handed over in the same pass", function()
    clock.run(function()
      local channel, got = co.channel(0), nil
      local task = co.spawn(function()
        got = channel:Recv()
        co.sleep(1)
      end)
      clock.settle()
      assert.is_true(channel:TrySend("kept"))
      task:Cancel()
      clock.settle()
      assert.are.equal("kept", got)
      assert.is_true(task:IsDone())
    end)
  end)

  it("works from the task itself, at its next wait", function()
    clock.run(function()
      local before, after
      local task = co.spawn(function()
        co.current():Cancel()
        before = true
        co.yield()
        after = true
      end)
      clock.settle()
      assert.is_true(before)
      assert.is_nil(after)
      assert.is_true(task:IsDone())
    end)
  end)

  it("ends a task that joins, and leaves the joined one alone", function()
    clock.run(function()
      local slow = co.spawn(co.sleep, 50)
      local joiner = co.spawn(slow.Join, slow)
      clock.settle()
      joiner:Cancel()
      clock.settle()
      assert.is_true(joiner:IsDone())
      assert.is_false(slow:IsDone())
      clock.advance(50)
      assert.is_true(slow:IsDone())
    end)
  end)
end)

describe("co.pcall and co.xpcall", function()
  it("are waited across, on every Lua", function()
    clock.run(function()
      local results = clock.play(function()
        return packed(co.pcall(function(...)
          co.sleep(5)
          return ...
        end, 1, nil, 3, nil))
      end)
      assert.are.same({ n = 5, true, 1, nil, 3, nil }, results)
      assert.are.equal(5, clock.now())
    end)
  end)

  it("catch an error raised after a wait, and nest", function()
    clock.run(function()
      local results = clock.play(function()
        return packed(co.pcall(function()
          local inner, why = co.pcall(function()
            co.sleep(1)
            error("inner", 0)
          end)
          co.sleep(1)
          error({ inner, why }, 0)
        end))
      end)
      assert.are.same({ n = 2, false, { false, "inner" } }, results)
    end)
  end)

  it("catch an error of the handler as well", function()
    clock.run(function()
      local results
      co.spawn(function()
        results = packed(co.xpcall(error, function()
          error("in the handler", 0)
        end, "first"))
      end)
      clock.settle()
      assert.is_false(results[1])
    end)
  end)

  it("hand the error to a handler, with the stack still there", function()
    clock.run(function()
      local fine, text = clock.play(function()
        return co.xpcall(function(word)
          co.sleep(1)
          error(word, 0)
        end, debug.traceback, "deep")
      end)
      assert.is_false(fine)
      assert.matches("^deep\nstack traceback:.*co_task_spec", text)
    end)
  end)
end)

describe("a wait where Lua cannot wait", function()
  --- Calls `fn` from C, which no Lua yields across.
  local function through_c(fn)
    return pcall(table.sort, { 1, 2 }, function()
      fn()
      return false
    end)
  end

  it("raises, and the task goes on with nothing left behind", function()
    clock.run(function()
      local channel = co.channel(0)
      local fine, why, later = nil, nil, nil
      local task = co.spawn(function()
        fine, why = through_c(function()
          channel:Recv(1000)
        end)
        co.sleep(5)
        later = channel:Recv()
      end)
      clock.advance(5)
      assert.is_false(fine)
      assert.matches("attempt to yield across", why)
      assert.is_true(channel:TrySend("only once"))
      clock.settle()
      assert.are.equal("only once", later)
      assert.is_true(task:IsDone())
      assert.are.equal(0, clock.timers())
    end)
  end)

  it("is forgotten when the task yields: nobody ends it, or hands it anything", function()
    clock.run(function()
      local channel, got = co.channel(1), nil
      co.spawn(function()
        through_c(function()
          channel:Recv()
        end)
        co.yield()
        got = channel:Recv()
      end)
      co.spawn(function()
        channel:TrySend("once")
      end)
      clock.settle()
      assert.are.equal("once", got)
    end)
  end)

  it("raises in a coroutine that the task resumes itself", function()
    clock.run(function()
      local resumed, fine, why
      local task = co.spawn(function()
        local own = coroutine.create(function()
          co.sleep(10)
        end)
        resumed = coroutine.resume(own)
        fine, why = coroutine.resume(own)
        co.sleep(1)
      end)
      clock.advance(20)
      assert.is_true(resumed)
      assert.is_false(fine)
      assert.matches("a task waits only in its own coroutine", why)
      assert.is_true(task:IsDone())
    end)
  end)
end)

describe("a finalizer that runs while the timer of a wait is made", function()
  --- What `fn` returns in a task, when `finalize` is called by the first timer.
  local function outcome_of(fn, finalize)
    local posted, timers = {}, 0
    sched.attach({
      post = function(drain)
        posted[#posted + 1] = drain
      end,
      timer = function()
        timers = timers + 1
        finalize()
        return {
          UnRegister = function()
            timers = timers - 1
          end,
        }
      end,
      now = function()
        return 0
      end,
    }, error)
    local results
    co.spawn(function()
      results = packed(co.pcall(fn))
    end)
    while #posted > 0 do
      table.remove(posted)()
    end
    sched.detach()
    assert.are.equal(0, timers)
    return results
  end

  it("may send what the task waits for", function()
    local channel = co.channel(0)
    local results = outcome_of(function()
      return channel:Recv(1000)
    end, function()
      channel:TrySend("in time")
    end)
    assert.are.same({ n = 2, true, "in time" }, results)
  end)

  it("may cancel the task", function()
    local task
    local results = outcome_of(function()
      task = co.current()
      co.sleep(1000)
    end, function()
      task:Cancel("enough")
    end)
    assert.is_false(results[1])
    assert.are.equal("enough", results[2].message)
  end)
end)

describe("task-local values", function()
  it("are inherited by what is started later, and by nobody else", function()
    clock.run(function()
      local seen = clock.play(function()
        co.set_local("name", "parent")
        local before = co.spawn(function()
          return co.get_local("name")
        end)
        local changed = co.spawn(function()
          co.set_local("name", "child")
          return co.get_local("name")
        end)
        co.set_local("name", "later")
        local after = co.spawn(co.get_local, "name")
        return { before:Join(), changed:Join(), after:Join(), co.get_local("name") }
      end)
      assert.are.same({ "parent", "child", "later", "later" }, seen)
    end)
  end)
end)

describe("the list of tasks", function()
  it("tells state, age, what is waited for, and where it was spawned", function()
    clock.run(function()
      local channel = co.channel(0)
      local site = next_line()
      local sleeping = co.spawn(co.sleep, 100)
      local receiving = co.spawn(channel.Recv, channel)
      clock.advance(30)
      local found = {}
      for _, entry in ipairs(co.tasks()) do
        found[entry.task] = entry
      end
      assert.are.equal("parked", found[sleeping].state)
      assert.are.equal(30, found[sleeping].age)
      assert.are.equal("sleep", found[sleeping].waits_for)
      assert.are.equal(site, found[sleeping].site)
      assert.matches("channel", found[receiving].waits_for)
      channel:Close()
      clock.advance(100)
      assert.are.same({}, co.tasks())
    end)
  end)

  it("has those in scopes, and those that have not begun", function()
    clock.run(function()
      local states = {}
      co.spawn(function()
        co.scope(function(scope)
          scope:Spawn(co.sleep, 10)
          co.yield()
          scope:Spawn(co.sleep, 10)
          for _, entry in ipairs(co.tasks()) do
            states[#states + 1] = entry.state
          end
        end)
      end)
      clock.advance(20)
      table.sort(states)
      assert.are.same({ "parked", "ready", "running" }, states)
    end)
  end)

  it("is counted", function()
    clock.run(function()
      local before = co.stats()
      local task = co.spawn(co.sleep, 10)
      local other = co.spawn(co.sleep, 10)
      clock.settle()
      assert.are.equal(before.alive + 2, co.stats().alive)
      other:Cancel()
      clock.advance(10)
      local after = co.stats()
      assert.are.equal(before.spawned + 2, after.spawned)
      assert.are.equal(before.finished + 1, after.finished)
      assert.are.equal(before.cancelled + 1, after.cancelled)
      assert.are.equal(before.alive, after.alive)
      assert.is_true(task:IsDone())
    end)
  end)
end)

describe("memory", function()
  it("of tasks that have ended is given back, of a burst as well", function()
    clock.run(function()
      local kept = setmetatable({}, { __mode = "k" })
      for _ = 1, 2000 do
        local big = {}
        kept[big] = true
        co.spawn(function(value)
          co.yield()
          return value
        end, big)
      end
      clock.settle()
      co.spawn(function() end)
      clock.settle()
      collectgarbage()
      collectgarbage()
      local n = 0
      for _ in pairs(kept) do
        n = n + 1
      end
      assert.is_true(n < 600, n .. " values are still alive")
    end)
  end)

  it("does not grow with a chain of tasks that start each other", function()
    clock.run(function()
      local left = 20000
      local function link()
        left = left - 1
        if left > 0 then
          co.spawn(link)
        end
        co.yield()
      end
      co.spawn(link)
      clock.settle()
      assert.are.equal(0, left)
      collectgarbage()
      collectgarbage()
      local before = collectgarbage("count")
      left = 20000
      co.spawn(link)
      clock.settle()
      collectgarbage()
      collectgarbage()
      assert.is_true(collectgarbage("count") - before < 100)
    end)
  end)
end)

describe("tasks that have ended", function()
  it("are let go of, also when few have run after many", function()
    clock.run(function()
      local kept = setmetatable({}, { __mode = "k" })
      for i = 1, 1000 do
        local held = {}
        kept[held] = true
        co.spawn(function()
          if i == 1000 then
            co.spawn(function() end)
          end
          return held
        end)
      end
      co.spawn(function()
        co.sleep(1)
      end)
      clock.advance(0)
      clock.advance(1)
      collectgarbage()
      collectgarbage()
      local count = 0
      for _ in pairs(kept) do
        count = count + 1
      end
      assert.is_true(count < 300, count .. " are kept")
    end)
  end)
end)

describe("wrong arguments", function()
  it("raise at the caller's line", function()
    clock.run(function()
      local function blames(fn, ...)
        local fine, why = pcall(fn, ...)
        assert.is_false(fine)
        assert.matches("^bad argument #1 to '%w+'", (why:gsub("^spec/[%w_]+.lua:%d+: ", "")))
        assert.matches("^%S*spec/co_task_spec.lua", why)
      end
      blames(function()
        co.spawn(1)
      end)
      blames(function()
        co.sleep("1")
      end)
      blames(function()
        co.join({})
      end)
      blames(function()
        co.cancel(nil)
      end)
      for _, wrong in ipairs({ "1", -1, 0 / 0, {} }) do
        blames(function()
          co.wait(wrong)
        end)
      end
      local task = co.spawn(function()
        co.scope(function(scope)
          blames(function()
            scope:Cancel(1)
          end)
        end)
      end)
      blames(function()
        task:Join("1")
      end)
      blames(function()
        task:Cancel({})
      end)
      blames(function()
        co.stop({})
      end)
      clock.settle()
    end)
  end)
end)
