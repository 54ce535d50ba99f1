--- The side of a peer that calls.
---
--- A call that waits is an entry `id -> task` and the task's park: no object, no timer. All default
--- timeouts are equal, so calls run late in the order of their ids, and one timer per peer looks
--- from time to time up to which id time has passed.

local check = require("chuck.support.check")
local compat = require("chuck.support.compat")
local context = require("chuck.rpc.context")
local link = require("chuck.rpc.link")
local limits = require("chuck.rpc.limits")
local sched = require("chuck.co.sched")
local errors = require("chuck.rpc.errors")
local wire = require("chuck.rpc.wire")

local pack, unpack = compat.pack, compat.unpack
local parking, park, wake, TIMEOUT = sched.parking, sched.park, sched.wake, sched.TIMEOUT
local outgoing = context.outgoing
local raise = errors.raise

local KIND = wire.KIND
local CALL, NOTIFY, CANCEL = KIND.CALL, KIND.NOTIFY, KIND.CANCEL

--- Values in front of the arguments of a call.
local HEAD = 4

--- What a caller is woken with beside a number of results: results in a table; a message and a
--- code.
local MANY, FAILED = -1, -2

local caller = {}

local OPTIONS = { timeout_ms = "milliseconds", idempotent = "boolean" }

--- Takes a call off the list; who has waited for it.
local function forget(self, id)
  local entry = self.calls[id]
  if entry then
    self.calls[id] = nil
    self.id_of[entry] = nil
    self.in_flight = self.in_flight - 1
    if self.timed[id] then
      self.timed[id] = nil
    end
  end
  return entry
end

--- Takes the call of a task off, which has given up: the other side may stop.
local function leave(waiting, task)
  local self = waiting.peer
  local id = self.id_of[task]
  if id then
    forget(self, id)
    link.say(self, CANCEL, id)
  end
end

--- What a peer needs in order to call.
function caller.set_up(self)
  --- The id given last, and who waits for which: a task, or a function to be called.
  self.last_id = 0
  self.calls = {}
  self.id_of = {}
  self.in_flight = 0
  --- Calls with a timeout of their own.
  self.timed = {}
  --- Calls up to this id were looked at; ids and when they were the last, oldest first.
  self.looked = 0
  self.marks = {}
  self.sweeping = false
  --- Answers to calls that nobody waits for any more.
  self.strays = 0
  --- The task whose call has failed last, and the one whose call was not even sent; whether nothing
  --- can be sent any more.
  self.failed = false
  self.unsent = false
  self.is_mute = false
  self.waiting = { peer = self, Leave = leave, what = "answer of " .. self.name }
end

local Peer = {}

--- Tells one who waits what has become of the call.
local function conclude(self, entry, n, a, b)
  if type(entry) == "function" then
    sched.start(self.callbacks, entry, n, a, b)
  else
    wake(entry, n, a, b)
  end
end

local sweep

local function watch(self)
  if not self.sweeping and not self.ended then
    self.sweeping = sched.timer(math.max(1, self.config.timeout_ms * limits.late), function()
      self.sweeping = false
      sweep(self)
    end)
  end
end

--- Ends the calls with the default timeout up to `last`.
local function expire(self, last)
  for id = self.looked + 1, last do
    if self.calls[id] and not self.timed[id] then
      local entry = forget(self, id)
      link.say(self, CANCEL, id)
      conclude(self, entry, FAILED, false, "ETIMEDOUT")
    end
  end
  self.looked = math.max(self.looked, last)
end

