--- A client of the master, or of a replica, that sentinels watch.
---
---     local client = redis.sentinel({
---       name = "mymaster", sentinels = { "127.0.0.1:26379", "127.0.0.1:26380" },
---     })
---     client:Set("name", "chuck")             -- on whoever is the master then
---
--- It is a client (redis/client.lua) that asks, each time before it connects, where to:
---
--- ```text
---  sentinels, one after the other     the server itself     up, until the link ends, a sentinel
---  where is mymaster?  ------------>  ROLE: master?  ---->  tells of +switch-master, or a write
---    ^                                   | no               is refused with READONLY
---    +----------- after a pause ---------+<-----------------+
--- ```
---
--- A sentinel may be wrong for a while; the server is not, about what it is.

local address = require("chuck.support.address")
local backoff = require("chuck.co.backoff")
local client = require("chuck.redis.client")
local link = require("chuck.redis.link")
local native = require("chuck.native")
local options = require("chuck.redis.options")
local outcome = require("chuck.redis.outcome")
local places = require("chuck.redis.places")
local sched = require("chuck.co.sched")

local sentinel = {}

--- The port of sentinels, and the time that one may take to answer, in milliseconds.
local PORT, ASK = 26379, 1000

local PORT_MAX = 65535

local KINDS = {
  name = "string",
  sentinels = "list of strings",
  sentinel_username = "string",
  sentinel_password = "string",
  role = "string",
}

--- What ROLE says of whom we look for.
local ROLES = { master = "master", replica = "slave" }

---@class chuck.redis.Watch
local Watch = {}
Watch.__index = Watch

--- A list of pairs as a map; a map as it is; an empty one for what is neither.
local function map_of(reply)
  if type(reply) ~= "table" then
    return {}
  elseif reply[1] == nil then
    return reply
  end
  local map = {}
  for i = 1, #reply - 1, 2 do
    if type(reply[i]) == "string" then
      map[reply[i]] = reply[i + 1]
    end
  end
  return map
end

--- The address of a host and a port; nil for what is none.
local function address_of(host, port)
  port = tonumber(port)
  if type(host) == "string" and host ~= "" and port and port % 1 == 0 then
    return port > 0 and port <= PORT_MAX and address.join(host, port) or nil
  end
end

local function violation(from, why)
  return outcome.none(from.peer, why, "ERDISPERROR")
end

--- Sends a command and parks for its reply, a table or null; or `nil, message, code[, err]`.
---@async
local function ask(from, ...)
  local value, message, code = from:Request(ASK, ...)
  if value == nil then
    return nil, message, code
  elseif outcome.is_error(value) then
    return nil, ("%s: %s"):format(from.peer, value.message), value.code, value
  elseif type(value) ~= "table" and value ~= outcome.null then
    return violation(from, ("a list expected, got a %s"):format(type(value)))
  end
  return value
end

--- The address of a replica, by what a sentinel says of it; nil when it cannot be used.
local function fit(replica)
  for _, flag in ipairs({ "s_down", "o_down", "disconnected" }) do
    if tostring(replica.flags):find(flag, 1, true) then
      return nil
    end
  end
  if replica["master-link-status"] ~= "err" then
    return address_of(replica.ip, replica.port)
  end
end

