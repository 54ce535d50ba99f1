--- Replies that are kept here until the server says that their keys have changed.
---
---     client:Cached("name")                       -- asks the server
---     client:Cached("name")                       -- does not, as long as the key is the same
---     client:CachedCall("HGETALL", "user:1")
---
--- The server remembers what it has told after `CLIENT CACHING YES`, and pushes `invalidate` with
--- the key by the same connection, once. So a kept reply is as old as a push takes to come, and
--- nothing is kept beyond the connection.
---
--- ```text
---  absent --ask--> on its way --reply--> kept --push, no room, link lost--> absent
---                     | push: told to those who wait, not kept
--- ```
---
--- A request on its way is shared by all who ask for the same.

local client = require("chuck.redis.client")
local limits = require("chuck.redis.limits")
local methods = require("chuck.redis.methods")
local native = require("chuck.native")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local encode = native.redis.encode
local null = outcome.null
local DONE, TIMEOUT = sched.DONE, sched.TIMEOUT

local cache = {}

local GET = methods.find("GET")

--- Has the server remember who has read the keys of the next command.
local CACHING = encode("CLIENT", "CACHING", "YES")

--- What an entry costs beside its bytes, about.
local OVERHEAD = 200

--- Bytes of a reply, about.
local function size_of(value)
  if type(value) == "string" then
    return #value
  elseif type(value) ~= "table" then
    return 8
  end
  local size = 64
  for key, item in pairs(value) do
    size = size + 16 + size_of(item) + (type(key) == "number" and 0 or size_of(key))
  end
  return size
end

--- Takes an entry out of the list by use.
local function unchain(store, entry)
  local newer, older = entry.newer, entry.older
  if newer then
    newer.older = older
  else
    store.newest = older
  end
  if older then
    older.newer = newer
  else
    store.oldest = newer
  end
end

--- Puts an entry at the newer end of the list.
local function chain(store, entry)
  local newest = store.newest
  entry.newer, entry.older = false, newest
  if newest then
    newest.newer = entry
  else
    store.oldest = entry
  end
  store.newest = entry
end

--- Has `thing`, an entry or a request, found by its keys; or no longer.
local function index(store, thing)
  for _, key in ipairs(thing.keys) do
    local set = store.by_key[key]
    if not set then
      set = {}
      store.by_key[key] = set
    end
    set[thing] = true
  end
end

local function unindex(store, thing)
  for _, key in ipairs(thing.keys) do
    local set = store.by_key[key]
    if set then
      set[thing] = nil
      if next(set) == nil then
        store.by_key[key] = nil
      end
    end
  end
end

--- Forgets an entry.
local function drop(store, entry)
  entry.home.kept[entry.id] = nil
  unchain(store, entry)
  unindex(store, entry)
  store.entries = store.entries - 1
  store.bytes = store.bytes - entry.size
end

--- Keeps a reply, in the room of those that were not used for longest.
local function keep(store, request, value)
  local size = OVERHEAD + #request.id + size_of(value)
  if size > store.most_bytes then
    return
  end
  while store.entries >= store.most or store.bytes + size > store.most_bytes do
    store.evictions = store.evictions + 1
    drop(store, store.oldest)
  end
  local entry = {
    home = request.home,
    id = request.id,
    keys = request.keys,
    value = value,
    size = size,
    newer = false,
    older = false,
  }
  request.home.kept[request.id] = entry
  chain(store, entry)
  index(store, entry)
  store.entries = store.entries + 1
  store.bytes = store.bytes + size
end

--- What is on its way is not kept, and nobody else is told it.
local function spoil(request)
  request.is_stale = true
  if request.home.asked[request.id] == request then
    request.home.asked[request.id] = nil
  end
end

local function invalidate(store, key)
  local set = store.by_key[key]
  for thing in pairs(set or {}) do
    if thing.taker then
      spoil(thing)
    else
      drop(store, thing)
    end
  end
end

--- Forgets everything.
local function empty(store)
  for _, home in ipairs(store.homes) do
    for _, request in pairs(home.asked) do
      request.is_stale = true
    end
    home.kept, home.asked = {}, {}
  end
  store.by_key, store.newest, store.oldest = {}, false, false
  store.entries, store.bytes = 0, 0
end

