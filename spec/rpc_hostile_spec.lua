--- Peers that do what they should not: nothing hangs, nothing grows, nobody else notices.
local chuck = require("chuck")
local peers = require("spec.helper.peers")
local tasks = require("spec.helper.tasks")
local wire = require("chuck.rpc.wire")

local co, packet, rpc = chuck.co, chuck.packet, chuck.rpc
local spec = tasks.spec

--- Calls of the flood; a connection lives as long.
local MANY = os.getenv("CHUCK_LONG") and 10000000 or 20000

local SERVICES = {
  echo = function(...)
    return ...
  end,
  sleep = co.sleep,
}

local function by_hand(options, says_hello)
  options = options or {}
  options.services = rpc.services(SERVICES)
  return peers.by_hand(options, says_hello)
end

--- The peer has closed the connection, for a reason that its own side is told, and the other.
local function closes(peer, hand, code, reason)
  local ended, message, why = peer:Wait(5000)
  assert.is_true(ended)
  assert.are.equal(code, why)
  assert.matches(reason, message)
  local kind, told, text = hand.take_only("BYE")
  assert.are.equal("BYE", kind)
  assert.are.equal(code, told)
  assert.matches(reason, text)
end

describe("a peer that answers wrongly", function()
  it(
    "twice: the second answer is counted and thrown away",
    spec(function()
      local near, hand = by_hand()
      local call = tasks.parked(near.Call, near, "x")
      hand.say("RESULT", 1, "first")
      hand.say("RESULT", 1, "second")
      hand.say("ERROR", 1, "EREMOTE", "third")
      assert.are.equal("first", tasks.finished(call)[1])
      tasks.wait("the strays", function()
        return near.strays == 2
      end)
      assert.is_false(near:IsClosed())
    end)
  )

  it(
    "to a call that was never made is closed",
    spec(function()
      for _, id in ipairs({ 1, 99, 0, -1, 1.5, 2 ^ 60, 0 / 0, math.huge }) do
        local near, hand = by_hand()
        hand.say("RESULT", id, "x")
        closes(near, hand, "EBADMSG", "the answer to a call that was never made")
        near, hand = by_hand()
        hand.say("ERROR", id, "EREMOTE", "x")
        closes(near, hand, "EBADMSG", "the answer to a call that was never made")
      end
    end)
  )

  it(
    "too late: it is thrown away",
    spec(function()
      local near, hand = by_hand()
      near:CallWith({ timeout_ms = 5 }, "x")
      hand.say("RESULT", 1, "late")
      tasks.wait("the stray", function()
        return near.strays == 1
      end)
      local call = tasks.parked(near.Call, near, "y")
      hand.say("RESULT", 2, "right")
      assert.are.equal("right", tasks.finished(call)[1])
    end)
  )

  it(
    "with a code of its own: it counts as an error of the service",
    spec(function()
      local near, hand = by_hand()
      local call = tasks.parked(near.Call, near, "x")
      hand.say("ERROR", 1, "EMADEUP", "what")
      assert.are.equal("EREMOTE", tasks.finished(call)[3])
    end)
  )
end)

