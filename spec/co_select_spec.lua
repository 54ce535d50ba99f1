--- Waiting for the first of several things, on a clock that is moved by hand.
local channel = require("chuck.co.channel")
local compat = require("chuck.support.compat")
local future = require("chuck.co.future")
local sched = require("chuck.co.sched")
local select_from = require("chuck.co.select")

local clock = require("spec.helper.clock")

local spawn = sched.spawn

--- What a selection in a task of its own has answered, once it has: in `told`.
local function selecting(...)
  local told = {}
  local task = spawn(function(...)
    told.answer = compat.pack(select_from(...))
  end, ...)
  return told, task
end

--- Nobody waits at any of these channels.
local function are_left(...)
  for _, ch in ipairs({ ... }) do
    assert.are.equal(0, ch.receivers.count + ch.senders.count)
  end
end

describe("select", function()
  it("takes what is there at once, without a task", function()
    local a, b = channel.new(1), channel.new(1)
    b:Send("x")
    assert.are.same({ 2, "x" }, { select_from({ a, b }) })
    assert.are.same({ 1, true }, { select_from({ { send = a, value = "y" }, b }) })
    assert.are.equal("y", a:Recv())
  end)

  it("waits for whichever comes first, and is forgotten by the others", function()
    clock.run(function()
      local a, b, c = channel.new(0), channel.new(0), channel.new(0)
      local told = selecting({ a, b, { send = c, value = 1 } })
      clock.settle()
      assert.is_nil(told.answer)
      assert.is_true(b:TrySend("x"))
      assert.is_nil((a:TrySend("y")))
      assert.is_nil((c:TryRecv()))
      clock.settle()
      assert.are.same({ n = 2, 2, "x" }, told.answer)
      are_left(a, b, c)
    end)
  end)

  it("sends when somebody receives, and not otherwise", function()
    clock.run(function()
      local a, b = channel.new(0), channel.new(0)
      local told = selecting({ a, { send = b, value = nil } })
      clock.settle()
      local outcome = compat.pack(b:TryRecv())
      assert.are.same({ n = 1 }, outcome)
      clock.settle()
      assert.are.same({ n = 2, 2, true }, told.answer)
      are_left(a, b)
    end)
  end)

  it("answers what closing means to each case", function()
    clock.run(function()
      local a, b = channel.new(0), channel.new(0)
      local receiving, sending = selecting({ a }), selecting({ { send = b, value = 1 } })
      clock.settle()
      a:Close()
      b:Close()
      clock.settle()
      local closed = { n = 4, 1, nil, "closed", "EPIPE" }
      assert.are.same(closed, receiving.answer)
      assert.are.same(closed, sending.answer)
      assert.are.same(closed, compat.pack(select_from({ a })))
      assert.are.same(closed, compat.pack(select_from({ { send = a, value = 1 } })))
    end)
  end)

  it("joins tasks and gets futures", function()
    clock.run(function()
      local task = spawn(function()
        sched.sleep(10)
        return "slept", nil
      end)
      local answer = future.new()
      local joined, got = selecting({ task }), selecting({ channel.new(0), answer })
      clock.advance(10)
      answer:Set(nil, 2)
      clock.settle()
      assert.are.same({ n = 3, 1, "slept" }, joined.answer)
      assert.are.same({ n = 3, 2, nil, 2 }, got.answer)
      assert.are.same({ n = 3, 1, "slept" }, compat.pack(select_from({ task })))
    end)
  end)

  it("waits for the soonest time, and turns its timer off when something comes before", function()
    clock.run(function()
      local a = channel.new(0)
      local told = selecting({ a, { after_ms = 20 }, { after_ms = 10 } })
      clock.advance(10)
      assert.are.same({ n = 1, 3 }, told.answer)
      told = selecting({ { after_ms = 20 }, a })
      clock.settle()
      a:TrySend("x")
      clock.settle()
      assert.are.same({ n = 2, 2, "x" }, told.answer)
      assert.are.equal(0, clock.timers())
    end)
  end)

  it("gives up after its timeout", function()
    clock.run(function()
      local a = channel.new(0)
      local late = { n = 3, nil, "timeout", "ETIMEDOUT" }
      local told, empty = selecting({ a, { after_ms = 20 } }, 10), selecting({}, 10)
      assert.are.same(late, compat.pack(select_from({ a }, 0)))
      clock.advance(10)
      assert.are.same(late, told.answer)
      assert.are.same(late, empty.answer)
      are_left(a)
    end)
  end)

  it("prefers whatever is there to a time that has passed", function()
    local a = channel.new(1)
    assert.are.same({ 1 }, { select_from({ { after_ms = 0 }, a }) })
    a:Send("x")
    assert.are.same({ 2, "x" }, { select_from({ { after_ms = 0 }, a }) })
  end)

  it("starves no case: of three that are always ready each is chosen once in three", function()
    local a, b, c = channel.new(100), channel.new(100), channel.new(100)
    for n = 1, 100 do
      a:Send(n)
      b:Send(n)
      c:Send(n)
    end
    for _ = 1, 30 do
      local chosen = {}
      for _ = 1, 3 do
        chosen[select_from({ a, b, c })] = true
      end
      assert.are.same({ true, true, true }, chosen)
    end
    local closed, count = channel.new(), 0
    closed:Close()
    for _ = 1, 10 do
      count = count + (select_from({ closed, b }) == 2 and 1 or 0)
    end
    assert.are.equal(5, count)
  end)

  it("takes one value only, when the same channel stands in it twice", function()
    clock.run(function()
      local a = channel.new(0)
      local told = selecting({ a, a, { send = a, value = "own" } })
      clock.settle()
      assert.is_true(a:TrySend("x"))
      assert.is_nil((a:TrySend("y")))
      clock.settle()
      assert.are.same({ n = 2, 1, "x" }, told.answer)
      are_left(a)
      local task = spawn(sched.sleep, 10)
      told = selecting({ task, task })
      clock.advance(10)
      assert.are.same({ n = 1, 1 }, told.answer)
      told = selecting({ a, a })
      clock.settle()
      a:Close()
      clock.settle()
      assert.are.same({ n = 4, 1, nil, "closed", "EPIPE" }, told.answer)
    end)
  end)

  it("meets another selection, whichever of them came first", function()
    clock.run(function()
      local a, b = channel.new(0), channel.new(0)
      local left = selecting({ a, { send = b, value = "to b" } })
      local right = selecting({ b, { send = a, value = "to a" } })
      clock.settle()
      local got_b = right.answer[1] == 1
      assert.are.same(got_b and { n = 2, 2, true } or { n = 2, 1, "to a" }, left.answer)
      assert.are.same(got_b and { n = 2, 1, "to b" } or { n = 2, 2, true }, right.answer)
      are_left(a, b)
    end)
  end)

  it("is forgotten by every case when its task is cancelled", function()
    clock.run(function()
      local a, b, answer = channel.new(0), channel.new(0), future.new()
      local told, task = selecting({ a, { send = b, value = 1 }, answer, { after_ms = 10 } })
      clock.settle()
      assert.is_true(task:Cancel())
      clock.settle()
      are_left(a, b)
      assert.are.equal(0, answer.list.count)
      assert.are.equal(0, clock.timers())
      assert.is_nil(told.answer)
      assert.is_nil((b:TryRecv()))
    end)
  end)

  it("delivers what came before its task was cancelled", function()
    clock.run(function()
      local a = channel.new(0)
      local told, task = selecting({ a })
      clock.settle()
      assert.is_true(a:TrySend("x"))
      task:Cancel()
      clock.settle()
      assert.are.same({ n = 2, 1, "x" }, told.answer)
    end)
  end)

  it("keeps to the cases that it has begun with", function()
    clock.run(function()
      local a, b = channel.new(0), channel.new(0)
      local cases = { a, { send = b, value = "first" } }
      local answer
      sched.spawn(function()
        answer = compat.pack(select_from(cases))
      end)
      clock.settle()
      cases[1], cases[2].send, cases[2].value, cases[2] = nil, a, "second", nil
      assert.are.equal("first", (b:TryRecv()))
      clock.settle()
      assert.are.same({ n = 2, 2, true }, answer)
    end)
  end)

  it("blames the caller's line for cases that are none", function()
    local function problem_of(...)
      local arguments = compat.pack(...)
      local _, why = pcall(function()
        return 1, select_from(compat.unpack(arguments, 1, arguments.n))
      end)
      assert.matches("^%S*co_select_spec.lua:%d+: ", why)
      return why
    end
    assert.matches("table expected, got nil", problem_of(nil))
    assert.matches("no case, and no time", problem_of({}))
    local wrongs = { 1, "x", {}, { send = 1 }, { after_ms = "x" }, { after_ms = 0 / 0 } }
    for _, wrong in ipairs(wrongs) do
      assert.matches("case 2 is nothing to wait for", problem_of({ channel.new(0), wrong }))
    end
    assert.matches("milliseconds expected, got table", problem_of({ channel.new(0) }, {}))
    assert.matches("milliseconds expected, got %-1", problem_of({ channel.new(0) }, -1))
  end)
end)
