--- The answer to a request, as a handler gives it.
---
---     res:Status(201):Set("Location", "/users/7"):Json({ id = 7 })
---     res:Write("a piece")  res:Write("another")  res:End()
---
--- Nothing is sent before `End`, or the first `Write`. Setters return the response. What cannot be
--- sent raises at the caller's line; that the client has gone is `nil, message, code`.

local answer = require("chuck.http.server.answer")
local books = require("chuck.http.server.books")
local check = require("chuck.support.check")
local fields = require("chuck.http.fields")
local native = require("chuck.native")

local own_fields, expect_open = answer.own_fields, answer.expect_open
local checked, index_of = fields.checked, fields.index_of
local find, gsub, lower, sub, type = string.find, string.gsub, string.lower, string.sub, type

local Response = answer.class

local METATABLE = { __index = Response, __metatable = "http.response" }

local TEXT = { "Content-Type", "text/plain; charset=utf-8" }
local HTML = { "Content-Type", "text/html; charset=utf-8" }
local JSON = { "Content-Type", "application/json" }
for _, list in ipairs({ TEXT, HTML, JSON }) do
  answer.SHARED[list] = true
end

--- Attributes of cookies: one that is written wrongly would protect nothing.
local ATTRIBUTES = {
  domain = true,
  expires = true,
  http_only = true,
  max_age = true,
  path = true,
  same_site = true,
  secure = true,
}

--- Fields that say how a message is framed, sent or kept: never behind it (RFC 9110, section
--- 6.5.1).
local NO_TRAILERS = {
  ["cache-control"] = true,
  ["connection"] = true,
  ["host"] = true,
  ["set-cookie"] = true,
  ["te"] = true,
  ["trailer"] = true,
  ["transfer-encoding"] = true,
  ["upgrade"] = true,
}

--- Sets the status, which is argument `n` of the method `name`.
local function set_status(self, name, n, number, reason)
  local is_whole = type(number) == "number" and number % 1 == 0
  if not is_whole or number < 100 or number > 999 then
    local message = "bad argument #%d to '%s' (status from 100 to 999 expected, got %s)"
    local got = type(number) == "number" and tostring(number) or type(number)
    check.blame("http", message:format(n, name, got))
  end
  expect_open(self, name)
  self.status, self.reason = number, reason or false
end

--- Sets the status, and the words beside it.
function Response:Status(number, reason)
  check.message("Status", 2, reason)
  set_status(self, "Status", 1, number, reason)
  return self
end

--- The handler may say that the connection ends.
local function note_connection(self, low, value)
  if low == "connection" and find(lower(value), "close", 1, true) then
    self.closes = true
  end
end