describe("a peer that calls wrongly", function()
  local function w(...)
    return { n = select("#", ...), ... }
  end
  --- Messages that make no sense, and what is said of them.
  local WRONG = {
    w("a call cut short", "CALL"),
    w("a call cut short", "CALL", 1, "echo", 0),
    w("a call with an id out of order", "CALL", "1", "echo", 0, nil),
    w("a call with an id out of order", "CALL", nil, "echo", 0, nil),
    w("a call with an id out of order", "CALL", 1.5, "echo", 0, nil),
    w("a call with an id out of order", "CALL", 0, "echo", 0, nil),
    w("a call with an id out of order", "CALL", 2 ^ 60, "echo", 0, nil),
    w("a call with an id out of order", "CALL", 0 / 0, "echo", 0, nil),
    w("a call without a name", "CALL", 1, 5, 0, nil),
    w("a call without a name", "CALL", 1, nil, 0, nil),
    w("a name of 1048576 bytes, limit is 255", "CALL", 1, ("x"):rep(1048576), 0, nil),
    w("a call without a timeout", "CALL", 1, "echo", nil, nil),
    w("a call without a timeout", "CALL", 1, "echo", -1, nil),
    w("a call without a timeout", "CALL", 1, "echo", 0 / 0, nil),
    w("a call with a trace that is none", "CALL", 1, "echo", 0, 7),
    w("a call with a trace that is none", "CALL", 1, "echo", 0, ("x"):rep(200)),
    w("a notification cut short", "NOTIFY", 0, "echo"),
    w("a notification with an id", "NOTIFY", 1, "echo", 0, nil),
    w("a call without a name", "NOTIFY", 0, {}, 0, nil),
    w("the opening of a stream cut short", "OPEN", 1, "echo", 0, nil),
    w("a stream without a window", "OPEN", 1, "echo", 0, nil, 0),
    w("a stream without a window", "OPEN", 1, "echo", 0, nil, "x"),
    w("a stream without a window", "OPEN", 1, "echo", 0, nil, 0 / 0),
    w("the cancellation of a call that was never made", "CANCEL", 1),
    w("the cancellation of a call that was never made", "CANCEL"),
    w("the answer to a call that was never made", "RESULT"),
    w("an error without code and message", "ERROR", 1),
    w("an error without code and message", "ERROR", 1, 2, 3),
    w("a value of a stream that is not one value", "ITEM_UP", 1),
    w("a value of a stream that is not one value", "ITEM_DOWN", 1, 2, 3),
    w("credit that is no number of values", "CREDIT_UP", 1, "x"),
    w("credit that is no number of values", "CREDIT_DOWN", 1, -5),
    w("credit that is no number of values", "CREDIT_DOWN", 1, 0 / 0),
    w("a ping without a number", "PING"),
    w("a second hello", "HELLO", "chuck-rpc", 1, 1000, 1000),
    w("a farewell without code and message", "BYE"),
  }

  it(
    "is closed, with a word that says why",
    spec(function()
      local unpack = rawget(table, "unpack") or rawget(_G, "unpack")
      for _, wrong in ipairs(WRONG) do
        local near, hand = by_hand()
        hand.say(unpack(wrong, 2, wrong.n))
        local ended, message, code = near:Wait(5000)
        assert.is_true(ended)
        assert.are.equal("EBADMSG", code)
        assert.is_truthy(message:find(wrong[1], 1, true), message)
      end
    end)
  )

  it(
    "uses an id again, or one that is smaller",
    spec(function()
      for _, id in ipairs({ 5, 4 }) do
        local near, hand = by_hand()
        hand.say("CALL", 5, "echo", 0, nil)
        hand.say("CALL", id, "echo", 0, nil)
        closes(near, hand, "EBADMSG", "a call with an id out of order")
      end
    end)
  )

  it(
    "sends values without credit",
    spec(function()
      local near, hand = by_hand({ window = 2 })
      near:Register("s", co.sleep, { stream = true })
      near:Register("s", function()
        co.sleep(5000)
      end, { stream = true })
      hand.say("OPEN", 1, "s", 0, nil, 10)
      assert.are.same({ "CREDIT_UP", 1, 2 }, { hand.take_only("CREDIT_UP") })
      hand.say("ITEM_UP", 1, "a")
      hand.say("ITEM_UP", 1, "b")
      co.sleep(5)
      assert.is_false(near:IsClosed())
      hand.say("ITEM_UP", 1, "c")
      closes(near, hand, "EBADMSG", "a value of a stream that it has no credit for")
    end)
  )

  it(
    "sends values and credit of streams that are not there: they are ignored",
    spec(function()
      local near, hand = by_hand()
      hand.say("ITEM_UP", 7, "a")
      hand.say("ITEM_DOWN", 7, "a")
      hand.say("CREDIT_UP", 7, 1)
      hand.say("CREDIT_DOWN", 7, 1)
      hand.say("END_UP", 7)
      hand.say("PONG", 7)
      hand.say("CALL", 1, "echo", 0, nil, "fine")
      assert.are.same({ "RESULT", 1, "fine" }, { hand.take_only("RESULT") })
      assert.is_false(near:IsClosed())
    end)
  )

  it(
    "floods: what is beyond the limit is refused, the rest is served",
    spec(function()
      local near, hand = by_hand({ calls = 10 })
      for id = 1, 50 do
        hand.say("CALL", id, "sleep", 0, nil, 50)
      end
      local refused, served = 0, 0
      while refused + served < 50 do
        local kind, _, code = hand.take()
        if kind == "ERROR" then
          assert.are.equal("EBUSY", code)
          refused = refused + 1
        elseif kind == "RESULT" then
          served = served + 1
        end
      end
      assert.are.equal(40, refused)
      assert.are.equal(10, served)
      assert.is_false(near:IsClosed())
    end)
  )

  it(
    "floods and never reads: it is given up, and what was kept is bounded",
    spec(function()
      local near, hand = by_hand({ stall_ms = 50, calls = 100 })
      local text = ("x"):rep(65536)
      near:Register("big", function()
        return text
      end)
      local id = 0
      -- The hand neither reads nor stops.
      hand.stream.conn:PauseRead()
      while not near:IsClosed() and id < 20000 do
        for _ = 1, 20 do
          id = id + 1
          hand.say("CALL", id, "big", 0, nil)
        end
        co.sleep(1)
      end
      local _, message, code = near:Wait(1000)
      assert.are.equal("ENOBUFS", code)
      assert.matches("it does not read", message)
    end)
  )

  it(
    "calls and cancels for ever: nothing is left of it",
    spec(function()
      local near, hand = by_hand({ calls = 100 })
      for id = 1, 2000 do
        hand.say("CALL", id, "sleep", 0, nil, 60000)
        hand.say("CANCEL", id)
        if id % 50 == 0 then
          co.sleep(1)
        end
      end
      hand.say("CALL", 3000, "echo", 0, nil, "fine")
      assert.are.same({ "RESULT", 3000, "fine" }, { hand.take_only("RESULT") })
      assert.are.equal(0, near.home.count)
      assert.is_nil(next(near.served))
    end)
  )
end)

