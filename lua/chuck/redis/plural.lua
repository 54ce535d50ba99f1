--- Commands of a cluster that one node alone cannot carry out, and how their answers come together.
---
--- ```text
---  MGET a b c     ->  MGET a c  |  MGET b      one for each slot, in one write for each node
---  { 1, 2, 3 }    <-  { 1, 3 }  |  { 2 }       in the order of the keys
---
---  DBSIZE         ->  DBSIZE    |  DBSIZE      one for each master
---  7              <-  3         |  4
--- ```
---
--- The parts are carried out one beside the other: nothing holds them together.

local native = require("chuck.native")
local outcome = require("chuck.redis.outcome")
local slots = require("chuck.redis.slots")
local spread = require("chuck.redis.spread")

local null = outcome.null

local plural = {}

--- An error of ours in the place of a reply.
local function violation(item, why)
  local err = { message = ("%s: %s"):format(item.node.address, why), code = "ERDISPERROR" }
  return setmetatable(err, native.redis.ERROR)
end

--- Replies of items as one: the first error there is, else what they come to.
local function joined(items, join)
  for _, item in ipairs(items) do
    local value = item.value
    if outcome.is_error(value) then
      return value
    elseif join.kind and type(value) ~= join.kind then
      return violation(item, ("a %s expected, got a %s"):format(join.kind, type(value)))
    elseif join.is_by_place and #value ~= #item.places then
      return violation(item, ("%d values expected, got %d"):format(#item.places, #value))
    end
  end
  return join.of(items)
end

local function sum(items)
  local total = 0
  for _, item in ipairs(items) do
    total = total + item.value
  end
  return total
end

local function first(items)
  return items[1].value
end

--- The first that is not null.
local function any(items)
  for _, item in ipairs(items) do
    if item.value ~= null then
      return item.value
    end
  end
  return null
end

local function list(items)
  local all = {}
  for _, item in ipairs(items) do
    for _, value in ipairs(item.value) do
      all[#all + 1] = value
    end
  end
  return all
end

--- Of numbers in the same places, 1 where all are.
local function least(items)
  local all = {}
  for _, item in ipairs(items) do
    for i, value in ipairs(item.value) do
      all[i] = value == 1 and all[i] ~= 0 and 1 or 0
    end
  end
  return all
end

--- Values in the places of their keys.
local function in_places(items)
  local all = {}
  for _, item in ipairs(items) do
    for i, place in ipairs(item.places) do
      all[place] = item.value[i]
    end
  end
  return all
end

--- How to join replies that are all of one `kind`.
local FIRST, ANY = { of = first }, { of = any }
local SUM, LIST = { of = sum, kind = "number" }, { of = list, kind = "table" }
local LEAST = { of = least, kind = "table" }
local IN_PLACES = { of = in_places, kind = "table", is_by_place = true }

--- Commands that are split by slot: how many arguments belong to a key, and how to join.
local SPLIT = {
  MGET = { 1, IN_PLACES },
  MSET = { 2, FIRST },
  DEL = { 1, SUM },
  UNLINK = { 1, SUM },
  EXISTS = { 1, SUM },
  TOUCH = { 1, SUM },
}

--- Commands that go to every master, and how to join.
local EVERYWHERE = {
  DBSIZE = SUM,
  KEYS = LIST,
  RANDOMKEY = ANY,
  FLUSHALL = FIRST,
  FLUSHDB = FIRST,
  ["SCRIPT LOAD"] = FIRST,
  ["SCRIPT FLUSH"] = FIRST,
  ["SCRIPT EXISTS"] = LEAST,
  ["FUNCTION LOAD"] = FIRST,
  ["FUNCTION DELETE"] = FIRST,
  ["FUNCTION FLUSH"] = FIRST,
  ["FUNCTION RESTORE"] = FIRST,
}

--- Whether a command goes to every master.
function plural.is_everywhere(spec)
  return EVERYWHERE[spec.name] ~= nil
end

--- Arguments by slot, in the order of their keys.
local function bunches_of(args, n, width)
  local bunches, by_slot = {}, {}
  for i = 1, n, width do
    local slot = slots.of_key(args[i])
    local bunch = by_slot[slot]
    if not bunch then
      bunch = { slot = slot, places = {} }
      by_slot[slot] = bunch
      bunches[#bunches + 1] = bunch
    end
    for at = i, i + width - 1 do
      bunch[#bunch + 1] = args[at]
    end
    bunch.places[#bunch.places + 1] = (i - 1) / width + 1
  end
  return bunches
end

--- Items for a command whose keys are in several slots, and how to join them; nil when it cannot be
--- split.
function plural.split(spec, args, n)
  local split = SPLIT[spec.name]
  if not split or n % split[1] ~= 0 then
    return nil
  end
  local items = {}
  for i, bunch in ipairs(bunches_of(args, n, split[1])) do
    local places = bunch.places
    bunch.places = nil
    local slot = bunch.slot
    bunch.slot = nil
    items[i] = spread.item(spec, slot, native.redis.encode(spec.name, bunch))
    items[i].places = places
  end
  return items, split[2]
end

--- Items for a command that goes to every master: `shards` are what they serve.
function plural.everywhere(spec, bytes, shards)
  local items = {}
  for i, shard in ipairs(shards) do
    items[i] = spread.item(spec, shard.first, bytes)
    items[i].is_of_master = true
  end
  return items, EVERYWHERE[spec.name]
end

plural.joined = joined

return plural
