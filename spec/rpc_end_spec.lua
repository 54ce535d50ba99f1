--- No call hangs: time limits, deadlines, cancellation, and every way in which a connection ends.
local chuck = require("chuck")
local peers = require("spec.helper.peers")
local tasks = require("spec.helper.tasks")

local co, rpc = chuck.co, chuck.rpc
local spec = tasks.spec

--- What became of the services of a peer, in order.
local function watched(options)
  local ended = {}
  local near, far = peers.pair(options)
  far:Register("sleep", function(ms)
    local fine, problem = co.pcall(co.sleep, ms)
    ended[#ended + 1] = fine and "slept" or problem.code
    if not fine then
      error(problem, 0)
    end
    return "slept"
  end)
  return near, far, ended
end

local function wait_for(ended, n)
  tasks.wait("the end of " .. n .. " services", function()
    return #ended >= n
  end)
end

describe("a call that takes too long", function()
  it(
    "fails after the default timeout, at least that late, and cancels the service",
    spec(function()
      local near, far, ended = watched({ near = { timeout_ms = 50 } })
      local began = chuck.systick()
      local result, message, code = near:Call("sleep", 5000)
      assert.is_nil(result)
      assert.matches("^sleep: no answer of 127[%d.:]+ in 50 ms$", message)
      assert.are.equal("ETIMEDOUT", code)
      assert.is_true(chuck.systick() - began >= 50)
      wait_for(ended, 1)
      assert.are.same({ "ECANCELED" }, ended)
      assert.are.equal(0, (near:InFlight()))
      tasks.wait("nothing to be served", function()
        return select(2, far:InFlight()) == 0
      end)
      assert.are.equal("slept", near:Call("sleep", 1))
    end)
  )

  it(
    "fails for many calls that began at many times",
    spec(function()
      local near = watched({ near = { timeout_ms = 40 } })
      local codes = {}
      for _ = 1, 20 do
        co.spawn(function()
          local code = select(3, near:Call("sleep", 5000))
          codes[#codes + 1] = code
        end)
        co.sleep(2)
      end
      tasks.wait("all to fail", function()
        return #codes == 20
      end)
      for i = 1, 20 do
        assert.are.equal("ETIMEDOUT", codes[i])
      end
    end)
  )

  it(
    "fails in CallAsync too",
    spec(function()
      local near = watched({ near = { timeout_ms = 20 } })
      local code
      near:CallAsync(function(...)
        code = select(3, ...)
      end, "sleep", 5000)
      tasks.wait("the timeout", function()
        return code
      end)
      assert.are.equal("ETIMEDOUT", code)
    end)
  )

  it(
    "leaves calls with a longer time of their own alone",
    spec(function()
      local near = watched({ near = { timeout_ms = 10 } })
      assert.are.equal("slept", near:CallWith({ timeout_ms = 5000 }, "sleep", 60))
    end)
  )

  it(
    "is ended by the deadline of the caller's scope, and so is its service",
    spec(function()
      local near, _, ended = watched()
      local result, message, code = co.with_deadline(20, near.Call, near, "sleep", 5000)
      assert.is_nil(result)
      assert.matches("deadline", message)
      assert.are.equal("ETIMEDOUT", code)
      wait_for(ended, 1)
      assert.are.equal(0, (near:InFlight()))
    end)
  )

  it(
    "tells the service how long it has",
    spec(function()
      local near, far = peers.pair()
      local left
      far:Register("look", function()
        left = require("chuck.rpc.context").outgoing()
      end)
      -- The spec itself has a deadline.
      near:Call("look")
      assert.is_true(left > tasks.DEADLINE / 2 and left <= tasks.DEADLINE)
      co.shield(near.Call, near, "look")
      assert.is_true(left > tasks.DEADLINE and left <= 30000)
      near:CallWith({ timeout_ms = 1000 }, "look")
      assert.is_true(left > 500 and left <= 1000)
      co.with_deadline(500, near.Call, near, "look")
      assert.is_true(left > 100 and left <= 500)
    end)
  )

  it(
    "hands its deadline on to the calls of the service",
    spec(function()
      local near, far, ended = watched()
      local code
      near:Register("sleep", function(ms)
        co.sleep(ms)
      end)
      far:Register("through", function()
        local fine, problem = co.pcall(rpc.caller().Call, rpc.caller(), "sleep", 5000)
        code = not fine and problem.code
        ended[#ended + 1] = "through"
      end)
      near:CallWith({ timeout_ms = 20 }, "through")
      wait_for(ended, 1)
      assert.are.equal("ECANCELED", code)
      tasks.wait("the inner service to end", function()
        return select(2, near:InFlight()) == 0
      end)
    end)
  )

  it(
    "is ended by the side that serves it when the caller forgets to",
    spec(function()
      local _, hand = peers.by_hand({
        services = rpc.services({ sleep = co.sleep }),
      })
      hand.say("CALL", 1, "sleep", 10, nil, 60000)
      local kind, id, code, message = hand.take_only("ERROR")
      assert.are.same({ "ERROR", 1, "ETIMEDOUT" }, { kind, id, code })
      assert.are.equal("sleep: the deadline of the call has passed", message)
    end)
  )
end)

describe("a call that is cancelled", function()
  it(
    "raises in its task, and cancels the service",
    spec(function()
      local near, _, ended = watched()
      local call = tasks.parked(near.Call, near, "sleep", 5000)
      call.task:Cancel()
      assert.are.equal("ECANCELED", select(3, call.task:Join()))
      wait_for(ended, 1)
      assert.are.same({ "ECANCELED" }, ended)
      assert.are.equal(0, (near:InFlight()))
      assert.are.equal("slept", near:Call("sleep", 1))
    end)
  )

  it(
    "with a time of its own, too",
    spec(function()
      local near, _, ended = watched()
      local call = tasks.parked(near.CallWith, near, { timeout_ms = 9000 }, "sleep", 5000)
      call.task:Cancel()
      call.task:Join()
      wait_for(ended, 1)
      assert.are.equal(0, (near:InFlight()))
      assert.is_nil(next(near.timed))
    end)
  )

  it(
    "never begins when its task is cancelled already",
    spec(function()
      local near = watched()
      local task = co.spawn(function()
        co.pcall(co.sleep, 5000)
        near:Call("sleep", 1)
      end)
      co.sleep(2)
      task:Cancel()
      task:Join()
      assert.are.equal(0, near.last_id)
    end)
  )

  it(
    "leaves others alone",
    spec(function()
      local near = watched()
      local other = tasks.parked(near.Call, near, "sleep", 40)
      local call = tasks.parked(near.Call, near, "sleep", 5000)
      call.task:Cancel()
      assert.are.equal("slept", tasks.finished(other)[1])
    end)
  )

  it(
    "is not answered by what the service returns nevertheless",
    spec(function()
      local near, far = peers.pair()
      local done
      far:Register("stubborn", function()
        co.shield(co.sleep, 200)
        done = true
        return "too late"
      end)
      near:CallWith({ timeout_ms = 5 }, "stubborn")
      tasks.wait("the service", function()
        return done
      end)
      co.sleep(5)
      assert.are.equal(0, near.strays)
    end)
  )
end)

describe("the end of the connection", function()
  it(
    "fails calls that wait, on both sides, and cancels services",
    spec(function()
      local near, far, ended = watched()
      near:Register("sleep", co.sleep)
      local one = tasks.parked(near.Call, near, "sleep", 5000)
      local two = tasks.parked(far.Call, far, "sleep", 5000)
      near:Close()
      near:Close()
      assert.are.same({ "ESOCKCLOSE" }, { tasks.finished(one)[3] })
      assert.matches("closed from this side", one[2])
      assert.are.equal("ESOCKCLOSE", tasks.finished(two)[3])
      assert.matches("the other side has closed: closed", two[2])
      wait_for(ended, 1)
      assert.are.same({ "ECANCELED" }, ended)
      assert.is_true(near:IsClosed() and far:IsClosed())
      for _, method in ipairs({ "Call", "Notify", "Open" }) do
        assert.are.equal("ESOCKCLOSE", select(3, near[method](near, "sleep", 1)))
      end
      assert.are.equal("ESOCKCLOSE", select(3, near:SendPacket(chuck.packet.wpacket())))
    end)
  )

  it(
    "is told when the other side vanishes in the middle",
    spec(function()
      local near, hand = peers.by_hand()
      local call = tasks.parked(near.Call, near, "x")
      hand.stream:Close(0)
      assert.are.equal("ESOCKCLOSE", tasks.finished(call)[3])
      assert.is_true(near:Wait(1000))
    end)
  )

  it(
    "comes with the scope that the peer was made in",
    spec(function()
      local near, far
      local call
      co.scope(function(children)
        near, far = watched()
        call = tasks.parked(near.Call, near, "sleep", 5000)
        children:Cancel()
      end)
      assert.is_true(near:IsClosed() and far:IsClosed())
      assert.is_true(call.task:IsDone())
    end)
  )

  it(
    "waits for services that are shielded",
    spec(function()
      local done
      co.scope(function(children)
        local near, far = peers.pair()
        far:Register("stubborn", function()
          co.shield(co.sleep, 20)
          done = true
        end)
        tasks.parked(near.Call, near, "stubborn")
        children:Cancel()
      end)
      assert.is_true(done)
    end)
  )

  it(
    "is told to on_close, once, and to whoever waits",
    spec(function()
      local told = {}
      local near, far = peers.pair({
        far = {
          on_close = function(_, message, code)
            told[#told + 1] = { message, code }
          end,
        },
      })
      local waits = tasks.parked(far.Wait, far)
      assert.are.equal("ETIMEDOUT", select(3, far:Wait(5)))
      near:Close()
      assert.is_true(tasks.finished(waits)[1])
      assert.are.equal("ESOCKCLOSE", waits[3])
      tasks.wait("on_close", function()
        return told[1]
      end)
      assert.are.equal(1, #told)
      assert.matches("the other side has closed", told[1][1])
      assert.is_true((far:Wait()))
    end)
  )

  it(
    "may come from within a service, a callback and a hook",
    spec(function()
      local near, far = peers.pair()
      far:Register("close", function()
        rpc.caller():Close()
        return "never"
      end)
      assert.are.equal("ESOCKCLOSE", select(3, near:Call("close")))
      near, far = peers.pair()
      far:Register("x", function() end)
      local closed
      near:CallAsync(function()
        near:Close()
        closed = near:IsClosed()
      end, "x")
      tasks.wait("the callback", function()
        return closed
      end)
      local hooked
      near, far = peers.pair({
        near = {
          on_call = function(peer)
            peer:Close()
          end,
        },
      })
      hooked = far
      assert.are.equal("ESOCKCLOSE", select(3, near:Call("x")))
      assert.is_true(hooked:Wait(1000))
    end)
  )

  it(
    "Drain lets calls that are served come to an end, and takes no more",
    spec(function()
      local near, far = watched()
      local call = tasks.parked(near.Call, near, "sleep", 50)
      local drained = tasks.parked(far.Drain, far, 5000)
      local _, message, code = near:Call("sleep", 1)
      assert.are.equal("EBUSY", code)
      assert.are.equal("sleep: no more calls are taken", message)
      assert.are.equal("slept", tasks.finished(call)[1])
      assert.is_true(tasks.finished(drained)[1])
      assert.is_true(far:IsClosed())
    end)
  )

  it(
    "Drain waits no longer than it is told",
    spec(function()
      local near, far = watched()
      local call = tasks.parked(near.Call, near, "sleep", 5000)
      assert.are.equal("ETIMEDOUT", select(3, far:Drain(20)))
      assert.are.equal("ESOCKCLOSE", tasks.finished(call)[3])
    end)
  )
end)

describe("a link that is half open", function()
  it(
    "is noticed by a ping that nobody answers",
    spec(function()
      local near, hand = peers.by_hand({ heartbeat_ms = 20 })
      local call = tasks.parked(near.Call, near, "x")
      assert.are.same({ "PING", 1 }, { hand.take_only("PING") })
      assert.are.equal("ETIMEDOUT", tasks.finished(call)[3])
      assert.matches("nothing has come for 40 ms, not even the answer to a ping", call[2])
    end)
  )

  it(
    "is none while pings are answered",
    spec(function()
      local near = peers.pair({ near = { heartbeat_ms = 5 }, far = { heartbeat_ms = 0 } })
      co.sleep(100)
      assert.is_false(near:IsClosed())
      assert.is_true(near.pings > 2)
    end)
  )

  it(
    "is not looked for when that is off",
    spec(function()
      local near, hand = peers.by_hand({ heartbeat_ms = 0 })
      co.sleep(30)
      assert.is_false(near:IsClosed())
      assert.are.equal("HELLO", (hand.take()))
      assert.are.equal("ETIMEDOUT", select(3, hand.take(10)))
    end)
  )
end)
