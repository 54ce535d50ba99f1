--- Encode a table and decode it again: chuck's packets, lua-cjson, and the bare C API.
---
---     lua tables.lua chuck|cjson|walk [SECS]      CPU seconds per measurement, 0.5
---
--- `walk` is compiled by bench/run.

local rate = require("rate")
local sample = require("sample")

local name = arg[1] or "chuck"
local secs = tonumber(arg[2]) or 0.5

local function chuck_round(chuck, value)
  local wpacket, rpacket = chuck.packet.wpacket, chuck.packet.rpacket
  return function()
    local packet = wpacket()
    packet:WriteTab(value)
    return rpacket(packet):ReadTab()
  end
end

local function cjson_round(cjson, value)
  local encode, decode = cjson.encode, cjson.decode
  return function()
    return decode(encode(value))
  end
end

local function walk_round(walk, value)
  local copy = walk.copy
  return function()
    return copy(value)
  end
end

local rounds = { chuck = chuck_round, cjson = cjson_round, walk = walk_round }

local round = rounds[name]
local module = require(name)
local small = round(module, sample.small)
local nested = round(module, sample.nested)
assert(small().z == 5)
assert(nested().world.players[8].items[3] == 70008)
rate.measure("small", secs, small)
rate.measure("nested", secs, nested)
