--- Events that a server sends for as long as it likes, over connections that come and go.
---
---     local source = http.event_source("http://example.org/prices")
---     while true do
---       local event, message, code = source:Next()
---       if not event then break end
---       print(event.event, event.data)
---     end
---
--- When the connection ends it is made again, after a pause, and the server is told the id of the
--- last event. An answer that is no event stream ends it for good.

local backoff = require("chuck.co.backoff")
local client = require("chuck.http.client")
local event_reader = require("chuck.http.client.event_reader")
local event_request = require("chuck.http.client.event_request")
local limits = require("chuck.http.client.limits")
local sched = require("chuck.co.sched")
local scope = require("chuck.co.scope")
local words = require("chuck.http.client.words")

local event_source = {}

---@class chuck.http.EventSource
local Source = {}

local METATABLE = { __index = Source, __metatable = "http.event_source" }
event_source.METATABLE, event_source.Source = METATABLE, Source

--- Options that are the source's own; all others are those of a request.
local OWN = {
  client = true,
  last_event_id = true,
  max_event = true,
  max_retry_ms = true,
  retries = true,
  retry_ms = true,
}

--- Codes for which another try is of no use.
local HOPELESS = { EINVAL = true, ENOSYS = true, ELOOP = true }

--- Ends it for good.
local function finish(self, why, code)
  self.failure = self.failure or { why = why, code = code }
  self.is_closed = true
  if self.response then
    self.response:Close()
    self.response = false
  end
  return nil, self.failure.why, self.failure.code
end

--- Notes that there is no connection, and when the next try is due: true; or `nil, why, code` when
--- there is to be none.
local function lose(self, why, code)
  if self.response then
    self.response:Close()
    self.response = false
  end
  if self.is_closed then
    return nil, self.failure.why, self.failure.code
  end
  self.last_problem = why
  if self.tries > self.retries or HOPELESS[code] then
    return finish(self, why, code)
  end
  self.due = sched.now() + self.pause:Next()
  return true
end

--- Runs `fn` in a scope that `Close` ends.
---@async
local function until_closed(self, fn)
  if self.waiting and self.waiting.is_open then
    words.blame("another task waits for events already")
  end
  scope.open(function(waiting)
    self.waiting = waiting
    fn()
  end)
end

--- Waits for the end of a try: a response, `nil, why, code, whether its client is closed`; or false
--- when `left` has passed before.
---@async
local function ask(self, left)
  local asking = self.asking or event_request.begin(self)
  self.asking = asking
  local response, why, code, more
  local fine, problem = sched.pcall(until_closed, self, function()
    response, why, code, more = asking:Join(left)
  end)
  if not fine then
    if asking:Cancel() then
      self.asking = false
    end
    error(problem, 0)
  elseif not asking:IsDone() then
    return false
  end
  self.asking = false
  if code == "EFAULT" and type(more) ~= "boolean" then
    error(more, 0)
  end
  return response, why, code, more
end

--- Connects: true, or `nil, why, code` when that is over for good, or has taken longer than `left`.
---@async
local function connect(self, left)
  local response, why, code, is_hopeless = ask(self, left)
  if self.is_closed then
    if response then
      response:Close()
    end
    return lose(self)
  elseif response == false then
    return nil, "no event in time", "ETIMEDOUT"
  elseif not response and is_hopeless == true then
    return finish(self, why, code)
  elseif not response then
    return lose(self, why, code)
  end
  local wrong
  wrong, code = event_request.trouble(response)
  if wrong then
    response:Close()
    local tell = response.status >= 500 and lose or finish
    return tell(self, self.url .. ": " .. wrong, code)
  end
  self.response, self.tries = response, 0
  self.connects = self.connects + 1
  self.pause:Reset()
  self.reader = event_reader.new(self.max_event, self.last_id)
  return true
end

--- Reads on: true, or `nil, why, code`.
---@async
local function read(self, left)
  local piece, why, code = self.response:Read(nil, left)
  if not piece and code == "ETIMEDOUT" and left and left < self.options.read_ms then
    return nil, "no event in time", "ETIMEDOUT"
  elseif not piece then
    return lose(self, why or "the server has ended the stream", code or "EOF")
  end
  local reader = self.reader
  if not reader:Feed(piece, self.events) then
    local text = "%s: an event of more than %d bytes"
    return finish(self, text:format(self.url, self.max_event), "EHTTPTOOLARGE")
  end
  self.last_id = reader.id
  if reader.retry_ms then
    self.pause = backoff.new(reader.retry_ms, math.max(self.max_retry_ms, reader.retry_ms))
    reader.retry_ms = nil
  end
  return true
end

