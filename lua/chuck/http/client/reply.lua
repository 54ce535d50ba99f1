--- An answer: its head, and its body, which is here already or is read piece by piece.
---
---     local response = http.get("http://example.org/", { stream = true })
---     for piece in response:Chunks() do file:write(piece) end
---
--- While nobody reads a streamed body, the server comes to wait. The connection is free for the
--- next request once the body has come to its end; `Close` gives it up before.

local check = require("chuck.support.check")
local compat = require("chuck.support.compat")
local decoding = require("chuck.http.client.decoding")
local download = require("chuck.http.client.download")
local hijacking = require("chuck.http.client.hijacking")
local incoming = require("chuck.http.client.incoming")
local native = require("chuck.native")
local sched = require("chuck.co.sched")
local words = require("chuck.http.client.words")

local sub = string.sub

local reply = {}

---@class chuck.http.Reply
local Reply = {}

local METATABLE = { __index = Reply, __metatable = "http.reply" }
reply.METATABLE, reply.Reply = METATABLE, Reply

--- Fields by name, in any case, as they are asked for.
local function new_headers(head)
  return setmetatable({}, {
    __index = function(self, name)
      local value = type(name) == "string" and native.http.value(head, name) or nil
      if value then
        rawset(self, name, value)
      end
      return value
    end,
  })
end

--- A failure, with what was asked for.
local function failure(self, why, code)
  return nil, ("%s %s: %s"):format(self.method, self.url, tostring(why)), code
end

--- Gives the rest of the body up.
local function give_up(self, why, code)
  self.body:End(why, code)
  return failure(self, why, code)
end

--- Refuses a body that is announced to be too large: true, or `nil, why, code`.
function reply.check_size(self)
  local body = self.body
  local announced = self.turn.bits.sized and tonumber(self:Header("content-length"))
  if announced and body.max and not body.decoder and self.method ~= "HEAD" then
    if announced > body.max then
      local text = "a body of %.0f bytes, limit is %d"
      return nil, text:format(announced, body.max), "EHTTPTOOLARGE"
    end
  end
  return true
end

--- Reads the body to its end: true, or `nil, why, code`.
---@async
function reply.collect(self, deadline)
  if not self.content then
    local content, why, code = self.body:All(nil, deadline)
    if not content then
      self.body:End(why, code)
      return nil, why, code
    end
    self.content = content
  end
  return true
end

--- A field; several with the name are joined by ", ". Nil when there is none.
function Reply:Header(name)
  words.expect(self, "Header", METATABLE)
  if type(name) ~= "string" then
    words.raise("Header", 1, "string expected, got " .. words.kind_of(name))
  end
  return native.http.value(self.turn.head, name)
end

--- All fields as a list of pairs, in order; with a name, the values of those that have it.
function Reply:Headers(name)
  words.expect(self, "Headers", METATABLE)
  if name == nil then
    return native.http.fields(self.turn.head)
  elseif type(name) ~= "string" then
    words.raise("Headers", 1, "string expected, got " .. words.kind_of(name))
  end
  return native.http.values(self.turn.head, name)
end

--- The next piece: a string, nil at the end, or `false, why, code`.
---@async
local function next_piece(self, timeout_ms)
  local piece = self.left
  if piece then
    self.left = false
    return piece
  elseif not self.content then
    return self.body:Piece(math.min(self.body.read_ms, timeout_ms or math.huge))
  elseif self.is_read or self.content == "" then
    return nil
  end
  self.is_read = true
  return self.content
end

--- The next piece of the body, of at most `max` bytes; nil at its end, or `nil, message, code`.
---@async
function Reply:Read(max, timeout_ms)
  words.expect(self, "Read", METATABLE)
  words.expect_time("Read", 2, timeout_ms)
  if max ~= nil and not (type(max) == "number" and max >= 1 and max % 1 == 0) then
    words.raise("Read", 1, "positive integer expected, got " .. words.kind_of(max))
  end
  local piece, why, code = next_piece(self, timeout_ms)
  if piece == nil then
    return nil
  elseif piece == false then
    if code == "ETIMEDOUT" and timeout_ms and timeout_ms < self.body.read_ms then
      return failure(self, why, code)
    end
    return give_up(self, why, code)
  elseif max and #piece > max then
    self.left = sub(piece, max + 1)
    return sub(piece, 1, max)
  end
  return piece
