--- What programs do at the edges of rpc: hooks, limits, cancellation from the side, wrong packets.
local chuck = require("chuck")
local peers = require("spec.helper.peers")
local sched = require("chuck.co.sched")
local tasks = require("spec.helper.tasks")

local co, packet, rpc = chuck.co, chuck.packet, chuck.rpc
local spec = tasks.spec

describe("hooks and streams", function()
  it(
    "refuse a stream as they refuse a call, also of a plain service",
    spec(function()
      local ran, kinds = false, {}
      local near = peers.pair({
        far = {
          services = {
            secret = function()
              ran = true
            end,
          },
          on_serve = function(_, _, info)
            kinds[#kinds + 1] = info.kind
            return false, "not you"
          end,
        },
      })
      assert.are.same({ "not you", "EACCES" }, { select(2, near:Open("secret"):Result()) })
      assert.are.same({ "not you", "EACCES" }, { select(2, near:Call("secret")) })
      assert.is_false(ran)
      assert.are.same({ "open", "call" }, kinds)
    end)
  )

  it(
    "are told of streams before and after, on both sides",
    spec(function()
      local log = {}
      local function note(side)
        return function(_, name, info)
          log[#log + 1] = side .. info.kind .. name
          return function(...)
            log[#log + 1] = side .. tostring((...))
          end
        end
      end
      local near = peers.pair({
        near = { on_call = note("near ") },
        far = {
          services = {
            seven = function()
              return 7
            end,
          },
          on_serve = note("far "),
        },
      })
      assert.are.equal(7, near:Open("seven"):Result())
      tasks.wait("the hook", function()
        return #log == 4
      end)
      assert.are.same({ "near openseven", "far openseven", "far 7", "near 7" }, log)
    end)
  )

  it(
    "that fail behind a CallAsync do not keep its function from being called",
    spec(function()
      local told, problem = nil, nil
      local near = peers.pair({
        near = {
          on_call = function()
            return function()
              error("hook", 0)
            end
          end,
          on_error = function(_, _, why)
            problem = why
          end,
        },
        far = {
          services = {
            seven = function()
              return 7
            end,
          },
        },
      })
      near:CallAsync(function(value)
        told = value
      end, "seven")
      tasks.wait("both", function()
        return told and problem
      end)
      assert.are.same({ 7, "hook" }, { told, problem })
    end)
  )
end)

describe("a service whose task the program cancels", function()
  it(
    "answers so at once, and nothing is left of it",
    spec(function()
      local near, far = peers.pair()
      local victim
      far:Register("job", function()
        victim = co.current()
        co.sleep(10000)
      end)
      for _, verb in ipairs({ "Call", "Open" }) do
        victim = nil
        local call = tasks.parked(function()
          if verb == "Open" then
            return near:Open("job"):Result()
          end
          return near:Call("job")
        end)
        tasks.wait("the service", function()
          return victim
        end)
        victim:Cancel()
        assert.are.equal("ECANCELED", tasks.finished(call)[3])
        assert.matches("job: the service was cancelled", call[2])
      end
      assert.is_nil(next(far.served))
      assert.is_true(far:Drain(1000))
    end)
  )
end)

describe("callbacks of a peer", function()
  it(
    "that wait end with the scope of the peer, whether it has ended before or not",
    spec(function()
      for _, is_closed in ipairs({ false, true }) do
        local told = 0
        local began = sched.now()
        local _, _, code = co.with_deadline(100, function()
          local near, far = peers.pair({
            far = {
              services = {
                seven = function()
                  return 7
                end,
              },
            },
          })
          local function wait_long()
            told = told + 1
            co.sleep(10000)
          end
          near:CallAsync(wait_long, "seven")
          near:CallAsync(wait_long, "sleep")
          tasks.wait("the first", function()
            return told > 0
          end)
          if is_closed then
            near:Close()
            far:Close()
          end
          co.sleep(10000)
        end)
        assert.are.equal("ETIMEDOUT", code)
        assert.are.equal(2, told)
        assert.is_true(sched.now() - began < 5000)
      end
    end)
  )
end)

describe("calls with large arguments", function()
  it(
    "are refused beyond 64 MiB that services hold, and taken again when those have ended",
    spec(function()
      local go_on = co.channel(0)
      local near, far = peers.pair({
        far = {
          services = {
            hold = function()
              go_on:Recv()
            end,
          },
        },
      })
      local large, ended, refused = ("x"):rep(4 * 1024 * 1024 - 100), 0, nil
      for _ = 1, 16 do
        near:CallAsync(function(_, _, code)
          ended, refused = ended + 1, refused or code
        end, "hold", large)
      end
      tasks.wait("sixteen calls", function()
        return next(far.served) and far.held > 15 * #large
      end)
      local _, message, code = near:Call("hold", large)
      assert.are.equal("EBUSY", code)
      assert.matches("^hold: calls of %d+ bytes are served already, limit is 67108864$", message)
      go_on:Close()
      tasks.wait("their ends", function()
        return ended == 16
      end)
      assert.is_nil(refused)
      assert.is_nil((select(2, near:Call("hold", large))))
    end)
  )
end)

describe("limits of what is sent", function()
  it(
    "cut the text of an error, so that it arrives",
    spec(function()
      for _, make in ipairs({ false, "msgpack" }) do
        local options = { message = 1000, on_error = function() end, tracebacks = true }
        local fine, config = pcall(make and rpc[make] or rpc.config, options)
        if fine then
          local near, far = peers.pair({ both = config })
          far:Register("fail", function()
            error(("x"):rep(3000), 0)
          end)
          local _, message, code = near:Call("fail")
          assert.are.equal("EREMOTE", code)
          assert.matches("^xxx", message)
          assert.is_true(#message > 100)
          assert.is_false(near:IsClosed())
        end
      end
    end)
  )

  it(
    "hold for a stream whose decoder would take more",
    spec(function()
      local near, far = peers.pair({
        far = {
          message = 1000,
          services = {
            size = function(text)
              return #text
            end,
          },
        },
      })
      tasks.wait("hello", function()
        return near.most_bytes == 1000
      end)
      assert.are.equal("EMSGSIZE", select(3, near:Call("size", ("x"):rep(2000))))
      near.most_bytes = 100000
      near:Call("size", ("x"):rep(2000))
      local _, message, code = far:Wait(1000)
      assert.are.equal("EBADMSG", code)
      assert.matches("a message of more than 1000 bytes", message)
    end)
  )

  it(
    "are none of a timeout as long as an integer can be",
    spec(function()
      local function sleep(ms)
        co.sleep(ms)
        return "slept"
      end
      local near, hand = peers.by_hand({ services = { sleep = sleep } })
      hand.say("CALL", 1, "sleep", math.maxinteger or 2 ^ 62, nil, 5)
      assert.is_true(near.served[1] == nil or near.served[1]["rpc.deadline"] > sched.now())
      assert.are.same({ "RESULT", 1, "slept" }, { hand.take_only("RESULT") })
      for _, entry in pairs(near.served) do
        assert.is_true(entry["rpc.deadline"] > sched.now())
      end
    end)
  )

  it(
    "want whole numbers of values",
    spec(function()
      for _, n in ipairs({ 1.5, 0, -1, 2 ^ 31 + 1, math.huge, 0 / 0 }) do
        local near, hand = peers.by_hand({
          services = {
            seven = function()
              return 7
            end,
          },
        })
        hand.say("OPEN", 1, "seven", 0, nil, n)
        assert.are.equal("EBADMSG", select(3, near:Wait(5000)))
        near, hand = peers.by_hand({ services = { sleep = co.sleep } })
        hand.say("OPEN", 1, "sleep", 0, nil, 1, 1000)
        hand.say("CREDIT_DOWN", 1, n)
        assert.are.equal("EBADMSG", select(3, near:Wait(5000)))
      end
    end)
  )
end)

describe("a stream of values", function()
  it(
    "is given up with a task that is cancelled while the connection is full",
    spec(function()
      local near, hand = peers.by_hand({ linger_ms = 0 })
      local flow = near:Open("sink")
      hand.say("CREDIT_UP", 1, 10000)
      local text = ("x"):rep(1024 * 1024)
      local writer = tasks.parked(function()
        while true do
          flow:Send(text)
        end
      end)
      co.sleep(50)
      writer.task:Cancel()
      tasks.wait("the end of the stream", function()
        return flow:IsClosed()
      end)
      assert.are.equal(0, (near:InFlight()))
    end)
  )

  it(
    "loses no credit for a value that was not sent",
    spec(function()
      local near, hand = peers.by_hand({ linger_ms = 0, stall_ms = 10 })
      local flow = near:Open("sink")
      hand.say("CREDIT_UP", 1, 100)
      local text, sent, code = ("x"):rep(1024 * 1024), 0, false
      while not code do
        local done, _, why = flow:Send(text)
        sent, code = done and sent + 1 or sent, why
      end
      assert.are.equal("ETIMEDOUT", code)
      assert.are.equal(100 - sent, flow.credit)
    end)
  )
end)

describe("a trace", function()
  it(
    "of another form is not handed on",
    spec(function()
      local _, hand = peers.by_hand({ services = { trace = rpc.traceparent } })
      hand.say("CALL", 1, "trace", 0, "x\r\nHost: elsewhere")
      assert.are.same({ "RESULT", 1, nil }, { hand.take_only("RESULT") })
      local trace = rpc.new_traceparent()
      hand.say("CALL", 2, "trace", 0, trace)
      assert.are.same({ "RESULT", 2, trace }, { hand.take_only("RESULT") })
    end)
  )
end)

describe("packets of the program", function()
  it(
    "that do not fit the frames raise where they are sent",
    spec(function()
      local near = peers.pair()
      for _, wrong in ipairs({ packet.wpacket(64), packet.rawpacket("x"), "x", 5, false }) do
        local fine, problem = pcall(function()
          near:SendPacket(wrong)
        end)
        assert.is_false(fine)
        assert.matches("rpc_edge_spec.lua:%d+: bad argument #1 to 'SendPacket'", problem)
      end
      assert.is_false(near:IsClosed())
    end)
  )

  it(
    "are whole for on_packet, although a decoder has looked at them",
    spec(function()
      local got
      local config = {
        encoder = function(data)
          local made = packet.wpacket(64, 32)
          made:WriteTab(data)
          return made
        end,
        decoder = function(received)
          return received:ReadTab()
        end,
        on_packet = function(_, received)
          got = received:ReadTab()
        end,
      }
      local near = peers.pair({ both = config })
      local made = packet.wpacket(64, 32)
      made:WriteTab({ word = "hello" })
      near:SendPacket(made)
      tasks.wait("the packet", function()
        return got
      end)
      assert.are.same({ word = "hello" }, got)
    end)
  )

  it(
    "go on to be delivered when on_packet was cancelled",
    spec(function()
      local got = 0
      local near = peers.pair({
        far = {
          on_packet = function()
            got = got + 1
            if got == 1 then
              co.current():Cancel()
              co.sleep(1)
            end
          end,
        },
      })
      for _ = 1, 3 do
        local made = packet.wpacket(64, 32)
        made:WriteStr("x")
        near:SendPacket(made)
      end
      tasks.wait("the packets", function()
        return got == 3
      end)
    end)
  )
end)

describe("a peer that cannot work", function()
  it(
    "for its encoder ends, and nothing else does",
    spec(function()
      local broken = {
        encoder = function()
          error("no bytes today")
        end,
        decoder = function() end,
      }
      local near = peers.pair({ near = broken })
      local _, message, code = near:Call("x")
      assert.are.equal("EBADMSG", code)
      assert.matches("no bytes today", message)
    end)
  )

  it(
    "for its stream's decoder ends, and nothing else does",
    spec(function()
      local near, far = tasks.pair()
      local peer = tasks.own(rpc.peer(near))
      far:Write("GET / HTTP/1.0\r\n\r\n")
      local _, message, code = peer:Wait(5000)
      assert.are.equal("EPROTO", code)
      assert.matches("not made with the decoder rpc.framing", message)
    end)
  )
end)

describe("a peer", function()
  it("that is made where no tasks run raises at the caller's line", function()
    local stream = setmetatable({}, {
      __index = function()
        return function() end
      end,
    })
    local fine, problem = pcall(function()
      rpc.peer(stream)
    end)
    assert.is_false(fine)
    assert.matches("rpc_edge_spec.lua:%d+: 'peer' starts tasks", problem)
  end)

  it(
    "tells of a default timeout no later than a sixteenth after it",
    spec(function()
      local near = peers.by_hand({ timeout_ms = 320 })
      local latest, count = 0, 0
      for _ = 1, 10 do
        co.spawn(function()
          local began = sched.now()
          near:Call("x")
          latest, count = math.max(latest, sched.now() - began), count + 1
        end)
        co.sleep(7)
      end
      tasks.wait("the timeouts", function()
        return count == 10
      end)
      -- Beside that, a busy machine.
      assert.is_true(latest <= 340 + 15, latest .. " ms")
    end)
  )
end)

describe("services", function()
  it(
    "may be a plain table, in which a table stands twice",
    spec(function()
      local shared = {
        seven = function()
          return 7
        end,
      }
      local near = peers.pair({ far = { services = { a = shared, b = shared } } })
      assert.are.equal(7, near:Call("a.seven"))
      assert.are.equal(7, near:Proxy("b").seven())
      assert.are.equal(7, near:Proxy("b"):seven())
    end)
  )

  it("blame the line that offers what is none", function()
    local cycle = {}
    cycle.cycle = cycle
    for _, wrong in ipairs({ { 1 }, { a = 1 }, { a = { b = 1 } }, cycle }) do
      for _, offer in ipairs({
        function()
          rpc.services(wrong)
        end,
        function()
          rpc.config({ services = wrong })
        end,
      }) do
        local fine, problem = pcall(offer)
        assert.is_false(fine)
        assert.matches("rpc_edge_spec.lua:%d+: bad argument #1", problem)
        assert.matches("is no name with a function", problem)
      end
    end
  end)
end)