--- Waits for the time of the next try: true, or false when `left` has passed before.
---@async
local function await_turn(self, left)
  local pause = self.due - sched.now()
  if pause > 0 then
    until_closed(self, function()
      sched.sleep(math.min(pause, left or math.huge))
    end)
  end
  return self.is_closed or not left or pause <= left
end

--- The next event: `{ event, data, id }`; parks while there is none. Or `nil, message, code`.
---@async
function Source:Next(timeout_ms)
  words.expect(self, "Next", METATABLE)
  words.expect_time("Next", 1, timeout_ms)
  local give_up = timeout_ms and sched.now() + timeout_ms
  while #self.events == 0 do
    if self.is_closed then
      return nil, self.failure.why, self.failure.code
    end
    local left = give_up and math.max(give_up - sched.now(), 0)
    local done, why, code = true, nil, nil
    if self.response then
      done, why, code = read(self, left)
    elseif await_turn(self, left) then
      if not self.is_closed then
        done, why, code = connect(self, left)
      end
    else
      return nil, "no event in time", "ETIMEDOUT"
    end
    if not done and #self.events == 0 then
      return nil, why, code
    end
  end
  return table.remove(self.events, 1)
end

--- `for event in source:Events() do`. It ends when `Next` fails. Not for Lua 5.1, where an iterator
--- cannot park.
function Source:Events()
  words.expect(self, "Events", METATABLE)
  return function()
    return (self:Next())
  end
end

--- The id of the last event, for whoever goes on later.
function Source:LastId()
  words.expect(self, "LastId", METATABLE)
  return self.last_id
end

--- Ends it: `Next` answers `"ESOCKCLOSE"`. Any number of times.
function Source:Close()
  words.expect(self, "Close", METATABLE)
  if not self.is_closed then
    self.events = {}
    finish(self, self.url .. ": the source is closed", "ESOCKCLOSE")
    if self.waiting then
      self.waiting:Cancel()
    end
    local asking = self.asking
    if asking and not asking:Cancel() and asking.results and asking.results[1] then
      asking.results[1]:Close()
    end
  end
end

function Source:IsClosed()
  words.expect(self, "IsClosed", METATABLE)
  return self.is_closed
end

--- Counters: connections that were made, and why there is none now.
function Source:Stats()
  words.expect(self, "Stats", METATABLE)
  return {
    connects = self.connects,
    tries = self.tries,
    is_connected = self.response ~= false,
    last_problem = self.last_problem or nil,
  }
end

local function check_own(given)
  local kinds = {
    client = getmetatable(given.client) == "http.client",
    last_event_id = type(given.last_event_id) == "string",
    max_event = type(given.max_event) == "number" and given.max_event >= 1,
    max_retry_ms = type(given.max_retry_ms) == "number" and given.max_retry_ms >= 0,
    retries = type(given.retries) == "number" and given.retries >= 0,
    retry_ms = type(given.retry_ms) == "number" and given.retry_ms >= 0,
  }
  for name in pairs(OWN) do
    if given[name] ~= nil and not kinds[name] then
      local text = "option %s: something else expected, got %s"
      words.raise("event_source", 2, text:format(name, words.kind_of(given[name])))
    end
  end
end

--- A source of events at a URL. It connects when it is first asked for one.
function event_source.new(url, given)
  if type(url) ~= "string" then
    words.raise("event_source", 1, "string expected, got " .. words.kind_of(url))
  elseif given ~= nil and type(given) ~= "table" then
    words.raise("event_source", 2, "table expected, got " .. words.kind_of(given))
  end
  given = given or {}
  check_own(given)
  local options = { stream = true, decode = false, read_ms = limits.silence_ms }
  for key, value in pairs(given) do
    if not OWN[key] then
      options[key] = value
    end
  end
  local made = client.check(options, "event_source", 2)
  options.headers = nil
  local retry_ms = given.retry_ms or limits.retry_ms
  local max_retry_ms = given.max_retry_ms or limits.max_retry_ms
  return setmetatable({
    url = url,
    --- For requests; their fields as a flat list.
    options = options,
    fields = made.headers or {},
    client = given.client or false,
    response = false,
    reader = false,
    --- Events that have come and nobody has taken.
    events = {},
    last_id = given.last_event_id,
    max_event = given.max_event or limits.max_event,
    --- Tries without success since the last connection, and the most of them.
    tries = 0,
    retries = given.retries or math.huge,
    --- Pauses between tries, the time of the next, and why there is one.
    pause = backoff.new(retry_ms, math.max(max_retry_ms, retry_ms)),
    max_retry_ms = max_retry_ms,
    due = 0,
    --- The scope of the task that waits for the next try, or for an answer to it.
    waiting = false,
    --- The task of a try whose outcome nobody has had.
    asking = false,
    last_problem = false,
    connects = 0,
    is_closed = false,
    failure = false,
  }, METATABLE)
end

return event_source
