--- SCAN over all masters of a cluster, one after the other.
---
--- ```text
---  cursor   5461/127.0.0.1:7001/1792       first slot of the master, its address, its cursor
--- ```
---
--- A cursor means something to its node only: where another one has taken over, the keys of those
--- slots are scanned from the start.

local native = require("chuck.native")
local outcome = require("chuck.redis.outcome")
local spread = require("chuck.redis.spread")

local sweep = {}

local function cursor_of(slot, address, inner)
  return ("%d/%s/%s"):format(slot, address, inner)
end

--- The first of those who serve slots from `slot` on, and its place; nil behind the last.
local function shard_from(shards, slot)
  for i, shard in ipairs(shards) do
    if shard.first >= slot then
      return shard, i
    end
  end
end

--- Carries out a piece of a scan: the raw reply, with a cursor of ours; or
--- `nil, message, code[, err]`.
---@async
function sweep.scan(cluster, give_up, spec, cursor, ...)
  local known, message, code, err = cluster.nodes:Find(nil, false, give_up)
  if not known then
    return nil, message, code, err
  end
  local slot, address, inner = tostring(cursor):match("^(%d+)/(.*)/(%d+)$")
  local shard, place = shard_from(cluster.nodes.masters, tonumber(slot) or 0)
  if not shard then
    return { "0", {} }
  elseif address ~= shard.master.address then
    inner = "0"
  end
  local item = spread.item(spec, shard.first, native.redis.encode(spec.name, inner, ...))
  item.is_repeatable, item.is_of_master = true, true
  spread.run(cluster, { item }, give_up)
  local value = item.value
  if value == nil then
    return nil, item.message, item.code, item.err
  elseif outcome.is_error(value) or type(value) ~= "table" then
    return value
  end
  local answered = item.node.address
  if answered ~= shard.master.address and inner ~= "0" then
    return { cursor_of(shard.first, answered, "0"), {} }
  elseif tostring(value[1]) ~= "0" then
    return { cursor_of(shard.first, answered, value[1]), value[2] }
  end
  local following = cluster.nodes.masters[place + 1]
  return { following and cursor_of(following.first, "", "0") or "0", value[2] }
end

return sweep
