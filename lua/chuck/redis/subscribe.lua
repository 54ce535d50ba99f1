--- Messages of channels, on a connection of their own.
---
---     local sub = client:Subscribe("news", "weather")
---     local message = sub:Next()                  --> { channel = "news", payload = "…" }
---     for message in sub:Messages() do … end      -- not on Lua 5.1
---     client:Subscribe("news", function(message) print(message.payload) end)
---     sub:Add("sports")  sub:Remove("news")  sub:Close()
---
--- What keeps the connection, and the messages that nobody has taken, is in redis/feed.lua. Here is
--- what the server is asked for. It answers in order, with a confirmation for each channel, or one
--- error for a whole command:
---
--- ```text
---  asked    | SUBSCRIBE a b | PING | UNSUBSCRIBE a |      the first gets what comes, until it has
---                                                         all of its confirmations
--- ```

local feed = require("chuck.redis.feed")
local native = require("chuck.native")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")

local put = feed.put
--- Less than half the price of `getmetatable`, which looks for the name of the class.
local metatable_of = debug.getmetatable
local type = type

local subscribe = {}

---@class chuck.redis.Subscription
local Subscription = {}

local METATABLE = { __index = Subscription, __metatable = "redis.subscription" }

--- Commands that begin, and those that end, what they begin.
local ENDS = { SUBSCRIBE = "UNSUBSCRIBE", PSUBSCRIBE = "PUNSUBSCRIBE", SSUBSCRIBE = "SUNSUBSCRIBE" }

--- Errors that will be others soon: the server is asked again, by another connection.
local PASSING = {
  ASK = true,
  CLUSTERDOWN = true,
  LOADING = true,
  MASTERDOWN = true,
  MOVED = true,
  TRYAGAIN = true,
}

local function expect(self, name)
  if metatable_of(self) ~= METATABLE then
    local message = "calling '%s' on bad self (redis.subscription expected, got %s)"
    outcome.blame(message:format(name, outcome.kind_of(self)))
  end
end

