--- A connection for callbacks: a command, and later its reply.
---
---     client:Execute(function(client, reply, err, code) print(reply) end, "SET", "key", "value")
---     client:Execute('set key "a value"')          --> "ok"; the reply is thrown away
---     client:Execute("")                           --> "query error", message, code
---
--- Replies come in the order of the commands. Who is told that there will be none is told in a
--- callback of its own, never inside of a call. Nothing connects again: `redis.client` does.
---
--- In tasks `Get`, `Set`, `Hmget`, `Hmset` and `Do` wait for the reply: `err, reply`.

local compat = require("chuck.support.compat")
local messages = require("chuck.redis.messages")
local native = require("chuck.native")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")
local words = require("chuck.redis.words")

local errors, null = native.error, outcome.null
local pack, unpack = compat.pack, compat.unpack
local metatable_of = debug.getmetatable

local connection = {}

---@class chuck.RedisConnection
local Connection = {}

local METATABLE = { __index = Connection, __metatable = "redis.connection" }

--- What `Execute` answers.
local OK, REFUSED = "ok", "query error"

local function expect(self, name)
  if metatable_of(self) ~= METATABLE then
    local message = "calling '%s' on bad self (redis.connection expected, got %s)"
    outcome.blame(message:format(name, outcome.kind_of(self)))
  end
end

--- Calls `fn` in a callback of its own. Once the engine is closed there are no more: then at once.
local function tell(self, fn, ...)
  local args = pack(...)
  local function call()
    fn(unpack(args, 1, args.n))
  end
  if not self.is_over then
    self.engine:Post(call)
    return
  end
  xpcall(call, function(problem)
    native.log.report("a callback of redis", debug.traceback(tostring(problem), 2))
  end)
end

--- Who waits in line for the reply of a command.
---@class chuck.redis.Entry
local Entry = {}
Entry.__index = Entry

--- The reply has come.
function Entry:taker(value)
  if self.on_reply then
    self.on_reply(self.owner, value)
  end
  local callback = self.callback
  if not callback then
    return
  elseif value == null then
    callback(self.owner, nil)
  elseif outcome.is_error(value) then
    callback(self.owner, nil, value.message, value.code)
  else
    callback(self.owner, value)
  end
end

--- There will be none, or too late: then the place in line is kept.
function Entry:loser(message, code)
  local owner, callback = self.owner, self.callback
  owner.is_over = owner.is_over or code == "EENGCLOSE"
  if callback then
    self.callback = false
    tell(owner, callback, owner, nil, owner.reason or message, code)
  end
end

local function new_entry(self, callback)
  return setmetatable({
    owner = self,
    callback = callback or false,
    --- When it has waited long enough.
    give_up = false,
    --- Called with the owner and the reply, before the callback.
    on_reply = false,
    --- Of a command that is confirmed: by what, and how often.
    kind = false,
    awaits = false,
  }, Entry)
end

--- Tells those whose time has passed; how long until the next, or -1 when nobody waits.
local function sweep(self)
  local link, now = self.link, native.systick()
  local line, i = link.line, math.max(link.first, self.swept - link.replies + 1)
  while i <= link.last do
    local entry = line[i]
    local give_up = entry and entry.give_up
    if give_up and give_up > now then
      break
    elseif give_up then
      entry.give_up = false
      entry:loser(("%s: no reply in %g ms"):format(link.peer, self.timeout_ms), "ETIMEDOUT")
    end
    i = i + 1
  end
  self.swept = link.replies + i - 1
  if i <= link.last then
    return math.max(1, math.ceil(line[i].give_up - now))
  end
  self.timer = false
  return -1
end

--- Has the time of an entry watched.
local function watch(self, entry)
  if self.timeout_ms == math.huge then
    return
  end
  entry.give_up = native.systick() + self.timeout_ms
  if not self.timer then
    self.timer = native.RegTimer(self.engine, self.timeout_ms, function()
      return sweep(self)
    end)
  end
end

--- Why nothing can be sent: message and code; nil when it can.
local function trouble(self)
  local ended = self.link and self.link.ended
  if self.is_closed then
    return self.reason or self.place .. ": the connection is closed", "ESOCKCLOSE"
  elseif ended then
    return ended.message, ended.code
  elseif not self.is_ready then
    return self.place .. ": not connected yet", "ENOTCONN"
  elseif self.link:Waiting() >= self.pending then
    return ("%s: %d commands wait for a reply"):format(self.place, self.pending), "ENOBUFS"
  end
end

