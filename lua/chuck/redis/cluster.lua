--- A client of a cluster: each command goes to the node that its keys belong to.
---
---     local cluster = redis.cluster({ nodes = { "127.0.0.1:7000", "127.0.0.1:7001" } })
---     cluster:Set("{user:1}:name", "chuck")
---     print(cluster:MGet("a", "b", "c"))      -- from as many nodes as they are on
---
--- It has the methods of a client (redis/client.lua). Who serves what is in redis/nodes.lua, what
--- happens when a node says otherwise in redis/spread.lua.

local batches = require("chuck.redis.batches")
local cluster_options = require("chuck.redis.cluster_options")
local calls = require("chuck.redis.calls")
local commands = require("chuck.redis.commands")
local compat = require("chuck.support.compat")
local guards = require("chuck.redis.guards")
local keeper = require("chuck.redis.keeper")
local link = require("chuck.redis.link")
local methods = require("chuck.redis.methods")
local native = require("chuck.native")
local nodes = require("chuck.redis.nodes")
local outcome = require("chuck.redis.outcome")
local pipeline = require("chuck.redis.pipeline")
local plural = require("chuck.redis.plural")
local scan = require("chuck.redis.scan")
local sched = require("chuck.co.sched")
local script = require("chuck.redis.script")
local shapes = require("chuck.redis.shapes")
local slots = require("chuck.redis.slots")
local spread = require("chuck.redis.spread")
local station = require("chuck.redis.station")
local sweep = require("chuck.redis.sweep")

--- Less than half the price of `getmetatable`, which looks for the name of the class.
local metatable_of = debug.getmetatable
local is_error, null, type = outcome.is_error, outcome.null, type

--- The longest pause before a command that a node has sent elsewhere is called there.
local REST = 100

local WATCH = commands.specs.WATCH

local cluster = {}

---@class chuck.redis.Cluster
local Cluster = {}

local METATABLE = { __index = Cluster, __metatable = "redis.cluster" }

--- Raises for what is no cluster.
local function expect(self, name)
  if metatable_of(self) ~= METATABLE then
    local message = "calling '%s' on bad self (redis.cluster expected, got %s)"
    outcome.blame(message:format(name, outcome.kind_of(self)))
  end
end

--- What the task gets for a reply.
local function answer(self, spec, protocol, value, ...)
  if value == null then
    return nil
  elseif type(value) == "table" and is_error(value) then
    self.errors = self.errors + 1
    return outcome.of(value)
  end
  if spec.shape and protocol == 2 then
    value = shapes.give(spec, value, ...)
  end
  if self.replies then
    return self.replies(spec.name, value)
  end
  return value
end

