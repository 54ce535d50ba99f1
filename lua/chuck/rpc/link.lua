--- What every part of a peer needs: to say something, and to end the connection.

local limits = require("chuck.rpc.limits")
local sched = require("chuck.co.sched")
local wire = require("chuck.rpc.wire")

local BYE = wire.KIND.BYE

local link = {}

--- Parts of a peer, each with `finish(peer, message, code)`.
local parts = {}

--- Has a part told of the end of every peer; the first is told first.
function link.tell(part)
  parts[#parts + 1] = part
end

--- Lets those go on who wait for the other side's hello, or for the end.
function link.tell_waiters(self)
  local waiters = self.waiters
  self.waiters = {}
  for task in pairs(waiters) do
    sched.wake(task, true)
  end
end

--- The connection is of no more use: everything that is under way fails.
function link.finish(self, message, code)
  if self.ended then
    return
  end
  self.ended = { message = message, code = code }
  if self.pulse then
    self.pulse:UnRegister()
    self.pulse = false
  end
  for _, part in ipairs(parts) do
    part.finish(self, message, code)
  end
  self.stream:Close(self.linger_ms)
  link.tell_waiters(self)
  if self.config.on_close then
    sched.start(self.callbacks, self.config.on_close, self, message, code)
  end
end

--- Sends a message of our own, without ever parking. Whoever reads so little that it cannot even be
--- queued is given up.
function link.say(self, kind, ...)
  if self.ended then
    return
  end
  local packet, why = self.write(kind, ...)
  if not packet then
    local text = "a message of our own cannot be written: "
    return kind ~= BYE and link.fail(self, "EBADMSG", text .. tostring(why))
  end
  local sent, _, code = self.stream:Send(packet)
  if not sent and code == "ENOBUFS" then
    link.fail(self, "ENOBUFS", "it does not read")
  end
end

--- Closes the connection for a reason, of which the other side is told.
function link.fail(self, code, reason)
  if self.ended then
    return
  end
  local message = ("%s: %s"):format(self.name, reason)
  if code ~= "ENOBUFS" then
    link.say(self, BYE, code, reason:sub(1, limits.text))
  end
  link.finish(self, message, code)
end

return link
