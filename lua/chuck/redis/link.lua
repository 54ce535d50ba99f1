--- One connection to a server, and who waits for which of its replies.
---
--- ```text
---  Submit(entry, "GET", "a")  ->  entries wait in line  ->  replies come in the same order
---
---    first           last
---  | task | false | entry |      a task is woken with the reply; false has given up: its reply is
---                                dropped, so no other is taken for it
--- ```
---
--- Who is no task is a table with two functions: `taker(entry, value)` gets the reply, and
--- `loser(entry, message, code)` is told when there will be none. With a number `left` it stays
--- first until it has got so many. Replies are raw here: null and errors are values. What is sent
--- in one pass of the loop leaves in one write.

local attempt = require("chuck.io.attempt")
local greeting = require("chuck.redis.greeting")
local native = require("chuck.native")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")
local waiters = require("chuck.co.waiters")

local send = native.redis.send
local parking, park, wake, TIMEOUT = sched.parking, sched.park, sched.wake, sched.TIMEOUT

local ERVTIMEOUT = native.error.ERVTIMEOUT

local link = {}

---@class chuck.redis.Link
local Link = {}
Link.__index = Link

--- What is read at a time, in bytes.
local RECVBUF = 65536

--- Bytes that wait to be sent, above which what has no room waits until half of them have left.
local HIGH_WATER = 1024 * 1024

--- Gives up: the reply will find nobody in this place.
function Link:Leave(task)
  self.line[task.place] = false
end

--- Puts an entry in line.
local function stand(self, entry)
  local last = self.last + 1
  self.last = last
  self.line[last] = entry
  entry.place = last
end

--- Takes the first entry out; nil when nobody waits.
local function take(self)
  local first = self.first
  if first > self.last then
    return nil
  end
  local entry = self.line[first]
  self.line[first] = nil
  if first == self.last then
    self.replies = self.replies + first
    self.first, self.last = 1, 0
  else
    self.first = first + 1
  end
  return entry
end

--- Tells an entry that its reply will not come.
local function lose(entry, message, code)
  if entry.loser then
    entry:loser(message, code)
  else
    wake(entry, nil, message, code)
  end
end

--- Ends the link: whoever waits is told.
local function finish(self, code, why)
  if self.ended then
    return
  end
  local message = self.peer .. ": " .. (why or outcome.words_of(code))
  self.ended = { message = message, code = code }
  self.conn:Close()
  local entry = take(self)
  while entry ~= nil do
    if entry then
      lose(entry, message, code)
    end
    entry = take(self)
  end
  self.room:Finish(sched.DONE)
  self.watchers:Finish(sched.DONE)
  if self.on_end then
    self.on_end(self)
  end
end

--- Brings a reply to the one who is first in line.
local function receive(self, value)
  local first = self.first
  local entry = self.line[first]
  if entry == nil then
    if self.on_reply then
      self.on_reply(self, value)
    else
      finish(self, "ERDISPERROR", "a reply that nobody has asked for")
    end
    return
  end
  local taker = entry and entry.taker
  if taker and entry.left and entry.left > 1 then
    entry.left = entry.left - 1
    self.more = self.more - 1
    self.replies = self.replies + 1
    taker(entry, value)
    return
  end
  take(self)
  if taker then
    taker(entry, value)
  elseif entry then
    wake(entry, value)
  end
end

--- Pushes that nobody wants.
local function ignore() end

local function receiver(self)
  return function(_, value, code, is_push)
    if value == nil and code == ERVTIMEOUT then
      self.is_quiet = true
    elseif value == nil then
      finish(self, outcome.code_of(code))
    elseif is_push then
      self.pushes = self.pushes + 1
      self.on_push(self, value)
    elseif not (self.sift and self.sift(self, value)) then
      receive(self, value)
    end
  end
end

--- Parks until there is room for more; true, or `nil, message, code`.
---@async
function Link:AwaitRoom(timeout_ms)
  local _, _, code = self.room:Wait(parking(), timeout_ms)
  if self.ended then
    return nil, self.ended.message, self.ended.code
  elseif code then
    return nil, self.peer .. ": no room to send in time", code
  end
  return true
end

--- Sends a command and puts `entry` in line for its reply: true; or `nil, message, code`; or
--- `false, n, text` for a wrong argument.
function Link:Submit(entry, ...)
  if self.ended then
    return nil, self.ended.message, self.ended.code
  end
  local sent, message, code = send(self.conn, ...)
  if sent then
    stand(self, entry)
    return true
  end
  return sent, message, code
end

--- Sends bytes that hold whole commands, and puts the entries in line: one for each command, or one
--- entry with the number of commands as `left`.
function Link:SubmitBytes(bytes, entries)
  if self.ended then
    return nil, self.ended.message, self.ended.code
  end
  local code = self.conn:Send(native.packet.rawpacket(bytes))
  if code ~= 0 then
    code = outcome.code_of(-code)
    return nil, self.peer .. ": " .. outcome.words_of(code), code
  end
  if entries.left then
    stand(self, entries)
    self.more = self.more + entries.left - 1
    return true
  end
  for i = 1, #entries do
    stand(self, entries[i])
  end
  return true
end

--- Sends a command whose reply, if there is one, is told to `on_reply` or `on_push`.
function Link:Send(...)
  if self.ended then
    return nil, self.ended.message, self.ended.code
  end
  return send(self.conn, ...)
end

--- How many bytes of text are in what is to be sent.
local function size_of(items)
  local size = 0
  for _, item in pairs(items) do
    if type(item) == "string" then
      size = size + #item
    elseif type(item) == "table" then
      size = size + size_of(item)
    end
  end
  return size
end

