--- Pipelines and transactions of a cluster.
---
--- The commands of a pipeline go each to its node, in one write for each node, and their results
--- stand in the order of the commands. All keys of a transaction are in one slot: it is carried out
--- by one node, as ever.

local compat = require("chuck.support.compat")
local methods = require("chuck.redis.methods")
local multi = require("chuck.redis.multi")
local native = require("chuck.native")
local outcome = require("chuck.redis.outcome")
local pipeline = require("chuck.redis.pipeline")
local plural = require("chuck.redis.plural")
local sched = require("chuck.co.sched")
local slots = require("chuck.redis.slots")
local spread = require("chuck.redis.spread")

local is_error = outcome.is_error
local unpack = compat.unpack

local batches = {}

--- A command of a batch and its arguments.
local function command_of(batch, i)
  local spec, args = batch.specs[i], batch.arguments[i]
  if spec.is_container and type(args[1]) == "string" then
    -- What keys it has depends on its second word.
    spec = methods.find(spec.name, args[1])
    args = { n = args.n - 1, unpack(args, 2, args.n) }
  end
  return spec, args
end

--- What a command of a batch becomes: `{ items, join }`; or nil when its keys are in several slots.
local function part_of(cluster, batch, i, leader)
  local spec, args = command_of(batch, i)
  local bytes = batch.pieces[i]
  if plural.is_everywhere(spec) then
    local items, join = plural.everywhere(spec, bytes, cluster.nodes.masters)
    return { items = items, join = join }
  end
  local slot, is_crossed = slots.of(spec, unpack(args, 1, args.n))
  if is_crossed then
    local items, join = plural.split(spec, slots.flat(unpack(args, 1, args.n)))
    return items and { items = items, join = join }
  end
  local item = spread.item(spec, slot, bytes)
  item.leader = spec.block == "second" and leader and (leader.leader or leader)
  return { items = { item }, join = false }
end

--- All commands of a batch as parts, and all of their items in order; or nil, and the command that
--- cannot be sent.
local function plan(cluster, batch)
  local parts, all = {}, {}
  for i = 1, batch.size do
    local part = part_of(cluster, batch, i, all[#all])
    if not part then
      return nil, batch.specs[i].name
    end
    parts[i] = part
    local args = batch.arguments[i]
    local is_repeatable =
      spread.may_repeat(cluster.options, nil, batch.specs[i], unpack(args, 1, args.n))
    for _, item in ipairs(part.items) do
      item.is_repeatable = is_repeatable
      all[#all + 1] = item
    end
  end
  return parts, all
end

--- The raw reply of a command; or nil, and the item that has none.
local function reply_of(part)
  for _, item in ipairs(part.items) do
    if item.value == nil then
      return nil, item
    end
  end
  if part.join then
    return plural.joined(part.items, part.join)
  end
  return part.items[1].value
end

--- In a list of results, what was not answered is an error as well.
local function lost(item)
  local err = { message = item.message, code = item.code }
  return setmetatable(err, native.redis.ERROR)
end

--- What stands in a list of results for the raw reply to command `i`.
local function finish(cluster, protocol, batch, i, value)
  return pipeline.reply_of(cluster, protocol, batch.specs[i], batch.arguments[i], value)
end

--- Sends a batch: its results; or `nil, message, code, results` when not all have come.
---@async
function batches.deliver(cluster, batch, timeout_ms)
  local give_up = sched.now() + timeout_ms
  local known, message, code = cluster.nodes:Find(nil, false, give_up)
  if not known then
    return nil, "pipeline: " .. message, code, {}
  end
  local parts, all = plan(cluster, batch)
  if not parts then
    local text = "pipeline: the keys of %s are in several slots, nothing was sent"
    return nil, text:format(all), "CROSSSLOT", {}
  end
  spread.run(cluster, all, give_up)
  local results, missing, count = {}, nil, 0
  for i, part in ipairs(parts) do
    local value, item = reply_of(part)
    if value == nil then
      missing, count = missing or item, count + 1
      results[i] = lost(item)
    else
      results[i] = finish(cluster, part.items[1].protocol, batch, i, value)
    end
  end
  if not missing then
    return results
  end
  local text = "pipeline: %d of %d commands have no reply: %s"
  return nil, text:format(count, batch.size, missing.message), missing.code, results
end

local MULTI, EXEC = "*1\r\n$5\r\nMULTI\r\n", "*1\r\n$4\r\nEXEC\r\n"

--- A transaction as one item: the reply is that to EXEC.
local function transaction(batch, slot)
  local spec = { name = "transaction", is_read_only = false, words = { "EXEC" } }
  local item = spread.item(spec, slot, MULTI .. table.concat(batch.pieces) .. EXEC)
  local raw = {}
  item.raw, item.before = raw, {}
  for i = 1, batch.size + 1 do
    item.before[i] = {
      taker = function(_, value)
        raw[i] = value
      end,
      loser = function() end,
      place = 0,
    }
  end
  --- A command that was sent elsewhere has EXEC say no more than that it has refused.
  function item.Reason(self)
    for i = 1, batch.size + 1 do
      if is_error(raw[i]) then
        return raw[i]
      end
    end
    return self.value
  end
  return item
end

--- The slot of all commands of a batch; or nil when they are in several, and that of one.
local function slot_of(batch)
  local found
  for i = 1, batch.size do
    local spec, args = command_of(batch, i)
    local slot, is_crossed = slots.of(spec, unpack(args, 1, args.n))
    if is_crossed or slot and found and slot ~= found then
      return nil, true
    end
    found = found or slot
  end
  return found
end

--- Carries out a batch as a transaction: its results, or `nil, message, code[, err]`.
---@async
local function transact(cluster, batch)
  local slot, is_crossed = slot_of(batch)
  if is_crossed then
    return outcome.none("transaction", "keys are in several slots, nothing was sent", "CROSSSLOT")
  end
  local item = transaction(batch, slot)
  item.is_repeatable = batch.is_idempotent
  spread.run(cluster, { item }, sched.now() + cluster.timeout_ms)
  local results = item.value
  if results == nil then
    return nil, "transaction: " .. item.message, item.code, item.err
  elseif is_error(results) then
    cluster.errors = cluster.errors + 1
    local _, message, code, err = multi.refusal(batch, item.raw, results)
    return nil, "transaction: " .. message, code, err
  elseif type(results) ~= "table" or #results ~= batch.size then
    local why = ("%d results expected of EXEC"):format(batch.size)
    return outcome.none("transaction: " .. item.node.address, why, "ERDISPERROR")
  end
  for i, value in ipairs(results) do
    results[i] = finish(cluster, item.protocol, batch, i, value)
  end
  return results
end

local TRANSACTION = {
  keeps_all = true,
  deliver = function()
    outcome.blame("a transaction is executed when its function has returned")
  end,
}

--- What `cluster:Multi(fn, ...)` does.
---@async
function batches.multi(cluster, fn, ...)
  local tx = pipeline.new(cluster, TRANSACTION)
  local returned = compat.pack(fn(tx, ...))
  if returned[1] == false then
    return false
  end
  local batch, message, code = pipeline.take(tx)
  if not batch then
    return nil, message, code
  elseif batch.size == 0 then
    return {}, unpack(returned, 1, returned.n)
  end
  local results, err
  results, message, code, err = transact(cluster, batch)
  if not results then
    return nil, message, code, err
  end
  return results, unpack(returned, 1, returned.n)
end

return batches
