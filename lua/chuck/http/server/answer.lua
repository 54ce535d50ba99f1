--- How a response leaves: its head, its body in pieces or as a whole, and its end.
---
---     open  --head-->  sent  --the last piece-->  ended
---
--- These methods are of `response.lua`, which has those that say what is to be sent.

local check = require("chuck.support.check")
local fields = require("chuck.http.fields")
local native = require("chuck.native")
local report = require("chuck.co.report")
local sched = require("chuck.co.sched")

local http = native.http
local respond, piece = http.respond, http.piece
local index_of = fields.index_of
local sub, type = string.sub, type

--- What a head is taken to be, in bytes, where queued bytes are counted.
local HEAD_COST = 256

--- Bodies above this are sent in pieces, with room waited for between them.
local PIECE = 524288

--- Statuses without a body.
local EMPTY = { [204] = true, [205] = true, [304] = true }

---@class chuck.HttpResponse
local Response = {
  --- What will be sent, or was.
  status = 200,
  reason = false,
  --- `{ name, value, … }`, or false. Those of `SHARED` are copied before they are changed.
  fields = false,
  --- "open" before anything was sent, "sent" with the head, then "ended".
  stage = "open",
  --- Whether pieces are not sent: an answer to HEAD, 204 or 304.
  is_mute = false,
  --- Fields to be sent behind the body.
  trailers = false,
  --- Functions to be called before the head is sent, and once it is over.
  head_hooks = false,
  end_hooks = false,
  --- Whether the handler has said that the connection ends.
  closes = false,
  --- The longest that the handler may be silent, in ticks; false: what the server says.
  limit = false,
}

--- Lists of fields that many responses share.
local SHARED = {}

local WORDS = {
  EALREADY = "the response has ended",
  ESOCKCLOSE = "the client has gone",
}

local function failure(code)
  return nil, WORDS[code], code
end

--- The list of fields, to be changed.
local function own_fields(self)
  local list = self.fields
  if not list then
    list = {}
    self.fields = list
  elseif SHARED[list] then
    list = { list[1], list[2] }
    self.fields = list
  end
  return list
end

--- Raises when the head has been sent.
local function expect_open(self, name)
  if self.stage ~= "open" then
    check.blame("http", ("'%s' comes too late: the head has been sent"):format(name))
  end
end

local function run_head_hooks(self)
  local hooks = self.head_hooks
  self.head_hooks = false
  for i = 1, #hooks do
    hooks[i](self)
  end
end

--- The connection may be at its end: whatever hooks raise is told, and goes no further.
local function run_end_hooks(self)
  local hooks = self.end_hooks
  self.end_hooks = false
  for i = 1, #hooks do
    local fine, problem = pcall(hooks[i], self)
    if not fine then
      report.tell(sched.current(), problem, "in a hook of OnEnd")
    end
  end
end

--- The response is over, whatever it has come to.
local function close_stage(self)
  self.stage = "ended"
  if self.end_hooks then
    run_end_hooks(self)
  end
end

--- What native code says about fields that cannot be sent.
local function refuse(self, n, text)
  local name = self.fields and n > 0 and self.fields[n - (n + 1) % 2]
  check.blame("http", name and ("%s: %s"):format(tostring(name), text) or text)
end

--- Raises for a status that answers nothing.
local function refuse_status(number)
  if type(number) == "number" and number >= 100 and number < 200 then
    local message = "status %d does not answer a request: 101 is for 'Hijack'"
    check.blame("http", message:format(number))
  end
  check.blame("http", ("a status is from 200 to 999, not %s"):format(tostring(number)))
end

--- Sends the head with `body`: a whole one, its length, or true for chunks.
local function send_head(self, body)
  if self.head_hooks then
    run_head_hooks(self)
  end
  local number = self.status
  if type(number) ~= "number" or number < 200 or number > 999 or number % 1 ~= 0 then
    refuse_status(number)
  end
  local exchange = self.exchange
  local mode = exchange:Mode(self, body == true)
  local list = self.fields
  local fine, message, code =
    respond(exchange.conn, self.status, self.reason or nil, list or nil, body, mode)
  if fine then
    return true
  elseif fine == false then
    refuse(self, message, code)
  end
  exchange.is_last = true
  close_stage(self)
  return nil, message, code
