--- The side of a peer that is called.
---
--- Each call runs in a task of its own, in a scope that the peer keeps: it may wait, and answers
--- when it returns. It is cancelled when the caller gives up, when the caller's deadline has
--- passed, and when the connection ends.

local check = require("chuck.support.check")
local context = require("chuck.rpc.context")
local errors = require("chuck.rpc.errors")
local frame = require("chuck.co.frame")
local home = require("chuck.rpc.home")
local link = require("chuck.rpc.link")
local limits = require("chuck.rpc.limits")
local packets = require("chuck.rpc.packets")
local report = require("chuck.co.report")
local sched = require("chuck.co.sched")
local wire = require("chuck.rpc.wire")

local KIND = wire.KIND
local RESULT, ERROR = KIND.RESULT, KIND.ERROR
local start, set_locals = sched.start, sched.set_locals
local of_call = context.of_call

local callee = {}

local OPTIONS = { stream = "boolean" }

--- Tells of an error that a service has raised.
local function tell(self, name, task, problem)
  local traceback = task.failure and task.failure.traceback or ""
  local hook = self.config.on_error
  if hook then
    local fine, why = pcall(hook, self, name, problem, traceback)
    if fine then
      return
    end
    report.tell(task, why, "in the on_error hook of a peer, which was told of:")
  end
  report.tell(task, problem, traceback)
end

--- Whether an error is larger than the other side takes. A byte of text takes up to six in JSON.
local function is_too_large(self, id, code, message, traceback)
  local texts = #message + (traceback and #traceback or 0)
  if 6 * texts + limits.error_head <= self.most_bytes then
    return false
  end
  local packet = self.write(ERROR, id, code, message, traceback)
  return packet and #packet > self.most_bytes
end

