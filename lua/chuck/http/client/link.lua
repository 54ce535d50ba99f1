--- One connection to a server, which has one request at a time.
---
--- ```text
---   idle -- Begin --> turn -- sent and answered --> idle        on_free(link)
---     |                |
---     +---- the end ---+------------------------> ended         on_end(link)
--- ```
---
--- It is read while it is idle as well: a server that ends it, or says something that nobody has
--- asked for, is noticed at once, and the link is never used again.

local limits = require("chuck.http.client.limits")
local native = require("chuck.native")
local sched = require("chuck.co.sched")
local turn = require("chuck.http.client.turn")
local words = require("chuck.http.client.words")

local link = {}

---@class chuck.http.Link
local Link = {}
Link.__index = Link

--- How long a server says that it keeps the connection, in milliseconds; nil when it does not.
local function time_kept(head)
  local text = native.http.value(head, "keep-alive")
  local seconds = text and tonumber(text:lower():match("timeout%s*=%s*(%d+)"))
  return seconds and math.max(seconds * 1000 - limits.idle_margin_ms, 0)
end

--- The turn is over when both sides are: the link is free, or of no use.
function Link:Settle()
  local now = self.turn
  if not now or not now.is_done or not (now.is_sent or now.is_cut) then
    return
  end
  self.turn, now.link = false, false
  local keeps = now.is_sent and now.bits.keep_alive and not self.is_last
  if not keeps then
    self:Close("EOF")
    return
  end
  self.kept_ms = time_kept(now.head)
  self:Resume()
  if self.on_free then
    self.on_free(self)
  end
end

local function complete(self, trailers)
  local now = self.turn
  now.is_done = true
  now.trailers = trailers or false
  now:Stir()
  self:Settle()
end

local function note_interim(self, now, status)
  now.interim = now.interim + 1
  if now.interim > limits.max_interim then
    local why = "%d answers of the kind 1xx, limit is %d"
    self:Close("EHTTPPARSE", why:format(now.interim, limits.max_interim))
    return
  elseif status == 100 then
    now.is_continued = true
  end
  now:Stir()
end

local function note_head(self, head, status, reason, bits, body)
  local now = self.turn
  if status < 200 and status ~= 101 then
    note_interim(self, now, status)
    return
  elseif status == 101 and not self.may_upgrade then
    self:Close("EHTTPPARSE", "an upgrade that nobody has asked for")
    return
  end
  now.head, now.status, now.reason, now.bits = head, status, reason, native.http.bits[bits]
  if status == 101 then
    -- What follows is no HTTP: it waits for whoever takes the connection over.
    self:Pause()
    now:Stir()
    return
  elseif not body then
    now:Stir()
    return
  elseif body ~= "" then
    now:Put(body)
  end
  complete(self)
end

--- What the connection tells.
local function receiver(self)
  return function(_, value, code, more, reason, bits, body)
    if self.ended then
      return
    elseif value == nil then
      self:Close(words.code_of(code))
    elseif not self.turn or self.turn.is_done then
      self:Close("EHTTPPARSE", "an answer that nobody has asked for")
    elseif value == true then
      complete(self, more)
    elseif type(more) == "number" then
      note_head(self, value, more, reason, bits, body)
    elseif not self.turn:Put(value) then
      self:Pause()
    end
  end
end

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

--- Begins a turn: what its answer is put into. `what` is what tasks wait for.
function Link:Begin(what)
  self.uses = self.uses + 1
  self.turn = turn.new(self, what)
  return self.turn
end

--- Gives a turn up of which nothing was sent.
function Link:Undo()
  self.uses = self.uses - 1
  self.turn.link, self.turn = false, false
  if self.on_free then
    self.on_free(self)
  end
end

--- Ends the link. Whoever waits is told `code`.
function Link:Close(code, why)
  if self.ended then
    return
  end
  self.ended = code or "ESOCKCLOSE"
  local now = self.turn
  if now then
    self.has_answer = now.status ~= false or now.interim > 0 or native.http.pending(self.conn) > 0
  end
  self.conn:Close()
  self.turn = false
  if now then
    now:Fail(self.ended, why)
  end
  if self.on_end then
    self.on_end(self)
  end
end

--- Gives its connection away, which is in no engine then: nothing is told of it any more.
function Link:Release()
  self:Resume()
  self.ended = "ESOCKCLOSE"
  self.conn:RemoveEngine()
  if self.on_end then
    self.on_end(self)
  end
  return self.conn
end

--- A link over `conn`, which is in no engine yet; or `nil, why, code`.
function link.over(engine, conn, route)
  local self = setmetatable({
    conn = conn,
    route = route,
    turn = false,
    --- Requests that were sent by it.
    uses = 0,
    is_paused = false,
    --- Whether its server was told that this request is the last.
    is_last = false,
    --- Whether it was asked to go on with another protocol.
    may_upgrade = false,
    --- How long its server says that it keeps it, in milliseconds; since when it is idle, and its
    --- place among those that are.
    kept_ms = nil,
    idle_since = 0,
    rank = 0,
    --- Told when it can be used again, and of its end.
    on_free = false,
    on_end = false,
    --- The code of its end, and whether anything of an answer had come.
    ended = false,
    has_answer = false,
  }, Link)
  conn:SetHighWater(limits.high_water, function()
    if self.turn then
      self.turn:Stir()
    end
  end)
  local fine, why, code = conn:Add2Engine(engine, receiver(self))
  if not fine then
    conn:Close()
    return nil, why, code
  end
  return self
end

--- What reads the answers of a connection.
function link.decoder(options)
  return native.http.parts({
    role = "client",
    head = options.max_head,
    fields = options.max_fields,
    line = limits.max_line,
  })
end

--- How much later than now a wait may end: what is left of a phase and of the whole.
function link.left(phase_end, deadline)
  return math.max(math.min(phase_end, deadline or math.huge) - sched.now(), 0)
end

return link
