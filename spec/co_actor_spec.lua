--- Actors, on a clock that is moved by hand.
local actor = require("chuck.co.actor")
local compat = require("chuck.support.compat")
local sched = require("chuck.co.sched")
local scope = require("chuck.co.scope")
local select_from = require("chuck.co.select")

local clock = require("spec.helper.clock")

local spawn = sched.spawn

--- An actor's function that lists what it is told, and answers what can be answered.
local function listing(told)
  return function(self)
    while true do
      local message, reply = self:Recv()
      if reply == "closed" then
        return "stopped", nil
      elseif reply then
        reply:Set(message, self:Name())
      end
      told[#told + 1] = message
    end
  end
end

describe("an actor", function()
  it("gets its messages in order, by its name, until it is stopped", function()
    clock.run(function()
      local told = {}
      local ann = assert(actor.spawn("ann", listing(told)))
      assert.are.equal(ann, actor.find("ann"))
      assert.are.equal("ann", ann:Name())
      ann:Send(1)
      actor.find("ann"):Send(2)
      ann:TrySend(3)
      ann:Stop()
      assert.are.equal("EPIPE", (select(3, ann:Send(4))))
      assert.are.equal("EPIPE", (select(3, ann:TrySend(4))))
      clock.settle()
      assert.are.same({ 1, 2, 3 }, told)
      assert.is_true(ann:IsDone())
      assert.is_nil(actor.find("ann"))
      assert.are.same({ n = 2, "stopped" }, compat.pack(ann:Join()))
    end)
  end)

  it("has its name alone, and frees it however it ends", function()
    clock.run(function()
      local first = assert(actor.spawn("ann", listing({})))
      local second, why, code = actor.spawn("ann", listing({}))
      assert.are.same({ nil, "there is an actor ann already", "EEXIST" }, { second, why, code })
      assert.are.equal(first, actor.find("ann"))
      -- Cancelled before it has begun, while it waits, and by its own error.
      first:Cancel()
      clock.settle()
      assert.is_nil(actor.find("ann"))
      local third = assert(actor.spawn("ann", listing({})))
      clock.settle()
      third:Cancel()
      clock.settle()
      assert.is_nil(actor.find("ann"))
      actor.spawn("ann", error)
      clock.settle()
      assert.is_nil(actor.find("ann"))
      assert.are.equal(1, #clock.take_errors())
    end)
  end)

  it("bounds its mailbox: who sends parks, or is refused", function()
    clock.run(function()
      local bob = actor.spawn("bob", function(self)
        sched.sleep(10)
        return self:Recv(), self:Recv()
      end, { mailbox = 1 })
      local sent, late
      bob:Send("a")
      assert.are.equal("EAGAIN", (select(3, bob:TrySend("b"))))
      spawn(function()
        late = compat.pack(bob:Send("late", 5))
        sent = bob:Send("b")
      end)
      clock.advance(10)
      assert.are.same({ n = 3, nil, "timeout", "ETIMEDOUT" }, late)
      assert.is_true(sent)
      assert.are.same({ "a", "b" }, { bob:Join() })
    end)
  end)

  it("answers calls, with nils and all", function()
    clock.run(function()
      local told = {}
      local ann = actor.spawn("ann", listing(told))
      clock.play(function()
        assert.are.same({ n = 2, "hello", "ann" }, compat.pack(ann:Call("hello")))
        assert.are.same({ n = 2, nil, "ann" }, compat.pack(ann:Call(nil, 10)))
      end)
      ann:Cancel()
    end)
  end)

  it("lets no call hang: late, actor ended, actor cancelled, actor failed", function()
    clock.run(function()
      local function silent(self)
        while true do
          local message = self:Recv()
          if message == "fail" then
            error("it fails", 0)
          elseif message == "end" then
            return
          end
        end
      end
      local function call(message, timeout_ms, options)
        local told
        local sue = actor.spawn("sue", silent, options)
        spawn(function()
          told = compat.pack(sue:Call("question", timeout_ms))
        end)
        spawn(function()
          told = compat.pack(sue:Call(message, timeout_ms))
        end)
        clock.settle()
        return sue, function()
          return told[3]
        end
      end
      local sue, code = call("x", 10)
      clock.advance(10)
      assert.are.equal("ETIMEDOUT", code())
      sue:Cancel()
      clock.settle()
      sue, code = call("x")
      sue:Cancel()
      clock.settle()
      assert.are.equal("EPIPE", code())
      sue, code = call("end")
      assert.are.equal("EPIPE", code())
      assert.is_true(sue:IsDone())
      code = select(2, call("fail"))
      assert.are.equal("EPIPE", code())
      assert.are.equal(1, #clock.take_errors())
      local failures = 0
      sue, code = call("fail", nil, {
        restarts = 1,
        on_failure = function()
          failures = failures + 1
        end,
      })
      assert.are.equal("EFAULT", code())
      clock.advance(100)
      assert.are.same({ 1, 1 }, { failures, sue:Restarts() })
      sue:Cancel()
    end)
  end)

  it("sees whether the caller has gone, and forgets it", function()
    clock.run(function()
      local gone
      local ann = actor.spawn("ann", function(self)
        local _, reply = self:Recv()
        sched.sleep(20)
        gone = reply:IsDone() and not reply:Set("too late")
        assert.are.equal(0, self.calls.count)
      end)
      local task = spawn(ann.Call, ann, "x")
      clock.advance(10)
      task:Cancel()
      clock.advance(10)
      assert.is_true(gone)
    end)
  end)

  it("cannot call itself", function()
    clock.run(function()
      local why
      actor.spawn("ann", function(self)
        why = select(
          2,
          sched.pcall(function()
            self:Call("x")
          end)
        )
      end)
      clock.settle()
      assert.matches("^%S*co_actor_spec.lua:%d+: an actor cannot wait for its own answer", why)
    end)
  end)

  it("cannot ask itself in any of its lives", function()
    clock.run(function()
      local ann = actor.spawn("ann", function(self)
        if self:Restarts() == 0 then
          error("once", 0)
        end
        return sched.pcall(self.Call, self, "me")
      end, { restarts = 1, backoff_ms = 1, on_failure = function() end })
      clock.advance(1)
      local fine, why = clock.play(ann.Join, ann)
      assert.is_false(fine)
      assert.matches("an actor cannot wait for its own answer", why)
    end)
  end)

  it("can be one case of a selection", function()
    clock.run(function()
      local ann = actor.spawn("ann", function(self)
        local got = compat.pack(select_from({ self, { after_ms = 10 } }))
        local which, message, reply = select_from({ self })
        reply:Set(which, message)
        return compat.unpack(got, 1, got.n)
      end)
      clock.settle()
      ann:Send("x")
      clock.settle()
      assert.are.same({ 1, "y" }, { clock.play(ann.Call, ann, "y") })
      assert.are.same({ 1, "x" }, { ann:Join() })
    end)
  end)
end)

describe("a broadcast", function()
  it("reaches every actor but those that are left out, and does not wait", function()
    clock.run(function()
      local told = {}
      for _, name in ipairs({ "a", "b", "c" }) do
        actor.spawn(name, function(self)
          local message = self:Recv()
          told[#told + 1] = name .. message
        end)
      end
      actor.spawn("full", function(self)
        sched.sleep(10)
        self:Recv()
      end, { mailbox = 1 })
      actor.find("full"):Send(0)
      local reached, missed = actor.broadcast(1, { "b", "nobody" })
      assert.are.same({ 2, 1 }, { reached, missed })
      clock.settle()
      assert.are.same({ "a1", "c1" }, told)
      assert.are.equal(1, (actor.broadcast(2)))
      clock.advance(10)
    end)
  end)
end)

describe("a supervised actor", function()
  --- An actor that fails with each message, and what was told of it.
  local function failing(options)
    local failures = {}
    options.on_failure = function(self, problem, traceback)
      assert.are.equal("ann", self:Name())
      assert.matches("co_actor_spec.lua", traceback)
      failures[#failures + 1] = problem .. "@" .. clock.now()
    end
    local ann = actor.spawn("ann", function(self)
      while true do
        local message, why = self:Recv()
        if why then
          return "ended"
        elseif message then
          error(message, 0)
        end
      end
    end, options)
    return ann, failures
  end

  it("is started again, later each time, and keeps its mailbox", function()
    clock.run(function()
      local ann, failures = failing({ restarts = 3, backoff_ms = 10 })
      for n = 1, 3 do
        ann:Send("e" .. n)
      end
      clock.advance(9)
      assert.are.same({ "e1@0" }, failures)
      clock.advance(1000)
      assert.are.same({ "e1@0", "e2@10", "e3@30" }, failures)
      assert.are.equal(3, ann:Restarts())
      ann:Stop()
      clock.settle()
      assert.are.equal("ended", ann:Join())
    end)
  end)

  it("waits no longer than the longest wait, and forgets failures of long ago", function()
    clock.run(function()
      local options = { restarts = 5, backoff_ms = 10, backoff_max_ms = 15, within_ms = 100 }
      local ann, failures = failing(options)
      for n = 1, 3 do
        ann:Send("e" .. n)
      end
      clock.advance(200)
      ann:Send("e4")
      ann:Send("e5")
      clock.advance(200)
      assert.are.same({ "e1@0", "e2@10", "e3@25", "e4@200", "e5@210" }, failures)
      ann:Cancel()
    end)
  end)

  it("fails for good when it fails too often in a time", function()
    clock.run(function()
      local ann, failures = failing({ restarts = 2, within_ms = 1000, backoff_ms = 1 })
      for n = 1, 4 do
        ann:Send("e" .. n)
      end
      clock.advance(100)
      assert.are.same({ "e1@0", "e2@1" }, failures)
      assert.is_true(ann:IsDone())
      assert.is_nil(actor.find("ann"))
      local errors = clock.take_errors()
      assert.are.equal(1, #errors)
      local text = "^actor ann has failed 3 times in 1000 ms, last by: e3\n"
      assert.matches(text, errors[1].error)
      assert.are.equal("EFAULT", (select(3, ann:Join())))
    end)
  end)

  it("hands its last error to its scope", function()
    clock.run(function()
      local fine, why = pcall(clock.play, function()
        scope.open(function()
          local ann = failing({ restarts = 1, backoff_ms = 1 })
          ann:Send("e1")
          ann:Send("e2")
          sched.sleep(1000)
        end)
      end)
      assert.is_false(fine)
      assert.matches("last by: e2", why)
      assert.is_nil(actor.find("ann"))
    end)
  end)

  it("ends the tasks that it has started, before it is started again", function()
    clock.run(function()
      local alive, most = 0, 0
      local ann = actor.spawn("ann", function(self)
        spawn(function()
          alive = alive + 1
          most = math.max(most, alive)
          local _, problem = sched.pcall(sched.sleep, 1000)
          alive = alive - 1
          error(problem, 0)
        end)
        self:Recv()
        error("e", 0)
      end, { restarts = 3, backoff_ms = 10, on_failure = function() end })
      for _ = 1, 3 do
        ann:Send(1)
      end
      clock.advance(100)
      assert.are.same({ 1, 1 }, { alive, most })
      ann:Cancel()
      clock.settle()
      assert.are.equal(0, alive)
    end)
  end)

  it("can be cancelled while it works, and while it waits to be started again", function()
    clock.run(function()
      for _, pause in ipairs({ 0, 5 }) do
        local ann = failing({ restarts = 3, backoff_ms = 10 })
        clock.settle()
        if pause > 0 then
          ann:Send("e")
          clock.advance(pause)
        end
        assert.is_true(ann:Cancel("enough"))
        clock.settle()
        assert.is_true(ann:IsDone())
        assert.are.same(
          { n = 3, nil, "enough", "ECANCELED" },
          (function()
            local outcome = compat.pack(ann:Join())
            return { n = 3, outcome[1], outcome[2], outcome[3] }
          end)()
        )
        assert.is_nil(actor.find("ann"))
        assert.is_false(ann:Cancel())
      end
    end)
  end)

  it("is not started again once it was stopped", function()
    clock.run(function()
      local ann, failures = failing({ restarts = 3, backoff_ms = 10 })
      ann:Send("e")
      ann:Stop()
      clock.advance(10)
      assert.are.same({}, failures)
      assert.is_true(ann:IsDone())
      assert.are.equal(1, #clock.take_errors())
    end)
  end)
end)

it("actors blame the caller's line for wrong arguments", function()
  clock.run(function()
    local ann = actor.spawn("ann", function() end)
    for _, wrong in ipairs({
      function()
        return 1, actor.spawn(nil, print)
      end,
      function()
        return 1, actor.spawn("x")
      end,
      function()
        return 1, actor.spawn("x", print, { restarts = -1 })
      end,
      function()
        return 1, actor.find(1)
      end,
      function()
        return 1, actor.broadcast(1, "x")
      end,
      function()
        ann:Send(1, "x")
      end,
      function()
        ann:Call(1)
      end,
      function()
        ann:Recv({})
      end,
      function()
        ann.Recv()
      end,
    }) do
      local fine, why = pcall(wrong)
      assert.is_false(fine)
      assert.matches("^%S*co_actor_spec.lua:%d+: ", why)
    end
    clock.settle()
  end)
end)
