--- Every command that a server carries out, as it comes.
---
---     local monitor = client:Monitor()
---     local seen = monitor:Next()
---     seen.time, seen.db, seen.source     --> 1700000000.5, 0, "127.0.0.1:50000"
---     seen.command                        --> { "SET", "name", "chuck" }
---
--- It costs the server about half of its speed. What keeps the connection is in redis/feed.lua.

local feed = require("chuck.redis.feed")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")

--- Less than half the price of `getmetatable`, which looks for the name of the class.
local metatable_of = debug.getmetatable

local monitor = {}

---@class chuck.redis.Monitor
local Monitor = {}

local METATABLE = { __index = Monitor, __metatable = "redis.monitor" }

local function expect(self, name)
  if metatable_of(self) ~= METATABLE then
    local message = "calling '%s' on bad self (redis.monitor expected, got %s)"
    outcome.blame(message:format(name, outcome.kind_of(self)))
  end
end

local ESCAPES = { n = "\n", r = "\r", t = "\t", a = "\a", b = "\b" }

--- One argument with escapes: `\\`, `\"`, `\n` and such, and `\x00`.
local function read_escaped(line, at)
  local pieces, n = {}, 0
  while true do
    local stop = line:find('["\\]', at)
    if not stop then
      return nil
    end
    n = n + 1
    pieces[n] = line:sub(at, stop - 1)
    if line:byte(stop) == 34 then
      return table.concat(pieces), stop + 1
    end
    local letter = line:sub(stop + 1, stop + 1)
    local digits = letter == "x" and line:match("^%x%x", stop + 2)
    n = n + 1
    if digits then
      pieces[n] = string.char(tonumber(digits, 16))
      at = stop + 4
    else
      pieces[n] = ESCAPES[letter] or letter
      at = stop + 2
    end
  end
end

--- The arguments that stand in quotes from a place on; nil when that is not so.
local function read_arguments(line, at)
  local list, n = {}, 0
  while at <= #line do
    local text, behind = line:match('^ ?"([^"\\]*)"()', at)
    if not text then
      local inside = line:match('^ ?"()', at)
      if inside then
        text, behind = read_escaped(line, inside)
      end
      if not text then
        return nil
      end
    end
    n = n + 1
    list[n], at = text, behind
  end
  return list
end

--- What a line of a monitor says; nil for what is none.
function monitor.parse(line)
  local time, db, source, at = line:match('^(%d+%.%d+) %[(%d+) (.-)%]() "')
  local command = at and read_arguments(line, at)
  if not command then
    return nil
  end
  return { time = tonumber(time), db = tonumber(db), source = source, command = command }
end

--- Monitors there have been.
local marks = 0

local kind = {}

function kind.take(self, from, value)
  if type(value) == "string" and value:find("^%d") then
    local seen = monitor.parse(value)
    if not seen then
      return feed.violated(self, from, "what is no line of a monitor")
    elseif seen.command[2] == self.mark and seen.command[1] == "PING" then
      self.others = self.others + 1
      return
    end
    return feed.put(self, seen, #value)
  end
  self.others = self.others + 1
  if value == "OK" then
    return feed.up(self)
  elseif outcome.is_error(value) and not self.is_up then
    return feed.finish(self, ("%s: %s"):format(self.what, value.message), value.code, value)
  elseif value ~= self.mark and not outcome.is_error(value) then
    feed.violated(self, from, "what is no line of a monitor")
  end
end

function kind.ask(self)
  self.link:Send("MONITOR")
end

function kind.ping(self, from)
  from:Send("PING", self.mark)
end

function kind.lose() end

--- Watches the server; parks until that has begun. `nil, message, code[, err]` when it does not.
---@async
function monitor.Monitor(client, ...)
  local how, fn = ...
  if type(how) == "function" and select("#", ...) == 1 then
    how, fn = nil, how
  end
  if fn ~= nil and type(fn) ~= "function" then
    outcome.raise("Monitor", 2, "function expected, got " .. outcome.kind_of(fn))
  end
  feed.check("Monitor", 1, how)
  feed.expect_task("Monitor")
  local has_room, full, busy = feed.has_room(client)
  if not has_room then
    return nil, "MONITOR: " .. full, busy
  end
  local self = feed.new(METATABLE, kind, client, "MONITOR", how, fn)
  --- What it says to the server when that is silent. Addresses do not tell who has said it: all
  --- connections by a Unix socket have the same.
  marks = marks + 1
  self.mark = ("monitor %d %s"):format(marks, tostring(self))
  feed.start(self)
  local fine, begun, message, code, err = sched.pcall(feed.await, self, "MONITOR", function()
    return self.is_up
  end)
  if fine and begun then
    return self
  end
  self:Close()
  if not fine then
    error(begun, 0)
  end
  return nil, message, code, err
end

--- The next command; parks while there is none. `nil, message, code` when there will be none, or
--- not in time.
---@async
function Monitor:Next(timeout_ms)
  if metatable_of(self) ~= METATABLE then
    expect(self, "Next")
  end
  feed.check_next(self, timeout_ms)
  return feed.next(self, timeout_ms)
end

--- `for seen in monitor:Commands() do`, until it ends. Not on Lua 5.1, where an iterator cannot
--- park.
function Monitor:Commands()
  expect(self, "Commands")
  feed.check_next(self)
  return feed.step, self
end

--- Ends it, with its connection. Any number of times, from anywhere.
function Monitor:Close()
  expect(self, "Close")
  feed.close(self)
end

function Monitor:IsClosed()
  expect(self, "IsClosed")
  return self.ended and true or false
end

--- Counters since it was made: see docs/api/redis-pubsub.md.
function Monitor:Stats()
  expect(self, "Stats")
  return feed.stats(self)
end

monitor.class = Monitor

return monitor
