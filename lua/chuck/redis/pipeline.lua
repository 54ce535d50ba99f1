--- Commands that leave in one piece, and whose replies come as one list.
---
---     local p = client:Pipeline()
---     p:Set("a", 1):Incr("a"):Get("nobody")
---     local results = p:Execute()             --> { "OK", 2, redis.null }
---
--- A wrong argument raises where the command is queued; nothing of it is queued then. An error of
--- the server stands in the list, in the place of its command: the others are carried out.

local commands = require("chuck.redis.commands")
local compat = require("chuck.support.compat")
local guards = require("chuck.redis.guards")
local idempotent = require("chuck.redis.idempotent")
local limits = require("chuck.redis.limits")
local methods = require("chuck.redis.methods")
local native = require("chuck.native")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")
local script = require("chuck.redis.script")
local shapes = require("chuck.redis.shapes")

local EVAL, EVALSHA = commands.specs.EVAL, commands.specs.EVALSHA
local encode = native.redis.encode
local is_error, null = outcome.is_error, outcome.null
local parking, park, wake, TIMEOUT = sched.parking, sched.park, sched.wake, sched.TIMEOUT
--- Less than half the price of `getmetatable`, which looks for the name of the class.
local metatable_of = debug.getmetatable
local concat, select, type = table.concat, select, type

local pipeline = {}

---@class chuck.redis.Pipeline
local Pipeline = {}

local METATABLE = { __index = Pipeline, __metatable = "redis.pipeline" }

--- Raises for what is no pipeline.
local function expect(self, name)
  if metatable_of(self) ~= METATABLE then
    local message = "calling '%s' on bad self (redis.pipeline expected, got %s)"
    outcome.blame(message:format(name, outcome.kind_of(self)))
  end
end

--- Commands that have passed `admit`, whatever their arguments.
local admitted = setmetatable({}, { __mode = "k" })

--- How long a command waits at the server, in milliseconds; nil when it does not.
local function wait_of(spec, ...)
  return require("chuck.redis.blocking").time_of(spec, ...)
end

--- Raises for a command that would hold up, or change, the connection that tasks share.
local function admit(self, spec, ...)
  if not spec.is_blocking then
    if guards[spec.name] then
      guards[spec.name](self, spec, ...)
    end
    admitted[spec] = true
  elseif spec.block == "second" then
    -- WAIT is about the writes before it, on this very connection: nowhere else has it a meaning.
    if wait_of(spec, ...) == math.huge then
      outcome.blame(spec.name .. " would hold up the connection that tasks share for ever")
    end
  elseif wait_of(spec, ...) then
    local message = "%s waits: it cannot be queued, call it on the client"
    outcome.blame(message:format(spec.name))
  end
end
pipeline.admit = admit