--- News of the server.
local function on_push(store, items)
  if items[1] ~= "invalidate" then
    return
  elseif type(items[2]) == "table" then
    for _, key in ipairs(items[2]) do
      store.invalidations = store.invalidations + 1
      invalidate(store, key)
    end
  else
    store.invalidations = store.invalidations + 1
    empty(store)
  end
end

local function nothing() end

--- The connection that tells of changes: all that was told by another is forgotten.
local function attach(store, from)
  if store.link == from then
    return
  end
  empty(store)
  store.link, store.refusal = from, false
  from.on_push = function(_, items)
    if store.link == from then
      on_push(store, items)
    end
  end
  from:Submit({
    loser = nothing,
    taker = function(_, value)
      if outcome.is_error(value) then
        store.refusal = value.message
      end
    end,
  }, "CLIENT", "TRACKING", "ON", "OPTIN")
end

local function lose(self, from)
  local store = self.store
  if store.link == from then
    empty(store)
    store.link = false
  end
end

local function new_home()
  return {
    --- Entries that are kept, and requests on their way, by what was asked.
    kept = {},
    asked = {},
  }
end

local function store_of(self)
  if not self.store then
    local given = self.options.cache or {}
    local plain, calls = new_home(), new_home()
    self.store = {
      --- Of GET by key; of other commands by the bytes that are sent.
      plain = plain,
      calls = calls,
      homes = { plain, calls },
      --- Key -> set of entries and requests.
      by_key = {},
      --- The list of entries by use.
      newest = false,
      oldest = false,
      most = given.entries or limits.cache_entries,
      most_bytes = given.bytes or limits.cache_bytes,
      entries = 0,
      bytes = 0,
      --- The link whose pushes are heard; why the server does not send any, if it refuses.
      link = false,
      refusal = false,
      hits = 0,
      misses = 0,
      joins = 0,
      invalidations = 0,
      evictions = 0,
    }
    table.insert(self.on_loss, lose)
  end
  return self.store
end

--- The reply to a request has come.
local function take(request, value)
  local store = request.store
  local home, id = request.home, request.id
  if home.asked[id] == request then
    home.asked[id] = nil
  end
  unindex(store, request)
  if request.is_tracked and not request.is_stale and not outcome.is_error(value) then
    keep(store, request, value)
  end
  request.value = value
  request.readers:Finish(DONE)
end

local function fail(request, message, code)
  unindex(request.store, request)
  if request.home.asked[request.id] == request then
    request.home.asked[request.id] = nil
  end
  request.lost = { message = message, code = code }
  request.readers:Finish(DONE)
end

--- The server has said whether it will remember.
local function note(mark, value)
  mark.request.is_tracked = not outcome.is_error(value)
end

--- Sends a request; or `nil, message, code`.
local function send(store, from, home, id, keys, bytes)
  local request = {
    taker = take,
    loser = fail,
    store = store,
    home = home,
    id = id,
    keys = keys,
    from = from,
    readers = waiters.new("reply of " .. from.peer),
    is_tracked = false,
    is_stale = false,
    value = nil,
    lost = false,
  }
  local mark = { request = request, taker = note, loser = nothing }
  local sent, message, code = from:SubmitBytes(CACHING .. bytes, { mark, request })
  if not sent then
    return nil, message, code
  end
  home.asked[id] = request
  index(store, request)
  return request
end

--- The arguments in bytes that `encode` has made, as they are sent.
local function words_of(bytes)
  local list, n = {}, 0
  local at = bytes:find("\n", 1, true) + 1
  while at <= #bytes do
    local size, from = bytes:match("^%$(%d+)\r\n()", at)
    n = n + 1
    list[n] = bytes:sub(from, from + size - 1)
    at = from + size + 2
  end
  return list
end

