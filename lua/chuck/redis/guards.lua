--- Commands that do not belong on a connection that tasks share: what is done instead.

local commands = require("chuck.redis.commands")
local outcome = require("chuck.redis.outcome")

local guards = {}

--- Raises for what makes the server send what are no replies.
local function turn_away(_, spec)
  outcome.blame(
    ("%s: what follows are no replies, use a program such as redis-cli"):format(spec.name)
  )
end

guards.SYNC, guards.PSYNC = turn_away, turn_away

--- A guard that raises and says what to use.
local function refuse(instead)
  return function(_, spec)
    local message = "%s changes the connection that tasks share: use %s"
    outcome.blame(message:format(spec.name, instead))
  end
end

for name, instead in pairs({
  AUTH = "the options username and password",
  HELLO = "the option protocol",
  SELECT = "the option db, and a client for each database",
  RESET = "client:Close()",
  QUIT = "client:Close()",
  MULTI = "client:Multi(fn)",
  EXEC = "client:Multi(fn)",
  DISCARD = "client:Multi(fn)",
  WATCH = "client:Watch(keys, fn)",
  UNWATCH = "client:Watch(keys, fn)",
  SUBSCRIBE = "client:Subscribe(...)",
  UNSUBSCRIBE = "subscription:Remove(...)",
  PSUBSCRIBE = "client:Psubscribe(...)",
  PUNSUBSCRIBE = "subscription:Remove(...)",
  SSUBSCRIBE = "client:Ssubscribe(...)",
  SUNSUBSCRIBE = "subscription:Remove(...)",
  MONITOR = "client:Monitor()",
  ["CLIENT REPLY"] = "client:Pipeline()",
  ["CLIENT TRACKING"] = "client:Cached(key)",
  ["CLIENT CACHING"] = "client:Cached(key)",
}) do
  guards[name] = refuse(instead)
end

--- Carries out a command that may wait at the server; `how` as in `CallWith`, or nil.
---@async
function guards.block(self, how, spec, ...)
  return require("chuck.redis.blocking").call(self, how, spec, ...)
end

--- Whether a command waits at the server, which some do only if told to.
function guards.waits(spec, ...)
  return require("chuck.redis.blocking").time_of(spec, ...) ~= nil
end

for name, spec in pairs(commands.specs) do
  if spec.block then
    guards[name] = function(self, of, ...)
      return guards.block(self, nil, of, ...)
    end
  end
end

return guards