function sweep(self)
  local marks, now = self.marks, sched.now()
  if self.in_flight == 0 then
    self.marks, self.looked = {}, self.last_id
    return
  end
  while marks[1] and marks[1].time + self.config.timeout_ms <= now do
    expire(self, table.remove(marks, 1).id)
  end
  marks[#marks + 1] = { time = now, id = self.last_id }
  watch(self)
end

--- Sends the head of a call: its id; or nil, message, code; or false, message, n when argument `n`
--- behind the name cannot be sent.
local function begin(self, kind, name, timeout_ms, ...)
  local ended = self.ended
  if ended then
    return nil, ended.message, ended.code
  elseif self.in_flight >= self.most_calls then
    local text = "%s: %d calls are under way to %s"
    return nil, text:format(name, self.in_flight, self.name), "EBUSY"
  end
  local left, trace = outgoing()
  if left and left < timeout_ms then
    if left <= 0 then
      return nil, name .. ": no time is left for this call", "ETIMEDOUT"
    end
    timeout_ms = left
  elseif timeout_ms <= 0 then
    return nil, name .. ": no time for this call", "ETIMEDOUT"
  elseif timeout_ms == math.huge then
    -- No limit.
    timeout_ms = 0
  end
  local id = self.last_id + 1
  local packet, why, at
  if kind == NOTIFY then
    packet, why, at = self.write(kind, 0, name, 0, trace, ...)
  else
    packet, why, at = self.write(kind, id, name, timeout_ms, trace, ...)
  end
  if not packet then
    return false, why, at and at - HEAD
  elseif #packet > self.most_bytes then
    local text = "%s: a message of %d bytes, limit is %d"
    return nil, text:format(name, #packet, self.most_bytes), "EMSGSIZE"
  end
  self.last_id = id
  local sent, message, code = self.stream:Send(packet)
  if not sent then
    self.is_mute = self.is_mute or code ~= "ENOBUFS"
    self.unsent = true
    -- A stream tells apart how it has ended; for a call that is all one.
    return nil, message, code == "ENOBUFS" and code or "ESOCKCLOSE"
  end
  if not self.sweeping then
    watch(self)
  end
  return id
end
caller.begin = begin

--- Raises for a call that could not be written: argument `at` behind the name, which is argument
--- `first`. At the line of whoever called the method that calls this.
local function blame(method, first, message, at)
  if at then
    raise(method, first + at, message)
  end
  errors.blame(("'%s': %s"):format(method, message))
end
caller.blame = blame

--- What a caller returns, of what it was woken with.
local function answer(self, name, timeout_ms, n, a, b)
  if n == 1 then
    return a
  elseif n == 2 then
    return a, b
  elseif n == 0 then
    return
  elseif n == MANY then
    return unpack(a, 1, a.n)
  end
  -- So that who tries elsewhere can tell a failure from results that look like one.
  self.failed = sched.current()
  if n == TIMEOUT or (n == FAILED and not a) then
    local text = "%s: no answer of %s in %g ms"
    return nil, text:format(name, self.name, timeout_ms), "ETIMEDOUT"
  end
  return nil, a, b
end

local function is_name(name)
  return type(name) == "string" and #name <= limits.name
end

local function name_trouble(name)
  if type(name) ~= "string" then
    return "string expected, got " .. type(name)
  end
  return ("a name of %d bytes, limit is %d"):format(#name, limits.name)
end

--- Waits for the answer to a call that was begun.
local function wait(self, task, id, name, own_ms)
  self.calls[id] = task
  self.id_of[task] = id
  self.in_flight = self.in_flight + 1
  if own_ms then
    self.timed[id] = true
    return answer(self, name, own_ms, park(self.waiting, own_ms))
  end
  return answer(self, name, self.config.timeout_ms, park(self.waiting))
end

--- Calls a service of the other side and waits for its results.
---@async
function Peer:Call(name, ...)
  if not is_name(name) then
    raise("Call", 1, name_trouble(name))
  end
  local task = parking()
  if self.config.on_call then
    return caller.observed(self, "Call", 1, task, nil, name, ...)
  end
  local id, message, code = begin(self, CALL, name, self.config.timeout_ms, ...)
  if not id then
    if id == false then
      blame("Call", 1, message, code)
    end
    return nil, message, code
  end
  return wait(self, task, id, name)
end

--- A call for a method whose argument `first` is its name: `own_ms` is its timeout if that is not
--- the default one.
---@async
function caller.call_for(self, method, first, own_ms, name, ...)
  local task = parking()
  if self.config.on_call then
    return caller.observed(self, method, first, task, own_ms, name, ...)
  end
  local id, message, code = begin(self, CALL, name, own_ms or self.config.timeout_ms, ...)
  if not id then
    if id == false then
      blame(method, first, message, code)
    end
    self.unsent = task
    return nil, message, code
  end
  return wait(self, task, id, name, own_ms)
end

--- As `Call`, with options.
---@async
function Peer:CallWith(options, name, ...)
  check.type("CallWith", 1, options, "table")
  check.options("CallWith", 1, options, OPTIONS)
  if not is_name(name) then
    raise("CallWith", 2, name_trouble(name))
  end
  return caller.call_for(self, "CallWith", 2, options.timeout_ms, name, ...)
end

local function told(after, fine, ...)
  if not fine then
    local problem = ...
    local is_stop = sched.is_stop(problem)
    after(nil, errors.text_of(problem, limits.text), is_stop and problem.code or "EFAULT")
    error(problem, 0)
  end
  after(...)
  return ...
end

--- A call that the hook of the configuration is told of, before and after.
function caller.observed(self, method, first, task, own_ms, name, ...)
  local timeout_ms = own_ms or self.config.timeout_ms
  local after = self.config.on_call(self, name, { kind = "call", timeout_ms = timeout_ms })
  local id, message, code = begin(self, CALL, name, timeout_ms, ...)
  if id == false then
    local text = code and ("bad argument #%d to '%s' (%s)"):format(first + code, method, message)
    errors.blame(text or ("'%s': %s"):format(method, message))
  elseif type(after) ~= "function" then
    if not id then
      return nil, message, code
    end
    return wait(self, task, id, name, own_ms)
  elseif not id then
    return told(after, true, nil, message, code)
  end
  return told(after, sched.pcall(wait, self, task, id, name, own_ms))
end

--- Calls a service, and `callback` with its results, in a task of its own. It may be called outside
--- of tasks. True; or nil, message, code, and then the callback is not called.
function Peer:CallAsync(callback, name, ...)
  check.type("CallAsync", 1, callback, "function")
  if not is_name(name) then
    raise("CallAsync", 2, name_trouble(name))
  end
  local timeout_ms = self.config.timeout_ms
  local on_call = self.config.on_call
  local after = on_call and on_call(self, name, { kind = "call", timeout_ms = timeout_ms })
  local id, message, code = begin(self, CALL, name, timeout_ms, ...)
  if not id then
    if id == false then
      blame("CallAsync", 2, message, code)
    end
    return nil, message, code
  end
  self.in_flight = self.in_flight + 1
  self.calls[id] = function(n, a, b)
    local fine, problem = true, nil
    if type(after) == "function" then
      fine, problem = sched.pcall(after, answer(self, name, timeout_ms, n, a, b))
    end
    callback(answer(self, name, timeout_ms, n, a, b))
    if not fine then
      error(problem, 0)
    end
  end
  return true
end

--- Tells a service something; it has no way to answer. True; or nil, message, code, and then it was
--- not sent. It may be called outside of tasks.
function Peer:Notify(name, ...)
  if not is_name(name) then
    raise("Notify", 1, name_trouble(name))
  end
  local on_call = self.config.on_call
  local after = on_call and on_call(self, name, { kind = "notify" })
  local id, message, code = begin(self, NOTIFY, name, math.huge, ...)
  if id == false then
    blame("Notify", 1, message, code)
  end
  if type(after) == "function" then
    after(id and true or nil, message, code)
  end
  if not id then
    return nil, message, code
  end
  return true
end

local Proxy = {}

function Proxy.__index(proxy, name)
  local self, prefix = proxy[Proxy], proxy[1]
  local function call(...)
    -- Written with a colon: a table like this one can be no argument.
    if rawequal((...), proxy) then
      return self:Call(prefix .. name, select(2, ...))
    end
    return self:Call(prefix .. name, ...)
  end
  rawset(proxy, name, call)
  return call
end

--- A table whose functions are the services below a name: `proxy.take(1)` calls "inventory.take".
function Peer:Proxy(name)
  if name ~= nil then
    check.type("Proxy", 1, name, "string")
  end
  return setmetatable({ [Proxy] = self, name and name .. "." or "" }, Proxy)
end

--- Results have arrived.
function caller.on_result(self, n, id, ...)
  local entry = self.calls[id]
  if not entry then
    return caller.on_stray(self, id, pack(...))
  end
  self.calls[id] = nil
  self.id_of[entry] = nil
  self.in_flight = self.in_flight - 1
  if self.timed[id] then
    self.timed[id] = nil
  end
  if n <= 3 then
    return conclude(self, entry, n - 1, ...)
  end
  conclude(self, entry, MANY, pack(...))
end

--- A call has failed.
function caller.on_error(self, _, id, code, message, traceback)
  if type(code) ~= "string" or type(message) ~= "string" then
    return link.fail(self, "EBADMSG", "an error without code and message")
  end
  code = errors.ANSWERS[code] and code or "EREMOTE"
  if type(traceback) == "string" then
    message = message .. "\nat the other side: " .. traceback
  end
  local entry = forget(self, id)
  if not entry then
    return caller.on_stray(self, id, FAILED, message, code)
  end
  conclude(self, entry, FAILED, message, code)
end

--- Fails everything that is under way.
function caller.finish(self, message, code)
  local calls = self.calls
  self.calls, self.id_of, self.in_flight, self.timed = {}, {}, 0, {}
  if self.sweeping then
    self.sweeping:UnRegister()
    self.sweeping = false
  end
  for _, entry in pairs(calls) do
    conclude(self, entry, FAILED, message, code)
  end
end

--- Told of answers that no plain call waits for: set by the peer.
caller.on_stray = false

caller.methods = Peer
caller.FAILED, caller.MANY, caller.HEAD = FAILED, MANY, HEAD
caller.is_name, caller.name_trouble = is_name, name_trouble

return caller