--- A command as it is sent; raises for arguments that cannot be.
local function bytes_of(spec, ...)
  local words = spec.words
  local second = words[2]
  local bytes, n, text
  if second then
    bytes, n, text = encode(words[1], second, ...)
  else
    bytes, n, text = encode(words[1], ...)
  end
  if not bytes then
    outcome.raise(spec.method or spec.name, n - #words, text)
  end
  return bytes
end

--- Queues a command.
local function queue(self, spec, ...)
  if metatable_of(self) ~= METATABLE then
    expect(self, spec.method or spec.name)
  end
  if not admitted[spec] then
    admit(self, spec, ...)
  end
  local bytes, sent
  if self.transform then
    sent = compat.pack(self.transform(spec.name, ...))
    bytes = bytes_of(spec, compat.unpack(sent, 1, sent.n))
  else
    bytes = bytes_of(spec, ...)
  end
  local size = self.size + 1
  local total = self.bytes + #bytes
  if size > limits.pipeline or total > self.most_bytes then
    self.is_over = true
    return self
  end
  self.size, self.bytes = size, total
  self.pieces[size] = bytes
  self.specs[size] = spec
  if self.keeps_all or spec.shape then
    self.arguments[size] = sent or { n = select("#", ...), ... }
  end
  if self.is_idempotent and not idempotent.is(spec, ...) then
    self.is_idempotent = false
  end
  return self
end

methods.add(Pipeline, queue)
script.add_lists(Pipeline, queue)

--- Queues any command by its name.
function Pipeline:Call(name, ...)
  expect(self, "Call")
  if type(name) ~= "string" then
    outcome.raise("Call", 1, "string expected, got " .. outcome.kind_of(name))
  end
  local spec, from = methods.find(name, ...)
  return queue(self, spec, select(from, ...))
end

--- Queues a script (redis/script.lua): its source the first time in a batch, then its name. So the
--- server has it, whatever happened before, and nothing has to be repeated out of order.
function Pipeline:Run(made, keys, args)
  expect(self, "Run")
  keys, args = script.check(made, keys, args)
  -- Where commands go to several nodes, each of them has to be sent the source.
  if made.sha and self.scripts[made] and not self.keeps_all then
    return queue(self, EVALSHA, made.sha, #keys, keys, args)
  end
  self.scripts[made] = true
  return queue(self, EVAL, made.source, #keys, keys, args)
end

--- How many commands are queued.
function Pipeline:Size()
  expect(self, "Size")
  return self.size
end

--- Empties the queue.
local function clear(self)
  self.size, self.bytes, self.is_over = 0, 0, false
  self.pieces, self.specs, self.arguments, self.scripts = {}, {}, {}, {}
  self.is_idempotent = self.owner.options.in_flight == "retry"
end

--- Forgets what is queued.
function Pipeline:Discard()
  expect(self, "Discard")
  clear(self)
  return self
end

--- Takes what is queued out, so that more can be queued: a batch of `size` commands, with `pieces`
--- (their bytes), `specs`, `arguments` of those whose reply depends on them, and `is_idempotent`.
--- `nil, message, code` when more was queued than a pipeline holds.
function pipeline.take(self)
  local batch = {
    size = self.size,
    pieces = self.pieces,
    specs = self.specs,
    arguments = self.arguments,
    is_idempotent = self.is_idempotent,
  }
  local is_over = self.is_over
  clear(self)
  if is_over then
    local why = "more was queued than %d commands and %d bytes: nothing was sent"
    return outcome.none("pipeline", why:format(limits.pipeline, self.most_bytes), "ENOBUFS")
  end
  return batch
end

--- Sends what is queued and parks for the replies: a list; or `nil, message, code, partial` when
--- not all of them have come.
---@async
function Pipeline:Execute(timeout_ms)
  expect(self, "Execute")
  if timeout_ms ~= nil and not (type(timeout_ms) == "number" and timeout_ms >= 0) then
    outcome.raise("Execute", 1, "milliseconds expected, got " .. outcome.kind_of(timeout_ms))
  end
  local batch, message, code = pipeline.take(self)
  if not batch then
    return nil, message, code, {}
  elseif batch.size == 0 then
    return {}
  end
  return self.deliver(self.owner, batch, timeout_ms or self.owner.timeout_ms)
end

--- Who stands in line for the replies of a whole batch.
local Crowd = {}
Crowd.__index = Crowd

--- Replies that come too late.
local function ignore() end

--- One more reply has come.
function Crowd:taker(value)
  local n = self.got + 1
  self.got = n
  self.results[n] = value
  if n == self.size then
    wake(self.task, true)
  end
end

function Crowd:loser(message, code)
  wake(self.task, nil, message, code)
end

--- The task gives up; replies are still counted by the link.
function Crowd:Leave()
  self.taker, self.loser = ignore, ignore
end

--- Sends `bytes`, which hold `size` commands, by a link and parks for their raw replies: a list; or
--- `nil, message, code, partial`.
---@async
function pipeline.exchange(from, bytes, size, give_up)
  local results = {}
  local crowd = setmetatable({
    --- Replies that the link still has to bring.
    left = size,
    size = size,
    got = 0,
    results = results,
    task = parking(),
    place = 0,
    what = from.what,
  }, Crowd)
  local sent, message, code = from:SubmitBytes(bytes, crowd)
  while not sent and code == "ENOBUFS" and from:Waiting() > 0 do
    sent, message, code = from:AwaitRoom(math.max(give_up - sched.now(), 0))
    if sent then
      sent, message, code = from:SubmitBytes(bytes, crowd)
    end
  end
  if not sent then
    return nil, message, code, results
  end
  local fine
  fine, message, code = park(crowd, math.max(give_up - sched.now(), 0))
  if fine == true then
    return results
  elseif fine == TIMEOUT then
    local text = "%s: %d of %d replies in time"
    return nil, text:format(from.peer, crowd.got, size), "ETIMEDOUT", results
  end
  local text = "%s; %d of %d replies had come, the others may have been carried out"
  return nil, text:format(message, crowd.got, size), code, results
end

--- What stands in a list of results for a raw reply of `spec`.
local function reply_of(client, protocol, spec, arguments, value)
  if type(value) == "table" and is_error(value) then
    client.errors = client.errors + 1
    if client.options.on_refusal then
      client.options.on_refusal(client, value)
    end
    return value
  elseif spec.shape and protocol == 2 and arguments then
    value = shapes.give(spec, value, compat.unpack(arguments, 1, arguments.n))
  end
  if client.replies and value ~= null then
    value = client.replies(spec.name, value)
    return value == nil and null or value
  end
  return value
end

pipeline.reply_of = reply_of

--- Gives replies, in place, the form that their commands have everywhere.
function pipeline.finish(client, protocol, batch, results)
  local specs, arguments, transform = batch.specs, batch.arguments, client.replies
  for i = 1, #results do
    local value = results[i]
    if type(value) == "table" or transform or arguments[i] then
      results[i] = reply_of(client, protocol, specs[i], arguments[i], value)
    end
  end
  return results
end

--- Sends a batch by a link: its results; or `nil, message, code, partial`.
---@async
local function carry(client, from, batch, give_up)
  batch.text = batch.text or concat(batch.pieces)
  local results, message, code, partial = pipeline.exchange(from, batch.text, batch.size, give_up)
  pipeline.finish(client, from.protocol, batch, results or partial)
  return results, message, code, partial
end

--- Whether a batch that was lost with its link may be sent again.
local function may_repeat(client, from, batch, tries)
  return batch.is_idempotent
    and from.ended
    and not client.keeper.is_closed
    and tries < client.options.retries
end

--- Has `send(client, link, batch, give_up)` send a batch by the link of a client, again where that
--- may be: what it answers. `name` says what it is, for messages.
---@async
function pipeline.deliver(client, batch, timeout_ms, name, send)
  local give_up, tries = sched.now() + timeout_ms, 0
  while true do
    local from, message, code, err = client.keeper.link, nil, nil, nil
    if not from then
      from, message, code, err = client.keeper:Link(math.max(give_up - sched.now(), 0))
    end
    if not from then
      return nil, name .. ": " .. message, code, err or {}
    end
    local results, rest
    results, message, code, rest = send(client, from, batch, give_up)
    if results then
      return results
    elseif not may_repeat(client, from, batch, tries) then
      client.timeouts = client.timeouts + (code == "ETIMEDOUT" and 1 or 0)
      return nil, name .. ": " .. message, code, rest
    end
    tries = tries + 1
    client.repeats = client.repeats + 1
  end
end

---@async
local function deliver(client, batch, timeout_ms)
  return pipeline.deliver(client, batch, timeout_ms, "pipeline", carry)
end

--- A pipeline of a client. `how.deliver(client, batch, timeout_ms)` sends it, this client's link
--- unless given; with `how.keeps_all` the batch has the arguments of every command.
function pipeline.new(client, how)
  local self = setmetatable({
    owner = client,
    deliver = how and how.deliver or deliver,
    keeps_all = how and how.keeps_all or false,
    --- Changes arguments: an option of the client.
    transform = client.options.arguments or false,
    --- Limits: bytes queued; whether more was queued.
    most_bytes = client.options.send_limit,
    is_over = false,
    --- Of each command, by its place: bytes, spec, and arguments where they are needed later.
    size = 0,
    bytes = 0,
    pieces = false,
    specs = false,
    arguments = false,
    --- Scripts whose source was queued.
    scripts = false,
    --- Whether all of it may be sent twice; not looked at unless it could be.
    is_idempotent = false,
  }, METATABLE)
  clear(self)
  return self
end

--- Gives a class of clients the method `Pipeline`; `how` is as in `pipeline.new`.
function pipeline.extend(class, expect_client, how)
  --- An empty pipeline; with a function, what `fn(pipeline, ...)` has queued is executed at once.
  ---@async
  function class:Pipeline(fn, ...)
    expect_client(self, "Pipeline")
    local made = pipeline.new(self, how)
    if fn == nil then
      return made
    elseif type(fn) ~= "function" then
      outcome.raise("Pipeline", 1, "function expected, got " .. outcome.kind_of(fn))
    end
    fn(made, ...)
    return made:Execute()
  end
end

pipeline.METATABLE = METATABLE
pipeline.Pipeline = Pipeline

return pipeline