--- As `Submit`, but while others wait for their replies it waits for room.
---@async
local function submit_patiently(self, timeout_ms, ...)
  local give_up = timeout_ms and sched.now() + timeout_ms
  local task, sent, message, code
  repeat
    sent, message, code = self:AwaitRoom(give_up and math.max(give_up - sched.now(), 0))
    if not sent then
      return nil, message, code
    end
    task = parking()
    sent, message, code = self:Submit(task, ...)
  until sent ~= nil or code ~= "ENOBUFS" or self.first > self.last
  return sent, message, code
end

--- Sends a command and parks for the raw reply; or `nil, message, code`; or `false, n, text`.
---@async
function Link:Request(timeout_ms, ...)
  local sent, message, code = self:Submit(parking(), ...)
  if sent == nil and code == "ENOBUFS" then
    local size = size_of({ ... })
    if size > self.most_bytes then
      local text = "%s: %.0f bytes to send, limit is %.0f"
      return nil, text:format(self.peer, size, self.most_bytes), code
    elseif self.first <= self.last then
      sent, message, code = submit_patiently(self, timeout_ms, ...)
    end
  end
  if not sent then
    return sent, message, code
  end
  local value
  value, message, code = park(self, timeout_ms)
  if value == TIMEOUT then
    return nil, ("%s: no reply in %g ms"):format(self.peer, timeout_ms), "ETIMEDOUT"
  end
  return value, message, code
end

--- The entry that is first in line; nil when nobody waits, false when it has given up.
function Link:First()
  return self.line[self.first]
end

--- Takes the first entry out of the line: its reply has come by another way.
function Link:Take()
  return take(self)
end

--- Goes on in another engine: true, or `nil, message, code`.
function Link:Move(engine)
  if self.ended then
    return nil, self.ended.message, self.ended.code
  end
  self.conn:RemoveEngine()
  local fine, message, code = self.conn:Add2Engine(engine, receiver(self))
  if not fine then
    return nil, self.peer .. ": " .. message, code
  end
  return true
end

--- Replies that are still to come, those of entries that gave up included.
function Link:Waiting()
  return self.last - self.first + 1 + self.more
end

--- Replies that have come in all.
function Link:Received()
  return self.replies + self.first - 1
end

--- Parks until the link has ended: its end; or nil when the time has passed.
---@async
function Link:Wait(timeout_ms)
  if not self.ended then
    self.watchers:Wait(parking(), timeout_ms)
  end
  return self.ended or nil
end

--- Has `is_quiet` tell whether not one byte has come for so many milliseconds from now; 0: never.
function Link:Listen(ms)
  self.is_quiet = false
  if not self.ended then
    self.conn:SetRecvTimeout(ms)
  end
end

--- Stops reading from the server, or goes on.
function Link:Pause()
  if not self.is_paused and not self.ended then
    self.is_paused = true
    self.conn:PauseRead()
  end
end

function Link:Resume()
  if self.is_paused and not self.ended then
    self.is_paused = false
    self.conn:ResumeRead()
  end
end

--- Ends the link from this side; whoever waits is told `code`.
function Link:Close(code, why)
  finish(self, code or "ESOCKCLOSE", why)
end

--- A link over `conn`, which is in no engine yet; or `nil, message, code`.
function link.over(engine, conn, peer, options)
  local self = setmetatable({
    conn = conn,
    --- The server, for messages.
    peer = peer,
    --- The version of the protocol that the server speaks with us, and what it said to HELLO.
    protocol = 2,
    hello = false,
    --- Entries `first` to `last` wait for replies; replies that came before `first` was 1 last.
    line = {},
    first = 1,
    last = 0,
    replies = 0,
    pushes = 0,
    --- Replies beyond one for each entry.
    more = 0,
    --- Bytes that may wait to be sent.
    most_bytes = options.send_limit + HIGH_WATER,
    --- Who waits for room in the queue of the connection, and for the end.
    room = waiters.new("room to send to " .. peer),
    watchers = waiters.new("the end of the connection to " .. peer),
    --- What tasks of this link wait for, as `co.tasks` tells it.
    what = "reply of " .. peer,
    is_paused = false,
    --- See `Listen`.
    is_quiet = false,
    --- Told of pushes, of replies that nobody waits for, and of the end: `on_push(link, items)`,
    --- `on_reply(link, value)`, `on_end(link)`.
    on_push = ignore,
    on_reply = false,
    on_end = false,
    --- `sift(link, value)` sees every value that is no push first: true when it is no reply.
    sift = false,
    --- Why it has ended: `message`, `code`.
    ended = false,
  }, Link)
  -- What is refused for want of room is so while the mark is passed: its end will be told.
  conn:SetHighWater(HIGH_WATER, function()
    self.room:Finish(sched.DONE)
  end, self.most_bytes)
  conn:SetNoDelay(true)
  local fine, message, code = conn:Add2Engine(engine, receiver(self))
  if not fine then
    conn:Close()
    return nil, peer .. ": " .. message, code
  end
  return self
end

--- Connects to `addr`, and greets the server: a link, or `nil, message, code[, err]`.
---@async
function link.open(addr, options)
  local engine = sched.engine()
  local give_up = sched.now() + options.connect_ms
  local conn, message, code = attempt(engine, addr, options.connect_ms, {
    decoder = options.decoder,
    recvbuf = RECVBUF,
  })
  if not conn then
    return nil, message, code
  end
  local self
  self, message, code = link.over(engine, conn, addr, options)
  if not self then
    return nil, message, code
  end
  local done, fine, refused
  done, fine, message, code, refused = sched.pcall(greeting.say, self, options, give_up)
  if not done then
    self:Close()
    error(fine, 0)
  elseif not fine then
    self:Close()
    return nil, message, code, refused
  end
  return self
end

return link