--- Names that may stand in one command: those of sharded channels have a slot each.
local function groups_of(verb, names)
  if verb ~= "SSUBSCRIBE" and verb ~= "SUNSUBSCRIBE" then
    return { names }
  end
  local groups, by_slot = {}, {}
  for _, name in ipairs(names) do
    local slot = native.redis.slot(name)
    if not by_slot[slot] then
      by_slot[slot] = {}
      groups[#groups + 1] = by_slot[slot]
    end
    table.insert(by_slot[slot], name)
  end
  return groups
end

local function set_of(names)
  local set = {}
  for _, name in ipairs(names) do
    set[name] = true
  end
  return set
end

--- Sends a command for some names; `wish` is told of what comes.
local function ask(self, verb, names, wish)
  local from, groups = self.link, groups_of(verb, names)
  wish.open = #groups
  for _, group in ipairs(groups) do
    local sent, message, code = from:Send(verb, group)
    if not sent then
      from:Close(code, message)
      return
    end
    local asked = { word = verb:lower(), left = #group, set = set_of(group), wish = wish }
    table.insert(self.asked, asked)
  end
end

--- Channels in order.
local function names_of(set)
  local names = {}
  for name in pairs(set) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

--- Channels that are confirmed or waited for.
local function all_names(self)
  local set = {}
  for name in pairs(self.wanted) do
    set[name] = true
  end
  for wish in pairs(self.wishes) do
    for _, name in ipairs(wish.names) do
      set[name] = true
    end
  end
  return names_of(set)
end

--- Whether somebody waits for a channel.
local function is_wished(self, name)
  for wish in pairs(self.wishes) do
    if wish.set[name] then
      return true
    end
  end
  return false
end

--- Whether one of these channels is asked for, and not answered yet.
local function is_awaited(self, names)
  for wish in pairs(self.wishes) do
    local is_open = not (wish.is_done or wish.err)
    for _, name in ipairs(names) do
      if is_open and wish.set[name] then
        return true
      end
    end
  end
  return false
end

--- All confirmations of a command have come.
local function conclude(self, wish)
  wish.open = wish.open - 1
  if wish.open > 0 then
    return
  end
  wish.is_done = true
  if wish.is_all then
    return feed.up(self)
  end
  feed.tell(self)
end

--- The first of `asked` gets a confirmation. A channel that was not asked about is one that the
--- server has taken away, with its slot.
local function confirm(self, from, items)
  local asked = self.asked[1]
  local word, name = items[1], items[2]
  local is_end = word:find("unsubscribe", 1, true)
  if not asked or asked.word ~= word or not asked.set[name] then
    if is_end and self.wanted[name] then
      from:Close("ECONNRESET", ("the server has ended the subscription to %s"):format(name))
    elseif not is_end then
      feed.violated(self, from, ("%s that was not asked for"):format(word))
    end
    return
  end
  local wish = asked.wish
  if not is_end and self.wishes[wish] then
    self.wanted[name] = true
  end
  asked.left = asked.left - 1
  if asked.left == 0 then
    table.remove(self.asked, 1)
    conclude(self, wish)
  end
end

--- The first of `asked` gets an error.
local function refuse(self, from, err)
  local asked = table.remove(self.asked, 1)
  if not asked then
    return feed.violated(self, from, err.message)
  end
  local wish = asked.wish
  if not wish or ENDS[asked.word:upper()] == nil then
    -- That of a ping, or of an end: it is there.
    if wish then
      wish.err = err
      conclude(self, wish)
    end
    return
  elseif PASSING[err.code] then
    from:Close(err.code, err.message)
  elseif wish.is_all then
    feed.finish(self, ("%s: %s"):format(self.what, err.message), err.code, err)
  else
    wish.err = err
    feed.tell(self)
  end
end

local function pong(self)
  local asked = self.asked[1]
  if asked and not asked.wish then
    table.remove(self.asked, 1)
  end
end

local on = {
  subscribe = confirm,
  psubscribe = confirm,
  ssubscribe = confirm,
  unsubscribe = confirm,
  punsubscribe = confirm,
  sunsubscribe = confirm,
  pong = pong,
}

--- What a payload counts. Invalidations, as channels of Redis have them, are lists.
local function size_of(payload)
  return type(payload) == "string" and #payload or 0
end

local kind = {}

--- Takes what has come.
function kind.take(self, from, value)
  if type(value) == "table" then
    local word, channel, payload = value[1], value[2], value[3]
    if word == "message" or word == "smessage" then
      if type(channel) == "string" and payload ~= nil then
        return put(self, { channel = channel, payload = payload }, #channel + size_of(payload))
      end
    elseif word == "pmessage" then
      -- The pattern stands first.
      local whole = value[4]
      if type(payload) == "string" and whole ~= nil then
        local message = { channel = payload, payload = whole, pattern = channel }
        return put(self, message, #payload + size_of(whole))
      end
    end
    self.others = self.others + 1
    if outcome.is_error(value) then
      return refuse(self, from, value)
    elseif on[word] then
      return on[word](self, from, value)
    elseif type(word) == "string" and from.protocol == 3 then
      -- News of a kind that is not of subscriptions.
      return
    end
  elseif value == "PONG" then
    self.others = self.others + 1
    return pong(self)
  end
  feed.violated(self, from, "what is no message")
end

--- On a new link everything is asked for again: first what was had, then what tasks wait for.
function kind.ask(self)
  local had = names_of(self.wanted)
  if #had > 0 then
    ask(self, self.verb, had, { names = had, is_all = true })
  end
  for wish in pairs(self.wishes) do
    if self.link then
      ask(self, self.verb, wish.names, wish)
    end
  end
  if #had == 0 and self.link then
    feed.up(self)
  end
end

function kind.ping(self, from)
  if from:Send("PING") then
    table.insert(self.asked, { word = "ping" })
  end
end

function kind.lose(self)
  self.asked = {}
end

--- Nobody waits for these channels any more that were not confirmed.
local function give_up(self, wish)
  self.wishes[wish] = nil
  local names = {}
  for _, name in ipairs(wish.names) do
    if not is_wished(self, name) and not (self.wanted[name] and wish.had[name]) then
      self.wanted[name] = nil
      names[#names + 1] = name
    end
  end
  if self.link and #names > 0 then
    ask(self, ENDS[self.verb], names, { names = names })
  end
  feed.tell(self)
end

--- The server has refused what was wished for.
local function refusal(self, verb, err)
  return nil, ("%s: %s: %s"):format(self.place, verb, err.message), err.code, err
end

--- Asks for channels, and parks until the server has confirmed them all.
---@async
local function add(self, names)
  local wish = {
    names = names,
    set = set_of(names),
    --- Those that were confirmed before.
    had = {},
    --- Commands whose confirmations have not all come.
    open = 0,
    is_done = false,
    err = false,
  }
  for _, name in ipairs(names) do
    wish.had[name] = self.wanted[name]
  end
  self.wishes[wish] = true
  if self.link then
    ask(self, self.verb, names, wish)
  end
  local fine, done, message, code, err = sched.pcall(feed.await, self, self.verb, function()
    return wish.is_done or wish.err
  end)
  if fine and done and wish.is_done then
    self.wishes[wish] = nil
    return true
  end
  give_up(self, wish)
  if not fine then
    error(done, 0)
  elseif wish.err then
    return refusal(self, self.verb, wish.err)
  end
  return nil, message, code, err
end

--- Channels once each; raises for what is none. They are arguments of `name`, or stand in a table
--- that is its first.
local function check_names(name, list, n, is_table)
  local names, seen = {}, {}
  for i = 1, n do
    local channel = list[i]
    if type(channel) ~= "string" then
      local message = "string expected, got " .. outcome.kind_of(channel)
      if is_table then
        outcome.raise(name, 1, ("channel %d: %s"):format(i, message))
      end
      outcome.raise(name, i, message)
    elseif not seen[channel] then
      seen[channel] = true
      names[#names + 1] = channel
    end
  end
  return names
end

--- The channels in arguments, or in a table.
local function read_names(name, ...)
  if type((...)) == "table" and select("#", ...) == 1 then
    return check_names(name, (...), #(...), true)
  end
  return check_names(name, { ... }, select("#", ...))
end

--- What is no channel in a table.
local function read_options(name, given)
  local how = {}
  for key, value in pairs(given) do
    if type(key) ~= "number" then
      how[key] = value
    end
  end
  feed.check(name, 1, how)
  return how
end

--- Makes a subscription, and parks until it is confirmed; or `nil, message, code[, err]`.
---@async
function subscribe.open(client, verb, name, ...)
  local n = select("#", ...)
  local fn = n > 1 and select(n, ...) or nil
  if type(fn) == "function" then
    n = n - 1
  else
    fn = nil
  end
  local first, how = (...), nil
  local names
  if type(first) == "table" and n == 1 then
    how = read_options(name, first)
    names = check_names(name, first, #first, true)
  else
    names = check_names(name, { ... }, n)
  end
  if #names == 0 then
    outcome.raise(name, 1, "string expected, got no channel")
  end
  feed.expect_task(name)
  local has_room, full, busy = feed.has_room(client)
  if not has_room then
    return nil, ("%s: %s"):format(verb, full), busy
  end
  local what = ("%s of %s"):format(verb, table.concat(names, " ", 1, math.min(#names, 3)))
  local self = feed.new(METATABLE, kind, client, what, how, fn)
  self.verb = verb
  --- Channels that are confirmed, or were before the link was lost; who waits for further ones.
  self.wanted = {}
  self.wishes = {}
  --- What the server has not answered yet, in order.
  self.asked = {}
  feed.start(self)
  local fine, added, message, code, err = sched.pcall(add, self, names)
  if not fine then
    self:Close()
    error(added, 0)
  elseif not added then
    self:Close()
    return nil, message, code, err
  end
  return self
end

--- The next message; parks while there is none. `nil, message, code` when there will be none, or
--- not in time.
---@async
function Subscription:Next(timeout_ms)
  if metatable_of(self) ~= METATABLE then
    expect(self, "Next")
  end
  feed.check_next(self, timeout_ms)
  return feed.next(self, timeout_ms)
end

--- `for message in sub:Messages() do`, until the subscription ends. Not on Lua 5.1, where an
--- iterator cannot park.
function Subscription:Messages()
  expect(self, "Messages")
  feed.check_next(self)
  return feed.step, self
end

--- Subscribes to more; parks until that is confirmed. True, or `nil, message, code[, err]`.
---@async
function Subscription:Add(...)
  expect(self, "Add")
  local names = read_names("Add", ...)
  if #names == 0 then
    outcome.raise("Add", 1, "string expected, got no channel")
  elseif self.ended then
    return feed.ending(self)
  end
  return add(self, names)
end

--- Unsubscribes, from everything when no channel is named; parks until that is confirmed. True, or
--- `nil, message, code[, err]`.
---@async
function Subscription:Remove(...)
  expect(self, "Remove")
  local names, gone = read_names("Remove", ...), {}
  if self.ended then
    return feed.ending(self)
  elseif select("#", ...) == 0 then
    names = all_names(self)
  end
  local verb = ENDS[self.verb]
  if is_awaited(self, names) then
    local settled, message, code, err = feed.await(self, verb, function()
      return not is_awaited(self, names)
    end)
    if not settled then
      return nil, message, code, err
    end
  end
  for _, name in ipairs(names) do
    if self.wanted[name] then
      self.wanted[name] = nil
      gone[#gone + 1] = name
    end
  end
  local from = self.link
  if #gone == 0 or not from then
    return true
  end
  local wish = { names = gone, open = 0, is_done = false, err = false }
  ask(self, verb, gone, wish)
  local done, message, code, err = feed.await(self, verb, function()
    return wish.is_done or self.link ~= from
  end)
  if not (done and wish.err) then
    return done, message, code, err
  end
  for _, name in ipairs(gone) do
    self.wanted[name] = true
  end
  return refusal(self, verb, wish.err)
end

--- What it is subscribed to, in order.
function Subscription:Channels()
  expect(self, "Channels")
  return names_of(self.wanted)
end

--- Ends it, with its connection; messages that were not taken are let go. Any number of times, from
--- anywhere.
function Subscription:Close()
  expect(self, "Close")
  feed.close(self)
end

function Subscription:IsClosed()
  expect(self, "IsClosed")
  return self.ended and true or false
end

--- Counters since it was made: see docs/api/redis-pubsub.md.
function Subscription:Stats()
  expect(self, "Stats")
  return feed.stats(self)
end

function subscribe.Subscribe(client, ...)
  return subscribe.open(client, "SUBSCRIBE", "Subscribe", ...)
end

function subscribe.Psubscribe(client, ...)
  return subscribe.open(client, "PSUBSCRIBE", "Psubscribe", ...)
end

function subscribe.Ssubscribe(client, ...)
  return subscribe.open(client, "SSUBSCRIBE", "Ssubscribe", ...)
end

subscribe.class = Subscription

return subscribe
