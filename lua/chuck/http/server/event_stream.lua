--- Events for `EventSource` in browsers, as the answer to a request.
---
---     local events = res:EventStream()
---     for price in prices:Iter() do
---       if not events:Send({ event = "price", data = price, id = n }) then
---         return                                      -- the client has gone
---       end
---     end
---
--- `Send` parks while the client is slow. A comment is sent now and then, so that nobody on the way
--- takes the connection for dead, and so that a client that has gone is found out.

local check = require("chuck.support.check")
local fields = require("chuck.http.fields")
local native = require("chuck.native")
local sched = require("chuck.co.sched")

local concat, find, gmatch, gsub = table.concat, string.find, string.gmatch, string.gsub

local OPTIONS = { heartbeat_ms = "milliseconds", retry_ms = "count" }

--- Milliseconds without anything sent before a comment is: proxies give up after 60 s, some 30.
local HEARTBEAT = 15000

--- An event has at most so many bytes: it is sent as a whole, so that no other comes in between.
local MOST = 262144

---@class chuck.HttpEventStream
local Stream = {}

local METATABLE = { __index = Stream, __metatable = "http.event_stream" }

--- The lines of a text, each behind a name. CR, LF and both end a line.
local function lines_of(name, text)
  local lines = {}
  text = gsub(gsub(text, "\r\n", "\n"), "\r", "\n")
  for line in gmatch(text .. "\n", "(.-)\n") do
    lines[#lines + 1] = name .. line .. "\n"
  end
  return concat(lines)
end

local KINDS = { data = "string", event = "string", id = "string", retry = "count" }

--- A field of one line.
local function line_of(name, value)
  if find(value, "[%z\r\n]") then
    local message = "bad argument #1 to 'Send' (%s: no NUL and no end of line expected)"
    check.blame("http", message:format(name))
  end
  return name .. ": " .. value .. "\n"
end

--- An event as it is sent.
local function text_of(event)
  if type(event) == "string" then
    return lines_of("data: ", event) .. "\n"
  elseif type(event) ~= "table" then
    local message = "bad argument #1 to 'Send' (string or table expected, got %s)"
    check.blame("http", message:format(type(event)))
  end
  local given = {}
  for name, value in pairs(event) do
    given[name] = type(value) == "number" and name ~= "retry" and fields.digits(value) or value
  end
  check.blame_options("http", "Send", 1, given, KINDS)
  local parts = {}
  if given.event then
    parts[#parts + 1] = line_of("event", given.event)
  end
  if given.id then
    parts[#parts + 1] = line_of("id", given.id)
  end
  if given.retry then
    parts[#parts + 1] = "retry: " .. fields.digits(given.retry) .. "\n"
  end
  if given.data then
    parts[#parts + 1] = lines_of("data: ", given.data)
  end
  return concat(parts) .. "\n"
end

--- Sends as one piece.
---@async
local function send(self, text)
  if #text > MOST then
    return nil, ("an event of %d bytes, at most are %d"):format(#text, MOST), "EMSGSIZE"
  end
  self.is_quiet = false
  return self.res:Write(text)
end

--- Sends an event: its data, or `{ data =, event =, id =, retry = }`. Parks while the client is
--- slow.
--- @return true? done
--- @return string? message
--- @return string? code `"ESOCKCLOSE"`: the client has gone; `"EALREADY"`: it was closed
---@async
function Stream:Send(event)
  check.self("Send", self, "http.event_stream")
  return send(self, text_of(event))
end

--- Sends what no program sees.
---@async
function Stream:Comment(text)
  check.self("Comment", self, "http.event_stream")
  check.type("Comment", 1, text, "string")
  return send(self, lines_of(": ", text) .. "\n")
end

--- Ends the stream, and with it the response. A browser connects again.
---@async
function Stream:Close()
  check.self("Close", self, "http.event_stream")
  if self.res:IsEnded() then
    return true
  end
  return self.res:End()
end

--- Whether nothing can be sent any more.
function Stream:IsClosed()
  check.self("IsClosed", self, "http.event_stream")
  return self.res:IsEnded()
end

--- A comment when nothing else was sent, unless the client is behind anyway.
local function beat(self)
  local res = self.res
  if self.is_quiet and not res:IsEnded() and res.exchange:HasRoom() then
    -- With room it does not wait; the response may have been told to compress what it writes.
    res:Write(":\n\n")
  end
  self.is_quiet = true
end

--- Sends comments until the response is over.
local function start_heart(self, ms)
  local timer = native.RegTimer(sched.engine(), math.max(ms, 1), function()
    beat(self)
  end)
  self.res:OnEnd(function()
    timer:UnRegister()
  end)
end

--- Begins to answer with events.
---@async
local function event_stream(res, options)
  check.blame_options("http", "EventStream", 1, options, OPTIONS)
  if res:IsSent() then
    check.blame("http", "'EventStream' comes too late: the head has been sent")
  end
  options = options or {}
  local self = setmetatable({
    res = res,
    --- The id of the last event that the client has got, if it connects again.
    last_id = res.request:Header("last-event-id"),
    --- Nothing was sent since the last look.
    is_quiet = true,
  }, METATABLE)
  res:Set("Content-Type", "text/event-stream")
  res:Set("Cache-Control", res:Get("Cache-Control") or "no-cache")
  -- nginx would keep events until there are many.
  res:Set("X-Accel-Buffering", "no")
  res:SetTimeout(0)
  local done, message, code = res:Start()
  if not done then
    return nil, message, code
  end
  local ms = options.heartbeat_ms or HEARTBEAT
  if ms > 0 and ms < math.huge and not res.is_mute then
    start_heart(self, ms)
  end
  if options.retry_ms then
    res:Write("retry: " .. fields.digits(options.retry_ms) .. "\n\n")
  end
  return self
end

return setmetatable({ class = Stream }, {
  __call = function(_, res, options)
    return event_stream(res, options)
  end,
})
