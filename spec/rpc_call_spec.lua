--- Calls between two peers: what arrives, what comes back, and how failures are told.
local chuck = require("chuck")
local peers = require("spec.helper.peers")
local tasks = require("spec.helper.tasks")

local co, rpc = chuck.co, chuck.rpc
local spec = tasks.spec

local unpack = rawget(table, "unpack") or rawget(_G, "unpack")

local function list(...)
  return { n = select("#", ...), ... }
end

local SERVICES = {
  add = function(a, b)
    return a + b
  end,
  echo = function(...)
    return ...
  end,
  boom = function(message)
    error(message, 0)
  end,
  sleep = function(ms)
    co.sleep(ms)
    return "slept"
  end,
  inventory = {
    take = function(n)
      return "took", n
    end,
  },
  bad = function()
    return 1, print
  end,
  count = function(...)
    return select("#", ...)
  end,
}

--- A peer that calls, and one with services.
local function pair(near, far)
  far = far or {}
  far.services = rpc.services(SERVICES)
  return peers.pair({ near = near, far = far })
end

describe("a call", function()
  it(
    "returns what the service returns",
    spec(function()
      local near = pair()
      assert.are.equal(3, near:Call("add", 1, 2))
      assert.are.same({ n = 2, "took", 7 }, list(near:Call("inventory.take", 7)))
      assert.are.equal(0, select("#", near:Call("echo")))
    end)
  )

  it(
    "keeps nil, wherever it stands",
    spec(function()
      local near = pair()
      assert.are.same({ n = 1 }, list(near:Call("echo", nil)))
      assert.are.same({ n = 2, 1 }, list(near:Call("echo", 1, nil)))
      assert.are.same({ n = 5, nil, 1, nil, 2, nil }, list(near:Call("echo", nil, 1, nil, 2, nil)))
      assert.are.equal(3, near:Call("count", nil, nil, nil))
    end)
  )

  it(
    "carries every kind of value, with its type",
    spec(function()
      local near = pair()
      local text = ("\0\255x"):rep(1000)
      local values = { true, false, 0, -1, 2 ^ 40, 1.5, -1e300, math.huge, "", text }
      local got = list(near:Call("echo", unpack(values)))
      assert.are.same(values, { unpack(got, 1, got.n) })
      local nan = near:Call("echo", 0 / 0)
      assert.is_true(nan ~= nan)
      assert.are.same({ { 1, { x = false } }, {} }, near:Call("echo", { { 1, { x = false } }, {} }))
      if rawget(math, "type") then
        assert.are.equal("float", math.type(near:Call("echo", 1.0)))
        assert.are.equal("integer", math.type(near:Call("echo", 1)))
        assert.are.equal(math.maxinteger, near:Call("echo", math.maxinteger))
        assert.are.equal("float", math.type(near:Call("echo", { 2.0 })[1]))
      end
    end)
  )

  it(
    "carries hundreds of arguments",
    spec(function()
      local near = pair()
      local values = {}
      for i = 1, 250 do
        values[i] = i
      end
      assert.are.same(values, { near:Call("echo", unpack(values)) })
    end)
  )

  it(
    "goes both ways, and back while it is answered",
    spec(function()
      local near, far = pair()
      near:Register("double", function(n)
        return n * 2
      end)
      far:Register("ask", function(n)
        return rpc.caller():Call("double", n) + 1
      end)
      assert.are.equal(8, far:Call("double", 4))
      assert.are.equal(9, near:Call("ask", 4))
    end)
  )

  it(
    "lets a thousand be in flight, and answers each with its own",
    spec(function()
      local near = pair()
      local sum, calls = 0, {}
      for i = 1, 1000 do
        calls[i] = co.spawn(function()
          local n = near:Call("add", i, 0)
          assert(n == i)
          sum = sum + 1
        end)
      end
      for i = 1, 1000 do
        calls[i]:Join()
      end
      assert.are.equal(1000, sum)
      assert.are.equal(0, (near:InFlight()))
    end)
  )

  it(
    "is answered when the service has done, not in turn",
    spec(function()
      local near = pair()
      local order = {}
      local slow = co.spawn(function()
        near:Call("sleep", 30)
        order[#order + 1] = "slow"
      end)
      near:Call("sleep", 1)
      order[#order + 1] = "quick"
      slow:Join()
      assert.are.same({ "quick", "slow" }, order)
    end)
  )

  it(
    "of a service that is not there says so",
    spec(function()
      local near = pair()
      local result, message, code = near:Call("nothing")
      assert.is_nil(result)
      assert.are.equal("there is no service nothing", message)
      assert.are.equal("ENOSYS", code)
    end)
  )

  it(
    "tells the error of the service, without its traceback",
    spec(function()
      local near = pair()
      assert.are.same({ n = 3, nil, "oh dear", "EREMOTE" }, list(near:Call("boom", "oh dear")))
      local _, message = near:Call("boom", { 1 })
      assert.are.equal("error object of type table", message)
      assert.is_nil(select(2, near:Call("boom", "x")):find("traceback"))
    end)
  )

  it(
    "tells the traceback when the other side allows it",
    spec(function()
      local near = pair(nil, { tracebacks = true })
      local _, message = near:Call("boom", "oh")
      assert.matches("^oh\nat the other side: ", message)
      assert.matches("stack traceback", message)
    end)
  )

  it(
    "tells the side of the service as well",
    spec(function()
      local told
      local near = pair(nil, {
        on_error = function(_, name, problem, traceback)
          told = { name, problem, (traceback:match("stack traceback")) }
        end,
      })
      near:Call("boom", "oh")
      assert.are.same({ "boom", "oh", "stack traceback" }, told)
    end)
  )

  it(
    "fails when a result cannot be sent",
    spec(function()
      local near = pair()
      local _, message, code = near:Call("bad")
      assert.are.equal("result #2 of the service: a function cannot be sent", message)
      assert.are.equal("EREMOTE", code)
    end)
  )

  it(
    "fails when it is larger than either side takes",
    spec(function()
      local near = pair({ message = 100000 }, { message = 2000 })
      assert.are.equal(3, near:Call("add", 1, 2))
      local _, message, code = near:Call("echo", ("x"):rep(3000))
      assert.matches("^echo: a message of 30%d%d bytes, limit is 2000$", message)
      assert.are.equal("EMSGSIZE", code)
      near:Register("long", function()
        return ("x"):rep(3000)
      end)
      assert.are.equal("EMSGSIZE", select(3, near:Call("echo", ("x"):rep(2000))))
      assert.are.equal(1900, #near:Call("echo", ("x"):rep(1900)))
    end)
  )

  it(
    "fails when the answer is too large",
    spec(function()
      local near, far = pair({ message = 2000 }, { message = 100000 })
      far:Register("long", function()
        return ("x"):rep(3000)
      end)
      near:Call("add", 1, 1)
      local _, message, code = near:Call("long")
      assert.matches("^an answer of 30%d%d bytes, limit is 2000$", message)
      assert.are.equal("EMSGSIZE", code)
      assert.are.equal(2, near:Call("add", 1, 1))
    end)
  )

  it(
    "is refused beyond the number in flight, by the side that calls",
    spec(function()
      local near = pair({ calls = 2 })
      local first = tasks.parked(near.Call, near, "sleep", 50)
      local second = tasks.parked(near.Call, near, "sleep", 50)
      local _, message, code = near:Call("add", 1, 1)
      assert.matches("^add: 2 calls are under way to 127", message)
      assert.are.equal("EBUSY", code)
      tasks.finished(first)
      tasks.finished(second)
      assert.are.equal(2, near:Call("add", 1, 1))
    end)
  )

  it(
    "raises for what cannot be sent, at the line of the caller",
    spec(function()
      local near = pair()
      local cycle = {}
      cycle.cycle = cycle
      local file = "^spec/rpc_call_spec.lua:%d+: "
      local function fails(why, ...)
        local args = list(...)
        local fine, message = pcall(function()
          near:Call(unpack(args, 1, args.n))
        end)
        assert.is_false(fine)
        assert.matches(file .. why, message)
      end
      fails("bad argument #2 to 'Call' %(a function cannot be sent%)$", "echo", print)
      fails("bad argument #4 to 'Call' %(a userdata cannot be sent%)$", "echo", 1, nil, io.stdout)
      local thread = coroutine.create(function() end)
      fails("bad argument #3 to 'Call' %(a coroutine cannot be sent", "x", 1, thread)
      fails("bad argument #2 to 'Call' %(a table with a function in it", "echo", { { print } })
      fails("bad argument #2 to 'Call' %(a table with a boolean as a key", "echo", { [true] = 1 })
      fails("'Call': table nested deeper than 64 levels$", "echo", cycle)
      fails("bad argument #1 to 'Call' %(string expected, got nil%)$")
      fails("bad argument #1 to 'Call' %(a name of 256 bytes, limit is 255%)$", ("x"):rep(256))
      local many = {}
      for i = 1, 4000 do
        many[i] = i
      end
      fails("'Call': 4004 values, limit is 4000$", "echo", unpack(many))
      assert.are.equal(2, near:Call("add", 1, 1))
      assert.are.equal(0, (near:InFlight()))
    end)
  )

  it("raises outside of tasks, at the line of the caller", function()
    local near
    tasks.run(function()
      near = pair()
    end)
    local fine, message = pcall(function()
      near:Call("add", 1, 2)
    end)
    assert.is_false(fine)
    assert.matches("^spec/rpc_call_spec.lua:%d+: .*only a task can wait", message)
  end)
end)

describe("the other ways to call", function()
  it(
    "CallAsync tells a function, and works outside of tasks",
    spec(function()
      local near = pair()
      local told = {}
      local function done(...)
        told[#told + 1] = list(...)
      end
      chuck.RegTimer(require("chuck.co.sched").engine(), 1, function()
        told.started = near:CallAsync(done, "add", 1, 2)
        return -1
      end)
      tasks.wait("the answer", function()
        return told[1]
      end)
      assert.is_true(told.started)
      assert.are.same({ n = 1, 3 }, told[1])
      near:CallAsync(done, "boom", "oh")
      near:CallAsync(done, "echo", nil, 1, nil, nil)
      tasks.wait("the answers", function()
        return told[3]
      end)
      assert.are.same({ n = 3, nil, "oh", "EREMOTE" }, told[2])
      assert.are.same({ n = 4, nil, 1 }, told[3])
    end)
  )

  it(
    "CallAsync may wait in its function",
    spec(function()
      local near = pair()
      local result
      near:CallAsync(function(n)
        result = near:Call("add", n, 10)
      end, "add", 1, 2)
      tasks.wait("the answer", function()
        return result
      end)
      assert.are.equal(13, result)
    end)
  )

  it(
    "CallAsync tells the end of the connection, once",
    spec(function()
      local near = pair()
      local told = {}
      near:CallAsync(function(...)
        told[#told + 1] = list(...)
      end, "sleep", 5000)
      co.sleep(5)
      near:Close()
      tasks.wait("the end", function()
        return told[1]
      end)
      co.sleep(5)
      assert.are.equal(1, #told)
      assert.are.equal("ESOCKCLOSE", told[1][3])
      local started, _, code = near:CallAsync(function()
        told[2] = true
      end, "add", 1, 2)
      assert.is_nil(started)
      assert.are.equal("ESOCKCLOSE", code)
      assert.is_nil(told[2])
    end)
  )

  it(
    "Notify runs the service and waits for nothing",
    spec(function()
      local near, far = pair()
      local got
      far:Register("note", function(...)
        got = list(...)
        return "thrown away"
      end)
      assert.is_true(near:Notify("note", 1, nil))
      tasks.wait("the notification", function()
        return got
      end)
      assert.are.same({ n = 2, 1 }, got)
      near:Notify("nothing")
      near:Notify("note")
      near:Call("add", 1, 1)
      assert.are.equal(1, far.dropped)
    end)
  )

  it(
    "Proxy calls the services below a name",
    spec(function()
      local near = pair()
      local inventory = near:Proxy("inventory")
      assert.are.same({ "took", 3 }, { inventory.take(3) })
      assert.are.equal(inventory.take, inventory.take)
      assert.are.equal(5, near:Proxy().add(2, 3))
    end)
  )

  it(
    "CallWith has a timeout of its own",
    spec(function()
      local near = pair()
      local _, message, code = near:CallWith({ timeout_ms = 20 }, "sleep", 5000)
      assert.matches("^sleep: no answer of 127[%d.:]+ in 20 ms$", message)
      assert.are.equal("ETIMEDOUT", code)
      assert.are.equal("slept", near:CallWith({ timeout_ms = 5000 }, "sleep", 1))
      assert.are.equal("ETIMEDOUT", select(3, near:CallWith({ timeout_ms = 0 }, "add", 1, 2)))
      assert.has_error(function()
        near:CallWith({ timeout = 1 }, "add")
      end)
      assert.has_error(function()
        near:CallWith(nil, "add")
      end)
    end)
  )
end)

describe("services", function()
  it(
    "are registered one by one, by tables, and shared",
    spec(function()
      local shared = rpc.services({
        a = { b = {
          c = function()
            return "abc"
          end,
        } },
      })
      shared:Register("later", function()
        return "later"
      end)
      local near, far = peers.pair({ far = { services = shared } })
      far:Register({
        own = function()
          return "own"
        end,
      })
      assert.are.equal("abc", near:Call("a.b.c"))
      assert.are.equal("later", near:Call("later"))
      assert.are.equal("own", near:Call("own"))
      far:Register("later", function()
        return "replaced"
      end)
      assert.are.equal("replaced", near:Call("later"))
      assert.are.equal("ENOSYS", select(3, far:Call("own")))
    end)
  )

  it(
    "blame the line of who registers what is none",
    spec(function()
      local near = peers.pair()
      local long = ("x"):rep(300)
      local wrong =
        { { 1, print }, { "x", 1 }, { { x = 1 } }, { { [1] = print } }, { long, print } }
      for _, args in ipairs(wrong) do
        local fine, message = pcall(function()
          near:Register(args[1], args[2])
        end)
        assert.is_false(fine)
        assert.matches("^spec/rpc_call_spec.lua:%d+: bad argument #%d to 'Register'", message)
      end
      local fine, message = pcall(function()
        near:Register("x", print, { streams = true })
      end)
      assert.is_false(fine)
      assert.matches("unknown option streams", message)
    end)
  )

  it(
    "know who calls",
    spec(function()
      local near, far = peers.pair()
      local caller
      far:Register("who", function()
        caller = rpc.caller()
        co.spawn(function()
          assert(rpc.caller() == caller)
        end):Join()
      end)
      near:Call("who")
      assert.are.equal(far, caller)
      assert.is_nil(rpc.caller())
    end)
  )

  it(
    "may fail in a task of their own, which fails nothing else",
    spec(function()
      local told
      local near, far = peers.pair({
        far = {
          on_error = function(_, name, problem)
            told = { name, problem }
          end,
        },
      })
      far:Register("start", function()
        co.spawn(error, "oh", 0)
        co.sleep(5)
        return "done"
      end)
      assert.are.equal("done", near:Call("start"))
      assert.are.same({ "?", "oh" }, told)
    end)
  )
end)
