--- Reading a stream byte by byte, line by line, up to a mark, or to its end.
---
---     local name = stream:ReadLine()                  -- without LF or CRLF
---     local head = stream:ReadUntil("\r\n\r\n", 8192)
---     local body = stream:Read(length)
---
--- A call takes what it returns and nothing else. When it fails, everything is still there.

local sched = require("chuck.co.sched")
local stream = require("chuck.io.stream")

local Stream, await, failure = stream.Stream, stream.await, stream.failure
local note_taken = stream.note_taken
local byte, find, sub = string.byte, string.find, string.sub
local METATABLE, metatable_of = stream.METATABLE, debug.getmetatable
local concat, type = table.concat, type

--- The longest line, or text before a mark, in bytes, unless told otherwise.
local LINE_MAX = 64 * 1024

--- The most that is read to the end of a stream, in bytes, unless told otherwise.
local ALL_MAX = 16 * 1024 * 1024

local CARRIAGE_RETURN = 13

--- Raises for a method that cannot read bytes here, or with arguments of the wrong kind.
local function expect_bytes(self, name, n, max, timeout_ms)
  stream.expect(self, name, n + 1, timeout_ms)
  if self.is_framed then
    stream.blame(("'%s' reads bytes, and %s sends packets: ReadPacket"):format(name, self.peer))
  elseif max ~= nil and not (type(max) == "number" and max >= 1 and max % 1 == 0) then
    stream.bad_argument(name, n, "positive integer", max)
  end
end

--- As that, for a call that reads now.
local function expect_reader(self, name, n, max, timeout_ms)
  expect_bytes(self, name, n, max, timeout_ms)
  if self.reader then
    stream.refuse_reader(self)
  end
end

--- Takes `count` bytes out of the inbox, which has so many: 1 or more.
local function take(self, count)
  local inbox, offset = self.inbox, self.offset
  local chunk = inbox[self.first]
  local left = #chunk - offset
  local bytes
  if count < left then
    bytes = sub(chunk, offset + 1, offset + count)
    self.offset = offset + count
  else
    bytes = offset == 0 and chunk or sub(chunk, offset + 1)
    stream.drop_first(self)
    if count > left then
      local parts, n = { bytes }, 1
      local missing = count - left
      while missing > 0 do
        chunk = inbox[self.first]
        n = n + 1
        if #chunk > missing then
          parts[n] = sub(chunk, 1, missing)
          self.offset = missing
          missing = 0
        else
          parts[n] = chunk
          missing = missing - #chunk
          stream.drop_first(self)
        end
      end
      bytes = concat(parts)
    end
  end
  note_taken(self, count)
  return bytes
end

--- Waits until more than what is here has arrived, `wants` bytes in all: true; or nil and why not.
---@async
local function more(self, wants, deadline, timeout_ms)
  if self.is_closed or self.ended then
    return stream.read_failure(self)
  end
  local got = await(self, wants, deadline and deadline - sched.now())
  if not got then
    local why = ("not enough in %g ms, %d bytes are here"):format(timeout_ms, self.size)
    return failure(self, "read from", "ETIMEDOUT", why)
  elseif self.is_framed then
    stream.blame(self.peer .. " sends packets: ReadPacket")
  end
  return got
end

local function deadline_of(timeout_ms)
  return timeout_ms and sched.now() + timeout_ms
end

--- Exactly `count` bytes.
---@async
function Stream:Read(count, timeout_ms)
  expect_reader(self, "Read", 2, nil, timeout_ms)
  if not (type(count) == "number" and count >= 0 and count % 1 == 0) then
    stream.bad_argument("Read", 2, "integer of at least 0", count)
  end
  local deadline = self.size < count and deadline_of(timeout_ms)
  while self.size < count do
    local got, message, code = more(self, count, deadline, timeout_ms)
    if not got then
      return nil, message, code
    end
  end
  return count == 0 and "" or take(self, count)
end

--- What has arrived, at least one byte, at most `max`.
---@async
function Stream:ReadSome(max, timeout_ms)
  expect_reader(self, "ReadSome", 2, max, timeout_ms)
  local deadline = self.size == 0 and deadline_of(timeout_ms)
  while self.size == 0 do
    local got, message, code = more(self, 1, deadline, timeout_ms)
    if not got then
      return nil, message, code
    end
  end
  local here = #self.inbox[self.first] - self.offset
  return take(self, max and max < here and max or here)
end

--- Everything up to the peer's end, `""` when there is nothing.
---@async
function Stream:ReadAll(max, timeout_ms)
  expect_reader(self, "ReadAll", 2, max, timeout_ms)
  max = max or ALL_MAX
  local deadline = deadline_of(timeout_ms)
  while true do
    if self.size > max then
      local why = ("more than %d bytes before its end"):format(max)
      return failure(self, "read from", "EMSGSIZE", why)
    elseif self.ended == "EOF" and not self.is_closed then
      return self.size == 0 and "" or take(self, self.size)
    end
    local got, message, code = more(self, max + 1, deadline, timeout_ms)
    if not got then
      return nil, message, code
    end
  end
end

--- Whether a line of `max` bytes may end with the next byte: the last one here is a CR.
local function ends_in_return(self, before, max)
  return before == max + 1 and byte(self.inbox[self.last], -1) == CARRIAGE_RETURN
