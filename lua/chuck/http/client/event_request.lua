--- What an event source asks its server, and which answers are event streams.

local client = require("chuck.http.client")
local sched = require("chuck.co.sched")

local event_request = {}

--- What an answer has to be; nil when it is that, or why it is not.
function event_request.trouble(response)
  local kind = response:Header("content-type") or ""
  if response.status == 204 then
    return "the server has no more events", "EOF"
  elseif response.status ~= 200 then
    return ("status %d instead of events"):format(response.status), "EPROTO"
  elseif not kind:lower():find("^text/event%-stream") then
    return ("%s instead of events"):format(kind ~= "" and kind:sub(1, 80) or "something"), "EPROTO"
  end
end

--- What is asked for: options of a request.
local function request_options(self)
  local options = {}
  for key, value in pairs(self.options) do
    options[key] = value
  end
  local headers = { { "Accept", "text/event-stream" }, { "Cache-Control", "no-store" } }
  for i = 1, #self.fields, 2 do
    headers[#headers + 1] = { self.fields[i], self.fields[i + 1] }
  end
  if self.last_id and self.last_id ~= "" and not self.last_id:find("%c") then
    headers[#headers + 1] = { "Last-Event-ID", self.last_id }
  end
  options.headers = headers
  return options
end

--- Begins a try: a task of its own, for it goes on when whoever waits has no time left.
function event_request.begin(self)
  local own = self.client or client.shared("event_source")
  local options = request_options(self)
  self.tries = self.tries + 1
  return sched.start(sched.root(), function()
    local response, why, code = own:Request(self.url, options)
    if response and self.is_closed then
      response:Close()
    end
    return response, why, code, own:IsClosed()
  end)
end

return event_request
