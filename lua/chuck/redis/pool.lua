--- Several connections to one server as if they were one client.
---
---     local pool = redis.pool({ size = 8, host = "127.0.0.1" })
---     pool:Set("name", "chuck")               -- by the connection that has the least to do
---     pool:With(function(client) … end)       -- by one connection, in order
---
--- One connection serves any number of tasks; several help where replies are large, or where one
--- command takes the server long (then its other connections still get their turn).

local client = require("chuck.redis.client")
local limits = require("chuck.redis.limits")
local methods = require("chuck.redis.methods")
local options = require("chuck.redis.options")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")

local metatable_of = debug.getmetatable
local Client = client.Client

local pool = {}

---@class chuck.redis.Pool
local Pool = {}

local METATABLE = { __index = Pool, __metatable = "redis.pool" }

--- Raises for what is no pool.
local function expect(self, name)
  if metatable_of(self) ~= METATABLE then
    local message = "calling '%s' on bad self (redis.pool expected, got %s)"
    outcome.blame(message:format(name, outcome.kind_of(self)))
  end
end

--- How much a client has to do; one without a connection comes last.
local function load_of(member)
  local link = member.keeper.link
  if link then
    return link:Waiting()
  end
  return math.huge
end

--- The client with the least to do. Those with equally much take turns.
local function choose(self)
  local members = self.members
  local size = #members
  local turn = self.turn % size + 1
  self.turn = turn
  local best = members[turn]
  local least = load_of(best)
  for i = 1, size - 1 do
    if least == 0 then
      break
    end
    local member = members[(turn + i - 1) % size + 1]
    local load = load_of(member)
    if load < least then
      best, least = member, load
    end
  end
  return best
end

--- Sends a command by one of the connections.
---@async
local function perform(self, spec, ...)
  expect(self, spec.method or spec.name)
  return client.perform(choose(self), spec, ...)
end

methods.add(Pool, perform)

--- What a client does beside plain commands, a pool does by one of its clients.
local BY_ONE = {
  "Call",
  "CallWith",
  "Do",
  "Eval",
  "EvalRO",
  "EvalSha",
  "EvalShaRO",
  "FCall",
  "FCallRO",
  "HScan",
  "Monitor",
  "Multi",
  "Pipeline",
  "Psubscribe",
  "Run",
  "SScan",
  "Scan",
  "Ssubscribe",
  "Subscribe",
  "Watch",
  "ZScan",
}

for _, name in ipairs(BY_ONE) do
  local method = rawget(Client, name)
  if method then
    Pool[name] = function(self, ...)
      expect(self, name)
      return method(choose(self), ...)
    end
  end
end

-- What is kept is kept once: by the first of its clients.
for _, name in ipairs({ "Cached", "CachedCall" }) do
  Pool[name] = function(self, ...)
    expect(self, name)
    return Client[name](self.members[1], ...)
  end
end

--- Calls `fn(client, ...)` with one of the clients, for commands that are to be sent in order: what
--- it returns.
---@async
function Pool:With(fn, ...)
  expect(self, "With")
  if type(fn) ~= "function" then
    outcome.raise("With", 1, "function expected, got " .. outcome.kind_of(fn))
  end
  return fn(choose(self), ...)
end

--- Parks until all connections are there: true, or `nil, message, code[, err]`.
---@async
function Pool:Ready(timeout_ms)
  expect(self, "Ready")
  if timeout_ms ~= nil and not (type(timeout_ms) == "number" and timeout_ms >= 0) then
    outcome.raise("Ready", 1, "milliseconds expected, got " .. outcome.kind_of(timeout_ms))
  end
  local give_up = sched.now() + (timeout_ms or self.members[1].options.connect_ms)
  for _, member in ipairs(self.members) do
    local up, message, code, err = member:Ready(math.max(give_up - sched.now(), 0))
    if not up then
      return nil, message, code, err
    end
  end
  return true
end

--- The counters of its clients, added up; `size`, and how many are `connected`.
function Pool:Stats()
  expect(self, "Stats")
  local sum = { size = #self.members, connected = 0 }
  for _, member in ipairs(self.members) do
    local stats = member:Stats()
    sum.connected = sum.connected + (stats.is_connected and 1 or 0)
    for name, value in pairs(stats) do
      if type(value) == "number" and name ~= "protocol" then
        sum[name] = (sum[name] or 0) + value
      end
    end
  end
  return sum
end

--- Ends all its clients. Any number of times.
function Pool:Close()
  expect(self, "Close")
  for _, member in ipairs(self.members) do
    member:Close()
  end
end

function Pool:IsClosed()
  expect(self, "IsClosed")
  return self.members[1]:IsClosed()
end

--- A pool of `size` connections to the server at a URI, or with options.
function pool.connect(given)
  local made = options.make("pool", given, { size = "positive integer" })
  local size = made.size or limits.pool_size
  if size > limits.pool_most then
    local text = "option size: %d connections, limit is %d"
    outcome.raise("pool", 1, text:format(size, limits.pool_most))
  elseif not sched.current() then
    outcome.blame("'pool' is for tasks: use it inside of co.run or co.spawn")
  end
  local members = {}
  for i = 1, size do
    members[i] = client.new(made)
  end
  return setmetatable({
    --- Its clients, and whose turn was last.
    members = members,
    turn = 0,
  }, METATABLE)
end

pool.Pool, pool.METATABLE = Pool, METATABLE

return pool
