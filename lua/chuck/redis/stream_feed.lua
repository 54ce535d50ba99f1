--- Where the entries of a stream come from: a task that asks the server, on a link of its own, as
--- long as somebody waits.
---
--- ```text
---  reader -> no entry in the buffer -> feeder:  link, group -> what is pending here -> what is new
---  reader <- the buffer             <- feeder                                          (blocks)
--- ```
---
--- Readers may give up at any time: what was asked for comes into the buffer, and nothing is lost.
--- After each new link a group is first asked for what this consumer has been given already, in
--- another life or on the link that broke; what it still has in hand is left out.

local backoff = require("chuck.co.backoff")
local entries = require("chuck.redis.stream_entry")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")

local is_error, null = outcome.is_error, outcome.null

local feed = {}

--- Answers of a server that will be different soon.
local PASSING = {
  LOADING = true,
  MASTERDOWN = true,
  CLUSTERDOWN = true,
  READONLY = true,
  TRYAGAIN = true,
  -- In a cluster: whose slot it is now is looked at before the next link is opened.
  ASK = true,
  MOVED = true,
  -- The group is made again.
  NOGROUP = true,
  UNBLOCKED = true,
}

--- An entry is read here and not acknowledged.
local function hold(self, entry)
  if self.group and not self.out[entry.id] then
    self.out[entry.id] = true
    self.out_count = self.out_count + 1
  end
end

--- An entry is done with, or given up.
function feed.release(self, id)
  if self.out[id] then
    self.out[id] = nil
    self.out_count = self.out_count - 1
    self.room:Finish(sched.DONE)
  end
end

--- Puts an entry into the buffer. It is held from here on: it must not come a second time.
function feed.push(self, entry)
  hold(self, entry)
  self.last = self.last + 1
  self.buffer[self.last] = entry
end

function feed.waiting(self)
  return self.last - self.first + 1
end

local function take(self)
  local first = self.first
  local entry = self.buffer[first]
  if not entry then
    return nil
  end
  self.buffer[first] = nil
  if first == self.last then
    self.first, self.last = 1, 0
  else
    self.first = first + 1
  end
  return entry
end

--- Sends a command on the stream's own link: the raw reply, or `nil, message, code[, err]`.
---@async
local function request(self, timeout_ms, ...)
  local value, message, code = self.link:Request(timeout_ms, ...)
  if not value then
    if code == "ETIMEDOUT" then
      -- Nobody knows when its reply will come: a new link is in order again.
      self.link:Close()
    end
    return nil, message, code
  elseif is_error(value) then
    return nil, value.message, value.code, value
  end
  return value
end

--- What the server has sent makes no sense: a new link may be in order again.
local function violated(self, name)
  self.link:Close("ERDISPERROR")
  return entries.violation(self.client.keeper.place, name)
end

--- Makes the group unless it is there.
---@async
local function make_group(self)
  local value, message, code, err = request(
    self,
    self.client.timeout_ms,
    "XGROUP",
    "CREATE",
    self.key,
    self.group,
    self.start,
    "MKSTREAM"
  )
  if not value and code ~= "BUSYGROUP" then
    return nil, message, code, err
  end
  self.position, self.is_catching_up = "0", true
  return true
end

--- The id of the last entry there is: where a reader begins that wants new ones.
---@async
local function find_last(self)
  local timeout_ms = self.client.timeout_ms
  local value, message, code, err =
    request(self, timeout_ms, "XREVRANGE", self.key, "+", "-", "COUNT", "1")
  if not value then
    return nil, message, code, err
  end
  local list = value ~= null and entries.list(value)
  if not list then
    return violated(self, "XREVRANGE")
  end
  return list[1] and list[1][1] or "0-0"
end

--- Makes the link and what it needs; true, or `nil, message, code[, err]`.
---@async
local function open(self)
  local client = self.client
  -- First the client itself: it knows where the server is.
  local up, message, code, err = client.keeper:Link(client.timeout_ms)
  if not up then
    return nil, message, code, err
  end
  self.link, message, code, err = client:OpenLink()
  if not self.link then
    self.link = false
    return nil, message, code, err
  elseif self.group then
    return make_group(self)
  elseif not self.position then
    self.position = self.start
    if self.start == "$" then
      self.position, message, code, err = find_last(self)
    end
  end
  return self.position and true, message, code, err
end

