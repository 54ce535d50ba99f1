--- Streams of values: both directions, credit, and how they end.
local chuck = require("chuck")
local compat = require("chuck.support.compat")
local peers = require("spec.helper.peers")
local tasks = require("spec.helper.tasks")

local co = chuck.co
local spec = tasks.spec

local function list(...)
  return { n = select("#", ...), ... }
end

--- As `for value in flow:Values()`, which cannot wait on Lua 5.1.
local function each(flow, fn)
  local value = flow:Recv()
  while value ~= nil do
    fn(value)
    value = flow:Recv()
  end
end

--- A peer, and one that offers `fn` as the stream "it".
local function pair(fn, near_options, far_options)
  local near, far = peers.pair({ near = near_options, far = far_options })
  far:Register("it", fn, { stream = true })
  return near, far
end

local function numbers(flow, n)
  for i = 1, n do
    assert(flow:Send(i))
  end
  return "sent", n
end

describe("a stream", function()
  it(
    "brings values from the service, then its results",
    spec(function()
      local near = pair(numbers)
      local flow = assert(near:Open("it", 1000))
      local sum = 0
      each(flow, function(value)
        sum = sum + value
      end)
      assert.are.equal(500500, sum)
      assert.are.same({ n = 2, "sent", 1000 }, list(flow:Result()))
      assert.are.equal("EOF", select(3, flow:Recv()))
      assert.is_true(flow:IsClosed())
      assert.are.equal(0, (near:InFlight()))
    end)
  )

  it(
    "brings values to the service",
    spec(function()
      local near = pair(function(flow)
        local sum = 0
        each(flow, function(value)
          sum = sum + value
        end)
        return sum, select(3, flow:Recv())
      end)
      local flow = near:Open("it")
      for i = 1, 1000 do
        assert.is_true(flow:Send(i))
      end
      flow:CloseSend()
      assert.are.same({ n = 2, 500500, "EOF" }, list(flow:Result()))
    end)
  )

  it(
    "goes both ways at once",
    spec(function()
      local near = pair(function(flow)
        each(flow, function(value)
          assert(flow:Send(value * 2))
        end)
        return "bye"
      end)
      local flow = near:Open("it")
      co.spawn(function()
        for i = 1, 500 do
          assert(flow:Send(i))
        end
        flow:CloseSend()
      end)
      local sum = 0
      each(flow, function(value)
        sum = sum + value
      end)
      assert.are.equal(250500, sum)
      assert.are.equal("bye", flow:Result())
    end)
  )

  it(
    "is iterated, but for Lua 5.1, whose iterators cannot wait",
    spec(function()
      local near = pair(numbers)
      local got = {}
      local flow = near:Open("it", 3)
      if compat.yields_across_pcall then
        for value in flow:Values() do
          got[#got + 1] = value
        end
        assert.are.same({ 1, 2, 3 }, got)
      end
      assert.are.equal("sent", (flow:Result()))
    end)
  )

  it(
    "carries nil, and every kind of value",
    spec(function()
      local near = pair(function(flow)
        flow:Send(nil)
        flow:Send(false)
        flow:Send({ 1, { 2 } })
      end)
      local flow = near:Open("it")
      assert.are.same({ n = 1 }, list(flow:Recv()))
      assert.are.same({ n = 1, false }, list(flow:Recv()))
      assert.are.same({ 1, { 2 } }, flow:Recv())
      assert.are.equal("EOF", select(3, flow:Recv()))
      assert.are.equal(0, select("#", flow:Result()))
    end)
  )

  it(
    "stops a sender whose values nobody takes, at the window",
    spec(function()
      local sent = 0
      local near = pair(function(flow)
        for i = 1, 1000 do
          assert(flow:Send(i))
          sent = i
        end
      end, { window = 8 })
      local flow = near:Open("it")
      co.sleep(20)
      assert.are.equal(8, sent)
      for i = 1, 4 do
        assert.are.equal(i, flow:Recv())
      end
      co.sleep(20)
      assert.are.equal(12, sent)
      flow:Close()
    end)
  )

  it(
    "stops a caller whose values the service does not take",
    spec(function()
      local near = pair(function()
        co.sleep(5000)
      end, nil, { window = 4 })
      local flow = near:Open("it")
      for i = 1, 4 do
        assert.is_true(flow:Send(i))
      end
      local sent, message, code = flow:Send(5, 20)
      assert.is_nil(sent)
      assert.are.equal("it: nothing to send it to for 20 ms", message)
      assert.are.equal("ETIMEDOUT", code)
      flow:Close()
    end)
  )

  it(
    "may be opened to a service without one, and not be called plainly",
    spec(function()
      local near, far = pair(numbers)
      far:Register("plain", function(...)
        return ...
      end)
      assert.are.same({ n = 2, 1, nil }, list(near:Open("plain", 1, nil):Result()))
      local _, message, code = near:Call("it", 1)
      assert.are.equal("it is a service of streams: open it", message)
      assert.are.equal("EINVAL", code)
    end)
  )

  it(
    "tells the error of the service behind the values",
    spec(function()
      local near = pair(function(flow)
        flow:Send(1)
        error("oh", 0)
      end)
      local flow = near:Open("it")
      assert.are.equal(1, flow:Recv())
      assert.are.same({ n = 3, nil, "oh", "EREMOTE" }, list(flow:Recv()))
      assert.are.same({ n = 3, nil, "oh", "EREMOTE" }, list(flow:Result()))
      assert.are.same({ n = 3, nil, "oh", "EREMOTE" }, list(flow:Send(1)))
    end)
  )

  it(
    "of a service that is not there says so",
    spec(function()
      local near = pair(numbers)
      assert.are.equal("ENOSYS", select(3, near:Open("nothing"):Result()))
    end)
  )

  it(
    "Result throws away what was not taken",
    spec(function()
      local near = pair(numbers, { window = 2 })
      assert.are.same({ n = 2, "sent", 100 }, list(near:Open("it", 100):Result()))
    end)
  )

  it(
    "cancels the service when it is closed",
    spec(function()
      local ended
      local near, far = pair(function(flow)
        local fine, problem = co.pcall(flow.Recv, flow)
        ended = { fine, problem }
        error(problem, 0)
      end)
      local flow = near:Open("it")
      local waits = tasks.parked(flow.Recv, flow)
      flow:Close()
      flow:Close()
      tasks.finished(waits)
      assert.are.equal("ECANCELED", waits[3])
      tasks.wait("the end of the service", function()
        return ended
      end)
      assert.is_true(co.is_cancelled(ended[2]))
      assert.are.equal("ECANCELED", select(3, flow:Send(1)))
      assert.are.equal("ECANCELED", select(3, flow:Result()))
      assert.are.equal(0, (near:InFlight()))
      tasks.wait("nothing to be served", function()
        return select(2, far:InFlight()) == 0
      end)
    end)
  )

  it(
    "is given up with a task that is cancelled while it waits for it",
    spec(function()
      for _, method in ipairs({ "Recv", "Result", "Send" }) do
        local gone
        local near = pair(function(flow)
          co.pcall(method == "Send" and co.sleep or flow.Recv, method == "Send" and 5000 or flow)
          gone = true
        end, nil, { window = 1 })
        local flow = near:Open("it")
        if method == "Send" then
          flow:Send(1)
          local waits = tasks.parked(flow.Send, flow, 2)
          waits.task:Cancel()
          waits.task:Join()
        else
          local waits = tasks.parked(flow[method], flow)
          waits.task:Cancel()
          waits.task:Join()
        end
        assert.is_true(flow:IsClosed())
        tasks.wait("the end of the service", function()
          return gone
        end)
        near:Close()
      end
    end)
  )

  it(
    "stays when a wait for it is merely late",
    spec(function()
      local near = pair(function(flow)
        return flow:Recv()
      end)
      local flow = near:Open("it")
      assert.are.equal("ETIMEDOUT", select(3, flow:Recv(5)))
      assert.are.equal("ETIMEDOUT", select(3, flow:Result(5)))
      assert.are.equal("ETIMEDOUT", select(3, flow:Recv(0)))
      flow:Send("x")
      assert.are.equal("x", flow:Result())
    end)
  )

  it(
    "obeys the deadline around it",
    spec(function()
      local near = pair(function(flow)
        return flow:Recv()
      end)
      local flow
      local _, _, code = co.scope(function()
        flow = near:Open("it")
        return flow:Recv()
      end, { deadline_ms = 10 })
      assert.are.equal("ETIMEDOUT", code)
      assert.is_true(flow:IsClosed())
    end)
  )

  it(
    "has a time limit for the whole, if one is given",
    spec(function()
      local near = pair(function(flow)
        while flow:Send(1) do
          co.sleep(1)
        end
      end)
      local flow = near:OpenWith({ timeout_ms = 30 }, "it")
      local last
      repeat
        local value, _, code = flow:Recv()
        last = code
      until not value
      assert.are.equal("ETIMEDOUT", last)
      assert.are.equal("ETIMEDOUT", select(3, flow:Result()))
    end)
  )

  it(
    "ends with the connection, for both sides",
    spec(function()
      local seen
      local near = pair(function(flow)
        seen = { flow, tasks.parked(flow.Recv, flow) }
        co.sleep(5000)
      end)
      local flow = near:Open("it")
      local waits = tasks.parked(flow.Recv, flow)
      tasks.wait("the service", function()
        return seen and seen[2]
      end)
      near:Close()
      assert.are.equal("ESOCKCLOSE", tasks.finished(waits)[3])
      assert.are.equal("ESOCKCLOSE", select(3, flow:Send(1)))
      assert.are.equal("ESOCKCLOSE", select(3, near:Open("it")))
      tasks.wait("the end at the other side", function()
        return seen[1]:IsClosed()
      end)
      assert.are.equal("ESOCKCLOSE", select(3, seen[1]:Send(1)))
    end)
  )

  it(
    "is not taken up again by a service that has returned",
    spec(function()
      local kept
      local near = pair(function(flow)
        kept = flow
        return "done"
      end)
      assert.are.equal("done", near:Open("it"):Result())
      assert.are.equal("EPIPE", select(3, kept:Send(1)))
      assert.are.equal("EPIPE", select(3, kept:Recv()))
      assert.are.equal("EINVAL", select(3, kept:Result()))
      near:Open("it"):Result()
    end)
  )

  it(
    "raises for a value that cannot be sent, and goes on",
    spec(function()
      local near = pair(function(flow)
        return flow:Recv()
      end)
      local flow = near:Open("it")
      flow:Send("first")
      local fine, message = pcall(function()
        flow:Send(print)
      end)
      assert.is_false(fine)
      assert.matches("^spec/rpc_stream_spec.lua:%d+: bad argument #1 to 'Send'", message)
      fine, message = pcall(function()
        near:Open("it", 1, print)
      end)
      assert.is_false(fine)
      assert.matches("^spec/rpc_stream_spec.lua:%d+: bad argument #3 to 'Open'", message)
      assert.are.equal("first", flow:Result())
    end)
  )

  it(
    "is refused a value that is too large, and goes on",
    spec(function()
      local near = pair(function(flow)
        return flow:Recv()
      end, { message = 1000 })
      local flow = near:Open("it")
      assert.are.equal("EMSGSIZE", select(3, flow:Send(("x"):rep(1000))))
      flow:Send("fine")
      assert.are.equal("fine", flow:Result())
    end)
  )
end)
