--- A client: commands of any number of tasks share one connection, which is made again when it
--- breaks.
---
---     local client = redis.client("redis://127.0.0.1:6379/0")
---     client:Set("name", "chuck")
---     print(client:Get("name"))       --> chuck
---
--- Commands of one pass of the loop leave in one write.

local calls = require("chuck.redis.calls")
local commands = require("chuck.redis.commands")
local guards = require("chuck.redis.guards")
local idempotent = require("chuck.redis.idempotent")
local keeper = require("chuck.redis.keeper")
local link = require("chuck.redis.link")
local methods = require("chuck.redis.methods")
local multi = require("chuck.redis.multi")
local options = require("chuck.redis.options")
local outcome = require("chuck.redis.outcome")
local pipeline = require("chuck.redis.pipeline")
local scan = require("chuck.redis.scan")
local sched = require("chuck.co.sched")
local script = require("chuck.redis.script")
local shapes = require("chuck.redis.shapes")

--- Less than half the price of `getmetatable`, which looks for the name of the class.
local metatable_of = debug.getmetatable
local null, type = outcome.null, type

local client = {}

---@class chuck.redis.Client
local Client = {}

local METATABLE = { __index = Client, __metatable = "redis.client" }

--- Raises for what is no client.
local function expect(self, name)
  if metatable_of(self) ~= METATABLE then
    local message = "calling '%s' on bad self (redis.client expected, got %s)"
    outcome.blame(message:format(name, outcome.kind_of(self)))
  end
end

--- What the task gets for a reply that has come by `from`.
local function answer(self, spec, from, value, ...)
  if value == null then
    return nil
  elseif type(value) == "table" and outcome.is_error(value) then
    self.errors = self.errors + 1
    if self.options.on_refusal then
      self.options.on_refusal(self, value)
    end
    return outcome.of(value)
  end
  if spec.shape and from.protocol == 2 then
    value = shapes.give(spec, value, ...)
  end
  if self.replies then
    return self.replies(spec.name, value)
  end
  return value
end

--- Sends a command by `from` and parks for its raw reply.
---@async
local function request(from, timeout_ms, spec, ...)
  local parts = spec.words
  if parts[2] then
    return from:Request(timeout_ms, parts[1], parts[2], ...)
  end
  return from:Request(timeout_ms, parts[1], ...)
end

