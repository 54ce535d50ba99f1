--- Workers for the entries of a stream: each is handled, acknowledged, and tried again when that
--- failed, by whoever is there.

local backoff = require("chuck.co.backoff")
local feed = require("chuck.redis.stream_feed")
local limits = require("chuck.redis.limits")
local report = require("chuck.co.report")
local sched = require("chuck.co.sched")
local scope = require("chuck.co.scope")

--- Does something to the server until it is done, or the server refuses. Once all is closed it is
--- tried no more: the entry comes again.
---@async
local function insist(self, fn, ...)
  local options = self.client.options
  local pause = backoff.new(options.backoff_ms, options.backoff_max_ms)
  while true do
    local value, message, code, err = fn(self, ...)
    if value or err or self.is_closed or self.client:IsClosed() then
      return value, message, code, err
    end
    self.ending:Wait(sched.parking(), pause:Next())
  end
end

--- How often an entry was given to somebody.
---@async
local function deliveries_of(self, id)
  local list, message, code, err = self:Pending({ first = id, last = id, count = 1 })
  if not list then
    return nil, message, code, err
  end
  return list[1] and list[1].deliveries or 0
end

--- Copies an entry to where nobody tries it any more.
---@async
local function bury(self, entry, key, deliveries)
  local fields = {}
  for i = 1, #entry.list do
    fields[i] = entry.list[i]
  end
  for _, word in ipairs({ "dead-stream", self.key, "dead-id", entry.id }) do
    fields[#fields + 1] = word
  end
  fields[#fields + 1] = "dead-deliveries"
  fields[#fields + 1] = deliveries - 1
  return self.client:Call("XADD", key, "*", fields)
end

--- Whether an entry that comes again has come too often: it is put away then.
---@async
local function is_hopeless(self, entry, given)
  if not entry.is_again or not given.max_deliveries then
    return false
  end
  local deliveries = insist(self, deliveries_of, entry.id)
  if not deliveries or deliveries <= given.max_deliveries then
    return false
  end
  if insist(self, bury, entry, given.dead_letter, deliveries) then
    insist(self, self.Ack, entry)
  else
    feed.release(self, entry.id)
  end
  return true
end

--- Handles one entry; what fails is told and stays pending.
---@async
local function handle(self, handler, entry)
  local fine, problem = sched.pcall(handler, entry, self)
  if not fine and sched.is_stop(problem) then
    feed.release(self, entry.id)
    error(problem, 0)
  elseif not fine then
    local place = ("in the handler of stream %s, entry %s"):format(self.key, entry.id)
    report.tell(sched.current(), problem, place)
  end
  if not fine or problem == false then
    feed.release(self, entry.id)
    return
  end
  insist(self, self.Ack, entry)
end

--- A worker: its end is that of the stream, or what `Read` has said. No more may be read while
--- other workers have it all in hand: then it waits for one of them.
---@async
local function work(self, handler, given, all)
  while not self.is_closed do
    local entry, message, code, err = feed.read(self)
    if entry then
      all.busy = all.busy + 1
      if not is_hopeless(self, entry, given) then
        handle(self, handler, entry)
      end
      all.busy = all.busy - 1
      self.room:Finish(sched.DONE)
    elseif code == "ENOBUFS" and all.busy > 0 then
      self.room:Wait(sched.parking())
    else
      if not self.is_closed then
        all.message, all.code, all.err = message, code, err
      end
      return
    end
  end
end

--- Looks for what is stuck, again and again, while there is room.
---@async
local function claim(self, idle_ms)
  local pause = math.min(math.max(idle_ms / 2, limits.claim_least_ms), limits.claim_most_ms)
  while not self.is_closed do
    local has_more = true
    while has_more and feed.waiting(self) < self.count do
      local list = feed.claim(self, idle_ms, self.count)
      for i = 1, list and #list or 0 do
        feed.push(self, list[i])
      end
      if list and #list > 0 then
        self.readers:Finish(sched.DONE)
      end
      has_more = list and self.claim_cursor ~= "0-0"
    end
    self.ending:Wait(sched.parking(), pause)
  end
end

--- What `Stream:Consume` does.
---@async
local function consume(self, handler, given)
  --- How many workers handle an entry, and why they have ended: `message`, `code`, `err`.
  local shared = { busy = 0 }
  local done, message, code = scope.open(function(all)
    local claimer = all:Spawn(claim, self, given.claim_idle_ms or limits.claim_idle_ms)
    scope.open(function(workers)
      for _ = 1, given.workers or 1 do
        workers:Spawn(work, self, handler, given, shared)
      end
    end)
    claimer:Cancel()
    return true
  end)
  if not done then
    return nil, message, code
  elseif shared.code then
    return nil, shared.message, shared.code, shared.err
  end
  return true
end

return consume
