--- The lines of an event stream (HTML, section 9.2.6), in whatever pieces they come.
---
--- ```text
---   event: price          a field and its value; one blank behind the colon is skipped
---   data: {"a": 1}        several lines of data are joined by LF
---   : hello               a comment
---                         a blank line: that was an event
--- ```
---
--- Lines end with LF, CR, or both.

local find, sub = string.find, string.sub

local event_reader = {}

---@class chuck.http.EventReader
local Reader = {}
Reader.__index = Reader

local function dispatch(self)
  local n = #self.data
  self.id = self.next_id
  local event = n > 0
    and {
      event = self.event ~= "" and self.event or "message",
      data = table.concat(self.data, "\n"),
      id = self.id,
    }
  self.data, self.event, self.size = {}, "", 0
  return event or nil
end

local function note(self, line)
  local name, value = line:match("^([^:]*): ?(.*)$")
  name, value = name or line, value or ""
  if name == "data" then
    self.data[#self.data + 1] = value
    self.size = self.size + #value + 1
  elseif name == "event" then
    self.event = value
  elseif name == "id" and not value:find("%z") then
    self.next_id = value
  elseif name == "retry" and value:find("^%d+$") and #value <= 9 then
    self.retry_ms = tonumber(value)
  end
end

--- Takes a piece; the events that it completes are added to `events`: true, or nil when what is
--- kept of one is more than the limit.
function Reader:Feed(piece, events)
  local at = 1
  if piece ~= "" and self.has_return then
    at = sub(piece, 1, 1) == "\n" and 2 or 1
    self.has_return = false
  end
  while true do
    local stop = find(piece, "[\r\n]", at)
    if not stop then
      break
    end
    local line = sub(piece, at, stop - 1)
    if self.kept > 0 then
      self.rest[#self.rest + 1] = line
      line, self.rest, self.kept = table.concat(self.rest), {}, 0
    end
    if self.is_first then
      self.is_first = false
      line = line:gsub("^\239\187\191", "")
    end
    if line == "" then
      events[#events + 1] = dispatch(self)
    else
      note(self, line)
      if self.size > self.max then
        return nil
      end
    end
    at = stop + 1
    if sub(piece, stop, stop) == "\r" then
      if at > #piece then
        self.has_return = true
      elseif sub(piece, at, at) == "\n" then
        at = at + 1
      end
    end
  end
  if at <= #piece then
    self.rest[#self.rest + 1] = sub(piece, at)
    self.kept = self.kept + #piece - at + 1
  end
  return self.size + self.kept <= self.max or nil
end

--- A reader of events of at most `max` bytes; `id` is the last one that is known.
function event_reader.new(max, id)
  return setmetatable({
    max = max,
    --- The beginning of a line, in pieces, and its bytes; whether the piece before ended with CR.
    rest = {},
    kept = 0,
    has_return = false,
    is_first = true,
    --- Of the event that has begun.
    data = {},
    event = "",
    size = 0,
    --- The id of the last event that was whole, that of the one that has begun, and the pause that
    --- the server wants, in milliseconds.
    id = id,
    next_id = id,
    retry_ms = nil,
  }, Reader)
end

return event_reader