--- Raises for argument `n` of what was to be sent, its words counted.
local function wrong(spec, n, text)
  outcome.raise(spec.method or spec.name, n - #spec.words, text)
end

--- Whether a command that was lost with its link may be sent again.
local function may_repeat(self, spec, from, how, ...)
  if not from.ended or self.keeper.is_closed then
    return false
  elseif how and how.idempotent ~= nil then
    return how.idempotent
  end
  return self.options.in_flight == "retry" and idempotent.is(spec, ...)
end

--- Why there is no link to send a command by.
local function no_link(self, spec, message, code, err)
  if code == "ETIMEDOUT" then
    self.timeouts = self.timeouts + 1
  end
  return nil, spec.name .. ": " .. message, code, err
end

--- Why there is no reply.
local function no_reply(self, spec, from, message, code)
  if code == "ETIMEDOUT" then
    self.timeouts = self.timeouts + 1
  elseif from.ended then
    message = message .. "; it may have been carried out"
  end
  return nil, spec.name .. ": " .. message, code
end

--- As `perform`, until `give_up`, while links come and go. The command was sent again `tries` times
--- already.
---@async
local function persist(self, how, give_up, tries, spec, ...)
  while true do
    local from, message, code, err = self.keeper:Link(math.max(give_up - sched.now(), 0))
    if not from then
      return no_link(self, spec, message, code, err)
    end
    local value
    value, message, code = request(from, math.max(give_up - sched.now(), 0), spec, ...)
    if value ~= nil and value ~= false or value == false and not message then
      return answer(self, spec, from, value, ...)
    elseif value == false then
      wrong(spec, message, code)
    elseif tries >= self.options.retries or not may_repeat(self, spec, from, how, ...) then
      return no_reply(self, spec, from, message, code)
    end
    tries = tries + 1
    self.repeats = self.repeats + 1
  end
end

--- Sends a command with its arguments as they are, and tells `on_slow` when it took long.
---@async
local function carry_out(self, how, spec, ...)
  local began = sched.now()
  local give_up = began + (how and how.timeout_ms or self.timeout_ms)
  if not self.options.slow_ms then
    return persist(self, how, give_up, 0, spec, ...)
  end
  local value, message, code, err = persist(self, how, give_up, 0, spec, ...)
  local took = sched.now() - began
  if took >= self.options.slow_ms then
    self.slow = self.slow + 1
    self.keeper:RunHook("on_slow", spec.name, took, ...)
  end
  return value, message, code, err
end

--- Sends a command and parks for its reply.
---@async
local function perform(self, spec, ...)
  if metatable_of(self) ~= METATABLE then
    expect(self, spec.method or spec.name)
  end
  local guard = guards[spec.name]
  if guard then
    return guard(self, spec, ...)
  end
  local from = self.keeper.link
  if not from or self.is_observed then
    return self:Perform(nil, spec, ...)
  end
  local give_up = self.repeats_any and sched.now() + self.timeout_ms
  local value, message, code = request(from, self.timeout_ms, spec, ...)
  if type(value) == "string" and not self.replies and not spec.shape then
    return value
  elseif value ~= nil and (value ~= false or not message) then
    return answer(self, spec, from, value, ...)
  elseif value == false then
    wrong(spec, message, code)
  elseif give_up and may_repeat(self, spec, from, nil, ...) then
    self.repeats = self.repeats + 1
    return persist(self, nil, give_up, 1, spec, ...)
  end
  return no_reply(self, spec, from, message, code)
end

--- As `perform`, by a link of its own.
---@async
local function perform_on(self, from, timeout_ms, spec, ...)
  local value, message, code
  if self.arguments then
    value, message, code = request(from, timeout_ms, spec, self.arguments(spec.name, ...))
  else
    value, message, code = request(from, timeout_ms, spec, ...)
  end
  if value ~= nil and (value ~= false or not message) then
    return answer(self, spec, from, value, ...)
  elseif value == false then
    wrong(spec, message, code)
  end
  return no_reply(self, spec, from, message, code)
end

methods.add(Client, perform)
pipeline.extend(Client, expect)
multi.extend(Client, expect, perform_on)
script.extend(Client, expect, perform)
scan.extend(Client, expect, perform)

--- Sends a command with its transformed arguments, watched for its time.
---@async
function Client:Perform(how, spec, ...)
  if self.arguments then
    return carry_out(self, how, spec, self.arguments(spec.name, ...))
  end
  return carry_out(self, how, spec, ...)
end

--- Sends a command with options for it.
---@async
local function perform_with(self, how, spec, ...)
  local guard = guards[spec.name]
  if guard and spec.block then
    return guards.block(self, how, spec, ...)
  elseif guard then
    return guard(self, spec, ...)
  end
  return self:Perform(how, spec, ...)
end

calls.extend(Client, expect, perform, perform_with)

--- Parks until there is a connection: true, or `nil, message, code`.
---@async
function Client:Ready(timeout_ms)
  expect(self, "Ready")
  if timeout_ms ~= nil and not (type(timeout_ms) == "number" and timeout_ms >= 0) then
    outcome.raise("Ready", 1, "milliseconds expected, got " .. outcome.kind_of(timeout_ms))
  end
  local up, message, code, err = self.keeper:Await(timeout_ms or self.options.connect_ms)
  if not up then
    return nil, message, code, err
  end
  return true
end

--- A link of its own with the same place and credentials; whoever opens it closes it.
---@async
function Client:OpenLink(more)
  local own = self.options
  if self.keeper.is_closed then
    return outcome.none(self.keeper.place, "the client is closed", "ESOCKCLOSE")
  end
  local fresh, message, code, err =
    link.open(self.keeper.place, more and setmetatable(more, { __index = own }) or own)
  if fresh and self.keeper.is_closed then
    -- The client was closed meanwhile, and has closed what it knew of.
    fresh:Close()
    return outcome.none(self.keeper.place, "the client is closed", "ESOCKCLOSE")
  elseif fresh then
    self.links[fresh] = true
  end
  return fresh, message, code, err
end

--- What is loaded when it is first used.
local function subscriptions()
  return require("chuck.redis.subscribe")
end

local function feeds()
  return require("chuck.redis.feed")
end

local function monitors()
  return require("chuck.redis.monitor")
end

local function caches()
  return require("chuck.redis.cache")
end

--- Methods that stand elsewhere.
for name, module in pairs({
  Subscribe = subscriptions,
  Psubscribe = subscriptions,
  Ssubscribe = subscriptions,
  Monitor = monitors,
  Cached = caches,
  CachedCall = caches,
}) do
  Client[name] = function(self, ...)
    expect(self, name)
    return module()[name](self, ...)
  end
end

--- Counters since it was made: see docs/api/redis.md.
function Client:Stats()
  expect(self, "Stats")
  local kept = self.keeper
  local up = kept.link
  return {
    is_connected = up and true or false,
    protocol = up and up.protocol or nil,
    place = kept.place,
    replies = kept.replies + (up and up:Received() or 0),
    in_flight = up and up:Waiting() or 0,
    waiting = kept.waiting.count,
    attempts = kept.attempts,
    connects = kept.connects,
    losses = kept.losses,
    errors = self.errors,
    timeouts = self.timeouts,
    repeats = self.repeats,
    slow = self.slow,
    subscriptions = feeds().count(self),
    blocking = self.blocking and require("chuck.redis.blocking").stats(self.blocking) or nil,
    cache = self.store and caches().stats(self.store) or nil,
  }
end

--- Ends what was opened beside the shared link.
local function close_links(self)
  local links = self.links
  self.links = setmetatable({}, { __mode = "k" })
  for open in pairs(links) do
    open:Close()
  end
end

--- Ends the client: whoever waits is told `"ESOCKCLOSE"`. Any number of times.
function Client:Close()
  expect(self, "Close")
  self.keeper:Close()
  close_links(self)
end

function Client:IsClosed()
  expect(self, "IsClosed")
  return self.keeper.is_closed
end

--- A client with options that are whole (redis/options.lua).
function client.new(made)
  local self = setmetatable({
    options = made,
    keeper = false,
    timeout_ms = made.timeout_ms,
    --- Transforms: `arguments(name, ...)` returns arguments, `replies(name, value)` a value.
    arguments = made.arguments or false,
    replies = made.replies or false,
    --- Whether commands take the long way: arguments are changed, or times are looked at.
    is_observed = (made.arguments or made.slow_ms) and true or false,
    --- Whether a command may be sent again without having been asked for it.
    repeats_any = made.in_flight == "retry" and made.retries > 0,
    --- Told when the shared link is lost: `fn(client, link)`.
    on_loss = {},
    --- Connections of commands that block, and replies that are kept, once there are any.
    blocking = false,
    store = false,
    --- Links that were opened for somebody, and what keeps its own.
    links = setmetatable({}, { __mode = "k" }),
    --- Those of them that are kept for the next transaction: redis/session.lua.
    idle = {},
    --- Errors of the server, commands without a reply in time, commands that were sent again,
    --- commands that took long.
    errors = 0,
    timeouts = 0,
    repeats = 0,
    slow = 0,
  }, METATABLE)
  self.keeper = keeper.new(self, made)
  function self.keeper.on_loss(lost)
    for _, tell in ipairs(self.on_loss) do
      tell(self, lost)
    end
  end
  function self.keeper.on_over()
    close_links(self)
  end
  return self
end

--- A client of the server at a URI, or with options. It connects in a task of its own.
function client.connect(given)
  if not sched.current() then
    outcome.blame("'client' is for tasks: use it inside of co.run or co.spawn")
  end
  return client.new(options.make("client", given))
end

--- For those who have links of their own: see redis/blocking.lua.
client.request, client.answer, client.wrong = request, answer, wrong
client.may_repeat, client.no_link, client.no_reply = may_repeat, no_link, no_reply
client.METATABLE = METATABLE
client.perform, client.perform_on, client.carry_out = perform, perform_on, carry_out
client.Client = Client
client.commands = commands

return client
