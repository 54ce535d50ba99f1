--- Scopes: tasks that end together, deadlines, shields. On a clock that is moved by hand.
local clock = require("spec.helper.clock")
local co = require("chuck").co

local function packed(...)
  return { n = select("#", ...), ... }
end

--- Runs `fn` in a task until it has ended: `true` and its results, or `false` and its error.
local function outcome_of(fn, ...)
  local arguments = packed(...)
  return clock.play(function()
    return packed(co.pcall(fn, (table.unpack or unpack)(arguments, 1, arguments.n)))
  end)
end

describe("a scope", function()
  it("returns what its function returns, once every task in it has ended", function()
    clock.run(function()
      local ended = 0
      local results = outcome_of(co.scope, function(scope)
        for _, ms in ipairs({ 10, 30, 20 }) do
          scope:Spawn(function()
            co.sleep(ms)
            ended = ended + 1
          end)
        end
        return nil, "x", nil
      end)
      assert.are.same({ n = 4, true, nil, "x", nil }, results)
      assert.are.equal(3, ended)
      assert.are.equal(30, clock.now())
    end)
  end)

  it("ends a task that cancels it before it has waited for anything", function()
    clock.run(function()
      local results = outcome_of(co.scope, function(scope)
        scope:Spawn(function()
          scope:Cancel("enough")
          co.sleep(60000)
        end)
      end)
      assert.are.same({ n = 4, true, nil, "enough", "ECANCELED" }, results)
      assert.are.equal(0, clock.now())
    end)
  end)

  it("ends when it was cancelled before its tasks have begun", function()
    clock.run(function()
      local results = outcome_of(co.scope, function(scope)
        scope:Spawn(error)
        scope:Cancel("enough")
      end)
      assert.are.same({ n = 4, true, nil, "enough", "ECANCELED" }, results)
    end)
  end)

  it("is where a plain spawn inside of it belongs, of its tasks as well", function()
    clock.run(function()
      local ended = 0
      outcome_of(co.scope, function()
        co.spawn(function()
          co.spawn(function()
            co.sleep(40)
            ended = ended + 1
          end)
          ended = ended + 1
        end)
      end)
      assert.are.equal(2, ended)
      assert.are.equal(40, clock.now())
    end)
  end)

  it("raises the first error of a task in it, and cancels the others", function()
    clock.run(function()
      local cancelled = {}
      local results = outcome_of(co.scope, function(scope)
        for i = 1, 3 do
          scope:Spawn(function()
            local _, why = co.pcall(co.sleep, 1000)
            cancelled[i] = why.code
            error(why, 0)
          end)
        end
        scope:Spawn(function()
          co.sleep(5)
          error("first", 0)
        end)
        co.sleep(1000)
      end)
      assert.are.same({ n = 2, false, "first" }, results)
      assert.are.same({ "ECANCELED", "ECANCELED", "ECANCELED" }, cancelled)
      assert.are.equal(5, clock.now())
    end)
  end)

  it("raises the error of its own function, and cancels its tasks", function()
    clock.run(function()
      local task
      local mine = {}
      local results = outcome_of(co.scope, function(scope)
        task = scope:Spawn(co.sleep, 1000)
        co.yield()
        error(mine)
      end)
      assert.are.equal(mine, results[2])
      assert.is_true(task:IsDone())
      assert.are.equal(0, clock.now())
    end)
  end)

  it("waits for the clean-up of what it has cancelled", function()
    clock.run(function()
      local cleaned = false
      local results = outcome_of(co.scope, function(scope)
        scope:Spawn(function()
          local _, why = co.pcall(co.sleep, 1000)
          co.shield(co.sleep, 50)
          cleaned = true
          error(why, 0)
        end)
        co.yield()
        scope:Cancel("enough")
      end)
      assert.are.same({ n = 4, true, nil, "enough", "ECANCELED" }, results)
      assert.is_true(cleaned)
      assert.are.equal(50, clock.now())
    end)
  end)

  it("answers with the deadline that has passed, whatever its function returns", function()
    clock.run(function()
      local results = outcome_of(co.scope, function(scope)
        scope:Spawn(co.sleep, 1000)
        return "early"
      end, { deadline_ms = 20 })
      assert.are.same(
        { n = 4, true, nil, "the deadline of 20 ms has passed", "ETIMEDOUT" },
        results
      )
      assert.are.equal(20, clock.now())
    end)
  end)

  it("keeps its deadline from passing when everything ends before", function()
    clock.run(function()
      local results = outcome_of(co.scope, function()
        co.sleep(19)
        return "in time"
      end, { deadline_ms = 20 })
      assert.are.same({ n = 2, true, "in time" }, results)
      assert.are.equal(0, clock.timers())
    end)
  end)

  it("reaches into every wait inside, and into scopes inside", function()
    clock.run(function()
      local codes = {}
      local results = outcome_of(co.scope, function()
        co.spawn(function()
          local _, why = co.pcall(co.scope, function()
            co.channel(0):Recv()
          end)
          codes[1] = why.code
          error(why, 0)
        end)
        local _, why = co.pcall(co.wait)
        codes[2] = why.code
        error(why, 0)
      end, { deadline_ms = 10 })
      assert.are.same({ "ETIMEDOUT", "ETIMEDOUT" }, codes)
      assert.are.equal("ETIMEDOUT", results[4])
    end)
  end)

  it("tells the inner deadline from the outer one", function()
    clock.run(function()
      local inner
      local results = outcome_of(co.scope, function()
        inner = packed(co.scope(function()
          co.sleep(1000)
        end, { deadline_ms = 10 }))
        co.sleep(1000)
      end, { deadline_ms = 30 })
      assert.are.equal("the deadline of 10 ms has passed", inner[2])
      assert.are.equal("the deadline of 30 ms has passed", results[3])
      assert.are.equal(30, clock.now())
    end)
  end)

  it("is left by a cancellation from outside, which goes on outwards", function()
    clock.run(function()
      local passed
      local task = co.spawn(function()
        co.scope(function()
          co.spawn(co.sleep, 1000)
          co.sleep(1000)
        end)
        passed = true
      end)
      clock.settle()
      task:Cancel("from outside")
      local _, message, code = clock.play(task.Join, task)
      assert.are.same({ "from outside", "ECANCELED" }, { message, code })
      assert.is_nil(passed)
      assert.are.equal(0, clock.timers())
    end)
  end)

  it("cannot be spawned into once it has ended", function()
    clock.run(function()
      local scope
      outcome_of(co.scope, function(inner)
        scope = inner
      end)
      local fine, why = pcall(function()
        scope:Spawn(co.sleep, 1)
      end)
      assert.is_false(fine)
      assert.matches("^spec/co_scope_spec.lua:%d+: the scope has ended", why)
      scope:Cancel()
    end)
  end)

  it("takes tasks from outside while it is open", function()
    clock.run(function()
      local scope, ran
      local task = co.spawn(co.scope, function(inner)
        scope = inner
        co.sleep(10)
      end)
      clock.settle()
      scope:Spawn(function()
        co.sleep(50)
        ran = true
      end)
      assert.are.equal(1, scope:Count())
      clock.advance(20)
      assert.is_false(task:IsDone())
      clock.advance(30)
      assert.is_true(ran)
      assert.is_true(task:IsDone())
    end)
  end)

  it("notes the line that spawned a task in it", function()
    clock.run(function()
      local site, line
      outcome_of(co.scope, function(scope)
        line = debug.getinfo(1, "l").currentline + 1
        scope:Spawn(co.yield)
        for _, entry in ipairs(co.tasks()) do
          if entry.state == "ready" then
            site = entry.site
          end
        end
      end)
      assert.are.equal("spec/co_scope_spec.lua:" .. line, site)
    end)
  end)

  it("is for tasks, and for functions", function()
    clock.run(function()
      local function raises(text, fn, ...)
        local fine, why = pcall(fn, ...)
        assert.is_false(fine)
        assert.matches("^spec/co_scope_spec.lua:%d+: " .. text, why)
      end
      raises("'scope' is for tasks", function()
        co.scope(function() end)
      end)
      raises("bad argument #1 to 'scope'", function()
        co.scope(1)
      end)
      raises("bad argument #2 to 'scope' %(unknown option deadline%)", function()
        co.scope(function() end, { deadline = 1 })
      end)
      raises("bad argument #1 to 'with_deadline'", function()
        co.with_deadline(-1, print)
      end)
      raises("bad argument #1 to 'shield'", function()
        co.shield()
      end)
    end)
  end)
end)

