--- What reads at one node of a cluster, and follows when that is another: subscriptions and
--- streams. They take a station for a client of one server.

local commands = require("chuck.redis.commands")
local slots = require("chuck.redis.slots")
local subscribe = require("chuck.redis.subscribe")

local SSUBSCRIBE = commands.specs.SSUBSCRIBE

local station = {}

--- What a subscription or a stream takes for a client of one server: the node that `key` belongs
--- to, whichever that is at the time.
function station.of(self, key)
  local place = {
    place = key and "the node of " .. key or "the cluster",
    task = { home = self.nodes.home },
    Link = function(_, timeout_ms)
      return self.nodes:Ready(timeout_ms or math.huge)
    end,
  }
  local was_open = false
  return {
    options = self.options,
    timeout_ms = self.timeout_ms,
    links = self.links,
    keeper = setmetatable(place, {
      __index = function(_, name)
        return name == "is_closed" and self.nodes.is_closed or nil
      end,
    }),
    OpenLink = function(_, more)
      if was_open then
        -- Where the last link ended, the slot may have moved.
        self.nodes:Await(self.options.connect_ms)
      end
      was_open = true
      return self:OpenLink(more, key)
    end,
    Call = function(_, ...)
      return self:Call(...)
    end,
    IsClosed = function()
      return self.nodes.is_closed
    end,
  }
end

--- The first channel that is named; nil when there is none.
local function channel_of(first)
  if type(first) == "table" then
    first = first[1]
  end
  return type(first) == "string" and first or nil
end

--- Gives a class of clusters its subscriptions: `expect(self, name)` raises for what is not of it,
--- `crossed(spec)` says why a command whose keys are in several slots is not sent.
function station.extend(class, expect, crossed)
  for _, name in ipairs({ "Subscribe", "Psubscribe" }) do
    class[name] = function(self, ...)
      expect(self, name)
      return subscribe[name](station.of(self), ...)
    end
  end

  --- Subscribes to sharded channels, which are all in one slot.
  ---@async
  function class:Ssubscribe(...)
    expect(self, "Ssubscribe")
    local key = channel_of(...)
    local names, n = slots.flat(...)
    if type(names[n]) == "function" then
      n = n - 1
    end
    local _, is_crossed = slots.of_flat(SSUBSCRIBE, names, n)
    if is_crossed then
      return crossed(SSUBSCRIBE)
    end
    return subscribe.Ssubscribe(station.of(self, key), ...)
  end
end

return station