--- Answers with an error, whose texts are cut to what the other side takes.
local function refuse(self, id, code, message, traceback)
  while (traceback or #message > 0) and is_too_large(self, id, code, message, traceback) do
    if not traceback then
      message = message:sub(1, math.floor(#message / 2))
    end
    traceback = nil
  end
  link.say(self, ERROR, id, code, message, traceback)
end
callee.refuse = refuse

--- Ends a call that is served with an error.
local function fail(self, id, code, message, traceback)
  local entry = self.served[id]
  if entry then
    self.served[id] = nil
    if entry.flow then
      callee.end_flow(entry.flow, entry.name .. ": the service has failed", "EPIPE")
    end
    refuse(self, id, code, message, traceback)
  end
end

--- The call that a task answers, unless it has been answered.
local function call_of(self, task)
  local id = context.call_of(task)
  local entry = id and self.served[id]
  if entry and entry.task == task then
    return id, entry
  end
end

--- A service, or a task that a service has started, has raised.
local function on_failure(scope, task, problem)
  local self = scope.peer
  local id, entry = call_of(self, task)
  tell(self, entry and entry.name or "?", task, problem)
  if id then
    local traceback = self.config.tracebacks and task.failure.traceback:sub(1, limits.text) or nil
    fail(self, id, "EREMOTE", errors.text_of(problem, limits.text), traceback)
  end
end

--- The program has cancelled the task of a service.
local function on_cancelled(scope, task)
  local id, entry = call_of(scope.peer, task)
  if id then
    fail(scope.peer, id, "ECANCELED", entry.name .. ": the service was cancelled")
  end
end

--- A notification, a callback or `on_packet` has raised.
local function on_lone_failure(scope, task, problem)
  local self, values = scope.peer, task.locals
  local is_packets = task == self.packets.task
  tell(self, is_packets and "on_packet" or values and values.name or "?", task, problem)
  if is_packets then
    packets.go_on(self)
  end
end

--- The program has cancelled the task that gives packets to `on_packet`.
local function on_lone_cancelled(scope, task)
  local self = scope.peer
  if task == self.packets.task then
    packets.go_on(self)
  end
end

--- What a peer needs in order to be called.
function callee.set_up(self)
  --- Names and services: those of the configuration, and its own.
  self.services = setmetatable({}, { __index = self.config.services and self.config.services.list })
  --- The last id that the other side has used; calls under way by their id.
  self.seen = 0
  self.served = {}
  --- The size of the message that is looked at; of those whose services still run, by task, and
  --- their sum.
  self.size = 0
  self.weights, self.held = setmetatable({}, { __mode = "k" }), 0
  self.home = home.new(self, on_failure, on_cancelled)
  --- Tasks of notifications, and of callbacks: these are told of the end, so they outlive it.
  self.loose = home.new(self, on_lone_failure, on_lone_cancelled)
  self.callbacks = home.new(self, on_lone_failure)
  --- When what is read now has arrived.
  self.time = 0
  --- Whether no call is taken any more.
  self.is_draining = false
  self.looking = false
  --- Bytes of answers that wait until the other side reads.
  self.stalled = 0
end

local Peer = {}

--- A list of services that many peers share.
local Services = {}
Services.__index = Services
Services.__metatable = "rpc.services"

local function add(list, name, fn, options)
  list[name] = { name = name, fn = fn, is_stream = options and options.stream or false }
end

--- Adds the functions of a table; tables in it are names with a dot. What is wrong, or nil.
local function add_all(list, prefix, services, above)
  above[services] = true
  for name, value in pairs(services) do
    local full = prefix .. tostring(name)
    local problem = nil
    if type(name) == "string" and type(value) == "table" and not above[value] then
      problem = add_all(list, full .. ".", value, above)
    elseif type(name) ~= "string" or type(value) ~= "function" or #full > limits.name then
      problem = full .. " is no name with a function"
    else
      add(list, full, value)
    end
    if problem then
      return problem
    end
  end
  above[services] = nil
end

--- Adds what `Register` was given; what is wrong with that blames the caller of the caller.
local function register(list, name, fn, options)
  if type(name) == "table" then
    local problem = fn ~= nil and "a table has its functions in it" or add_all(list, "", name, {})
    if problem then
      errors.raise_at(4, "Register", 1, problem)
    end
    return
  end
  if type(name) ~= "string" or #name > limits.name then
    local text = "a name of at most %d bytes expected, got %s"
    errors.raise_at(4, "Register", 1, text:format(limits.name, type(name)))
  elseif type(fn) ~= "function" then
    errors.raise_at(4, "Register", 2, "function expected, got " .. type(fn))
  end
  add(list, name, fn, options)
end

--- Offers a service: `fn(...)`, whose results are the answer; with `{ stream = true }`
--- `fn(stream, ...)`. Or a table of functions, by name. A name that is taken goes to the new one.
function Peer:Register(name, fn, options)
  check.options("Register", 3, options, OPTIONS)
  register(self.services, name, fn, options)
end

--- Services for any number of peers, of a table of functions; or nil, and what is wrong with it.
function callee.of_table(functions)
  local self = setmetatable({ list = {} }, Services)
  local problem = add_all(self.list, "", functions, {})
  return not problem and self or nil, problem
end

--- Services for any number of peers.
function callee.services(functions)
  if functions ~= nil then
    check.type("services", 1, functions, "table")
  end
  local self, problem = callee.of_table(functions or {})
  if not self then
    errors.raise_at(3, "services", 1, problem)
  end
  return self
end

function Services:Register(name, fn, options)
  check.options("Register", 3, options, OPTIONS)
  register(self.list, name, fn, options)
end

local look

local function watch(self)
  if not self.looking and not self.ended then
    self.looking = sched.timer(limits.look_ms, function()
      self.looking = false
      look(self)
    end)
  end
end

--- Ends a call that is served: its task is cancelled, and what it returns is not sent.
local function give_up(self, id, entry, code, message)
  self.served[id] = nil
  -- First the task: its waits for the stream raise, they do not merely fail.
  frame.cancel(entry.task, sched.stop_reason(code, message))
  if entry.flow then
    callee.end_flow(entry.flow, message, code)
  end
end

--- Ends the calls whose deadline has passed.
function look(self)
  local time, is_busy = sched.now(), false
  for id, entry in pairs(self.served) do
    is_busy = true
    local deadline = entry["rpc.deadline"]
    if deadline and deadline <= time then
      local message = entry.name .. ": the deadline of the call has passed"
      give_up(self, id, entry, "ETIMEDOUT", message)
      refuse(self, id, "ETIMEDOUT", message)
    end
  end
  if is_busy then
    watch(self)
  end
end

--- Answers a call with the results of its service.
local function reply(self, id, ...)
  local entry = self.served[id]
  if not entry then
    return
  end
  self.served[id] = nil
  if entry.flow then
    callee.end_flow(entry.flow, entry.name .. ": the service has returned", "EPIPE")
  end
  local packet, why, at = self.write(RESULT, id, ...)
  if not packet then
    local text = at and ("result #%d of the service: %s"):format(at - 1, why) or why
    return refuse(self, id, "EREMOTE", text:sub(1, limits.text))
  elseif #packet > self.most_bytes then
    local text = "an answer of %d bytes, limit is %d"
    return refuse(self, id, "EMSGSIZE", text:format(#packet, self.most_bytes))
  end
  local sent = self.stream:Send(packet)
  if not sent and not self.ended then
    -- The other side does not read: its answers wait in their tasks, for a time.
    self.stalled = self.stalled + #packet
    local done, _, code = false, nil, "ENOBUFS"
    if self.stalled <= limits.stalled then
      done, _, code = self.stream:WritePacket(packet, self.config.stall_ms)
    end
    self.stalled = self.stalled - #packet
    if not done and code ~= "ESOCKCLOSE" then
      link.fail(self, "ENOBUFS", "it does not read its answers")
    end
  end
end
callee.reply = reply

function callee.serve(self, entry, fn, ...)
  set_locals(entry)
  return reply(self, entry["rpc.id"], fn(...))
end

--- Runs a service that has no way to answer.
local function serve_notice(entry, fn, ...)
  set_locals(entry)
  fn(...)
end

--- Tells the hook behind a call what has become of it.
local function observed(self, id, after, fine, ...)
  if not fine then
    local problem = ...
    local code = sched.is_stop(problem) and problem.code or "EREMOTE"
    after(nil, errors.text_of(problem, limits.text), code)
    error(problem, 0)
  end
  after(...)
  if id then
    return reply(self, id, ...)
  end
end

local function info_of(entry)
  local kind = not entry["rpc.id"] and "notify" or entry.flow and "open" or "call"
  return { kind = kind, traceparent = entry["rpc.trace"] }
end

--- A call that the hook of the configuration is told of, before and after, and may refuse.
function callee.serve_observed(self, entry, fn, ...)
  local id, name = entry["rpc.id"], entry.name
  set_locals(entry)
  local after, why = self.config.on_serve(self, name, info_of(entry))
  if after == false then
    local text = errors.text_of(why or name .. ": refused", limits.text)
    return id and fail(self, id, "EACCES", text)
  elseif type(after) == "function" then
    return observed(self, id, after, sched.pcall(fn, ...))
  elseif id then
    return reply(self, id, fn(...))
  end
  fn(...)
end

--- What is wrong with the head of a call behind its id, or nil.
local function words_trouble(name, timeout_ms, trace)
  if type(name) ~= "string" then
    return "a call without a name"
  elseif #name > limits.name then
    return ("a name of %d bytes, limit is %d"):format(#name, limits.name)
  elseif not errors.is_at_least(0, timeout_ms) then
    return "a call without a timeout"
  elseif trace ~= nil and (type(trace) ~= "string" or #trace > limits.trace) then
    return "a call with a trace that is none"
  end
end

--- What is wrong with the head of a call, or nil.
local function head_trouble(self, id, name, timeout_ms, trace)
  if type(id) ~= "number" or id <= self.seen or id % 1 ~= 0 or id > 2 ^ 53 then
    return "a call with an id out of order"
  end
  return words_trouble(name, timeout_ms, trace)
end

--- Whether the message that has come is too much beside those whose services still run.
local function is_overloaded(self)
  local size = self.size
  if size <= limits.light or self.held + size <= limits.held then
    return false
  end
  self.held = 0
  for task, weight in pairs(self.weights) do
    if task:IsDone() then
      self.weights[task] = nil
    else
      self.held = self.held + weight
    end
  end
  return self.held + size > limits.held
end

--- The arguments of a service are held until its task has ended.
local function weigh(self, task)
  if self.size > limits.light then
    self.weights[task] = self.size
    self.held = self.held + self.size
  end
  return task
end
callee.weigh = weigh

--- Why a call is not taken: a code and a message; nil when it is.
local function refusal(self, service, name, is_stream)
  if not service then
    return "ENOSYS", "there is no service " .. name
  elseif self.home.count >= self.config.calls then
    return "EBUSY", ("%s: %d calls are served already"):format(name, self.home.count)
  elseif is_overloaded(self) then
    local text = "%s: calls of %d bytes are served already, limit is %d"
    return "EBUSY", text:format(name, self.held, limits.held)
  elseif self.is_draining then
    return "EBUSY", name .. ": no more calls are taken"
  elseif service.is_stream and not is_stream then
    return "EINVAL", name .. " is a service of streams: open it"
  end
end
callee.head_trouble, callee.refusal = head_trouble, refusal

--- Takes note of a call that is served from now on.
local function admit(self, id, name, timeout_ms, trace)
  -- As doubles: integers of a peer may be so large that the sum is negative.
  local deadline = timeout_ms > 0 and self.time + (timeout_ms + 0.0) or nil
  local entry = of_call(self, id, name, deadline, trace and context.sound(trace))
  self.served[id] = entry
  if deadline and not self.looking then
    watch(self)
  end
  return entry
end
callee.admit = admit

--- A call has arrived.
function callee.on_call(self, n, id, name, timeout_ms, trace, ...)
  local trouble = n < 4 and "a call cut short" or head_trouble(self, id, name, timeout_ms, trace)
  if trouble then
    return link.fail(self, "EBADMSG", trouble)
  end
  self.seen = id
  local service = self.services[name]
  local code, message = refusal(self, service, name, false)
  if code then
    return refuse(self, id, code, message)
  end
  local entry = admit(self, id, name, timeout_ms, trace)
  local run = self.config.on_serve and callee.serve_observed or callee.serve
  entry.task = weigh(self, start(self.home, run, self, entry, service.fn, ...))
end

--- A notification has arrived. What cannot be served is dropped, for there is nobody to tell.
function callee.on_notify(self, n, id, name, timeout_ms, trace, ...)
  local trouble = n < 4 and "a notification cut short"
    or id ~= 0 and "a notification with an id"
    or words_trouble(name, timeout_ms, trace)
  if trouble then
    return link.fail(self, "EBADMSG", trouble)
  end
  local service = self.services[name]
  if not service or service.is_stream or self.is_draining then
    self.dropped = self.dropped + 1
    return
  elseif self.loose.count >= self.config.calls or is_overloaded(self) then
    self.dropped = self.dropped + 1
    return
  end
  local entry = of_call(self, nil, name, nil, trace and context.sound(trace))
  if self.config.on_serve then
    weigh(self, start(self.loose, callee.serve_observed, self, entry, service.fn, ...))
  else
    weigh(self, start(self.loose, serve_notice, entry, service.fn, ...))
  end
end

--- The caller has given up.
function callee.on_cancel(self, _, id)
  local entry = self.served[id]
  if entry then
    give_up(self, id, entry, "ECANCELED", entry.name .. ": the caller has given up")
  elseif type(id) ~= "number" or not (id >= 1 and id <= self.seen) then
    link.fail(self, "EBADMSG", "the cancellation of a call that was never made")
  end
end

--- Cancels everything that is served.
function callee.finish(self, message)
  self.served = {}
  if self.looking then
    self.looking:UnRegister()
    self.looking = false
  end
  local reason = sched.stop_reason("ECANCELED", message)
  home.cancel(self.home, reason)
  home.cancel(self.loose, reason)
end

--- Ends a stream of the other side: set by what knows streams.
callee.end_flow = false

callee.methods = Peer

return callee