--- The address of a replica, another one each time; or `nil, message, code[, err]`.
---@async
local function replica_of(self, from)
  local reply, message, code, err = ask(from, "SENTINEL", "REPLICAS", self.name)
  if not reply then
    return nil, message, code, err
  end
  local found = {}
  for _, entry in ipairs(reply ~= outcome.null and reply or {}) do
    found[#found + 1] = fit(map_of(entry))
  end
  if #found == 0 then
    local text = "no replica of %s is there"
    return outcome.none(from.peer, text:format(self.name), "EHOSTUNREACH")
  end
  self.turn = self.turn + 1
  return found[self.turn % #found + 1]
end

--- The address of the master; or `nil, message, code[, err]`.
---@async
local function master_of(self, from)
  local reply, message, code, err = ask(from, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.name)
  if not reply then
    return nil, message, code, err
  elseif reply == outcome.null then
    return outcome.none(from.peer, ("there is no master %s"):format(self.name), "EHOSTUNREACH")
  end
  local found = address_of(reply[1], reply[2])
  if not found then
    return violation(from, ("no address of %s in its answer"):format(self.name))
  end
  return found
end

--- A link to the sentinel at a place in the list; or `nil, message, code[, err]`.
---@async
local function open(self, place)
  return link.open(self.sentinels[place], self.asking)
end

--- Asks a sentinel: an address, or `nil, message, code[, err]`.
---@async
local function ask_one(self, place)
  local from, message, code, err = open(self, place)
  if not from then
    return nil, message, code, err
  end
  local find = self.role == "master" and master_of or replica_of
  local done, found
  done, found, message, code, err = sched.pcall(find, self, from)
  from:Close()
  if not done then
    error(found, 0)
  end
  return found, message, code, err
end

--- Where the server is: an address; or `nil, message, code`. The sentinel that has answered is the
--- first to be asked the next time.
---@async
function Watch:Locate()
  local message, code
  for i = 0, #self.sentinels - 1 do
    local place = (self.place - 1 + i) % #self.sentinels + 1
    local found, why, what = ask_one(self, place)
    if found then
      self.place = place
      return found
    end
    message, code = message and ("%s; %s"):format(message, why) or why, what
  end
  return nil, message, code
end

--- Whether a server is what we look for: true, or `nil, message, code`.
---@async
function Watch:Verify(from)
  local reply, message, code = ask(from, "ROLE")
  if not reply then
    return nil, message, code
  end
  local role = reply ~= outcome.null and reply[1]
  if role ~= ROLES[self.role] then
    local text = ("it is no %s of %s, it says that it is %s"):format(
      self.role,
      self.name,
      tostring(role)
    )
    return outcome.none(from.peer, text, "EHOSTUNREACH")
  end
  return true
end

--- A sentinel has told of a new master: `name old-ip old-port new-ip new-port`.
local function on_switch(self, text)
  local name, ip, port = text:match("^(%S+) %S+ %S+ (%S+) (%d+)$")
  local up, place = self.client.keeper.link, address_of(ip, port)
  if name ~= self.name or not up or not place then
    return
  elseif self.role == "replica" or up.peer ~= place then
    up:Close("ECONNRESET", ("%s is at %s:%s now"):format(name, ip, port))
  end
end

--- Subscribes, and parks until the link has ended or has been silent for too long: whether it was.
---@async
local function stay(self, from)
  local pause, is_heard = self.options.heartbeat_ms
  local function take(_, items)
    is_heard = true
    if type(items) == "table" and items[1] == "message" and type(items[3]) == "string" then
      on_switch(self, items[3])
    end
  end
  from.on_push, from.on_reply = take, take
  from:Send("SUBSCRIBE", "+switch-master")
  if pause == 0 then
    from:Wait()
    return false
  end
  repeat
    is_heard = false
    from:Send("PING")
  until from:Wait(pause) or not is_heard
  return not is_heard
end

--- Listens to one sentinel until it has gone.
---@async
local function listen(self)
  local from = open(self, self.place)
  local fine, is_silent = true, true
  if from then
    fine, is_silent = sched.pcall(stay, self, from)
    from:Close()
  end
  if not fine then
    error(is_silent, 0)
  elseif is_silent then
    self.place = self.place % #self.sentinels + 1
  end
end

--- Listens to sentinels as long as the client is there.
---@async
local function watch(self)
  local pause = backoff.new(self.options.backoff_ms, self.options.backoff_max_ms)
  while not self.client.keeper.is_closed do
    local began = sched.now()
    listen(self)
    if sched.now() - began > self.options.backoff_max_ms then
      pause:Reset()
    end
    sched.sleep(pause:Next())
  end
end

--- An error of the server may say that it is no master any more.
local function on_refusal(owner, err)
  local up = owner.keeper.link
  if err.code == "READONLY" and up then
    up:Close("ECONNRESET", "it is no master any more")
  end
end

--- Ends the listening. From anywhere.
function Watch:Close()
  self.task:Cancel()
end

--- Addresses of sentinels.
local function addresses_of(list)
  local found = {}
  for i, text in ipairs(list) do
    if text:find("://", 1, true) then
      local parts, why = options.parse(text)
      if not parts then
        outcome.raise("sentinel", 1, why)
      end
      text = address.join(parts.host or "127.0.0.1", parts.port or PORT)
    elseif not address.split(text) then
      local message = "option sentinels: host:port or URI expected, got " .. text
      outcome.raise("sentinel", 1, message)
    end
    found[i] = text
  end
  return found
end

--- What links to sentinels are opened with: they have credentials of their own, and one database.
local function options_of_asking(made)
  return setmetatable({
    username = made.sentinel_username or false,
    password = made.sentinel_password or false,
    db = 0,
    setup = false,
    connect_ms = math.min(made.connect_ms, ASK),
    decoder = native.decoder.connection.redis({ message = 1024 * 1024 }),
  }, { __index = made })
end

--- A client of the server that sentinels call `name`. It connects in a task of its own.
function sentinel.connect(given)
  if not sched.current() then
    outcome.blame("'sentinel' is for tasks: use it inside of co.run or co.spawn")
  end
  if type(given) == "table" and given.sentinels then
    given = places.with(given, "sentinels", given.sentinels, PORT)
  end
  local made = options.make("sentinel", given, KINDS)
  made.role = made.role or "master"
  if not made.name then
    outcome.raise("sentinel", 1, "option name: string expected, got nil")
  elseif not made.sentinels then
    outcome.raise("sentinel", 1, "option sentinels: list of strings expected, got nil")
  elseif not ROLES[made.role] then
    local text = 'option role: "master" or "replica" expected, got "%s"'
    outcome.raise("sentinel", 1, text:format(made.role))
  end
  local self = setmetatable({
    options = made,
    name = made.name,
    role = made.role,
    sentinels = addresses_of(made.sentinels),
    asking = options_of_asking(made),
    --- The sentinel that has answered last; whose turn it is among replicas.
    place = 1,
    turn = 0,
    client = false,
    task = false,
  }, Watch)
  made.place = ("%s of %s"):format(made.role, made.name)
  made.backoff_max_ms = given.backoff_max_ms or 1000
  function made.locate()
    return self:Locate()
  end
  function made.verify(from)
    return self:Verify(from)
  end
  made.on_refusal = made.role == "master" and on_refusal or nil
  self.client = client.new(made)
  -- The client closes it with its own links.
  self.client.links[self] = true
  self.task = sched.spawn(watch, self)
  return self.client
end

return sentinel
