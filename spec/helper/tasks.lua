--- Specs whose bodies are tasks, on real sockets.
---
---     it("gives a line", tasks.spec(function()
---       local near, far = tasks.pair()
---       near:Write("hello\n")
---       assert.are.equal("hello", far:ReadLine())
---     end))
---
--- Whatever `own` was told of is closed at the end; then nothing may be left that keeps `co.run`
--- alive, and no descriptor.
local assert = require("luassert")
local chuck = require("chuck")
local net = require("spec.helper.net")
local sched = require("chuck.co.sched")

local co, io = chuck.co, chuck.io

local tasks = {}

--- No spec takes longer, in milliseconds; under an eager collector or valgrind all takes its time.
tasks.DEADLINE = (os.getenv("CHUCK_GC") or os.getenv("CHUCK_SLOW")) and 120000 or 20000

local owned = {}

--- Closes `object` when the spec has ended.
function tasks.own(object)
  owned[#owned + 1] = object
  return object
end

local function close_owned()
  for _, object in ipairs(owned) do
    object:Close(0)
  end
  owned = {}
end

--- Errors of tasks that nobody asked for are told only when the spec fails: some provoke them.
local function keep_errors()
  local told = {}
  co.on_error(function(problem, traceback)
    told[#told + 1] = tostring(problem) .. "\n" .. traceback
  end)
  return told
end

--- Runs `body` in a task, and raises what it raises.
function tasks.run(body)
  collectgarbage()
  collectgarbage()
  local descriptors = net.descriptors()
  local fine, problem = false, "the body did not end"
  local told = keep_errors()
  local engine
  co.run(function()
    engine = sched.engine()
    fine, problem = co.pcall(co.scope, function()
      local inner, why = co.pcall(body)
      close_owned()
      if not inner then
        error(why, 0)
      end
      return "ended"
    end, { deadline_ms = tasks.DEADLINE })
    close_owned()
  end)
  engine:Close()
  co.on_error(nil)
  if not fine and #told > 0 then
    print("errors that nobody asked for:\n" .. table.concat(told, "\n"))
  end
  if not fine then
    error(problem, 0)
  end
  assert(problem == "ended", "the spec took too long, or something that it has begun did")
  collectgarbage()
  collectgarbage()
  local left = net.descriptors()
  local message = ("%d descriptors are left, before it were %d"):format(left, descriptors)
  assert(left <= descriptors, message)
end

--- A body for `it`.
function tasks.spec(body)
  return function()
    tasks.run(body)
  end
end

--- Waits until `done()`; fails when it never is.
function tasks.wait(what, done)
  local give_up = sched.now() + tasks.DEADLINE / 2
  while not done() do
    if sched.now() > give_up then
      error("waited in vain for " .. what, 2)
    end
    co.sleep(1)
  end
end

--- Two connections over loopback that are in no engine.
function tasks.connections(decoder, recvbuf)
  local accepted, connected
  local options = { decoder = decoder, recvbuf = recvbuf }
  local listener = assert(chuck.listen(sched.engine(), "127.0.0.1:0", function(conn)
    accepted = conn
  end, options))
  chuck.dial(sched.engine(), listener:GetSockAddr(), 5000, function(conn, message)
    connected = assert(conn, message)
  end, options)
  tasks.wait("a connection", function()
    return accepted and connected
  end)
  listener:Close()
  return connected, accepted
end

--- Two streams that are connected over loopback.
function tasks.pair(options, decoder)
  local near, far = tasks.connections(decoder)
  near, far = assert(io.stream(near, options)), assert(io.stream(far, options))
  return tasks.own(near), tasks.own(far)
end

--- A connection without a task, which does what it is told, and the stream at its other end.
--- `peer.text` is what it has received, `peer.code` how it was ended.
function tasks.peer(options)
  local conn, other = tasks.connections()
  local peer = { conn = tasks.own(conn), text = "", code = nil }
  conn:SetHalfOpen(true)
  conn:Add2Engine(sched.engine(), function(_, packet, code)
    if packet then
      peer.text = peer.text .. packet:ReadBin()
    else
      peer.code = code
    end
  end)
  function peer.send(text)
    assert.are.equal(0, conn:Send(net.raw(text)))
  end
  return peer, tasks.own(assert(io.stream(other, options)))
end

--- The outcome of a call in a task that is parked when this returns; `outcome.done` once it has
--- ended.
function tasks.parked(fn, ...)
  local outcome = { done = false }
  outcome.task = co.spawn(function(...)
    local function finish(...)
      outcome.n, outcome.done = select("#", ...), true
      outcome[1], outcome[2], outcome[3], outcome[4] = ...
    end
    outcome.began = true
    finish(fn(...))
  end, ...)
  tasks.wait("the task to begin", function()
    return outcome.began
  end)
  co.sleep(2)
  assert(not outcome.done, "the call has not parked")
  return outcome
end

--- Waits for the end of what `parked` has begun.
function tasks.finished(outcome)
  tasks.wait("the call to end", function()
    return outcome.done
  end)
  return outcome
end

return tasks
