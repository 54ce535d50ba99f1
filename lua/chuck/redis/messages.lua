--- What a connection of callbacks does with messages, which come without being asked for.
---
--- ```text
---  SUBSCRIBE a b     stands in line until "a" and "b" are confirmed
---  "message" a …     goes to the callback of the SUBSCRIBE that named a, past those in line
---  UNSUBSCRIBE a     stands in line until that is confirmed; then nobody hears of a
--- ```
---
--- In RESP3 messages and confirmations are pushes. In RESP2 they are lists like any other, but as
--- long as there is a subscription no other reply begins with their words.

local messages = {}

---@class chuck.redis.Messages
local Messages = {}
Messages.__index = Messages

--- Of each kind of message, what has asked for it.
local ASKED_BY = { message = "subscribe", pmessage = "psubscribe", smessage = "ssubscribe" }

--- Of each confirmation, whose subscriptions it is about.
local ABOUT = {
  subscribe = "subscribe",
  psubscribe = "psubscribe",
  ssubscribe = "ssubscribe",
  unsubscribe = "subscribe",
  punsubscribe = "psubscribe",
  sunsubscribe = "ssubscribe",
}

--- Whether a command, in small letters, is confirmed instead of answered.
function messages.confirms(name)
  return ABOUT[name] ~= nil
end

--- Messages for `tell(callback, items)`; what has no callback is told to that of nobody: false.
function messages.new(tell)
  return setmetatable({
    tell = tell,
    --- Callbacks by channel or pattern, false where a subscription has none.
    subscribe = {},
    psubscribe = {},
    ssubscribe = {},
    --- Subscriptions of all three kinds.
    count = 0,
  }, Messages)
end

function Messages:Forget()
  self.subscribe, self.psubscribe, self.ssubscribe, self.count = {}, {}, {}, 0
end

--- A subscription begins, or ends.
local function note(self, kind, channel, callback)
  local list = self[ABOUT[kind]]
  local had = list[channel] ~= nil
  if type(channel) ~= "string" then
    return
  elseif ABOUT[kind] == kind then
    list[channel] = callback
    self.count = self.count + (had and 0 or 1)
  elseif had then
    list[channel] = nil
    self.count = self.count - 1
  end
end

--- How many confirmations a command without a channel gets: one for each subscription, or one.
local function confirmations(self, kind)
  local count = 0
  for _ in pairs(self[ABOUT[kind]]) do
    count = count + 1
  end
  return math.max(count, 1)
end

--- A confirmation for the command that is first in line.
local function confirm(self, link, entry, items)
  local left = (entry.awaits or confirmations(self, entry.kind)) - 1
  entry.awaits = left
  note(self, entry.kind, items[2], entry.callback)
  if left == 0 then
    link:Take()
  end
  self.tell(entry.callback, items)
end

--- Takes a value that is no reply: true; false when it is one.
function Messages:Sift(link, value, is_push)
  local kind = type(value) == "table" and value[1]
  local entry = ABOUT[kind] and link:First()
  if entry and entry.kind == kind then
    confirm(self, link, entry, value)
    return true
  elseif not is_push and (self.count == 0 or link.protocol == 3) then
    return false
  end
  local list = self[ASKED_BY[kind] or ABOUT[kind]]
  local callback = list and list[value[2]]
  if not list then
    return false
  elseif ABOUT[kind] and ABOUT[kind] ~= kind then
    -- The server itself ends a subscription: its slot has moved.
    note(self, kind, value[2])
  end
  self.tell(callback or false, value)
  return true
end

return messages