describe("a peer that speaks something else", function()
  it(
    "is closed when it does not begin with a hello",
    spec(function()
      local near, hand = by_hand(nil, false)
      hand.say("CALL", 1, "echo", 0, nil)
      closes(near, hand, "EPROTO", "it does not begin with a hello of chuck%-rpc")
    end)
  )

  it(
    "is closed when it has another version, and both sides know why",
    spec(function()
      local near, hand = by_hand(nil, false)
      hand.say("HELLO", wire.NAME, 2, 1000, 1000)
      closes(near, hand, "EPROTO", "it speaks version 2, this side 1")
      near, hand = by_hand(nil, false)
      local call = tasks.parked(near.Call, near, "x")
      hand.say("BYE", "EPROTO", "it speaks version 1, this side 2")
      assert.are.equal("EPROTO", tasks.finished(call)[3])
    end)
  )

  it(
    "is closed for a hello that makes no sense",
    spec(function()
      local wrong = { { "other", 1, 10, 10 }, { wire.NAME }, { wire.NAME, "1", 10, 10 } }
      for _, hello in ipairs(wrong) do
        local near, hand = by_hand(nil, false)
        hand.say("HELLO", hello[1], hello[2], hello[3], hello[4])
        closes(near, hand, "EPROTO", "it does not begin with a hello")
      end
      for _, hello in ipairs({ { 0, 10 }, { 10, 0 }, { "x", 10 }, { 10, 0 / 0 } }) do
        local near, hand = by_hand(nil, false)
        hand.say("HELLO", wire.NAME, 1, hello[1], hello[2])
        closes(near, hand, "EBADMSG", "a hello without limits")
      end
    end)
  )

  it(
    "is closed for a kind that is not known, and for a packet that is no message",
    spec(function()
      local near, hand = by_hand()
      hand.send("\223\0\0")
      closes(near, hand, "EBADMSG", "a message of an unknown kind, 223")
      near, hand = by_hand()
      hand.send("hello")
      closes(near, hand, "EBADMSG", "a packet that is no message")
      near, hand = by_hand()
      hand.send("")
      closes(near, hand, "EBADMSG", "a packet that is no message")
    end)
  )

  it(
    "is closed for a message that is too large, as soon as that is announced",
    spec(function()
      local near, hand = by_hand({ message = 1000 })
      local made = packet.wpacket(2000, 32)
      made:WriteStr(("x"):rep(1500))
      hand.stream:Send(made)
      local _, message, code = near:Wait(5000)
      assert.are.equal("EBADMSG", code)
      assert.matches("a message of more than 1000 bytes", message)
    end)
  )

  it(
    "is closed for garbage at any byte of a message, and nothing else happens",
    spec(function()
      local value = { x = { 1.5 } }
      local whole = assert(wire.write(wire.KIND.CALL, 1, "echo", 1000, nil, "text", value, nil, -7))
      local bytes = {}
      local reader = packet.rpacket(whole)
      for i = 1, #whole do
        bytes[i] = string.char(reader:ReadU8())
      end
      local good, hand_of_good = by_hand()
      local served = 0
      for at = 1, #bytes do
        for _, byte in ipairs({ 0, 1, 2, 12, 13, 127, 200, 255 }) do
          local near, hand = by_hand({ timeout_ms = 50 })
          local before, behind = table.concat(bytes, "", 1, at - 1), table.concat(bytes, "", at + 1)
          hand.send(before .. string.char(byte) .. behind)
          hand.say("PING", 5)
          repeat
            local kind, number = hand.take()
            if kind == "RESULT" or kind == "ERROR" then
              served = served + 1
            end
          until kind == nil or kind == "BYE" or kind == "PONG" and number == 5
          near:Close()
          hand.stream:Close(0)
        end
      end
      assert.is_true(served > 0)
      hand_of_good.say("CALL", 1, "echo", 0, nil, "fine")
      assert.are.same({ "RESULT", 1, "fine" }, { hand_of_good.take_only("RESULT") })
      assert.is_false(good:IsClosed())
    end)
  )

  it(
    "is closed for a message cut at any byte",
    spec(function()
      local whole =
        assert(wire.write(wire.KIND.CALL, 1, "echo", 1000, nil, "text", { x = { 1.5 } }))
      local reader = packet.rpacket(whole)
      local bytes = {}
      for i = 1, #whole do
        bytes[i] = string.char(reader:ReadU8())
      end
      for cut = 1, #bytes - 1 do
        local near, hand = by_hand()
        hand.send(table.concat(bytes, "", 1, cut))
        local _, message, code = near:Wait(5000)
        assert.are.equal("EBADMSG", code, "cut at " .. cut)
        assert.matches("a message that cannot be read", message)
        hand.stream:Close(0)
      end
    end)
  )
end)

describe("a long life", function()
  local deadline = tasks.DEADLINE
  before_each(function()
    tasks.DEADLINE = math.max(deadline, MANY / 10)
  end)
  after_each(function()
    tasks.DEADLINE = deadline
  end)

  it(
    "leaves memory flat",
    spec(function()
      local near, far = peers.pair()
      far:Register(SERVICES)
      local function calls(n)
        local running = {}
        for worker = 1, 20 do
          running[worker] = co.spawn(function()
            for i = 1, n / 20 do
              assert(near:Call("echo", i, "text") == i)
            end
          end)
        end
        for _, task in ipairs(running) do
          assert(select(3, task:Join()) == nil)
        end
        collectgarbage()
        collectgarbage()
        return collectgarbage("count")
      end
      local before = calls(2000)
      local after = calls(MANY)
      assert(after < before + 64, ("%.0f KiB before, %.0f after"):format(before, after))
      assert.are.equal(0, (near:InFlight()))
      assert.is_nil(next(near.calls))
      assert.is_nil(next(near.id_of))
      assert.is_nil(next(far.served))
    end)
  )
end)
