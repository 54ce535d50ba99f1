--- One request and its answer on a connection.
---
--- ```text
---   sending ---- is_sent ----+
---                            +---- both: the link is free again, or closed
---   status ... pieces ... is_done
--- ```
---
--- The link puts in what arrives; one task at a time waits for it: first the one that sends, then
--- the one that reads. What was received stays here when the link has gone on to the next turn.

local limits = require("chuck.http.client.limits")
local sched = require("chuck.co.sched")
local words = require("chuck.http.client.words")

local turn = {}

---@class chuck.http.Turn
local Turn = {}
Turn.__index = Turn

function turn.new(link, what)
  return setmetatable({
    --- Where it is had; false once nothing more will come from there.
    link = link,
    --- What the task waits for, as `co.tasks` tells it.
    what = what,
    task = false,
    --- The answer: its head as it came, once that is there.
    head = false,
    status = false,
    reason = false,
    bits = false,
    --- Pieces of the body that nobody has taken: `first` to `last`, and their bytes; how many bytes
    --- of body have come in all.
    pieces = {},
    first = 1,
    last = 0,
    size = 0,
    received = 0,
    --- So many bytes are kept before the link is not read any more.
    ahead = limits.read_ahead,
    --- Field lines behind the body.
    trailers = false,
    --- Answers of the kind 1xx; whether one of them was "100 Continue".
    interim = 0,
    is_continued = false,
    --- All of the request has been sent; all of the answer is here.
    is_sent = false,
    is_done = false,
    --- Nothing more will be sent, though that is not all: the connection is of no use any more.
    is_cut = false,
    --- Why nothing more will come: `code`, `why`.
    failure = false,
  }, Turn)
end

--- Has the task that waits go on.
function Turn:Stir()
  local task = self.task
  if task then
    sched.wake(task, true)
  end
end

--- The wait has ended by its time, or because the task was cancelled: then nobody wants the answer.
function Turn:Leave(task)
  self.task = false
  local worker = sched.worker(task)
  if worker and worker.stop then
    self:Abandon("ECANCELED")
  end
end

--- Waits until something has happened: false when the time has passed.
---@async
function Turn:Wait(timeout_ms)
  if self.task then
    words.blame("another task waits for this answer already")
  elseif not sched.current() then
    words.blame("this call waits, and only a task can wait: use it inside of co.run or co.spawn")
  end
  local is_wanted, task = pcall(sched.parking)
  if not is_wanted then
    self:Abandon("ECANCELED")
    error(task, 0)
  end
  self.task = task
  local got = sched.park(self, timeout_ms)
  self.task = false
  return got ~= sched.TIMEOUT
end

--- Ends it from this side: the connection cannot be used for anything else.
function Turn:Abandon(code, why)
  local link = self.link
  if link then
    link:Close(code, why)
  elseif not self.is_done then
    self:Fail(code, why)
  end
end

--- Nothing more will come.
function Turn:Fail(code, why)
  self.link = false
  if not self.failure and not self.is_done then
    self.failure = { code = code, why = why or words.of(code) }
  end
  self:Stir()
end

--- A piece of the body has come: whether more may.
function Turn:Put(piece)
  local last = self.last + 1
  self.pieces[last], self.last = piece, last
  self.size = self.size + #piece
  self.received = self.received + #piece
  self:Stir()
  return self.size < self.ahead
end

--- Takes a piece that is there; nil when there is none.
function Turn:Take()
  local first = self.first
  local piece = self.pieces[first]
  if not piece then
    return nil
  end
  self.pieces[first] = nil
  if first == self.last then
    self.first, self.last = 1, 0
  else
    self.first = first + 1
  end
  self.size = self.size - #piece
  if self.link and self.size <= self.ahead / 2 then
    self.link:Resume()
  end
  return piece
end

--- The next piece of the body; nil at its end; `false, why, code`, also when nothing has come in
--- time, and then it may still.
---@async
function Turn:Next(timeout_ms)
  local piece = self:Take()
  local give_up
  while not piece do
    if self.is_done then
      return nil
    elseif self.failure then
      return false, self.failure.why, self.failure.code
    end
    give_up = give_up or timeout_ms and sched.now() + timeout_ms
    if not self:Wait(give_up and math.max(give_up - sched.now(), 0)) and self.size == 0 then
      return false, ("nothing more of the body in %g ms"):format(timeout_ms), "ETIMEDOUT"
    end
    piece = self:Take()
  end
  return piece
end

return turn
