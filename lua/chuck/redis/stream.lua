--- A log in the server that many write to and many read, each entry taken by one of a group.
---
---     local jobs = redis.stream(client, "jobs", { group = "workers", consumer = "w1" })
---     jobs:Add({ kind = "mail", to = "ada" })
---     local entry = jobs:Read()
---     print(entry.id, entry.fields.kind)          --> 1700000000000-0  mail
---     jobs:Ack(entry)
---
--- An entry of a group that is not acknowledged comes again: to the same consumer when it begins
--- anew, or to who claims it. So each is handled at least once.

local consume = require("chuck.redis.stream_consume")
local entries = require("chuck.redis.stream_entry")
local feed = require("chuck.redis.stream_feed")
local limits = require("chuck.redis.limits")
local options = require("chuck.redis.options")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local metatable_of = debug.getmetatable

local stream = {}

---@class chuck.redis.Stream
local Stream = {}

local METATABLE = { __index = Stream, __metatable = "redis.stream" }

local KINDS = {
  group = "string",
  consumer = "string",
  start = "string",
  count = "positive integer",
  block_ms = "positive integer",
  unacked = "positive integer",
}

--- Raises for what is no stream, and where a group is needed for what has none.
local function expect(self, name, needs_group)
  if metatable_of(self) ~= METATABLE then
    local message = "calling '%s' on bad self (redis.stream expected, got %s)"
    outcome.blame(message:format(name, outcome.kind_of(self)))
  elseif needs_group and not self.group then
    outcome.blame(("'%s' is for a stream with a group: see the option group"):format(name))
  end
end

local function check_time(name, n, value)
  if value ~= nil and not (type(value) == "number" and value >= 0) then
    outcome.raise(name, n, "milliseconds expected, got " .. outcome.kind_of(value))
  end
end

local function check_count(name, n, value, least)
  if not (type(value) == "number" and value >= least and value % 1 == 0) then
    outcome.raise(name, n, "positive integer expected, got " .. outcome.kind_of(value))
  end
end

--- Sends a command of the stream's key.
---@async
local function ask(self, name, ...)
  return self.client:Call(name, self.key, ...)
end

--- What `redis.stream` does: a stream at a key, read and written by `client`.
function stream.new(client, key, given)
  if type(client) == "table" and client.members then
    -- A pool: one of its clients is as good as the others.
    client = client.members[1]
  end
  local is_cluster = getmetatable(client) == "redis.cluster"
  if type(client) ~= "table" or not client.keeper and not is_cluster then
    outcome.raise("stream", 1, "redis.client expected, got " .. outcome.kind_of(client))
  elseif type(key) ~= "string" then
    outcome.raise("stream", 2, "string expected, got " .. outcome.kind_of(key))
  elseif is_cluster then
    client = require("chuck.redis.station").of(client, key)
  end
  options.check("stream", 3, given, KINDS)
  given = given or {}
  if (given.group == nil) ~= (given.consumer == nil) then
    outcome.raise("stream", 3, "options group and consumer belong together")
  end
  return setmetatable({
    client = client,
    key = key,
    group = given.group or false,
    consumer = given.consumer or false,
    --- Where reading begins: of a group that is made, or of a reader without one.
    start = given.start or "0",
    --- Entries that are asked for at a time, and how long the server waits for the first.
    count = given.count or limits.stream_count,
    block_ms = given.block_ms or limits.stream_block_ms,
    --- Entries that have come and that nobody has read: `first` to `last`.
    buffer = {},
    first = 1,
    last = 0,
    --- By id, entries of a group that were read here and are not acknowledged; how many, and the
    --- most there may be.
    out = {},
    out_count = 0,
    most_out = given.unacked or limits.stream_unacked,
    --- Tasks that wait for an entry, for one that is done with, and for the end.
    readers = waiters.new("an entry of " .. key),
    room = waiters.new("an acknowledgement in " .. key),
    ending = waiters.new("the end of the stream " .. key),
    --- The task that asks the server, its link, what it will ask for next, its last trouble.
    feeder = false,
    link = false,
    position = false,
    is_catching_up = false,
    trouble = false,
    --- Why it cannot go on: `message`, `code`, `err`.
    failure = false,
    --- Where the next search for what is stuck goes on.
    claim_cursor = "0-0",
    is_closed = false,
  }, METATABLE)
end

local ADD = {
  id = "string",
  maxlen = "count",
  minid = "string",
  exact = "boolean",
  nomkstream = "boolean",
}

--- How far to trim, as it is sent.
local function threshold(name, n, given)
  if given.maxlen and given.minid then
    outcome.raise(name, n, "options maxlen and minid exclude each other")
  end
  local sign = given.exact and "=" or "~"
  if given.maxlen then
    return { "MAXLEN", sign, given.maxlen }
  elseif given.minid then
    return { "MINID", sign, given.minid }
  end
end

--- Appends an entry: its id; nil when there is no stream and `nomkstream` is given; or
--- `nil, message, code[, err]`. `fields` is a table by name, or a list of names and values.
---@async
function Stream:Add(fields, given)
  expect(self, "Add")
  if type(fields) ~= "table" or next(fields) == nil then
    outcome.raise("Add", 1, "table of fields expected, got " .. outcome.kind_of(fields))
  elseif #fields % 2 == 1 then
    outcome.raise("Add", 1, "a value for each name expected, the last has none")
  end
  options.check("Add", 2, given, ADD)
  given = given or {}
  local words = threshold("Add", 2, given) or {}
  if given.nomkstream then
    table.insert(words, 1, "NOMKSTREAM")
  end
  return ask(self, "XADD", words, given.id or "*", fields)
