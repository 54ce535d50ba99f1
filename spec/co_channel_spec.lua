--- Channels between tasks, on a clock that is moved by hand.
local channel = require("chuck.co.channel")
local compat = require("chuck.support.compat")
local sched = require("chuck.co.sched")
require("chuck.co.task")

local clock = require("spec.helper.clock")

local spawn = sched.spawn
local pack = compat.pack

--- `{ n, ... }` of a call, also of the nils in it.
local function all(...)
  return pack(...)
end

--- Starts a task that appends what `fn` returns to `told`.
local function tell(told, fn, ...)
  return spawn(function(...)
    local results = all(fn(...))
    told[#told + 1] = results
  end, ...)
end

local CLOSED = { n = 3, nil, "closed", "EPIPE" }
local LATE = { n = 3, nil, "timeout", "ETIMEDOUT" }

describe("a channel with room", function()
  it("takes values without a wait until it is full, and gives them back in order", function()
    clock.run(function()
      local ch, got = channel.new(2), {}
      assert.is_true(ch:Send("a"))
      assert.is_true(ch:TrySend("b"))
      assert.are.same({ n = 3, nil, "full", "EAGAIN" }, all(ch:TrySend("c")))
      assert.are.equal(2, ch:Len())
      got[1], got[2] = ch:Recv(), ch:TryRecv()
      assert.are.same({ "a", "b" }, got)
      assert.are.same({ n = 3, nil, "empty", "EAGAIN" }, all(ch:TryRecv()))
    end)
  end)

  it("parks the sender while full and resumes it after one recv", function()
    clock.run(function()
      local ch, told = channel.new(1), {}
      ch:Send(1)
      tell(told, ch.Send, ch, 2)
      clock.settle()
      assert.are.same({}, told)
      assert.are.equal(1, ch:Recv())
      clock.settle()
      assert.are.same({ { n = 1, true } }, told)
      assert.are.equal(2, ch:Recv())
    end)
  end)

  it("serves senders and receivers in the order in which they came", function()
    clock.run(function()
      local ch, got = channel.new(1), {}
      for n = 1, 5 do
        spawn(ch.Send, ch, n)
      end
      clock.settle()
      for n = 1, 5 do
        got[n] = ch:Recv()
      end
      assert.are.same({ 1, 2, 3, 4, 5 }, got)
      for n = 1, 5 do
        spawn(function()
          got[n] = n .. "=" .. ch:Recv()
        end)
      end
      clock.settle()
      for n = 1, 5 do
        ch:Send(n)
      end
      clock.settle()
      assert.are.same({ "1=1", "2=2", "3=3", "4=4", "5=5" }, got)
    end)
  end)

  it("keeps nil as a value, in every way that it can go", function()
    clock.run(function()
      local ch, told = channel.new(2), {}
      ch:Send(nil)
      ch:Send(false)
      tell(told, ch.Send, ch, nil)
      clock.settle()
      assert.are.same({ n = 1 }, all(ch:Recv()))
      assert.are.same({ n = 1, false }, all(ch:Recv()))
      assert.are.same({ n = 1 }, all(ch:TryRecv()))
      tell(told, ch.Recv, ch)
      clock.settle()
      ch:Send(nil)
      clock.settle()
      assert.are.same({ { n = 1, true }, { n = 1 } }, told)
    end)
  end)

  it("stays in order and in little room, over many values and depths", function()
    clock.run(function()
      local ch, sent, received = channel.new(math.huge), 0, 0
      for turn = 1, 200 do
        for _ = 1, turn % 50 + 1 do
          sent = sent + 1
          assert(ch:TrySend(sent))
        end
        for _ = 1, math.min(ch:Len() - 1, turn % 47 + 2) do
          received = received + 1
          assert.are.equal(received, ch:TryRecv())
        end
      end
      assert.are.equal(sent - received, ch:Len())
      local highest = 0
      for key in pairs(ch) do
        highest = type(key) == "number" and math.max(highest, key) or highest
      end
      assert.is_true(highest <= 2 * ch:Len() + 200, highest)
    end)
  end)

  it("has room for 1024 without a number, and for all with math.huge", function()
    local ch, endless = channel.new(), channel.new(math.huge)
    for n = 1, 1024 do
      assert(ch:TrySend(n))
      assert(endless:TrySend(n))
    end
    assert.is_nil(ch:TrySend(0))
    assert.is_true(endless:TrySend(0))
  end)
end)

describe("a channel without room", function()
  it("hands over when both are there, whoever came first", function()
    clock.run(function()
      local ch, told = channel.new(0), {}
      tell(told, ch.Send, ch, "a")
      clock.settle()
      assert.are.same({}, told)
      assert.are.equal(1, ch:Len())
      tell(told, ch.Recv, ch)
      clock.settle()
      assert.are.same({ { n = 1, "a" }, { n = 1, true } }, told)
      tell(told, ch.Recv, ch)
      clock.settle()
      assert.is_true(ch:TrySend("b"))
      assert.is_nil((ch:TrySend("c")))
      clock.settle()
      assert.are.same({ n = 1, "b" }, told[3])
    end)
  end)
end)

describe("closing a channel", function()
  it("lets sent values be received, then says closed", function()
    clock.run(function()
      local ch = channel.new(2)
      ch:Send(1)
      ch:Send(nil)
      ch:Close()
      ch:Close()
      assert.is_true(ch:IsClosed())
      assert.are.equal(1, ch:Recv())
      assert.are.same({ n = 1 }, all(ch:Recv()))
      assert.are.same(CLOSED, all(ch:Recv()))
      assert.are.same(CLOSED, all(ch:TryRecv()))
      assert.are.same(CLOSED, all(ch:Send(3)))
      assert.are.same(CLOSED, all(ch:TrySend(3)))
    end)
  end)

  it("wakes everyone who waits, and takes nothing from the senders", function()
    clock.run(function()
      local empty, full, told = channel.new(1), channel.new(1), {}
      full:Send("kept")
      for _ = 1, 2 do
        tell(told, empty.Recv, empty)
        tell(told, full.Send, full, "lost")
      end
      clock.settle()
      empty:Close()
      full:Close()
      clock.settle()
      assert.are.same({ CLOSED, CLOSED, CLOSED, CLOSED }, told)
      assert.are.equal("kept", full:Recv())
      assert.are.same(CLOSED, all(full:Recv()))
    end)
  end)
end)

describe("a wait at a channel", function()
  it("ends in time, and is forgotten", function()
    clock.run(function()
      local ch, told = channel.new(0), {}
      tell(told, ch.Recv, ch, 10)
      tell(told, ch.Recv, ch, 0)
      clock.advance(9)
      assert.are.same({ LATE }, told)
      clock.advance(1)
      assert.are.same({ LATE, LATE }, told)
      tell(told, ch.Send, ch, "x", 10)
      clock.advance(10)
      assert.are.same(LATE, told[3])
      assert.is_nil((ch:TryRecv()))
      assert.are.equal(0, ch.receivers.count + ch.senders.count)
    end)
  end)

  it("loses no value when its task is cancelled: others get it", function()
    clock.run(function()
      local ch, got = channel.new(0), {}
      local first = spawn(ch.Recv, ch)
      spawn(function()
        got[1] = ch:Recv()
      end)
      clock.settle()
      first:Cancel()
      ch:TrySend("x")
      clock.settle()
      assert.are.same({ "x" }, got)
    end)
  end)

  it("delivers a value that came before the cancellation", function()
    clock.run(function()
      local ch, got = channel.new(0), {}
      local task = spawn(function()
        got[1] = ch:Recv()
        sched.sleep(10)
        got[2] = "never"
      end)
      clock.settle()
      assert.is_true(ch:TrySend("x"))
      task:Cancel()
      clock.settle()
      assert.are.same({ "x" }, got)
      assert.is_true(task:IsDone())
    end)
  end)

  it("takes back the offer of a sender that is cancelled", function()
    clock.run(function()
      local ch = channel.new(1)
      ch:Send("a")
      local sender = spawn(ch.Send, ch, "b")
      spawn(ch.Send, ch, "c")
      clock.settle()
      sender:Cancel()
      clock.settle()
      assert.are.equal("a", ch:Recv())
      assert.are.equal("c", ch:Recv())
      clock.settle()
      assert.are.equal("ECANCELED", (select(3, sender:Join())))
    end)
  end)

  it("is for tasks alone", function()
    clock.run(function()
      local ch = channel.new(0)
      local fine, why = pcall(function()
        ch:Recv()
      end)
      assert.is_false(fine)
      assert.matches("co_channel_spec.lua:%d+: this call waits", why)
    end)
  end)
end)

describe("iterating over a channel", function()
  local parks = not rawget(_G, "setfenv") or rawget(_G, "jit")
  local it_parks = parks and it or pending

  it("numbers the values, so that nil is one, until closed and empty", function()
    clock.run(function()
      local ch, got = channel.new(3), {}
      ch:Send("a")
      ch:Send(nil)
      ch:Send("c")
      ch:Close()
      for n, value in ch:Values() do
        got[#got + 1] = n .. tostring(value)
      end
      assert.are.same({ "1a", "2nil", "3c" }, got)
    end)
  end)

  it_parks("parks for the next value (not on Lua 5.1: iterators cannot yield there)", function()
    clock.run(function()
      local ch, got = channel.new(0), {}
      spawn(function()
        for _, value in ch:Values() do
          got[#got + 1] = value
        end
        got[#got + 1] = "end"
      end)
      spawn(function()
        ch:Send(1)
        sched.sleep(10)
        ch:Send(2)
        ch:Close()
      end)
      clock.advance(10)
      assert.are.same({ 1, 2, "end" }, got)
    end)
  end)
end)
