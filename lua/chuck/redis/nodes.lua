--- The nodes of a cluster: who serves which slot, and a client for each.
---
--- ```text
---   commands         nodes                                    tender (a task)
---   Find(slot)  ->   owners[slot] = shard -> node -> client
---   Move(MOVED) ->   owners[slot] = another; Want()  ------>  asks a node CLUSTER SLOTS,
---   Await()     ->   parks until the map was looked at  <---  closes clients of nodes that left
--- ```
---
--- However many tasks want the map, one looks, and not more often than every `PAUSE`.

local client = require("chuck.redis.client")
local link = require("chuck.redis.link")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")
local slots = require("chuck.redis.slots")
local waiters = require("chuck.co.waiters")

local nodes = {}

--- The time between two looks at the map, that a node may take to tell it, and that a task waits
--- for the link to one node before it looks whether the map has changed, in milliseconds.
local PAUSE, ASK, PATIENCE = 50, 1000, 100

local NONE = {}

---@class chuck.redis.Nodes
local Nodes = {}
Nodes.__index = Nodes

--- The node at an address, made when it is new. Its client is made when it is first needed.
function Nodes:At(address)
  local node = self.by_address[address]
  if not node then
    node = { address = address, client = false, is_silent = false, is_listed = true }
    self.by_address[address] = node
  end
  return node
end

--- The client of a node.
function Nodes:Client(node)
  local found = node.client
  if not found then
    found = client.new(setmetatable({
      place = node.address,
      --- Not where the task that needs it first happens to be.
      home = self.home,
      on_connect = self.hook("on_connect", node.address),
      on_disconnect = self.hook("on_disconnect", node.address),
      setup = self.options.reads ~= "master" and { { "READONLY" } } or nil,
      slow_ms = false,
    }, { __index = self.options }))
    node.client = found
    if self.is_closed or self.by_address[node.address] ~= node then
      -- Nobody would end it: it answers that it is closed.
      found:Close()
    end
  end
  return found
end

--- Those who serve what `address` is the master of.
local function shard_of(self, address)
  local shard = self.shards[address]
  if not shard then
    shard = { master = self:At(address), replicas = {}, turn = 0, first = 0 }
    self.shards[address] = shard
  end
  return shard
end

local function fill(owners, first, last, shard)
  for slot = first, last do
    owners[slot] = shard
  end
end