end

--- The byte at a place of the inbox, counted from 1.
local function byte_at(self, place)
  local at = self.first
  place = place + self.offset
  while place > #self.inbox[at] do
    place = place - #self.inbox[at]
    at = at + 1
  end
  return byte(self.inbox[at], place)
end

--- Where `mark` begins: bytes before it. Nothing is looked at twice, but for the seams between
--- pieces. Bounded by `max` bytes before the mark.
---@async
local function seek(self, mark, max, timeout_ms, is_line)
  local deadline = deadline_of(timeout_ms)
  local width = #mark
  local at, before, tail = self.first, 0, ""
  while true do
    local inbox = self.inbox
    while at <= self.last do
      local chunk = inbox[at]
      local skip = at == self.first and self.offset or 0
      if width > 1 and before > 0 then
        local seam = find(tail .. sub(chunk, 1, width - 1), mark, 1, true)
        if seam then
          return before - #tail + seam - 1
        end
      end
      local found = find(chunk, mark, skip + 1, true)
      if found then
        return before + found - 1 - skip
      end
      before = before + #chunk - skip
      if width > 1 then
        tail = #chunk - skip >= width - 1 and sub(chunk, 1 - width)
          or sub(tail .. sub(chunk, skip + 1), 1 - width)
      end
      at = at + 1
    end
    if before - width + 1 > max and not (is_line and ends_in_return(self, before, max)) then
      return before
    end
    local got, message, code = more(self, self.size + 1, deadline, timeout_ms)
    if not got then
      return nil, message, code
    end
  end
end

local function too_long(self, what, max)
  return failure(self, "read from", "EMSGSIZE", ("no end of %s in %d bytes"):format(what, max))
end

--- The next line when it lies in the first piece; nil when it does not, or is too long.
local function line_at_hand(self, max)
  local chunk, offset = self.inbox[self.first], self.offset
  local found = chunk and find(chunk, "\n", offset + 1, true)
  if not found or found - offset - 1 > max then
    return nil
  end
  if found == #chunk then
    stream.drop_first(self)
  else
    self.offset = found
  end
  self.size = self.size + offset - found
  if self.is_paused then
    note_taken(self, 0)
  end
  local last = found - 1
  if last > offset and byte(chunk, last) == CARRIAGE_RETURN then
    last = last - 1
  end
  return sub(chunk, offset + 1, last)
end

--- The next line, wherever it ends.
---@async
local function line_in_pieces(self, max, timeout_ms)
  local length, message, code = seek(self, "\n", max, timeout_ms, true)
  if not length then
    if code ~= "EOF" or self.size == 0 then
      return nil, message, code
    elseif self.size > max then
      return too_long(self, "a line", max)
    end
    return take(self, self.size)
  end
  local cut = length
  if length > 0 and byte_at(self, length) == CARRIAGE_RETURN then
    cut = length - 1
  end
  if cut > max then
    return too_long(self, "a line", max)
  end
  return sub(take(self, length + 1), 1, cut)
end

--- The next line, without the LF or CRLF that ends it, of at most `max` bytes. At the peer's end,
--- what is left is a line too.
---@async
function Stream:ReadLine(max, timeout_ms)
  if metatable_of(self) ~= METATABLE or self.reader or self.is_framed or max or timeout_ms then
    expect_reader(self, "ReadLine", 2, max, timeout_ms)
  end
  max = max or LINE_MAX
  if self.size == 0 and not timeout_ms then
    -- Lines come whole as a rule: no need to seek before there is anything.
    local got, message, code = more(self, 1)
    if not got then
      return nil, message, code
    end
  end
  local line = line_at_hand(self, max)
  if line then
    return line
  end
  return line_in_pieces(self, max, timeout_ms)
end

--- What comes before `mark`, of at most `max` bytes; the mark is taken too, and not returned.
---@async
function Stream:ReadUntil(mark, max, timeout_ms)
  expect_reader(self, "ReadUntil", 3, max, timeout_ms)
  if type(mark) ~= "string" or mark == "" then
    stream.bad_argument("ReadUntil", 2, "string that is not empty", mark)
  end
  max = max or LINE_MAX
  local length, message, code = seek(self, mark, max, timeout_ms)
  if not length then
    return nil, message, code
  elseif length > max then
    return too_long(self, "text", max)
  end
  return sub(take(self, length + #mark), 1, length)
end

--- An iterator over lines, as `ReadLine` gives them. It ends with the stream, and whenever
--- `ReadLine` fails: the next one says why.
function Stream:Lines(max, timeout_ms)
  expect_bytes(self, "Lines", 2, max, timeout_ms)
  return function()
    return (self:ReadLine(max, timeout_ms))
  end
end

--- An iterator over what arrives, as `ReadSome` gives it.
function Stream:Chunks(max, timeout_ms)
  expect_bytes(self, "Chunks", 2, max, timeout_ms)
  return function()
    return (self:ReadSome(max, timeout_ms))
  end
end

--- An iterator over packets.
function Stream:Packets(timeout_ms)
  stream.expect(self, "Packets", 2, timeout_ms)
  return function()
    return (self:ReadPacket(timeout_ms))
  end
end