describe("with_deadline", function()
  it("hands arguments and results through", function()
    clock.run(function()
      local results = outcome_of(co.with_deadline, 100, function(...)
        co.sleep(5)
        return ...
      end, nil, 2, nil)
      assert.are.same({ n = 4, true, nil, 2, nil }, results)
      assert.are.equal(0, clock.timers())
    end)
  end)

  it("ends what takes longer", function()
    clock.run(function()
      local results = outcome_of(co.with_deadline, 10, co.sleep, 1000)
      assert.are.equal("ETIMEDOUT", results[4])
      assert.are.equal(10, clock.now())
    end)
  end)

  it("of 0 lets the function begin, and ends its first wait", function()
    clock.run(function()
      local began
      local results = outcome_of(co.with_deadline, 0, function()
        began = true
        co.sleep(1000)
      end)
      assert.is_true(began)
      assert.are.equal("ETIMEDOUT", results[4])
    end)
  end)

  it("is known to what runs inside, the nearest first, and not behind a shield", function()
    clock.run(function()
      local seen = {}
      outcome_of(function()
        seen[1] = co.deadline() == nil
        co.with_deadline(100, function()
          seen[2] = co.deadline()
          co.with_deadline(500, function()
            seen[3] = co.deadline()
          end)
          co.with_deadline(50, function()
            seen[4] = co.deadline()
            seen[5] = co.spawn(co.deadline):Join()
          end)
          seen[6] = co.shield(co.deadline) == nil
        end)
      end)
      assert.are.same({ true, 100, 100, 50, 50, true }, seen)
    end)
  end)
end)

describe("shield", function()
  it("keeps a cancellation out until it ends", function()
    clock.run(function()
      local inside, after
      local task = co.spawn(function()
        inside = co.shield(function()
          co.sleep(30)
          return "whole"
        end)
        co.sleep(1)
        after = true
      end)
      clock.settle()
      task:Cancel()
      clock.advance(30)
      assert.are.equal("whole", inside)
      assert.is_nil(after)
      assert.is_true(task:IsDone())
    end)
  end)

  it("keeps a deadline out, and lets its own in", function()
    clock.run(function()
      local inner
      local results = outcome_of(co.with_deadline, 10, function()
        co.shield(function()
          inner = packed(co.with_deadline(25, co.sleep, 1000))
        end)
        co.sleep(1)
      end)
      assert.are.equal("the deadline of 25 ms has passed", inner[2])
      assert.are.equal("the deadline of 10 ms has passed", results[3])
      assert.are.equal(25, clock.now())
    end)
  end)

  it("hands results and errors through", function()
    clock.run(function()
      assert.are.same(
        { n = 4, true, 1, nil, nil },
        outcome_of(co.shield, function()
          return 1, nil, nil
        end)
      )
      assert.are.same({ n = 2, false, "x" }, outcome_of(co.shield, error, "x", 0))
    end)
  end)
end)
