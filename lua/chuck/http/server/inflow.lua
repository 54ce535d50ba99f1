--- A body that comes in pieces: what has arrived of it, who waits, and how it ends.
---
--- What nobody has read yet is kept up to a limit; then the connection is not read on.

local check = require("chuck.support.check")
local native = require("chuck.native")
local sched = require("chuck.co.sched")

local http = native.http

local inflow = {}

--- Bytes of a body that wait to be read, beside the last piece.
local READ_AHEAD = 65536

--- Bytes of a body that nobody wants which are read and thrown away, to keep the connection.
local DISCARD = 262144

---@class chuck.http.Inflow
local Inflow = {
  --- What has arrived and was not read: `first` to `last`, and the bytes of all.
  first = 1,
  last = 0,
  size = 0,
  --- Bytes that have arrived of the whole, or that were thrown away.
  received = 0,
  discarded = 0,
  --- Whether it has arrived to its end, whether nobody wants the rest, and why it never will:
  --- `message`, `code`, `status`.
  is_complete = false,
  is_discarded = false,
  failure = false,
  --- Field lines behind the body.
  trailers = false,
  --- The task that waits for more.
  reader = false,
  --- The client waits for a word before it sends anything.
  is_awaited = false,
  --- The last tick of the server at which enough had arrived.
  since = 0,
  what = "the body of a request",
}
Inflow.__index = Inflow

--- A body that comes in pieces.
function inflow.new(exchange, request, is_awaited)
  return setmetatable({
    exchange = exchange,
    request = request,
    is_awaited = is_awaited,
    since = exchange.server.tick,
  }, Inflow)
end

--- Its reader has given up.
function Inflow:Leave()
  self.reader = false
end

local function wake_reader(self)
  local task = self.reader
  if task then
    self.reader = false
    sched.wake(task, true)
  end
end

--- A piece has arrived. False when nobody wants it and there have been too many.
function Inflow:Add(bytes, now, per_byte)
  local length = #bytes
  self.received = self.received + length
  local since = self.since + length * per_byte
  self.since = since < now and since or now
  if self.is_discarded then
    self.discarded = self.discarded + length
    return self.discarded <= DISCARD
  end
  local last = self.last + 1
  self[last] = bytes
  self.last = last
  self.size = self.size + length
  wake_reader(self)
  return true
end

--- It has arrived to its end.
function Inflow:Complete(trailers)
  self.is_complete, self.trailers = true, trailers or false
  wake_reader(self)
end

--- It will not come to its end.
function Inflow:Fail(message, code, number)
  if not self.is_complete and not self.failure then
    self.failure = { message = message, code = code, status = number }
  end
  wake_reader(self)
end

--- What comes from now on is thrown away.
function Inflow:Discard()
  self.is_discarded = true
  self.discarded = self.size
  for i = self.first, self.last do
    self[i] = nil
  end
  self.first, self.last, self.size = 1, 0, 0
end

--- Whether no more can be kept.
function Inflow:IsFull()
  return self.size >= READ_AHEAD
end

--- Whether the rest is worth reading, to keep the connection, when the answer has been given.
function Inflow:IsWorthDiscarding()
  if self.is_complete then
    return true
  elseif self.failure or self.is_awaited then
    return false
  end
  local announced = tonumber(http.value(self.request.head, "content-length"))
  return not announced or announced - self.received + self.size <= DISCARD
end

local function take(self)
  local first = self.first
  local piece = self[first]
  self[first] = nil
  self.first = first + 1
  self.size = self.size - #piece
  if first == self.last then
    self.first, self.last = 1, 0
  end
  self.exchange:Regulate()
  return piece
end

--- Puts back what was too much.
function Inflow:PutBack(rest)
  local first = self.first - 1
  if self.last == 0 then
    first, self.last = 1, 1
  end
  self[first] = rest
  self.first = first
  self.size = self.size + #rest
end

--- Waits until there is more, or there cannot be.
---@async
local function await(self)
  if self.reader then
    check.blame("http", "another task reads this body already: it has one reader at a time")
  end
  local task = sched.parking()
  if self.is_awaited then
    self.is_awaited, self.since = false, self.exchange.server.tick
    self.exchange:Continue()
  end
  self.reader = task
  self.exchange:Regulate()
  sched.park(self)
end

--- The next piece; nil at the end; nil, message, code.
---@async
function Inflow:Next()
  while self.last == 0 do
    local failure = self.failure
    if self.is_discarded then
      return nil, "the body was discarded", "ESOCKCLOSE"
    elseif self.is_complete then
      return nil
    elseif failure then
      return nil, failure.message, failure.code
    end
    await(self)
  end
  return take(self)
end

return inflow
