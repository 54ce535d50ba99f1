--- A program of tasks in a real loop: its beginning, its end, signals, errors nobody asks for.
local chuck = require("chuck")
local child = require("spec.helper.child")

local co = chuck.co

local function packed(...)
  return { n = select("#", ...), ... }
end

--- Keeps what is reported out of the output.
local function hush(fn)
  local seen = {}
  co.on_error(function(problem, traceback)
    seen[#seen + 1] = { problem, traceback }
  end)
  local results = packed(pcall(fn))
  co.on_error(nil)
  return results, seen
end

describe("co.run", function()
  it("returns what its function returns, nil among it", function()
    assert.are.same(
      { n = 3, nil, 2, nil },
      packed(co.run(function()
        co.sleep(1)
        return nil, 2, nil
      end))
    )
    assert.are.equal(co.run, chuck.run)
  end)

  it("returns when every task has ended", function()
    local ended = 0
    local result = co.run(function()
      for ms = 1, 3 do
        co.spawn(function()
          co.sleep(ms * 3)
          ended = ended + 1
        end)
      end
      return ended
    end)
    assert.are.equal(0, result)
    assert.are.equal(3, ended)
  end)

  it("sleeps at least as long as told", function()
    local began = chuck.systick()
    co.run(function()
      co.sleep(20)
    end)
    assert.is_true(chuck.systick() - began >= 20)
  end)

  it("runs one after the other, and what was spawned before", function()
    local ran
    co.spawn(function()
      ran = co.current() ~= nil
    end)
    assert.is_nil(ran)
    assert.is_true(co.run())
    assert.is_true(ran)
    assert.are.equal(
      1,
      co.run(function()
        return 1
      end)
    )
  end)

  it(
    "raises the very error of its function, having reported it, and ends the other tasks",
    function()
      local mine, code = {}, nil
      local results, seen = hush(function()
        co.run(function()
          co.spawn(function()
            local _, why = co.pcall(co.sleep, 60000)
            code = why.code
            error(why, 0)
          end)
          co.sleep(1)
          error(mine)
        end)
      end)
      assert.is_false(results[1])
      assert.are.equal(mine, results[2])
      assert.are.equal("ECANCELED", code)
      assert.are.equal(1, #seen)
      assert.are.equal(mine, seen[1][1])
      assert.matches("co_run_spec.lua:%d+", seen[1][2])
    end
  )

  it("goes on when a task beside has failed, which is reported once", function()
    local results, seen = hush(function()
      return co.run(function()
        co.spawn(error, "beside", 0)
        co.sleep(2)
        return "went on"
      end)
    end)
    assert.are.same({ n = 2, true, "went on" }, results)
    assert.are.equal(1, #seen)
    assert.are.equal("beside", seen[1][1])
  end)

  it("says so when it is stopped, and runs the clean-up of every task", function()
    local cleaned = 0
    local results = packed(co.run(function()
      for _ = 1, 3 do
        co.spawn(function()
          co.pcall(co.sleep, 60000)
          cleaned = cleaned + 1
        end)
      end
      co.spawn(function()
        co.sleep(1)
        assert(co.stop("enough"))
      end)
      co.sleep(60000)
    end))
    assert.are.same({ n = 3, nil, "enough", "ECANCELED" }, results)
    assert.are.equal(3, cleaned)
    assert.is_false(co.stop())
  end)

  it("waits for the shielded no longer than the grace", function()
    local began = chuck.systick()
    local _, _, code = co.run(function()
      co.spawn(function()
        co.shield(co.sleep, 60000)
      end)
      co.sleep(1)
      co.stop()
      co.sleep(1)
    end, { grace_ms = 20 })
    assert.are.equal("ECANCELED", code)
    assert.is_true(chuck.systick() - began < 30000)
    assert.are.equal(
      2,
      co.run(function()
        return 2
      end)
    )
  end)

  it("forgets those that outlive the grace: they take nothing, and never go on", function()
    local engine, handed, went_on = chuck.engine(), co.channel(0), false
    local jobs, job = co.pool(1), nil
    local options = { engine = engine, grace_ms = 1 }
    local alive = co.stats().alive
    co.run(function()
      job = jobs:Submit(co.shield, function()
        co.sleep(20)
        went_on = true
      end)
      co.spawn(co.shield, function()
        handed:Recv()
        went_on = true
      end)
      co.yield()
      co.stop()
    end, options)
    assert.are.equal(alive, co.stats().alive)
    assert.are.same({ true, 0 }, { job:IsDone(), jobs:Running() })
    local _, _, code = co.run(function()
      local sent, why, name = handed:Send("to nobody", 1)
      co.sleep(40)
      return sent, why, name
    end, options)
    assert.are.equal("ETIMEDOUT", code)
    assert.is_false(went_on)
    engine:Close()
  end)

  it("takes an engine of the program's own, and leaves it open", function()
    local engine = chuck.engine()
    assert.are.equal(
      "x",
      co.run(function()
        co.sleep(1)
        return "x"
      end, { engine = engine, signals = false })
    )
    assert.are.equal(0, engine:Run(0))
    engine:Close()
    local results = packed(co.run(function()
      co.sleep(1)
    end, { engine = engine, signals = false }))
    assert.are.equal("EENGCLOSE", results[3])
  end)

  it("does not run inside of itself", function()
    local fine, why
    co.run(function()
      fine, why = pcall(function()
        co.run(function() end)
      end)
    end)
    assert.is_false(fine)
    assert.matches("tasks run already", why)
  end)

  it("raises for wrong arguments at the caller's line", function()
    for _, arguments in ipairs({ { 1 }, { print, 1 }, { print, { grace = 1 } } }) do
      local fine, why = pcall(function()
        co.run(arguments[1], arguments[2])
      end)
      assert.is_false(fine)
      assert.matches("^spec/co_run_spec.lua:%d+: bad argument #[12] to 'run'", why)
    end
  end)

  it("serves callbacks and tasks side by side: a ready task runs in the same pass", function()
    local order = {}
    co.run(function()
      local channel = co.channel(1)
      local engine = require("chuck.co.sched").engine()
      chuck.RegTimer(engine, 1, function()
        channel:TrySend("tick")
        engine:Post(function()
          order[#order + 1] = "posted behind"
        end)
        return -1
      end)
      order[#order + 1] = channel:Recv(10000)
      co.sleep(1)
    end)
    assert.are.same({ "tick", "posted behind" }, order)
  end)
end)

describe("co.attach", function()
  it("lets tasks run in an engine that callbacks run", function()
    local engine, seen = chuck.engine(), nil
    co.attach(engine)
    co.spawn(function()
      co.sleep(1)
      seen = true
      engine:Stop()
    end)
    engine:Run()
    co.detach()
    engine:Close()
    assert.is_true(seen)
  end)

  it("is not left by a task that runs in it", function()
    local engine = chuck.engine()
    co.attach(engine)
    local task = co.spawn(function()
      local fine, why = pcall(co.detach)
      engine:Stop()
      return fine, why
    end)
    engine:Run()
    local fine, why = task.results[1], task.results[2]
    co.detach()
    engine:Close()
    assert.is_false(fine)
    assert.matches("a task cannot leave the loop", why)
  end)

  it("has a clock and an empty list of tasks before and after", function()
    assert.is_number(co.now())
    assert.are.same({}, co.tasks())
  end)

  it("is refused while tasks run, and for what is no engine", function()
    assert.has_error(function()
      co.attach(1)
    end)
    co.run(function()
      assert.has_error(function()
        co.attach(chuck.engine())
      end)
      assert.has_error(co.detach)
    end)
  end)
end)

describe("a signal", function()
  local function program(name, body)
    return child.run(([[
      local chuck = require("chuck")
      local co = chuck.co
      local function send()
        -- Not by os.execute, which lets go of SIGINT meanwhile.
        io.popen("kill -%s $PPID"):close()
      end
      %s
    ]]):format(name, body))
  end

  for _, name in ipairs({ "INT", "TERM" }) do
    it(name .. " ends every task, and run says so", function()
      local result = program(
        name,
        [[
        print(co.run(function()
          co.spawn(function()
            local fine, why = co.pcall(co.sleep, 60000)
            print("clean-up", why.code)
            error(why, 0)
          end)
          co.sleep(5)
          send()
          co.sleep(60000)
        end))
      ]]
      )
      local expected = "clean%-up%s+EINTR\nnil%s+interrupted by SIG" .. name .. "%s+EINTR"
      assert.matches(expected, result.output)
      assert.are.equal(0, result.status)
    end)
  end

  it("that comes twice takes its default action", function()
    local result = program(
      "TERM",
      [[
      co.run(function()
        send()
        co.shield(function()
          co.sleep(5)
          send()
          co.sleep(60000)
        end)
      end)
    ]]
    )
    assert.are.equal(128 + 15, result.status)
  end)

  it("is left alone when the options say so", function()
    local result = program(
      "TERM",
      [[
      co.run(function()
        co.sleep(1)
        send()
        co.sleep(60000)
      end, { signals = false })
    ]]
    )
    assert.are.equal(128 + 15, result.status)
  end)
end)

describe("an error that nobody asks for", function()
  it("is written to standard error, with the stack and the spawn site", function()
    local result = child.run([[
      local co = require("chuck").co
      co.run(function()
        local function fail()
          error("broken")
        end
        co.spawn(fail)
      end)
      print("the end")
    ]])
    assert.matches("chuck: error in a task: [^\n]*:4: broken\n", result.output)
    assert.matches("stack traceback:.*started at [^\n]*:6\n", result.output)
    assert.matches("the end", result.output)
  end)

  it("is written as well when the hook raises", function()
    local result = child.run([[
      local co = require("chuck").co
      co.on_error(function() error("hook broken", 0) end)
      co.run(function() co.spawn(error, "task broken", 0) end)
    ]])
    assert.matches("hook broken", result.output)
    assert.matches("task broken", result.output)
  end)

  it("that is an object without text is named by its type", function()
    local result = child.run([[
      local co = require("chuck").co
      co.run(function() co.spawn(error, {}) end)
    ]])
    assert.matches("error object of type table", result.output)
  end)

  it("that hides its metatable, or cannot say what it is, does not stop the others", function()
    local result = child.run([[
      local co = require("chuck").co
      local function broken() error("no text", 0) end
      co.run(function()
        co.spawn(error, setmetatable({}, { __metatable = true }))
        local task = co.spawn(error, setmetatable({}, { __tostring = broken }))
        co.spawn(error, setmetatable({}, { __tostring = broken }))
        local _, text, code = task:Join()
        co.sleep(1)
        print(code, text)
      end)
      print("the end")
    ]])
    local _, times = result.output:gsub("error object of type table", "")
    assert.are.equal(3, times)
    assert.matches("EFAULT%s+error object of type table", result.output)
    assert.matches("the end", result.output)
  end)
end)

describe("the watchdog", function()
  local function told(limit, body)
    return child.run(([[
      local co = require("chuck").co
      local chuck = require("chuck")
      co.set_watchdog(%s)
      local function spin(ms)
        local stop = chuck.systick() + ms
        while chuck.systick() < stop do end
      end
      co.run(function() %s end)
    ]]):format(limit, body)).output
  end

  it("tells once of a task that holds the loop, with its stack", function()
    local output = told(20, "co.spawn(function() co.yield() spin(100) end)")
    local _, times = output:gsub("a task has held the loop for %d+ ms, the limit is 20 ms", "")
    assert.are.equal(1, times)
    if not rawget(_G, "jit") then
      assert.matches("it still runs\nstack traceback:.*spin", output)
    end
  end)

  it("tells of the stack of a task that has never waited", function()
    local output = told(20, "co.spawn(function() spin(100) end) co.sleep(1)")
    if not rawget(_G, "jit") then
      assert.matches("it still runs\nstack traceback:", output)
    end
  end)

  it("says nothing of tasks that give way in time, or once it is off", function()
    assert.are.equal("", (told(1000, "spin(5) co.sleep(5) spin(5)"):gsub("%s", "")))
    assert.are.equal("", (told(10, "co.set_watchdog(nil) co.yield() spin(50)"):gsub("%s", "")))
  end)
end)

describe("the end of a Lua state", function()
  it("with parked tasks, timers and scopes is an ordinary end", function()
    local result = child.run([[
      local chuck = require("chuck")
      local co = chuck.co
      local engine = chuck.engine()
      co.attach(engine)
      for _ = 1, 100 do
        co.spawn(function()
          co.scope(function() co.spawn(co.sleep, 60000) co.sleep(60000) end)
        end)
      end
      engine:Run(5)
      print("left", co.stats().alive)
    ]])
    assert.matches("left%s+200", result.output)
    assert.are.equal(0, result.status)
  end)
end)