end

--- The next entry; parks while there is none. `nil, message, code[, err]` when the time has passed,
--- the server refuses, or the stream was closed.
---@async
function Stream:Read(timeout_ms)
  expect(self, "Read")
  check_time("Read", 1, timeout_ms)
  return feed.read(self, timeout_ms)
end

--- The iterator, which ends when the stream is closed; an error is raised at the line of the loop.
local function next_entry(self)
  local entry, message, code = feed.read(self)
  if not entry and code ~= "ESOCKCLOSE" then
    error(message, 2)
  end
  return entry
end

--- `for entry in stream:Entries() do`. Not for Lua 5.1, where an iterator cannot park.
function Stream:Entries()
  expect(self, "Entries")
  return next_entry, self
end

--- Ids from an id, an entry, or a list of either.
local function ids_of(name, given)
  local list, count = given, 1
  if type(given) ~= "table" or given.id then
    list = { given }
  else
    count = #given
  end
  local ids = {}
  for i = 1, count do
    local id = list[i]
    if type(id) == "table" then
      id = id.id
    end
    if type(id) ~= "string" then
      outcome.raise(name, 1, "id, entry or list of them expected, got " .. type(list[i]))
    end
    ids[i] = id
  end
  return ids
end

--- Says that entries are done with: how many of them were not before.
---@async
function Stream:Ack(given)
  expect(self, "Ack", true)
  local ids = ids_of("Ack", given)
  if #ids == 0 then
    return 0
  end
  local count, message, code, err = ask(self, "XACK", self.group, ids)
  if not count then
    return nil, message, code, err
  end
  for i = 1, #ids do
    feed.release(self, ids[i])
  end
  return count
end

local PENDING = {
  count = "positive integer",
  first = "string",
  last = "string",
  consumer = "string",
  min_idle_ms = "positive integer",
}

--- What was read and not acknowledged: without options a summary, with them a list of entries'
--- `id`, `consumer`, `idle_ms` and `deliveries`.
---@async
function Stream:Pending(given)
  expect(self, "Pending", true)
  options.check("Pending", 1, given, PENDING)
  if not given then
    local reply, message, code, err = ask(self, "XPENDING", self.group)
    if not reply then
      return nil, message, code, err
    end
    local summary = entries.summary(reply)
    if not summary then
      return entries.violation(self.client.keeper.place, "XPENDING")
    end
    return summary
  end
  local idle = given.min_idle_ms and { "IDLE", given.min_idle_ms } or {}
  local range = { given.first or "-", given.last or "+", given.count or self.count }
  range[4] = given.consumer
  local reply, message, code, err = ask(self, "XPENDING", self.group, idle, range)
  if not reply then
    return nil, message, code, err
  end
  local list = entries.pending(reply)
  if not list then
    return entries.violation(self.client.keeper.place, "XPENDING")
  end
  return list
end

--- Takes over entries that nobody has acknowledged for `min_idle_ms`, up to `count`: a list. The
--- next call goes on where this one has ended.
---@async
function Stream:Claim(min_idle_ms, count)
  expect(self, "Claim", true)
  check_count("Claim", 1, min_idle_ms, 0)
  if count ~= nil then
    check_count("Claim", 2, count, 1)
  end
  return feed.claim(self, min_idle_ms, count or self.count)
end

local TRIM = { maxlen = "count", minid = "string", exact = "boolean" }

--- Removes the oldest entries: how many. `{ maxlen = n }` keeps about so many, or a few more;
--- `{ minid = id }` those from an id on.
---@async
function Stream:Trim(given)
  expect(self, "Trim")
  if type(given) == "number" then
    given = { maxlen = given }
  end
  options.check("Trim", 1, given, TRIM)
  local words = given and threshold("Trim", 1, given)
  if not words then
    outcome.raise("Trim", 1, "number, or option maxlen or minid expected")
  end
  return ask(self, "XTRIM", words)
end

--- How many entries it has.
---@async
function Stream:Len()
  expect(self, "Len")
  return ask(self, "XLEN")
end

local CONSUME = {
  workers = "positive integer",
  claim_idle_ms = "positive integer",
  max_deliveries = "positive integer",
  dead_letter = "string",
}

--- Has `handler(entry, stream)` handle every entry, in so many tasks at once, and acknowledges each
--- when that has returned; what has failed comes again. Parks until the stream is closed: true; or
--- `nil, message, code[, err]`.
---@async
function Stream:Consume(handler, given)
  expect(self, "Consume", true)
  if type(handler) ~= "function" then
    outcome.raise("Consume", 1, "function expected, got " .. outcome.kind_of(handler))
  end
  options.check("Consume", 2, given, CONSUME)
  given = given or {}
  if (given.max_deliveries == nil) ~= (given.dead_letter == nil) then
    outcome.raise("Consume", 2, "options max_deliveries and dead_letter belong together")
  end
  return consume(self, handler, given)
end

--- Ends reading: who waits is told `"ESOCKCLOSE"`. What was not acknowledged comes again. Writing
--- goes on. Any number of times, from anywhere.
function Stream:Close()
  expect(self, "Close")
  if self.is_closed then
    return
  end
  self.is_closed = true
  feed.stop(self)
  self.readers:Finish(sched.DONE)
  self.room:Finish(sched.DONE)
  self.ending:Finish(sched.DONE)
end

function Stream:IsClosed()
  expect(self, "IsClosed")
  return self.is_closed
end

stream.Stream = Stream

return stream