end

--- Takes a field of the caller's out, and returns its value.
local function extract(self, low)
  local list = self.fields
  local value = list and index_of(list, low) and fields.get(list, low)
  if value then
    fields.remove(own_fields(self), function(other)
      return other == low
    end)
  end
  return value
end

--- Sends the head of a body that is written piece by piece.
local function begin(self, length)
  local announced = extract(self, "content-length")
  length = length or tonumber(announced)
  self.is_mute = EMPTY[self.status] or self.request.method == "HEAD"
  local sent, message, code = send_head(self, EMPTY[self.status] and "" or length or true)
  if not sent then
    return nil, message, code
  end
  self.stage = "sent"
  self.exchange.owed = self.exchange.owed + HEAD_COST
  return true
end

--- Sends bytes of the body. Parks before while too much is queued.
---@async
local function write(self, bytes)
  local exchange = self.exchange
  if exchange.broken then
    return failure("ESOCKCLOSE")
  elseif self.is_mute or bytes == "" then
    return true
  end
  for at = 1, #bytes, PIECE do
    if not exchange:HasRoom() then
      local done, message, code = exchange:AwaitRoom()
      if not done then
        return nil, message, code
      end
    end
    local part = (at > 1 or #bytes > PIECE) and sub(bytes, at, at + PIECE - 1) or bytes
    local done, message, code = piece(exchange.conn, part)
    if not done then
      if code ~= "EINVAL" then
        -- A piece is missing: what follows must not look like the whole.
        exchange:Cut()
      end
      return nil, message, code
    end
    exchange:Sent(#part)
  end
  return true
end

--- Sends a piece of the body, and the head before the first. Parks while the client is slow.
---@async
function Response:Write(bytes)
  if type(bytes) ~= "string" then
    check.type("Write", 1, bytes, "string")
  end
  if self.stage == "ended" then
    return failure(self.exchange.broken and "ESOCKCLOSE" or "EALREADY")
  elseif self.stage == "open" then
    local sent, message, code = begin(self)
    if not sent then
      return nil, message, code
    end
  end
  return write(self, bytes)
end

--- Sends the head, if it was not, with the announced length of the body, or without one.
function Response:Start(length)
  if length ~= nil then
    check.type("Start", 1, length, "size")
  end
  expect_open(self, "Start")
  return begin(self, length)
end

--- Waits until the kernel has everything.
---@async
function Response:Flush()
  if self.stage == "open" then
    local sent, message, code = begin(self)
    if not sent then
      return nil, message, code
    end
  end
  return self.exchange:AwaitRoom(0)
end

--- The end of a body that was sent in pieces.
local function finish(self)
  local done, message, code = http.finish(self.exchange.conn, self.trailers or nil)
  if not done then
    -- The client must not take it for the whole.
    self.exchange:Cut()
  end
  close_stage(self)
  return done, message, code
end

--- Ends the response, with the whole body or the last piece of it.
---@async
function Response:End(body)
  if body ~= nil and type(body) ~= "string" then
    check.type("End", 1, body, "string")
  end
  local stage, exchange = self.stage, self.exchange
  if stage == "ended" then
    return failure(exchange.broken and "ESOCKCLOSE" or "EALREADY")
  elseif stage == "open" and not self.trailers and (not body or #body <= PIECE) then
    local sent, message, code = send_head(self, not EMPTY[self.status] and body or "")
    if not sent then
      return nil, message, code
    end
    exchange.owed = exchange.owed + HEAD_COST + (body and #body or 0)
    self.stage = "ended"
    if self.end_hooks then
      run_end_hooks(self)
    end
    return true
  end
  if stage == "open" then
    local sent, message, code = begin(self, not self.trailers and #body or nil)
    if not sent then
      return nil, message, code
    end
  end
  if body then
    local sent, message, code = write(self, body)
    if not sent then
      exchange:Cut()
      close_stage(self)
      return nil, message, code
    end
  end
  return finish(self)
end

--- Whether the head has been sent.
function Response:IsSent()
  return self.stage ~= "open"
end

--- Whether the response is over.
function Response:IsEnded()
  return self.stage == "ended"
end

return {
  class = Response,
  SHARED = SHARED,
  own_fields = own_fields,
  expect_open = expect_open,
  close_stage = close_stage,
}