end

--- `for piece in response:Chunks() do`. It ends with the body, and whenever `Read` fails: the next
--- `Read` says why. Not for Lua 5.1, where an iterator cannot park, unless the body is here.
function Reply:Chunks(max)
  words.expect(self, "Chunks", METATABLE)
  return function()
    return (self:Read(max))
  end
end

--- The whole body; of a streamed one what is left, of at most `max` bytes.
---@async
function Reply:Body(max)
  words.expect(self, "Body", METATABLE)
  if max ~= nil and not (type(max) == "number" and max >= 0) then
    words.raise("Body", 1, "count expected, got " .. words.kind_of(max))
  end
  if not self.content then
    local front = self.left or ""
    self.left = false
    local rest, why, code = self.body:All(max or self.options.max_body)
    if not rest then
      return give_up(self, why, code)
    end
    self.content, self.is_read = front .. rest, true
  end
  return self.content
end

--- The body as the value that its JSON means; or `nil, message, code`.
---@async
function Reply:Json(max)
  words.expect(self, "Json", METATABLE)
  local text, message, code = self:Body(max)
  if not text then
    return nil, message, code
  end
  local value, why = native.json.decode(text)
  if value == nil then
    return failure(self, why, "EBADMSG")
  end
  return value
end

--- Writes what is left of the body to a file, which is there once it is whole: the number of bytes,
--- or `nil, message, code`.
---@async
function Reply:SaveTo(path)
  words.expect(self, "SaveTo", METATABLE)
  if type(path) ~= "string" then
    words.raise("SaveTo", 1, "string expected, got " .. words.kind_of(path))
  end
  return download.save(self, path)
end

--- Fields that have come behind the body, as a list of pairs; nil when there are none, or the body
--- has not come to its end.
function Reply:Trailers()
  words.expect(self, "Trailers", METATABLE)
  local lines = self.turn.trailers
  return lines and native.http.fields(lines) or nil
end

--- The connection as a stream of `chuck.io`, after the status 101: or `nil, message, code`. It
--- belongs to whoever calls this.
function Reply:Hijack(options)
  words.expect(self, "Hijack", METATABLE)
  check.options("Hijack", 1, options, hijacking.OPTIONS)
  if self.status ~= 101 then
    return failure(self, "the server has not changed the protocol", "EINVAL")
  end
  local stream, why, code = hijacking.take(self.turn, self.body, options)
  if not stream then
    return failure(self, why, code)
  end
  return stream
end

--- Gives up what has not been read. Any number of times.
function Reply:Close()
  words.expect(self, "Close", METATABLE)
  self.left = false
  self.body:End("the response is closed", "ESOCKCLOSE")
end

--- Has a streamed answer that nobody has any more give its connection up: in a pass of the loop,
--- for a finalizer runs in the middle of anything.
function reply.guard(self)
  local body, engine = self.body, sched.engine()
  self.guardian = compat.finalizer(function()
    if not body.is_over then
      pcall(engine.Post, engine, function()
        body:End("the response was forgotten", "ECANCELED")
      end)
    end
  end)
end

--- Sees to it that the body is decoded as it comes: true, or `nil, why, code`.
function reply.set_decoder(self)
  if self.options.decode == false or self.method == "HEAD" then
    return true
  end
  local coding = native.http.value(self.turn.head, "content-encoding")
  local decoder, why, code = decoding.new(coding, self.options.max_body)
  if decoder == false then
    return nil, why, code
  end
  self.body.decoder = decoder
  return true
end

--- What a turn has brought for a request. `history` is what it was sent to before.
function reply.new(request, turn, history)
  local options = request.options
  local is_bounded = rawget(options, "max_body") or not options.stream
  return setmetatable({
    status = turn.status,
    reason = turn.reason or "",
    version = turn.bits.is_10 and "1.0" or "1.1",
    is_ok = turn.status >= 200 and turn.status < 300,
    headers = new_headers(turn.head),
    --- What was asked for in the end, and what before: `{ url, status }` each.
    method = request.method,
    url = request.url,
    history = history,
    options = options,
    turn = turn,
    body = incoming.new(turn, is_bounded and options.max_body or nil, options.read_ms),
    --- What was cut off a piece; the whole body, once it was collected, and whether it was read.
    left = false,
    content = nil,
    is_read = false,
  }, METATABLE)
end

return reply
