--- What is in a database, a hash, a set or a sorted set, a piece at a time.
---
---     for key in client:Scan({ match = "user:*" }) do print(key) end
---     for field, value in client:HScan("user:7") do print(field, value) end
---
---     local scan = client:Scan()                      -- the same on every Lua
---     local key, message, code = scan:Next()
---
--- An element that is there from the beginning to the end is given at least once, and may be given
--- more than once: that is how the server scans.

local commands = require("chuck.redis.commands")
local options = require("chuck.redis.options")
local outcome = require("chuck.redis.outcome")

local metatable_of = debug.getmetatable
local specs = commands.specs

local scan = {}

---@class chuck.redis.Scan
local Scan = {}

local METATABLE = { __index = Scan, __metatable = "redis.scan" }

--- Whether a reply is a cursor and a list.
local function is_piece(reply)
  local cursor = type(reply) == "table" and reply[1]
  return (type(cursor) == "string" or type(cursor) == "number") and type(reply[2]) == "table"
end

--- The next piece: true; or `nil, message, code`.
---@async
local function fetch(self)
  local reply, message, code, err
  if self.key then
    reply, message, code, err =
      self.perform(self.client, self.spec, self.key, self.cursor, self.words)
  else
    reply, message, code, err = self.perform(self.client, self.spec, self.cursor, self.words)
  end
  if reply == nil and code then
    return nil, message, code, err
  elseif not is_piece(reply) then
    return outcome.none(self.spec.name, "a cursor and a list expected", "ERDISPERROR")
  end
  self.cursor, self.items, self.at = reply[1], reply[2], 0
  self.is_last = tostring(reply[1]) == "0"
  return true
end

local NUMBERS = { inf = 1 / 0, ["-inf"] = -1 / 0 }

--- The next element, of a hash with its value, of a sorted set with its score: nil at the end, or
--- `nil, message, code[, err]`. Parks.
---@async
function Scan:Next()
  if metatable_of(self) ~= METATABLE then
    outcome.blame("calling 'Next' on bad self (redis.scan expected)")
  end
  while self.at >= #self.items do
    if self.is_last then
      return nil
    end
    local fine, message, code, err = fetch(self)
    if not fine then
      return nil, message, code, err
    end
  end
  local at, items = self.at + 1, self.items
  if not self.is_pairs then
    self.at = at
    return items[at]
  end
  self.at = at + 1
  local value = items[at + 1]
  if self.spec.name == "ZSCAN" then
    value = tonumber(value) or NUMBERS[value] or value
  end
  return items[at], value
end

--- As an iterator; an error is raised at the line of the loop.
---@async
function METATABLE.__call(self)
  local element, value, code = self:Next()
  if element == nil and code then
    error(value, 2)
  end
  return element, value
end

local COMMON = { match = "string", count = "positive integer" }
local OF_KEYS = { match = "string", count = "positive integer", type = "string" }

local function words_of(given)
  local words = {}
  for _, name in ipairs({ "match", "count", "type" }) do
    if given and given[name] then
      words[#words + 1] = name:upper()
      words[#words + 1] = given[name]
    end
  end
  return words
end

local function new(client, perform, spec, key, given)
  return setmetatable({
    client = client,
    perform = perform,
    spec = spec,
    --- What is scanned: a key, or false for the database.
    key = key,
    --- MATCH, COUNT and TYPE, as they are sent.
    words = words_of(given),
    --- Where the server goes on.
    cursor = "0",
    is_last = false,
    --- The piece that is given at present, up to `at`.
    items = {},
    at = 0,
    --- Whether elements come in pairs.
    is_pairs = spec.name == "HSCAN" or spec.name == "ZSCAN",
  }, METATABLE)
end

--- Gives a class of clients `Scan`, `HScan`, `SScan` and `ZScan`. With a cursor they are the plain
--- commands.
function scan.extend(class, expect, perform)
  function class:Scan(given, ...)
    expect(self, "Scan")
    if given ~= nil and type(given) ~= "table" then
      return perform(self, specs.SCAN, given, ...)
    end
    options.check("Scan", 1, given, OF_KEYS)
    return new(self, perform, specs.SCAN, false, given)
  end

  for _, name in ipairs({ "HSCAN", "SSCAN", "ZSCAN" }) do
    local spec = specs[name]
    class[spec.method] = function(self, key, given, ...)
      expect(self, spec.method)
      if given ~= nil and type(given) ~= "table" then
        return perform(self, spec, key, given, ...)
      elseif type(key) ~= "string" and type(key) ~= "number" then
        outcome.raise(spec.method, 1, "string expected, got " .. outcome.kind_of(key))
      end
      options.check(spec.method, 2, given, COMMON)
      return new(self, perform, spec, key, given)
    end
  end
end

scan.Scan = Scan

return scan
