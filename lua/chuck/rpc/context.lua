--- What a service knows of the call that it answers, and hands on to the calls that it makes
--- itself: when it has to be done, its trace, who has called.
---
--- They are task-local values, so that the tasks which a service starts have them as well.

local frame = require("chuck.co.frame")
local limits = require("chuck.rpc.limits")
local locals = require("chuck.co.locals")
local native = require("chuck.native")
local sched = require("chuck.co.sched")

local context = {}

--- Keys of task-local values.
local PEER, ID, DEADLINE, TRACE = "rpc.peer", "rpc.id", "rpc.deadline", "rpc.trace"

local current = sched.current

--- The time that is left for what the current task does, in milliseconds, or nil when there is no
--- limit; its trace, or nil.
function context.outgoing()
  local task = current()
  if not task then
    return nil, nil
  end
  local values = task.locals
  local deadline = frame.deadline()
  local trace = nil
  if values then
    trace = values[TRACE]
    local mine = values[DEADLINE]
    if mine and (not deadline or mine < deadline) then
      deadline = mine
    end
  end
  return deadline and deadline - sched.now(), trace
end

--- The task-local values of a task that answers a call. The same table is what the peer knows of
--- the call: its task, once there is one, and its stream, if it is one.
function context.of_call(peer, id, name, deadline, trace)
  return {
    task = false,
    flow = false,
    name = name,
    ["rpc.peer"] = peer,
    ["rpc.id"] = id,
    ["rpc.deadline"] = deadline,
    ["rpc.trace"] = trace,
  }
end

--- The id of the call that a task answers, or nil, and when it has to be done.
function context.call_of(task)
  local values = task.locals
  if values then
    return values[ID], values[DEADLINE]
  end
end

--- The peer that has called the service which runs now; nil outside of services.
function context.caller()
  local task = current()
  return task and task.locals and task.locals[PEER] or nil
end

--- The `traceparent` of what the current task does, or nil.
function context.traceparent()
  local task = current()
  return task and task.locals and task.locals[TRACE] or nil
end

--- Whether a text may travel as a `traceparent`: version, trace, parent, flags, as W3C has it, and
--- what later versions add.
function context.is_trace(text)
  if type(text) ~= "string" or #text > limits.trace then
    return false
  end
  local version, trace, parent, rest = text:match("^(%x%x)%-(%x+)%-(%x+)%-%x%x(.*)$")
  return version ~= nil
    and version ~= "ff"
    and #trace == 32
    and #parent == 16
    and trace:find("[^0]") ~= nil
    and parent:find("[^0]") ~= nil
    and not text:find("%u")
    and (rest == "" or (version ~= "00" and rest:sub(1, 1) == "-"))
end

--- A trace that a peer has sent: nil for one that has not the form, as W3C wants it ignored.
function context.sound(text)
  return context.is_trace(text) and text or nil
end

--- Gives what the current task does from now on a `traceparent`; nil takes it away.
function context.set_traceparent(text)
  if text ~= nil and not context.is_trace(text) then
    error("bad argument #1 to 'set_traceparent' (no traceparent as W3C has it)", 2)
  end
  locals.set(TRACE, text)
end

--- Counts the traces that were made here.
local made = 0

local function random_hex(digits)
  local parts = {}
  for i = 1, digits / 4 do
    parts[i] = ("%04x"):format(math.random(0, 0xffff))
  end
  return table.concat(parts)
end

--- A new `traceparent`: of a new trace, or with a new parent in the trace of `text`.
function context.new_traceparent(text)
  if text ~= nil and not context.is_trace(text) then
    error("bad argument #1 to 'new_traceparent' (no traceparent as W3C has it)", 2)
  end
  made = made + 1
  -- Not only by chance, since programs may seed alike: also by the time and a count.
  local stamp = ("%08x%08x"):format(native.systick() % 2 ^ 32, made % 2 ^ 32)
  local trace = text and text:sub(4, 35) or stamp .. random_hex(16)
  local parent = random_hex(8) .. ("%08x"):format((made * 2654435761 + 1) % 2 ^ 32)
  return ("00-%s-%s-01"):format(trace, parent)
end

return context
