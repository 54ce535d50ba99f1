--- co.wrap: functions that call back, as functions that wait.
local chuck = require("chuck")
local sched = require("chuck.co.sched")
local tasks = require("spec.helper.tasks")

local co = chuck.co
local spec = tasks.spec

--- Calls back in the next pass, with what it was given.
local function later(...)
  local n = select("#", ...)
  local args = { ... }
  local callback = args[n]
  sched.engine():Post(function()
    callback((rawget(table, "unpack") or rawget(_G, "unpack"))(args, 1, n - 1))
  end)
end

describe("co.wrap", function()
  it(
    "returns what the callback was given, nils too",
    spec(function()
      local wait = co.wrap(later)
      assert.are.same({ n = 3, 1, nil, 3 }, { n = select("#", wait(1, nil, 3)), wait(1, nil, 3) })
      assert.are.equal(2, select("#", wait(nil, nil)))
      assert.are.equal(0, select("#", wait()))
    end)
  )

  it(
    "does not wait for a callback that comes at once",
    spec(function()
      local wait = co.wrap(function(value, callback)
        callback(value)
        callback("again")
      end)
      assert.are.equal(5, wait(5))
    end)
  )

  it(
    "takes no notice of a second callback, or one that comes too late",
    spec(function()
      local callback
      local wait = co.wrap(function(fn)
        callback = fn
      end)
      local parked = tasks.parked(wait)
      callback("first")
      callback("second")
      assert.are.equal("first", tasks.finished(parked)[1])
      parked = tasks.parked(wait)
      parked.task:Cancel()
      parked.task:Join()
      callback("late")
      assert.is_false(parked.done)
    end)
  )

  it(
    "does not disturb other waits of its task",
    spec(function()
      local function soon(callback)
        sched.timer(5, function()
          callback("late")
        end)
      end
      local fails = co.wrap(function(callback)
        soon(callback)
        error("no")
      end)
      assert.is_false(co.pcall(fails))
      assert.are.equal("ETIMEDOUT", select(3, co.channel():Recv(20)))
      -- A function that waits itself before it returns.
      local began = chuck.systick()
      local waits = co.wrap(function(callback)
        soon(callback)
        co.sleep(30)
      end)
      assert.are.equal("late", waits())
      assert.is_true(chuck.systick() - began >= 29)
    end)
  )

  it(
    "cancels what can be, and minds nothing else",
    spec(function()
      local cancelled, told
      co.on_error(function(problem)
        told = problem
      end)
      local function cancel(operation)
        cancelled = operation
      end
      local function fail()
        error("no", 0)
      end
      local shy = setmetatable({}, { __index = fail })
      local operations = { { Cancel = cancel }, shy, "Cancel", { Cancel = fail } }
      for _, operation in ipairs(operations) do
        local wait = co.wrap(function()
          return operation
        end, { timeout_ms = 1 })
        assert.is_nil(told)
        assert.are.equal("ETIMEDOUT", select(3, wait()))
      end
      co.on_error(nil)
      assert.are.equal(operations[1], cancelled)
      assert.are.equal("no", told)
    end)
  )

  it(
    "puts the callback where it belongs",
    spec(function()
      local resolve = co.wrap(chuck.resolver.resolve, { callback_at = 3 })
      assert.are.same({ "127.0.0.1" }, resolve(sched.engine(), "127.0.0.1"))
      local only_six = { family = "inet6" }
      assert.are.equal("ENOENT", select(3, resolve(sched.engine(), "127.0.0.1", only_six)))
      local at = co.wrap(function(...)
        local args = { n = select("#", ...), ... }
        args[4](args.n, args[1], args[2], args[3], args[5])
      end, { callback_at = 4 })
      assert.are.same({ 4, "a" }, { at("a") })
      assert.are.equal("e", select(5, at("a", "b", "c", "e")))
    end)
  )

  it(
    "returns what the function answers when it fails at once",
    spec(function()
      local closed = chuck.engine()
      closed:Close()
      local resolve = co.wrap(chuck.resolver.resolve)
      local got, message, code = resolve(closed, "127.0.0.1")
      assert.is_nil(got)
      assert.are.equal("string", type(message))
      assert.are.equal("EENGCLOSE", code)
    end)
  )

  it(
    "raises what the function raises",
    spec(function()
      local wait = co.wrap(function()
        error("at once")
      end)
      local fine, message = co.pcall(wait)
      assert.is_false(fine)
      assert.matches("at once", message)
    end)
  )

  it(
    "gives up in time, and cancels what can be cancelled",
    spec(function()
      local cancelled = 0
      local operation = {
        Cancel = function()
          cancelled = cancelled + 1
        end,
      }
      local wait = co.wrap(function()
        return operation
      end, { timeout_ms = 5 })
      local got, message, code = wait()
      assert.is_nil(got)
      assert.are.equal("ETIMEDOUT", code)
      assert.matches("no answer in 5 ms", message)
      assert.are.equal(1, cancelled)
      local parked = tasks.parked(co.wrap(function()
        return operation
      end))
      parked.task:Cancel()
      parked.task:Join()
      assert.are.equal(2, cancelled)
    end)
  )

  it("raises outside of tasks, and for what is no function", function()
    assert.has_error(function()
      co.wrap(5)
    end)
    assert.has_error(function()
      co.wrap(later, { unknown = 1 })
    end)
    assert.has_error(co.wrap(later))
  end)
end)