--- What was given to this consumer before: what it has in hand is left out, what was deleted is
--- acknowledged.
---@async
local function take_pending(self, list)
  local gone = {}
  for i = 1, #list do
    local entry = entries.entry(list[i])
    if not entry then
      gone[#gone + 1] = list[i][1]
    elseif not self.out[entry.id] then
      entry.is_again = true
      feed.push(self, entry)
    end
  end
  if #list > 0 then
    self.position = list[#list][1]
  else
    self.is_catching_up = false
  end
  if #gone > 0 then
    return request(self, self.client.timeout_ms, "XACK", self.key, self.group, gone)
  end
  return true
end

---@async
local function ask_group(self)
  local timeout_ms, block = self.client.timeout_ms, nil
  if not self.is_catching_up then
    timeout_ms, block = timeout_ms + self.block_ms, { "BLOCK", self.block_ms }
  end
  return request(
    self,
    timeout_ms,
    "XREADGROUP",
    "GROUP",
    self.group,
    self.consumer,
    "COUNT",
    self.count,
    block or {},
    "STREAMS",
    self.key,
    self.is_catching_up and self.position or ">"
  )
end

---@async
local function ask_alone(self)
  return request(
    self,
    self.client.timeout_ms + self.block_ms,
    "XREAD",
    "COUNT",
    self.count,
    "BLOCK",
    self.block_ms,
    "STREAMS",
    self.key,
    self.position
  )
end

--- Asks once: true, or `nil, message, code[, err]`.
---@async
local function step(self)
  if not self.link or self.link.ended then
    local fine, message, code, err = open(self)
    if not fine then
      return nil, message, code, err
    end
  end
  local reply, message, code, err
  if self.group then
    reply, message, code, err = ask_group(self)
  else
    reply, message, code, err = ask_alone(self)
  end
  if not reply then
    return nil, message, code, err
  end
  local list = entries.of_read(reply, self.key)
  if not list then
    return violated(self, self.group and "XREADGROUP" or "XREAD")
  elseif self.is_catching_up then
    return take_pending(self, list)
  end
  for i = 1, #list do
    local entry = entries.entry(list[i])
    if entry then
      feed.push(self, entry)
    end
    self.position = list[i][1]
  end
  return true
end

local PAUSE = { what = "pause before a stream asks again", Leave = function() end }

--- Asks once, and then as long as somebody waits: who asks without waiting finds it the next time.
--- What will pass is waited for.
---@async
local function work(self)
  local options = self.client.options
  local pause = backoff.new(options.backoff_ms, options.backoff_max_ms)
  repeat
    local fine, message, code, err = step(self)
    if fine then
      self.trouble = false
      pause:Reset()
      if feed.waiting(self) > 0 then
        self.readers:Finish(sched.DONE)
      end
    elseif self.client:IsClosed() or err and not PASSING[code] then
      -- Who reads without waiting is told the next time.
      self.failure = { message = message, code = code, err = err }
      self.readers:Finish(sched.DONE)
    else
      self.trouble = message
      if err and self.link then
        -- Begin anew: look where the server is, make the group.
        self.link:Close()
      end
      sched.parking()
      sched.park(PAUSE, pause:Next())
    end
  until self.is_closed or self.readers.count == 0 or feed.waiting(self) > 0
end

--- Whatever ends the feeder, the next reader starts another.
---@async
local function run(self)
  local fine, problem = sched.pcall(work, self)
  self.feeder = false
  if not fine then
    if not self.failure then
      self.failure = { message = "the client has ended", code = "ESOCKCLOSE" }
    end
    if self.link then
      self.link:Close()
      self.link = false
    end
    self.readers:Finish(sched.DONE)
    error(problem, 0)
  end
end

--- Starts the feeder, in the scope of the client: readers may be gone before it. False when that
--- has ended.
local function start(self)
  local home = self.client.keeper.task.home
  if not home or self.client:IsClosed() then
    return false
  end
  self.failure = false
  self.feeder = sched.start(home, run, self)
  return true
end

local function failed(self, failure)
  failure.is_told = true
  return nil, ("stream %s: %s"):format(self.key, failure.message), failure.code, failure.err
end

local function ended(self, why)
  return outcome.none("stream " .. self.key, why, "ESOCKCLOSE")
end

--- The next entry, for `Stream:Read`.
---@async
function feed.read(self, timeout_ms)
  local task = sched.parking()
  local give_up = sched.now() + (timeout_ms or math.huge)
  while not self.is_closed do
    local entry = take(self)
    if entry then
      return entry
    elseif self.out_count >= self.most_out then
      local why = ("%d entries were read and not acknowledged"):format(self.out_count)
      return outcome.none("stream " .. self.key, why, "ENOBUFS")
    elseif not self.feeder and self.failure and not self.failure.is_told then
      return failed(self, self.failure)
    elseif self.client:IsClosed() or not self.feeder and not start(self) then
      return ended(self, "the client is closed")
    end
    local fine = self.readers:Wait(task, math.max(give_up - sched.now(), 0))
    local failure = self.failure
    if failure and feed.waiting(self) == 0 then
      return failed(self, failure)
    elseif not fine and feed.waiting(self) == 0 then
      local why = self.trouble and (" (%s)"):format(self.trouble) or ""
      return outcome.none(
        "stream " .. self.key,
        ("no entry in %g ms%s"):format(timeout_ms, why),
        "ETIMEDOUT"
      )
    end
  end
  return ended(self, "it is closed")
end

--- Takes over what is stuck, for `Stream:Claim`: a list.
---@async
function feed.claim(self, min_idle_ms, count)
  local reply, message, code, err = self.client:Call(
    "XAUTOCLAIM",
    self.key,
    self.group,
    self.consumer,
    min_idle_ms,
    self.claim_cursor,
    "COUNT",
    count
  )
  if not reply then
    return nil, message, code, err
  end
  local cursor, claimed = entries.of_claim(reply)
  if not claimed then
    return entries.violation(self.client.keeper.place, "XAUTOCLAIM")
  end
  self.claim_cursor = cursor
  local list = {}
  for i = 1, #claimed do
    local entry = entries.entry(claimed[i])
    if entry and not self.out[entry.id] then
      entry.is_again = true
      hold(self, entry)
      list[#list + 1] = entry
    end
  end
  return list
end

--- Ends the feeder and its link, for `Stream:Close`.
function feed.stop(self)
  if self.feeder then
    self.failure = { message = "it is closed", code = "ESOCKCLOSE" }
    self.feeder:Cancel()
  end
  if self.link then
    self.link:Close()
    self.link = false
  end
end

return feed
