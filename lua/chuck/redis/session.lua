--- Commands on a connection of their own, for as long as somebody has it.
---
--- A client keeps a few of these connections for the next who needs one. None is given back that
--- has ended, that is not to the server the client speaks to now, or in a state nobody knows.

local guards = require("chuck.redis.guards")
local limits = require("chuck.redis.limits")
local methods = require("chuck.redis.methods")
local outcome = require("chuck.redis.outcome")
local scan = require("chuck.redis.scan")
local script = require("chuck.redis.script")

local metatable_of = debug.getmetatable

local session = {}

---@class chuck.redis.Session
local Session = {}

local METATABLE = { __index = Session, __metatable = "redis.session" }

--- Raises for what is no session.
local function expect(self, name)
  if metatable_of(self) ~= METATABLE then
    local message = "calling '%s' on bad self (redis.session expected, got %s)"
    outcome.blame(message:format(name, outcome.kind_of(self)))
  end
end

--- What a session may do beside what a client may.
local ALLOWED = { WATCH = true, UNWATCH = true }

--- Sends a command and parks for its reply.
---@async
local function perform(self, spec, ...)
  expect(self, spec.method or spec.name)
  local guard = guards[spec.name]
  if guard and not ALLOWED[spec.name] and not spec.is_blocking then
    return guard(self.owner, spec, ...)
  elseif not self.link then
    return outcome.none(spec.name, "the session has ended", "ESOCKCLOSE")
  end
  return self.perform_on(self.owner, self.link, self.owner.timeout_ms, spec, ...)
end

methods.add(Session, perform)
script.extend(Session, expect, perform)
scan.extend(Session, expect, perform)

--- Any command by its name.
---@async
function Session:Call(name, ...)
  expect(self, "Call")
  if type(name) ~= "string" then
    outcome.raise("Call", 1, "string expected, got " .. outcome.kind_of(name))
  end
  local spec, from = methods.find(name, ...)
  return perform(self, spec, select(from, ...))
end

--- Links that are kept: the last was used last. With each the connection of the client that there
--- was at the time.
local function take_idle(client)
  local idle = client.idle
  while #idle > 0 do
    local kept = table.remove(idle)
    if not kept.link.ended and kept.connects == client.keeper.connects then
      return kept.link
    end
    kept.link:Close()
  end
end

--- A session of a client; or `nil, message, code[, err]`.
---@async
function session.open(client, perform_on)
  -- First the client itself: it knows where the server is.
  local up, message, code, err = client.keeper:Link(client.timeout_ms)
  if not up then
    return nil, message, code, err
  end
  local link = take_idle(client)
  local is_new = not link
  if is_new then
    link, message, code, err = client:OpenLink()
    if not link then
      return nil, message, code, err
    end
  end
  return setmetatable({
    --- Not by the name of a command, which would not be a method then.
    owner = client,
    link = link,
    --- Whether the link was made for it: an old one may have been ended by the server meanwhile.
    is_new = is_new,
    connects = client.keeper.connects,
    --- Sends a command by a link.
    perform_on = perform_on,
  }, METATABLE)
end

--- Ends a session whose link somebody else may have.
function session.give_back(self)
  local client, link = self.owner, self.link
  self.link = false
  local is_current = self.connects == client.keeper.connects and not client.keeper.is_closed
  if link.ended or not is_current or #client.idle >= limits.watch_idle then
    link:Close()
  else
    client.idle[#client.idle + 1] = { link = link, connects = self.connects }
  end
end

--- Ends a session with its link.
function session.close(self)
  if self.link then
    self.link:Close()
    self.link = false
  end
end

session.Session = Session

return session