--- The keys of a command that only reads; nil when it is not known where they are.
local function keys_of(spec, list)
  local keys, shift = {}, #spec.words
  local count = #list - shift
  if spec.first_key > 0 then
    local last = spec.last_key < 0 and count + 1 + spec.last_key or spec.last_key
    for i = spec.first_key, math.min(last, count), spec.step do
      keys[#keys + 1] = list[shift + i]
    end
  elseif spec.key_number then
    local number = tonumber(list[shift + spec.key_number]) or 0
    for i = 1, math.min(number, count - spec.key_number) do
      keys[i] = list[shift + spec.key_number + i]
    end
  end
  return keys
end

--- Parks for a reply: the raw value; or `nil, message, code, true` when it is lost.
---@async
local function await(request, left)
  local readers, task = request.readers, sched.parking()
  readers:Add(task)
  if sched.park(readers, left) == TIMEOUT then
    return nil, request.from.peer .. ": no reply in time", "ETIMEDOUT"
  elseif request.lost then
    return nil, request.lost.message, request.lost.code, true
  end
  return request.value
end

--- Asks the server, or joins who has asked already, and parks for the reply.
---@async
local function ask(self, store, spec, home, id, keys, bytes, ...)
  local give_up, tries = sched.now() + self.timeout_ms, 0
  while true do
    local from, message, code, err = self.keeper:Link(math.max(give_up - sched.now(), 0))
    if not from then
      return client.no_link(self, spec, message, code, err)
    end
    attach(store, from)
    if from.protocol ~= 3 or store.refusal then
      return client.carry_out(self, nil, spec, ...)
    end
    local request = home.asked[id]
    if request then
      store.joins = store.joins + 1
    else
      store.misses = store.misses + 1
      request, message, code = send(store, from, home, id, keys, bytes)
      if not request then
        return nil, spec.name .. ": " .. message, code
      end
    end
    local value, is_lost
    value, message, code, is_lost = await(request, math.max(give_up - sched.now(), 0))
    if value ~= nil then
      return client.answer(self, spec, from, value, ...)
    elseif
      not is_lost
      or tries >= self.options.retries
      or not client.may_repeat(self, spec, from, nil, ...)
    then
      return client.no_reply(self, spec, from, message, code)
    end
    tries = tries + 1
    self.repeats = self.repeats + 1
  end
end

--- A reply that is kept, used last from now on; nil when there is none.
local function find(store, home, id)
  local entry = home.kept[id]
  if entry then
    store.hits = store.hits + 1
    if entry.newer then
      unchain(store, entry)
      chain(store, entry)
    end
  end
  return entry
end

--- A command and its arguments as they are sent; raises for arguments that cannot be.
local function bytes_of(spec, ...)
  local words = spec.words
  local bytes, n, text
  if words[2] then
    bytes, n, text = encode(words[1], words[2], ...)
  else
    bytes, n, text = encode(words[1], ...)
  end
  if not bytes then
    client.wrong(spec, n, text)
  end
  return bytes
end

---@async
local function read(self, spec, ...)
  local store, bytes = store_of(self), bytes_of(spec, ...)
  local entry = find(store, store.calls, bytes)
  if entry then
    return client.answer(self, spec, store.link, entry.value, ...)
  end
  local keys = keys_of(spec, words_of(bytes))
  if not spec.is_read_only or #keys == 0 then
    local message = "bad argument #1 to 'CachedCall' (%s is no command that reads keys)"
    outcome.blame(message:format(spec.name))
  end
  return ask(self, store, spec, store.calls, bytes, keys, bytes, ...)
end

--- As `client:Get(key)`, from here as long as the key has not changed.
---@async
function cache.Cached(self, key)
  if type(key) ~= "string" or self.arguments then
    if type(key) ~= "string" and type(key) ~= "number" then
      outcome.raise("Cached", 1, "string or number expected, got " .. outcome.kind_of(key))
    end
    return cache.CachedCall(self, "GET", key)
  end
  local store = store_of(self)
  local entry = find(store, store.plain, key)
  if entry then
    local value = entry.value
    if value == null then
      return nil
    elseif self.replies then
      return self.replies("GET", value)
    end
    return value
  end
  return ask(self, store, GET, store.plain, key, { key }, encode("GET", key), key)
end

--- As `client:Call(name, ...)`, for commands that read keys and change nothing.
---@async
function cache.CachedCall(self, name, ...)
  if type(name) ~= "string" then
    outcome.raise("CachedCall", 1, "string expected, got " .. outcome.kind_of(name))
  end
  local spec, from = methods.find(name, ...)
  if self.arguments then
    return read(self, spec, self.arguments(spec.name, select(from, ...)))
  end
  return read(self, spec, select(from, ...))
end

--- Counters of the cache.
function cache.stats(store)
  return {
    is_tracking = store.link and store.link.protocol == 3 and not store.refusal or false,
    entries = store.entries,
    bytes = store.bytes,
    hits = store.hits,
    misses = store.misses,
    joins = store.joins,
    invalidations = store.invalidations,
    evictions = store.evictions,
  }
end

return cache
