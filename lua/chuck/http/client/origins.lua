--- Connections that are kept for the next request, by what they lead to.
---
--- ```text
---   Acquire -- idle one -----------------------------> busy -- on_free --> whoever waits, or idle
---           -- room ------> dialed ------------------> busy -- on_end  --> room for whoever waits
---           -- neither ---> in line, first come first served
--- ```
---
--- A server that ends an idle connection is noticed at once (see link.lua).

local dialing = require("chuck.http.client.dialing")
local idle = require("chuck.http.client.idle")
local limits = require("chuck.http.client.limits")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local origins = {}

---@class chuck.http.Origins
local Origins = {}
Origins.__index = Origins

--- What a waiter is woken with that may dial.
local ROOM = {}

--- What is kept for one origin.
local function place_of(self, route)
  local place = self.places[route.key]
  if not place then
    place = {
      key = route.key,
      --- Links that nobody uses, the one used last at the end; links in all, those that are being
      --- dialed included; who waits for one.
      idle = {},
      count = 0,
      line = waiters.new("a connection to " .. route.address),
    }
    self.places[route.key] = place
  end
  return place
end

--- Whether one more may be dialed for a place.
local function has_room(self, place)
  return place.count < self.options.max_connections and self.count < self.options.max_total
end

local function take_room(self, place)
  place.count = place.count + 1
  self.count = self.count + 1
end

--- Lets those dial who wait while there is room, and forgets places of which nothing is left.
local function advance(self)
  for key, place in pairs(self.places) do
    while place.line.count > 0 and has_room(self, place) do
      local task = place.line:Take()
      take_room(self, place)
      if not sched.wake(task, ROOM) then
        place.count = place.count - 1
        self.count = self.count - 1
      end
    end
    if place.count == 0 and place.line.count == 0 then
      self.places[key] = nil
    end
  end
end

--- A link has ended, or was never made.
local function give_room(self, place)
  place.count = place.count - 1
  self.count = self.count - 1
  advance(self)
end

--- A link is free.
local function on_free(self, place, link)
  if self.is_closed then
    link:Close("ESOCKCLOSE")
    return
  end
  while place.line.count > 0 do
    local task = place.line:Take()
    if sched.wake(task, link) then
      return
    end
  end
  if idle.add(self, place, link) and self.count >= self.options.max_total then
    for _, other in pairs(self.places) do
      if other.line.count > 0 then
        idle.evict(self)
        return
      end
    end
  end
end

--- Dials for a place in which room was taken.
---@async
local function open(self, place, route, give_up)
  local job = {
    engine = self.engine,
    route = route,
    options = self.options,
    give_up = math.min(give_up, sched.now() + self.options.connect_ms),
    abort = false,
  }
  self.jobs[job] = true
  local fine, link, why, code = sched.pcall(dialing.open, job)
  self.jobs[job] = nil
  if not fine then
    give_room(self, place)
    error(link, 0)
  elseif not link then
    give_room(self, place)
    return nil, why, code
  end
  self.opened = self.opened + 1
  self.links[link] = true
  link.on_free = function()
    on_free(self, place, link)
  end
  link.on_end = function()
    self.links[link] = nil
    idle.remove(self, place, link)
    give_room(self, place)
  end
  if self.is_closed then
    link:Close("ESOCKCLOSE")
    return nil, "the client is closed", "ESOCKCLOSE"
  end
  return link
end

--- Waits in line: a link, ROOM, or `nil, why, code`.
---@async
local function await(self, place, give_up)
  local line = place.line
  if line.count >= self.options.max_queue then
    local why = "%d requests wait for a connection already, limit is %d"
    return nil, why:format(line.count, self.options.max_queue), "EBUSY"
  end
  local task = sched.parking()
  line:Add(task)
  local got = sched.park(line, math.max(give_up - sched.now(), 0))
  if got == sched.TIMEOUT then
    local why = "no connection has become free in time, all %d are in use"
    return nil, why:format(place.count), "ETIMEDOUT"
  elseif got == sched.DONE then
    return nil, "the client is closed", "ESOCKCLOSE"
  end
  return got
end

--- A link along `route` by the time `give_up`, and whether it was used before; or
--- `nil, why, code`. With `is_fresh` it was not.
---@async
function Origins:Acquire(route, give_up, is_fresh)
  if self.is_closed then
    return nil, "the client is closed", "ESOCKCLOSE"
  end
  sched.parking()
  local place = place_of(self, route)
  local link = not is_fresh and idle.take(self, place)
  if link then
    self.reused = self.reused + 1
    return link, true
  elseif is_fresh and place.idle[1] and not has_room(self, place) then
    place.idle[1]:Close("ESOCKCLOSE")
  elseif place.count < self.options.max_connections and self.count >= self.options.max_total then
    idle.evict(self)
  end
  -- With its last link a place is forgotten.
  place = place_of(self, route)
  local got, why, code = ROOM, nil, nil
  -- Who comes now does not go before those that wait.
  if has_room(self, place) and place.line.count == 0 then
    take_room(self, place)
  else
    got, why, code = await(self, place, give_up)
  end
  if not got then
    return nil, why, code
  elseif got == ROOM then
    return open(self, place, route, give_up)
  elseif got.ended then
    -- It has ended before its turn came.
    return self:Acquire(route, give_up, is_fresh)
  end
  self.reused = self.reused + 1
  return got, true
end

--- Counters.
function Origins:Stats()
  local waiting = 0
  for _, place in pairs(self.places) do
    waiting = waiting + place.line.count
  end
  return {
    connections = self.count,
    idle = self.idle,
    waiting = waiting,
    opened = self.opened,
    reused = self.reused,
  }
end

--- Ends every connection; whoever waits is told.
function Origins:Close()
  self.is_closed = true
  for _, place in pairs(self.places) do
    place.line:Finish(sched.DONE)
  end
  for job in pairs(self.jobs) do
    if job.abort then
      job.abort()
    end
  end
  local list = {}
  for link in pairs(self.links) do
    list[#list + 1] = link
  end
  for _, link in ipairs(list) do
    link:Close("ESOCKCLOSE")
  end
  idle.stop(self)
end

--- Nothing yet. `options` are those of a client, all of them.
function origins.new(engine, options)
  return setmetatable({
    engine = engine,
    options = setmetatable({}, {
      __index = function(_, name)
        local value = options[name]
        if value == nil then
          return limits[name]
        end
        return value
      end,
    }),
    --- Places by key; links in all, and of them those that are idle, all that are open.
    places = {},
    count = 0,
    idle = 0,
    links = {},
    --- Links that are being dialed.
    jobs = {},
    --- Counts links that have become idle: times may be equal.
    rank = 0,
    --- What looks after those that are idle, and when.
    timer = false,
    due = 0,
    is_closed = false,
    --- Since the beginning: connections that were made, requests that went by one that was there.
    opened = 0,
    reused = 0,
  }, Origins)
end

return origins