--- Replaces the map by what `slots.read` has read.
local function replace(self, ranges)
  local next_slot = 0
  for _, node in pairs(self.by_address) do
    node.is_listed = false
  end
  self.shards, self.masters = {}, {}
  for _, range in ipairs(ranges) do
    local shard = self.shards[range.master]
    if not shard then
      shard = shard_of(self, range.master)
      self.masters[#self.masters + 1] = shard
      shard.first = range.first
      shard.master.is_listed = true
      for i, address in ipairs(range.replicas) do
        shard.replicas[i] = self:At(address)
        shard.replicas[i].is_listed = true
      end
    end
    fill(self.owners, next_slot, range.first - 1, false)
    fill(self.owners, range.first, range.last, shard)
    next_slot = range.last + 1
  end
  fill(self.owners, next_slot, slots.COUNT - 1, false)
  self.is_known = true
end

--- Adds what a client has counted to `stats`.
local function remember(stats, kept)
  local up = kept.link
  stats.replies = stats.replies + kept.replies + (up and up:Received() or 0)
  stats.connects = stats.connects + kept.connects
  stats.losses = stats.losses + kept.losses
end

--- Why links end whose node has left, for those who have closed nothing.
local GONE = "it is no node of the cluster any more"

--- Closes a client whose node has left, and first what was opened beside its shared link.
local function dismiss(found)
  local links = {}
  for own in pairs(found.links) do
    links[#links + 1] = own
  end
  for _, own in ipairs(links) do
    own:Close("ECONNRESET", GONE)
  end
  found:Close()
end

--- Closes the clients of nodes that are in the map no more, once nobody waits for their replies:
--- whether there are some for which somebody does.
local function sweep(self)
  local is_busy = false
  for address, node in pairs(self.by_address) do
    local up = node.client and node.client.keeper.link
    if not node.is_listed and up and up:Waiting() > 0 then
      is_busy = true
    elseif not node.is_listed then
      self.by_address[address] = nil
      if node.client then
        remember(self, node.client.keeper)
        dismiss(node.client)
        node.client = false
      end
    end
  end
  for own, address in pairs(self.links) do
    if not self.by_address[address] then
      own:Close("EOF", GONE)
    end
  end
  return is_busy
end

--- Asks a link for the map: ranges; or `nil, message, code[, err]`.
---@async
local function ask(from)
  local reply, message, code = from:Request(ASK, "CLUSTER", "SLOTS")
  if not reply then
    return nil, message, code
  elseif outcome.is_error(reply) then
    return nil, from.peer .. ": " .. reply.message, reply.code, reply
  end
  local ranges = slots.read(reply, from.peer)
  if not ranges then
    return outcome.none(from.peer, "no node serves any slot", "CLUSTERDOWN")
  end
  return ranges
end

--- As `ask`, by a link of its own.
---@async
local function ask_afresh(self, address)
  local limit = math.min(self.options.connect_ms, ASK)
  local brief = setmetatable({ connect_ms = limit }, { __index = self.options })
  local from, message, code, err = link.open(address, brief)
  if not from then
    return nil, message, code, err
  end
  local done, ranges
  done, ranges, message, code, err = sched.pcall(ask, from)
  from:Close()
  if not done then
    error(ranges, 0)
  end
  return ranges, message, code, err
end

--- Whom to ask for the map: who is connected, then who was silent, then all others. It is another
--- one first each time: a node may be cut off from the others and not know it.
local function candidates(self)
  local up, silent, down, list = {}, {}, {}, {}
  for _, node in pairs(self.by_address) do
    local from = node.client and node.client.keeper.link
    local kind = not from and down or node.is_silent and silent or up
    kind[#kind + 1] = node
  end
  self.turn = self.turn + 1
  for i = 1, #up do
    list[i] = up[(i + self.turn) % #up + 1]
  end
  for _, kind in ipairs({ silent, down }) do
    for _, node in ipairs(kind) do
      list[#list + 1] = node
    end
  end
  for _, address in ipairs(self.seeds) do
    if not self.by_address[address] then
      list[#list + 1] = { address = address, client = false, is_silent = false }
    end
  end
  return list
end

--- Looks at the map: whether somebody has told it.
---@async
local function look(self)
  local failure
  for _, node in ipairs(candidates(self)) do
    local from = node.client and node.client.keeper.link
    local ranges, message, code, err
    if from then
      ranges, message, code, err = ask(from)
      node.is_silent = not ranges
    else
      ranges, message, code, err = ask_afresh(self, node.address)
    end
    if ranges then
      replace(self, ranges)
      self.refreshes = self.refreshes + 1
      self.failure = false
      return true
    elseif not failure or err then
      failure = { message = message, code = code, err = err }
    end
  end
  self.failure = failure
  return false
end

--- Whether a master is not known to have a replica that reads are meant for: it may be about to.
local function lacks_readers(self)
  for _, shard in ipairs(self.options.reads ~= "master" and self.masters or NONE) do
    if #shard.replicas == 0 then
      return true
    end
  end
  return false
end

---@async
local function tend(self)
  local is_restless = false
  while not self.is_closed do
    if not self.is_wanted then
      sched.parking()
      self.is_idle = true
      sched.park(self.idle, is_restless and ASK or self.options.refresh_ms)
      self.is_idle = false
    end
    self.is_wanted = false
    look(self)
    self.looked:Finish(sched.DONE)
    is_restless = sweep(self) or lacks_readers(self)
    sched.sleep(PAUSE)
  end
end

--- Whatever ends the tender, nothing of the cluster stays behind.
---@async
local function guard(self)
  local fine, problem = sched.pcall(tend, self)
  self:Close()
  if not fine then
    error(problem, 0)
  end
end

--- Has the map looked at soon.
function Nodes:Want()
  self.is_wanted = true
  if self.is_idle then
    self.is_idle = false
    sched.wake(self.task, sched.DONE)
  end
end

--- Parks until the map was looked at, `timeout_ms` at most.
---@async
function Nodes:Await(timeout_ms)
  local task = sched.parking()
  self:Want()
  self.looked:Wait(task, timeout_ms)
end

--- A node has said that another one serves a slot. The whole map is looked at as well.
function Nodes:Move(slot, address)
  local shard = shard_of(self, address)
  shard.master.is_listed = true
  self.by_address[address] = shard.master
  self.owners[slot] = shard
  self:Want()
end

--- Why no node is found: `nil, message, code[, err]`.
local function absence(self, slot, timeout_ms)
  local failure = self.failure
  if self.is_closed then
    return outcome.none("cluster", "the client is closed", "ESOCKCLOSE")
  elseif failure then
    local text = timeout_ms and "%s (no node in %g ms)" or "%s"
    return nil, text:format(failure.message, timeout_ms or 0), failure.code, failure.err
  elseif not self.is_known then
    local text = "no node has told the map of the cluster in %g ms"
    return outcome.none("cluster", text:format(timeout_ms or 0), "ETIMEDOUT")
  end
  return outcome.none("cluster", ("no node serves slot %d"):format(slot), "CLUSTERDOWN")
end

--- Whether a client could connect the last time that it tried, or has not tried.
local function is_fine(node)
  return not node.client or node.client.keeper.link or not node.client.keeper.failure
end

--- One of a shard for reading; the master when no replica is there.
local function reader(shard, reads)
  local replicas = shard.replicas
  local count = reads == "any" and #replicas + 1 or #replicas
  for _ = 1, count do
    shard.turn = shard.turn % count + 1
    local node = replicas[shard.turn] or shard.master
    if is_fine(node) then
      return node
    end
  end
  return shard.master
end

--- A master for what has no key: another one each time, of those that are there.
local function anyone(self)
  local masters = self.masters
  for _ = 1, #masters do
    self.any = self.any % #masters + 1
    if is_fine(masters[self.any].master) then
      break
    end
  end
  return masters[self.any]
end

--- The node that a slot, or none, belongs to for now; nil when nobody is known to serve it.
function Nodes:Pick(slot, is_read_only)
  local shard
  if slot then
    shard = self.owners[slot]
  else
    shard = anyone(self)
  end
  if not shard then
    return nil
  elseif is_read_only and self.options.reads ~= "master" then
    return reader(shard, self.options.reads)
  end
  return shard.master
end

--- As `Pick`; parks until there is one. `nil, message, code[, err]` when there is none in time, or
--- when those who were asked refuse us.
---@async
function Nodes:Find(slot, is_read_only, give_up)
  local began = sched.now()
  while not self.is_closed do
    local node = self:Pick(slot, is_read_only)
    local left = give_up - sched.now()
    if node then
      return node
    elseif left <= 0 then
      break
    end
    self:Await(left)
    if not self.is_known and self.failure and self.failure.err then
      return absence(self)
    end
  end
  return absence(self, slot, give_up - began)
end

--- The link to a node. Parks for a while where there is none: then `nil, message, code[, err]`, and
--- `true` behind it when it is worth another try, for the map is looked at.
---@async
function Nodes:Link(node, give_up)
  local kept = self:Client(node).keeper
  if kept.link then
    return kept.link
  end
  local left = math.max(give_up - sched.now(), 0)
  local from, message, code, err = kept:Link(math.min(left, PATIENCE))
  if from then
    return from
  elseif self.is_closed then
    return absence(self)
  elseif kept.failure then
    self:Want()
  end
  return nil, message, code, err, not err and code ~= "ENOBUFS"
end

--- Counts what the clients of nodes have and do.
function Nodes:Count(stats)
  for _, node in pairs(self.by_address) do
    stats.nodes = stats.nodes + 1
    local kept = node.client and node.client.keeper
    if kept then
      local up = kept.link
      remember(stats, kept)
      stats.connected = stats.connected + (up and 1 or 0)
      stats.in_flight = stats.in_flight + (up and up:Waiting() or 0)
      stats.waiting = stats.waiting + kept.waiting.count
    end
  end
  stats.waiting = stats.waiting + self.looked.count
end

--- The nodes in the map: masters in the order of their slots, each before its replicas.
function Nodes:List()
  local list = {}
  local function add(node, role, shard)
    local up = node.client and node.client.keeper.link
    list[#list + 1] = {
      address = node.address,
      role = role,
      master = shard.master.address,
      is_connected = up and true or false,
      client = self:Client(node),
    }
  end
  for _, shard in ipairs(self.masters) do
    add(shard.master, "master", shard)
    for _, node in ipairs(shard.replicas) do
      add(node, "replica", shard)
    end
  end
  return list
end

--- Parks until there is a map.
---@async
function Nodes:Ready(timeout_ms)
  local node, message, code, err = self:Find(nil, false, sched.now() + timeout_ms)
  if not node then
    return nil, message, code, err
  end
  return true
end

--- Ends all clients. Any number of times, from anywhere.
function Nodes:Close()
  if self.is_closed then
    return
  end
  self.is_closed = true
  for _, node in pairs(self.by_address) do
    if node.client then
      node.client:Close()
    end
  end
  for own in pairs(self.links) do
    own:Close()
  end
  self.looked:Finish(sched.DONE)
  self.task:Cancel()
end

--- The nodes that `seeds`, a list of addresses, know of. `hook(name, address)` makes the hooks of
--- their clients.
function nodes.new(options, seeds, hook)
  local self = setmetatable({
    options = options,
    seeds = seeds,
    hook = hook,
    --- Where the tasks of clients belong.
    home = sched.home(),
    --- Nodes by address; shards by the address of their master, and in the order of slots.
    by_address = {},
    shards = {},
    masters = {},
    --- By slot: the shard that serves it, or false.
    owners = {},
    --- Whether the map was ever told, and why not the last time.
    is_known = false,
    failure = false,
    --- How often it was told.
    refreshes = 0,
    --- What clients of nodes that have left had counted.
    replies = 0,
    connects = 0,
    losses = 0,
    --- Whose turn it is to be asked for the map, and to be sent what has no key.
    turn = 0,
    any = 0,
    --- Links that were opened for somebody: the address of each.
    links = setmetatable({}, { __mode = "k" }),
    --- Who waits for the next look at the map, and whether somebody wants it.
    looked = waiters.new("the map of the cluster"),
    is_wanted = true,
    is_idle = false,
    idle = { what = "a reason to look at the map of a cluster", Leave = function() end },
    is_closed = false,
    task = false,
  }, Nodes)
  fill(self.owners, 0, slots.COUNT - 1, false)
  self.task = sched.spawn(guard, self)
  return self
end

return nodes