--- A command as it is sent; raises for arguments that cannot be.
local function bytes_of(spec, ...)
  local named = spec.words
  local bytes, n, text
  if named[2] then
    bytes, n, text = native.redis.encode(named[1], named[2], ...)
  else
    bytes, n, text = native.redis.encode(named[1], ...)
  end
  if not bytes then
    outcome.raise(spec.method or spec.name, n - #named, text)
  end
  return bytes
end

--- Why a command that is not in one slot is not sent.
local function crossed(spec)
  return outcome.none(spec.name, "its keys are in several slots, nothing was sent", "CROSSSLOT")
end

--- Carries items out and joins what they come to.
---@async
local function run_parts(self, spec, give_up, items, join)
  spread.run(self, items, give_up)
  for _, item in ipairs(items) do
    if item.value == nil then
      return nil, spec.name .. ": " .. item.message, item.code, item.err
    end
  end
  return answer(self, spec, false, plural.joined(items, join))
end

--- Sends a command to every master.
---@async
local function perform_everywhere(self, how, give_up, spec, ...)
  local bytes = bytes_of(spec, ...)
  local known, message, code, err = self.nodes:Find(nil, false, give_up)
  if not known then
    return nil, spec.name .. ": " .. message, code, err
  end
  local items, join = plural.everywhere(spec, bytes, self.nodes.masters)
  local is_repeatable = spread.may_repeat(self.options, how, spec, ...)
  for _, item in ipairs(items) do
    item.is_repeatable = is_repeatable
  end
  return run_parts(self, spec, give_up, items, join)
end

--- Sends a command whose keys are in several slots in parts, if it can be.
---@async
local function perform_split(self, how, give_up, spec, ...)
  bytes_of(spec, ...)
  local items, join = plural.split(spec, slots.flat(...))
  if not items then
    return crossed(spec)
  end
  local is_repeatable = spread.may_repeat(self.options, how, spec, ...)
  for _, item in ipairs(items) do
    item.is_repeatable = is_repeatable
  end
  return run_parts(self, spec, give_up, items, join)
end

--- Carries on with a command that has not been answered in one go.
---@async
local function persist(self, how, give_up, item, ...)
  item.bytes = bytes_of(item.spec, ...)
  item.is_repeatable = spread.may_repeat(self.options, how, item.spec, ...)
  spread.run(self, { item }, give_up)
  if item.value == nil then
    return nil, item.spec.name .. ": " .. item.message, item.code, item.err
  end
  return answer(self, item.spec, item.protocol, item.value, ...)
end

--- Why there is no reply from a node, or the same command again.
---@async
local function go_on_after(self, how, give_up, slot, spec, from, message, code, ...)
  self.nodes:Want()
  if code == "ETIMEDOUT" then
    self.timeouts = self.timeouts + 1
  elseif
    from.ended
    and self.options.retries > 0
    and spread.may_repeat(self.options, how, spec, ...)
  then
    self.repeats = self.repeats + 1
    local item = spread.item(spec, slot)
    item.tries = 1
    return persist(self, how, give_up, item, ...)
  elseif from.ended then
    message = message .. "; it may have been carried out"
  end
  return nil, spec.name .. ": " .. message, code
end

--- Sends a command by `from` and parks for its raw reply.
---@async
local function request(from, timeout_ms, spec, ...)
  local named = spec.words
  if named[2] then
    return from:Request(timeout_ms, named[1], named[2], ...)
  end
  return from:Request(timeout_ms, named[1], ...)
end

--- A piece of a scan of all masters.
---@async
local function perform_scan(self, give_up, spec, ...)
  bytes_of(spec, ...)
  local value, message, code, err = sweep.scan(self, give_up, spec, ...)
  if value == nil then
    return nil, spec.name .. ": " .. message, code, err
  end
  return answer(self, spec, false, value, ...)
end

--- Sends a command to the node that it belongs to: in one go if that is there and takes it.
---@async
local function carry(self, how, spec, ...)
  local timeout_ms = how and how.timeout_ms or self.timeout_ms
  local give_up = sched.now() + timeout_ms
  if plural.is_everywhere(spec) then
    return perform_everywhere(self, how, give_up, spec, ...)
  elseif spec.name == "SCAN" then
    return perform_scan(self, give_up, spec, ...)
  end
  local slot, is_crossed = slots.of(spec, ...)
  if is_crossed then
    return perform_split(self, how, give_up, spec, ...)
  end
  local node = self.nodes:Pick(slot, spec.is_read_only)
  local from = node and node.client and node.client.keeper.link
  if not from then
    return persist(self, how, give_up, spread.item(spec, slot), ...)
  end
  local value, message, code = request(from, timeout_ms, spec, ...)
  if type(value) == "table" and is_error(value) then
    local item = spread.item(spec, slot)
    if spread.redirect(self, item, value, node) then
      return persist(self, how, give_up, item, ...)
    end
  elseif value == false and message then
    outcome.raise(spec.method or spec.name, message - #spec.words, code)
  elseif value == nil then
    return go_on_after(self, how, give_up, slot, spec, from, message, code, ...)
  end
  return answer(self, spec, from.protocol, value, ...)
end

--- The node that an item goes to, once there is a link to it; or `nil, message, code[, err]`.
---@async
local function reach(self, item, give_up)
  local node, message, code, err
  repeat
    node = item.target
    if not node then
      node, message, code, err = self.nodes:Find(item.slot, false, give_up)
    end
    if not node then
      return nil, message, code, err
    end
    local up, may_come
    up, message, code, err, may_come = self.nodes:Link(node, give_up)
    if up then
      return node
    end
    item.target, item.is_asking = false, false
  until not may_come or sched.now() >= give_up
  return nil, message, code, err
end

--- Calls `fn(client, is_asking)` with the client of the node that serves a slot, again where that
--- node says that it belongs to another. The time that `fn` takes is its own.
---@async
local function on_node(self, timeout_ms, slot, fn)
  local item = spread.item({ name = "" }, slot)
  local give_up = sched.now() + timeout_ms
  while true do
    local node, message, code, err = reach(self, item, give_up)
    if not node then
      return nil, message, code, err
    end
    local began = sched.now()
    local results = compat.pack(fn(self.nodes:Client(node), item.is_asking))
    give_up = give_up + (sched.now() - began)
    err = results[4]
    local pause = math.min(2 ^ (item.hops + item.waits + 1), REST)
    if
      results[1] ~= nil
      or not is_error(err)
      or sched.now() + pause >= give_up
      or not spread.redirect(self, item, err, node)
    then
      return compat.unpack(results, 1, results.n)
    end
    sched.sleep(pause)
  end
end

--- The slot of a command; raises for arguments that cannot be sent.
local function checked_slot(spec, ...)
  bytes_of(spec, ...)
  return slots.of(spec, ...)
end

--- What is not for a connection that tasks share; `how` as in `CallWith`, or nil.
---@async
local function perform_guarded(self, how, guard, spec, ...)
  if spec.block == "second" then
    outcome.blame("WAIT is about the writes of one connection: queue it in a pipeline behind them")
  elseif not spec.block then
    return guard(self, spec, ...)
  elseif spec.block == "BLOCK" and not guards.waits(spec, ...) then
    return self:Perform(how, spec, ...)
  end
  local slot, is_crossed
  if self.arguments then
    slot, is_crossed = checked_slot(spec, self.arguments(spec.name, ...))
  else
    slot, is_crossed = checked_slot(spec, ...)
  end
  if is_crossed then
    return crossed(spec)
  end
  local args = compat.pack(...)
  local timeout_ms = how and how.timeout_ms or self.timeout_ms
  return on_node(self, timeout_ms, slot, function(owner, is_asking)
    local own = { is_asking = is_asking }
    for name, value in pairs(how or {}) do
      own[name] = value
    end
    return guards.block(owner, own, spec, compat.unpack(args, 1, args.n))
  end)
end

--- Sends a command and parks for its reply.
---@async
local function perform(self, spec, ...)
  if metatable_of(self) ~= METATABLE then
    expect(self, spec.method or spec.name)
  elseif spec.is_container and type((...)) == "string" then
    -- What keys it has depends on its second word.
    local whole, from = methods.find(spec.name, ...)
    if whole ~= spec then
      return self:Call(whole.name, select(from, ...))
    end
  end
  local guard = guards[spec.name]
  if guard then
    return perform_guarded(self, nil, guard, spec, ...)
  elseif self.is_observed then
    return self:Perform(nil, spec, ...)
  end
  return carry(self, nil, spec, ...)
end

--- As `perform`, for scripts: one node has to know a script before it is called, not all.
---@async
local function perform_script(self, spec, ...)
  if spec.name == "SCRIPT LOAD" then
    local item = spread.item(spec, nil)
    return persist(self, nil, sched.now() + self.timeout_ms, item, ...)
  end
  return perform(self, spec, ...)
end

methods.add(Cluster, perform)
pipeline.extend(Cluster, expect, { deliver = batches.deliver, keeps_all = true })
script.extend(Cluster, expect, perform_script)
scan.extend(Cluster, expect, perform)

--- Sends a command with its transformed arguments, and tells `on_slow` of one that took long.
---@async
function Cluster:Perform(how, spec, ...)
  local began = sched.now()
  local results
  if self.arguments then
    results = compat.pack(carry(self, how, spec, self.arguments(spec.name, ...)))
  else
    results = compat.pack(carry(self, how, spec, ...))
  end
  local slow, took = self.options.slow_ms, sched.now() - began
  if slow and took >= slow then
    self.slow = self.slow + 1
    keeper.run_hook(self.options.on_slow, "on_slow", "the cluster", spec.name, took, ...)
  end
  return compat.unpack(results, 1, results.n)
end

--- Sends a command with options for it.
---@async
local function perform_with(self, how, spec, ...)
  local guard = guards[spec.name]
  if guard then
    return perform_guarded(self, how, guard, spec, ...)
  end
  return self:Perform(how, spec, ...)
end

calls.extend(Cluster, expect, perform, perform_with)

--- Executes what `fn(tx, ...)` has queued as one transaction; all of its keys are in one slot.
---@async
function Cluster:Multi(fn, ...)
  expect(self, "Multi")
  if type(fn) ~= "function" then
    outcome.raise("Multi", 1, "function expected, got " .. outcome.kind_of(fn))
  end
  return batches.multi(self, fn, ...)
end

--- As `Multi`, if nobody changes `keys`, which are in one slot, until the transaction is executed;
--- else all begins anew.
---@async
function Cluster:Watch(keys, fn, tries)
  expect(self, "Watch")
  if type(keys) ~= "string" and type(keys) ~= "number" and type(keys) ~= "table" then
    local text = "key or list of keys expected, got "
    outcome.raise("Watch", 1, text .. outcome.kind_of(keys))
  elseif type(fn) ~= "function" then
    outcome.raise("Watch", 2, "function expected, got " .. outcome.kind_of(fn))
  end
  local slot, is_crossed = slots.of(WATCH, keys)
  if is_crossed then
    return crossed(WATCH)
  end
  return on_node(self, self.timeout_ms, slot, function(owner)
    return owner:Watch(keys, fn, tries)
  end)
end

--- A link of its own to the node that `key` belongs to, to any node without one; whoever opens it
--- closes it.
---@async
function Cluster:OpenLink(more, key)
  expect(self, "OpenLink")
  local slot = key ~= nil and slots.of_key(key) or nil
  local own = self.options
  local give_up = sched.now() + own.connect_ms
  local fresh, node, message, code, err
  repeat
    node, message, code, err = self.nodes:Find(slot, false, give_up)
    if node then
      fresh, message, code, err =
        link.open(node.address, more and setmetatable(more, { __index = own }) or own)
    end
    if fresh and self.nodes.is_closed then
      -- The client was closed meanwhile, and has closed what it knew of.
      fresh:Close()
      return outcome.none("cluster", "the client is closed", "ESOCKCLOSE")
    elseif fresh then
      self.nodes.links[fresh] = node.address
      return fresh
    elseif node and not err then
      self.nodes:Await(math.max(give_up - sched.now(), 0))
    end
  until err or not node or sched.now() >= give_up
  return nil, message, code, err
end

station.extend(Cluster, expect, crossed)

-- What is about one server: a cluster has many.
for _, name in ipairs({ "Monitor", "Cached", "CachedCall" }) do
  Cluster[name] = function(self)
    expect(self, name)
    local message = "'%s' is for one server: use the client of a node that cluster:Nodes() lists"
    outcome.blame(message:format(name))
  end
end

--- Parks until the map of the cluster is known: true, or `nil, message, code`.
---@async
function Cluster:Ready(timeout_ms)
  expect(self, "Ready")
  if timeout_ms ~= nil and not (type(timeout_ms) == "number" and timeout_ms >= 0) then
    outcome.raise("Ready", 1, "milliseconds expected, got " .. outcome.kind_of(timeout_ms))
  end
  return self.nodes:Ready(timeout_ms or self.options.connect_ms)
end

--- The nodes that are known: a list of `{ address, role, master, is_connected, client }`.
function Cluster:Nodes()
  expect(self, "Nodes")
  return self.nodes:List()
end

--- Counters since it was made: see docs/api/redis-cluster.md.
function Cluster:Stats()
  expect(self, "Stats")
  local kept = self.nodes
  local stats = {
    nodes = 0,
    masters = #kept.masters,
    connected = 0,
    replies = kept.replies,
    in_flight = 0,
    waiting = 0,
    connects = kept.connects,
    losses = kept.losses,
    refreshes = kept.refreshes,
    redirections = self.redirections,
    errors = self.errors,
    timeouts = self.timeouts,
    repeats = self.repeats,
    slow = self.slow,
  }
  kept:Count(stats)
  return stats
end

--- Ends the client: whoever waits is told `"ESOCKCLOSE"`. Any number of times.
function Cluster:Close()
  expect(self, "Close")
  self.nodes:Close()
  for open in pairs(self.links) do
    open:Close()
  end
end

function Cluster:IsClosed()
  expect(self, "IsClosed")
  return self.nodes.is_closed
end

--- Hooks of the program, with the cluster and the address of the node.
local function hook_of(self)
  return function(name, place)
    local hook = self.options[name]
    return hook and function(_, ...)
      return hook(self, place, ...)
    end
  end
end

--- A client of the cluster that `nodes` belong to. It connects in a task of its own.
function cluster.connect(given)
  if not sched.current() then
    outcome.blame("'cluster' is for tasks: use it inside of co.run or co.spawn")
  end
  local made, seeds = cluster_options.read(given)
  local self = setmetatable({
    options = made,
    timeout_ms = made.timeout_ms,
    --- Transforms: `arguments(name, ...)` returns arguments, `replies(name, value)` a value.
    arguments = made.arguments or false,
    replies = made.replies or false,
    is_observed = (made.arguments or made.slow_ms) and true or false,
    nodes = false,
    --- Subscriptions.
    links = setmetatable({}, { __mode = "k" }),
    --- Commands that nodes sent elsewhere; the others as of a client.
    redirections = 0,
    errors = 0,
    timeouts = 0,
    repeats = 0,
    slow = 0,
  }, METATABLE)
  self.nodes = nodes.new(made, seeds, hook_of(self))
  return self
end

cluster.Cluster = Cluster

return cluster
