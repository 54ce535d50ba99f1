--- How long to wait before the next try: longer each time, and never the same for all.
---
---     local pause = backoff.new(100, 5000)
---     sleep(pause:Next())                             -- 50 to 100, then 100 to 200, ... 5000 ms
---     pause:Reset()
---
--- Half of each pause is left to chance, so that the clients of a server that has come back do not
--- all come at once. Chance does not come from `math.random`: before Lua 5.4 every process has the
--- same numbers there.

local clock = require("chuck.co.loop").clock

local backoff = {}

--- Numbers of a small generator: enough to keep clients apart.
local MODULUS, FACTOR = 2147483647, 16807

--- The shortest pause, in milliseconds.
local LEAST = 1

local function new_seed()
  local address = tostring({}):match("(%x+)$") or "0"
  local seed = tonumber(address:sub(-9), 16) or 0
  return (seed * 31 + clock() * 7919) % (MODULUS - 1) + 1
end

local state = false

local function chance()
  state = (state or new_seed()) * FACTOR % MODULUS
  return state / MODULUS
end

---@class chuck.co.Backoff
local Backoff = {}
Backoff.__index = Backoff

--- Pauses from `first` to `most` milliseconds; `random()` is from 0 to 1.
function backoff.new(first, most, random)
  return setmetatable({
    first = first,
    most = most,
    random = random or chance,
    --- The next pause, at its longest.
    longest = first,
  }, Backoff)
end

--- The next pause, in milliseconds.
function Backoff:Next()
  local longest = math.min(self.longest, self.most)
  self.longest = math.min(2 * math.max(longest, LEAST), self.most)
  -- Without any pause, nobody else would run while tries fail at once.
  return math.max(longest * (1 + self.random()) / 2, LEAST)
end

--- Begins with the shortest again.
function Backoff:Reset()
  self.longest = self.first
end

return backoff