--- Sets a field; a nil value takes it out.
function Response:Set(name, value)
  expect_open(self, "Set")
  local low
  if value == nil then
    low = select(2, checked("Set", name, ""))
    fields.remove(own_fields(self), function(other)
      return other == low
    end)
    return self
  end
  value, low = checked("Set", name, value)
  note_connection(self, low, value)
  local list = own_fields(self)
  local at = index_of(list, low)
  if not at then
    at = #list + 1
    list[at], list[at + 1] = name, value
    return self
  end
  list[at + 1] = value
  if index_of(list, low, at + 2) then
    fields.remove(list, function(other)
      return other == low
    end)
    list[#list + 1], list[#list + 2] = name, value
  end
  return self
end

--- Adds a field beside those of the same name.
function Response:Add(name, value)
  expect_open(self, "Add")
  local low
  value, low = checked("Add", name, value)
  note_connection(self, low, value)
  local list = own_fields(self)
  local n = #list
  list[n + 1], list[n + 2] = name, value
  return self
end

--- The value of a field that was set; several are joined.
function Response:Get(name)
  local low = fields.name_of(name)
  return low and self.fields and fields.get(self.fields, low) or nil
end

--- Raises at the caller's line what native code had to say about arguments.
local function refuse(name, problem)
  local words = tostring(problem):gsub("^.-:%d+: ", ""):gsub("^bad argument #%d+ to '[^']*' ", "")
  check.blame("http", ("bad argument to '%s' (%s)"):format(name, words:gsub("^%((.*)%)$", "%1")))
end

--- Sets a cookie.
function Response:Cookie(name, value, attributes)
  check.type("Cookie", 1, name, "string")
  check.type("Cookie", 2, value, "string")
  for option in pairs(type(attributes) == "table" and attributes or {}) do
    if not ATTRIBUTES[option] then
      refuse("Cookie", "unknown option " .. tostring(option))
    end
  end
  local fine, text, message = pcall(native.web.build_cookie, name, value, attributes or {})
  if not fine or not text then
    refuse("Cookie", fine and message or text)
  end
  return self:Add("Set-Cookie", text)
end

--- Sets the type of the content, unless the handler has.
local function set_type(self, list)
  if not index_of(self.fields, "content-type") then
    self:Add(list[1], list[2])
  end
end

--- Ends the response with plain text.
---@async
function Response:Text(text)
  if type(text) ~= "string" then
    check.type("Text", 1, text, "string")
  end
  if not self.fields then
    self.fields = TEXT
  elseif self.stage == "open" then
    set_type(self, TEXT)
  end
  return self:End(text)
end

--- Ends the response with a page.
---@async
function Response:Html(text)
  if type(text) ~= "string" then
    check.type("Html", 1, text, "string")
  end
  if not self.fields then
    self.fields = HTML
  elseif self.stage == "open" then
    set_type(self, HTML)
  end
  return self:End(text)
end

--- Ends the response with a value as JSON.
---@async
function Response:Json(value, number)
  local fine, text, message = pcall(native.json.encode, value)
  if not fine or not text then
    refuse("Json", fine and message or text)
  elseif number ~= nil then
    set_status(self, "Json", 2, number)
  end
  if not self.fields then
    self.fields = JSON
  elseif self.stage == "open" then
    set_type(self, JSON)
  end
  return self:End(text)
end

local function escaped(byte)
  return ("%%%02X"):format(byte:byte())
end

--- Ends the response by sending the client elsewhere: 302 unless a status is given. Blanks, and
--- bytes beyond ASCII, are escaped: no URL has them.
---@async
function Response:Redirect(url, number)
  check.type("Redirect", 1, url, "string")
  set_status(self, "Redirect", 2, number or 302)
  self:Set("Location", (gsub(url, "[ \128-\255]", escaped)))
  return self:End()
end

--- Ends the response with a file.
---@async
function Response:File(path, options)
  return require("chuck.http.server.file")(self, path, options)
end

--- A stream of events, for `EventSource` in browsers.
function Response:EventStream(options)
  return require("chuck.http.server.event_stream")(self, options)
end

--- The connection as a stream, for another protocol. A status of 101, or of 200 for CONNECT, is
--- sent before.
function Response:Hijack(options)
  return require("chuck.http.server.hijack")(self, options)
end

--- Fields to be sent behind the body, which is then sent in chunks: `{ name, value, … }`.
function Response:Trailers(list)
  check.type("Trailers", 1, list, "table")
  if self.stage == "ended" then
    check.blame("http", "'Trailers' comes too late: the response has ended")
  end
  for i = 1, #list, 2 do
    local _, low = checked("Trailers", list[i], list[i + 1])
    if NO_TRAILERS[low] or sub(low, 1, 8) == "content-" then
      check.blame(
        "http",
        ("bad argument #1 to 'Trailers' (%s cannot be a trailer)"):format(list[i])
      )
    end
  end
  self.trailers = list
  return self
end

local function add_hook(self, name, fn)
  if self[name] then
    self[name][#self[name] + 1] = fn
  else
    self[name] = { fn }
  end
  return self
end

--- Has `fn(res)` called right before the head is sent: it may still set fields. It must not wait.
function Response:OnHead(fn)
  check.type("OnHead", 1, fn, "function")
  expect_open(self, "OnHead")
  return add_hook(self, "head_hooks", fn)
end

--- Has `fn(res)` called once the response is over, also when the client did not get it. It must not
--- wait.
function Response:OnEnd(fn)
  check.type("OnEnd", 1, fn, "function")
  return add_hook(self, "end_hooks", fn)
end

--- How long the handler of this request may be silent, instead of the server's `handler_ms`; 0 is
--- without limit.
function Response:SetTimeout(ms)
  check.type("SetTimeout", 1, ms, "milliseconds")
  self.limit = books.ticks(self.exchange.server, ms)
  return self
end

--- Takes back what was set, for another answer; only before anything was sent.
function Response:Reset()
  expect_open(self, "Reset")
  self.status, self.reason, self.fields, self.trailers = nil, nil, nil, nil
  return self
end

--- Fields that belong to a content that is not sent.
local function is_of_content(low)
  return sub(low, 1, 8) == "content-"
    or low == "etag"
    or low == "last-modified"
    or low == "cache-control"
    or low == "transfer-encoding"
end

--- Answers with a status instead of what the handler has begun; false when the head was sent.
local function answer_instead(self, number, text, extra)
  if self.stage ~= "open" then
    return false
  end
  self.status, self.reason, self.trailers = number, false, false
  if self.fields then
    fields.remove(own_fields(self), is_of_content)
  end
  for name, value in pairs(extra or {}) do
    self:Set(name, value)
  end
  self:Set("Content-Type", TEXT[2])
  return Response.End(self, text .. "\n")
end

return {
  class = Response,
  METATABLE = METATABLE,
  answer_instead = answer_instead,
  close_stage = answer.close_stage,
}
