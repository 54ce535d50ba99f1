--- Which keys a command has, in which of the 16384 slots they are, and which nodes serve those.
---
---     slots.of(specs.HGET, "user:1", "name")          --> 10778
---     slots.of(specs.LMOVE, "a", "b")                 --> nil, "CROSSSLOT": in two slots
---     slots.of(specs.PING)                            --> nil
---
--- Where keys stand in a command says redis/commands.lua. A command that is not known there is
--- taken to have one key in front; where that is wrong, the server says which node it is for.

local address = require("chuck.support.address")
local native = require("chuck.native")
local outcome = require("chuck.redis.outcome")

local slot_of = native.redis.slot

local slots = {}

slots.COUNT = 16384

local PORT_MAX = 65535

--- Commands whose word before the keys may stand before that as a name: where to look for it.
local LOOK_FROM = { XREADGROUP = 4 }

--- An argument as it goes over the wire; nil for one that cannot.
local function text_of(value)
  if type(value) == "string" then
    return value
  end
  local bytes = native.redis.encode(value)
  return bytes and bytes:match("^%*1\r\n%$%d+\r\n(.*)\r\n$")
end

--- Arguments one by one, as they go over the wire: of tables what is in them; and their number.
function slots.flat(...)
  local list, n = {}, 0
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if type(value) ~= "table" then
      n = n + 1
      list[n] = value
    elseif value[1] ~= nil then
      for at = 1, #value do
        n = n + 1
        list[n] = value[at]
      end
    else
      for key, item in pairs(value) do
        list[n + 1], list[n + 2] = key, item
        n = n + 2
      end
    end
  end
  return list, n
end

--- The place of a word among arguments; nil when it is not there.
local function find_word(args, n, word, from)
  for i = from, n do
    if type(args[i]) == "string" and #args[i] == #word and args[i]:upper() == word then
      return i
    end
  end
end

local function add_fixed(spec, n, places)
  local last = spec.last_key
  if last < 0 then
    last = n + 1 + last
  end
  for i = spec.first_key, math.min(last, n), math.max(spec.step or 1, 1) do
    places[#places + 1] = i
  end
end

local function add_counted(spec, args, n, places)
  local count = tonumber(args[spec.key_number]) or 0
  for i = spec.key_number + 1, math.min(spec.key_number + count, n) do
    places[#places + 1] = i
  end
end

--- Keys behind a word; the one in front, if there is one, is not meant then (MIGRATE).
local function add_behind(spec, args, n, places)
  local at = find_word(args, n, spec.keys_after, LOOK_FROM[spec.name] or 1)
  if not at then
    return places
  end
  local found = {}
  for i = at + 1, spec.is_half and at + math.floor((n - at) / 2) or n do
    found[#found + 1] = i
  end
  return found
end

--- The places of the keys among flat arguments.
function slots.keys(spec, args, n)
  local places = {}
  if not spec.first_key then
    return spec.words[2] == nil and n > 0 and not spec.is_container and { 1 } or places
  elseif spec.first_key > 0 then
    add_fixed(spec, n, places)
  end
  if spec.key_number then
    add_counted(spec, args, n, places)
  end
  if spec.keys_after then
    places = add_behind(spec, args, n, places)
  end
  for _, word in ipairs(spec.key_after or {}) do
    local at = find_word(args, n, word, 2)
    if at and at < n then
      places[#places + 1] = at + 1
    end
  end
  return places
end

--- The slot of one key; nil for what is none.
function slots.of_key(key)
  local text = text_of(key)
  return text and slot_of(text)
end

--- The slot of flat arguments, as `of`.
function slots.of_flat(spec, args, n)
  local found
  for _, place in ipairs(slots.keys(spec, args, n)) do
    local slot = slots.of_key(args[place])
    if not slot then
      -- Whoever sends it says what is wrong with it.
      return nil
    elseif found and slot ~= found then
      return nil, "CROSSSLOT"
    end
    found = slot
  end
  return found
end

--- The slot of all keys of a command: nil when it has none; `nil, "CROSSSLOT"` when they are in
--- several.
function slots.of(spec, ...)
  local key = ...
  if
    type(key) == "string"
    and spec.last_key == 1
    and not (spec.key_number or spec.key_after or spec.keys_after)
  then
    return slot_of(key)
  elseif spec.first_key == 0 and not (spec.key_number or spec.keys_after) then
    return nil
  end
  return slots.of_flat(spec, slots.flat(...))
end

--- Whether a value is a whole number from 0 on.
local function is_count(value, most)
  return type(value) == "number" and value >= 0 and value <= most and value % 1 == 0
end

--- The address that a server announces: none, or one it does not know, is that which was asked; nil
--- for what is no address.
function slots.address(host, port, asked)
  if host == outcome.null or host == "" or host == "?" then
    host = address.split(asked) or asked
  end
  if type(host) == "string" and is_count(port, PORT_MAX) then
    return address.join(host, port)
  end
end

--- Reads where an error of the server points to: slot and address.
function slots.target(err, asked)
  local slot, place = err.message:match("^%u+ (%d+) (%S*)")
  local host, port = (place or ""):match("^(.*):(%d+)$")
  slot = tonumber(slot)
  if host and is_count(slot, slots.COUNT - 1) then
    return slot, slots.address(host, tonumber(port), asked)
  end
end

--- A node as CLUSTER SLOTS has it: `{ host, port, id, … }`.
local function read_node(entry, asked)
  if type(entry) == "table" then
    return slots.address(entry[1], entry[2], asked)
  end
end

--- What CLUSTER SLOTS says, `asked` being whom: a list of `{ first, last, master, replicas }` with
--- addresses, by slot; nil when it is nothing of the kind.
function slots.read(reply, asked)
  local ranges = {}
  for _, entry in ipairs(type(reply) == "table" and reply or {}) do
    local first, last, master
    if type(entry) == "table" then
      first, last, master = entry[1], entry[2], read_node(entry[3], asked)
    end
    local most = slots.COUNT - 1
    if not master or not is_count(first, most) or not is_count(last, most) then
      return nil
    end
    local replicas = {}
    for i = 4, #entry do
      replicas[#replicas + 1] = read_node(entry[i], asked)
    end
    ranges[#ranges + 1] = { first = first, last = last, master = master, replicas = replicas }
  end
  table.sort(ranges, function(a, b)
    return a.first < b.first
  end)
  return #ranges > 0 and ranges or nil
end

return slots