--- Commands that would put the replies out of step.
local UNFIT = {
  MONITOR = "MONITOR: its lines are no replies; use client:Monitor() of redis.client",
  ["CLIENT REPLY"] = "CLIENT REPLY: without replies nothing is told; leave the callback out",
  SYNC = "SYNC: what follows are no replies",
  PSYNC = "PSYNC: what follows are no replies",
}

--- Commands after which the connection is another, once they have succeeded.
local CHANGES = {
  HELLO = function(self, list)
    self.link.protocol = tonumber(list[2]) or self.link.protocol
  end,
  RESET = function(self)
    self.link.protocol = 2
    self.messages:Forget()
  end,
}

--- The words of a command, as the server gets them; none when it is no command.
local function words_of(...)
  local list, bytes = {}, native.redis.encode(...)
  local size, from = (bytes or ""):match("^%*%d+\r\n%$(%d+)\r\n()")
  while size do
    list[#list + 1] = bytes:sub(from, from + size - 1)
    size, from = bytes:match("^\r\n%$(%d+)\r\n()", from + size)
  end
  return list
end

--- The first word, in capitals.
local function name_of(first)
  if type(first) == "table" and next(first) == 1 then
    first = first[1]
  end
  if type(first) ~= "string" then
    first = words_of(first)[1] or ""
  end
  return first:upper()
end

--- What is special about a command: changes its entry, or returns why it does not belong here.
local function prepare(self, entry, first, ...)
  local name = name_of(first)
  local kind = name:lower()
  if name == "CLIENT" then
    name = name .. " " .. (words_of(first, ...)[2] or ""):upper()
  elseif messages.confirms(kind) then
    local count = #words_of(first, ...)
    entry.kind = kind
    entry.awaits = count > 1 and count - 1
  elseif CHANGES[name] then
    local list = words_of(first, ...)
    entry.on_reply = function(_, value)
      if not outcome.is_error(value) then
        CHANGES[name](self, list)
      end
    end
  end
  return UNFIT[name]
end

--- Sends a command: what `Execute` answers; or `false, n, text` for a wrong argument.
local function submit(self, callback, ...)
  local message, code = trouble(self)
  if message then
    return REFUSED, message, code
  end
  local entry = new_entry(self, callback)
  local unfit = prepare(self, entry, ...)
  if unfit then
    return REFUSED, unfit, "EINVAL"
  end
  local sent
  sent, message, code = self.link:Submit(entry, ...)
  if sent then
    watch(self, entry)
    return OK
  elseif sent == nil then
    return REFUSED, message, code
  end
  return false, message, code
end

--- The one-string form.
local function execute_line(self, line, callback)
  local list, why = words.split(line)
  if not list then
    return REFUSED, why, "EINVAL"
  end
  return submit(self, callback, list)
end

--- Sends a command: `"ok"`, or `"query error", message, code`. As one line with an optional
--- callback behind it, or argument by argument with the callback, or nil, in front.
function Connection:Execute(first, ...)
  expect(self, "Execute")
  local n = select("#", ...)
  if type(first) == "string" then
    local callback = ...
    if n > 0 and callback ~= nil and type(callback) ~= "function" or n > 1 then
      local got = outcome.kind_of(n > 1 and select(2, ...) or callback)
      outcome.raise(
        "Execute",
        n > 1 and 3 or 2,
        "function expected, got " .. got .. "; argument " .. "by argument the callback comes first"
      )
    end
    return execute_line(self, first, callback)
  elseif first ~= nil and type(first) ~= "function" or first == nil and n == 0 then
    outcome.raise("Execute", 1, "string or function expected, got " .. outcome.kind_of(first))
  elseif n == 0 then
    outcome.raise("Execute", 2, "string expected, got no value")
  end
  local answer, message, code = submit(self, first, ...)
  if not answer then
    outcome.raise("Execute", message + 1, code)
  end
  return answer, message, code
end

--- Ends it: those who wait are told `"ESOCKCLOSE"`, with `reason` if there is one.
function Connection:Close(reason)
  expect(self, "Close")
  if reason ~= nil and type(reason) ~= "string" then
    outcome.raise("Close", 1, "string expected, got " .. outcome.kind_of(reason))
  elseif self.is_closed then
    return
  end
  self.is_closed, self.reason = true, reason or false
  if self.dialing then
    self.dialing:Cancel()
  end
  if self.link then
    self.link:Close("ESOCKCLOSE", "the connection is closed")
  end
end

--- Whether it is of no more use: closed from here, or lost.
function Connection:IsClosed()
  expect(self, "IsClosed")
  return self.is_closed or self.link and self.link.ended and true or false
end

--- Sends a command and parks: `err, reply, code`.
---@async
local function ask(self, name, ...)
  if not sched.current() then
    outcome.blame(("'%s' waits, and only a task can: use Execute"):format(name))
  end
  local message, code = trouble(self)
  if message then
    return message, nil, code
  end
  local value
  value, message, code = self.link:Request(self.timeout_ms, ...)
  if value == false and message then
    outcome.raise(name, message - 1, code)
  elseif value == nil then
    return self.reason or message, nil, code
  elseif value == null then
    return nil, nil
  elseif outcome.is_error(value) then
    return value.message, nil, value.code
  end
  return nil, value
end

--- The value of a key: `err, value`.
---@async
function Connection:Get(key)
  expect(self, "Get")
  return ask(self, "Get", "GET", key)
end

--- Sets a key: `err, "OK"`.
---@async
function Connection:Set(key, value)
  expect(self, "Set")
  return ask(self, "Set", "SET", key, value)
end

local function expect_table(name, n, value)
  if type(value) ~= "table" then
    outcome.raise(name, n, "table expected, got " .. outcome.kind_of(value))
  end
end

--- Fields of a hash: `err, values`; `redis.null` where there is no such field.
---@async
function Connection:Hmget(key, fields)
  expect(self, "Hmget")
  expect_table("Hmget", 2, fields)
  return ask(self, "Hmget", "HMGET", key, fields)
end

--- Fields and values, in turns.
local function pairs_of(fields, values)
  local list = {}
  for i = 1, math.max(#fields, #values) do
    if fields[i] == nil or values[i] == nil then
      local text = "a value for each field expected, got %d fields and %d values"
      outcome.raise("Hmset", 3, text:format(#fields, #values))
    end
    list[2 * i - 1], list[2 * i] = fields[i], values[i]
  end
  return list
end

--- Sets fields of a hash, given as two lists or as one table by field: `err, "OK"`.
---@async
function Connection:Hmset(key, fields, values)
  expect(self, "Hmset")
  expect_table("Hmset", 2, fields)
  if values ~= nil then
    expect_table("Hmset", 3, values)
    fields = pairs_of(fields, values)
  end
  return ask(self, "Hmset", "HMSET", key, fields)
end

--- A command in one line: `err, reply`.
---@async
function Connection:Do(line)
  expect(self, "Do")
  if type(line) ~= "string" then
    outcome.raise("Do", 1, "string expected, got " .. outcome.kind_of(line))
  end
  local list, why = words.split(line)
  if not list then
    return why, nil, "EINVAL"
  end
  local entry = new_entry(self)
  why = prepare(self, entry, list)
  if why or entry.kind or entry.on_reply then
    return why or list[1] .. ": use Execute", nil, "EINVAL"
  end
  return ask(self, "Do", list)
end

--- The link has ended, of itself or because it was told to.
local function on_end(self, link)
  local ended = link.ended
  if self.timer then
    self.timer:UnRegister()
    self.timer = false
  end
  self.is_over = self.is_over or ended.code == "EENGCLOSE"
  if self.on_error and not self.is_closed and not self.is_over then
    local number = ended.code == "EOF" and 0 or errors[ended.code] or errors.EIO
    tell(self, self.on_error, self, number, ended.message)
  end
end

--- Goes on over a link that has greeted the server.
function connection.begin(self, link)
  local function deliver(callback, items)
    callback = callback or self.on_push
    if callback then
      callback(self, items)
    end
  end
  self.messages = messages.new(deliver)
  self.is_ready = true
  link.sift = function(_, value)
    return self.messages:Sift(link, value, false)
  end
  link.on_push = function(_, items)
    if not self.messages:Sift(link, items, true) then
      deliver(false, items)
    end
  end
  link.on_end = function()
    on_end(self, link)
  end
end

--- A connection that is not connected yet, with options as `redis/connect.lua` makes them.
function connection.new(engine, options)
  return setmetatable({
    engine = engine,
    options = options,
    place = options.place,
    timeout_ms = options.timeout_ms,
    --- The most commands that may wait for replies.
    pending = options.pending,
    on_error = options.on_error or false,
    on_push = options.on_push or false,
    --- What is under way: the dial, then the link.
    dialing = false,
    link = false,
    messages = false,
    --- Ends commands whose time has passed; entries before and at `swept`, as counted since the
    --- beginning, were looked at.
    timer = false,
    swept = 0,
    --- Whether commands can be sent; whether it was closed from here, and with which words; whether
    --- the engine is closed, which tells no more.
    is_ready = false,
    is_closed = false,
    reason = false,
    is_over = false,
  }, METATABLE)
end

connection.tell = tell
connection.METATABLE = METATABLE

return connection
