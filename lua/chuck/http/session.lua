--- The session of a client: what a cookie has brought, and what the next is to keep.
---
---     { d = data, i = id, b = began, u = used }       as JSON, signed; times in seconds since 1970

local check = require("chuck.support.check")
local native = require("chuck.native")
local reply = require("chuck.http.middleware.reply")
local seal = require("chuck.http.seal")

local json, web = native.json, native.web

local session = {}

---@class chuck.HttpSession
local Session = {}
Session.__index = Session
Session.__metatable = "http.session"

local function new_id()
  return web.base64(assert(web.random(18)), "url")
end

--- A session of somebody who has none.
local function new(now)
  return setmetatable({
    --- What the handler keeps; what JSON can hold.
    data = {},
    --- A text that nobody guesses, for this session alone.
    id = new_id(),
    --- Whether the client has brought none.
    is_new = true,
    --- When it began, and when it was last used, in seconds since 1970.
    born = now,
    used = now,
    --- What was in the cookie, and whether that has to be renewed.
    before = false,
    is_stale = false,
  }, Session)
end

session.new = new

--- Makes it a new session with the same data: to be called when somebody logs in or out.
function Session:Regenerate()
  check.self("Regenerate", self, "http.session")
  self.id, self.born, self.is_stale = new_id(), self.used, true
end

--- Ends it: the client is told to forget the cookie.
function Session:Destroy()
  check.self("Destroy", self, "http.session")
  self:Regenerate()
  self.data = {}
end

--- Whether that is what was signed: keys may have been used for something else.
local function is_session(kept)
  return type(kept) == "table"
    and type(kept.d) == "table"
    and type(kept.i) == "string"
    and type(kept.b) == "number"
    and type(kept.u) == "number"
end

--- The session that a cookie has brought; nil when it is not valid, or is no more.
function session.open(rules, cookie, now)
  if #cookie > rules.max_bytes then
    return nil
  end
  local text, is_old = seal.open(rules.keys, rules.purpose, cookie)
  local kept = text and json.decode(text)
  if not is_session(kept) then
    return nil
  end
  local self = new(now)
  self.data, self.id, self.born, self.is_new = kept.d, kept.i, kept.b, false
  if now - kept.b >= rules.max_age or rules.idle > 0 and now - kept.u >= rules.idle then
    return nil
  elseif rules.is_valid and not rules.is_valid(self.id, self.data) then
    return nil
  end
  self.before = text and json.encode(kept.d)
  -- Not every use is noted, or every response would have a cookie.
  self.is_stale = is_old or rules.idle > 0 and now - kept.u >= rules.idle / 8
  return self
end

--- The attributes of a cookie.
local function attributes(rules, max_age)
  return {
    domain = rules.domain,
    http_only = rules.http_only,
    max_age = max_age,
    path = rules.path,
    same_site = rules.same_site,
    secure = rules.secure,
  }
end

session.attributes = attributes

--- Sets the cookie, if there is something to say.
function session.save(rules, self, res)
  local data = self.data
  local is_empty = next(data) == nil
  local text = json.encode(data)
  reply.vary(res, "Cookie")
  if text == self.before and not self.is_stale or is_empty and not self.before then
    return
  end
  local cookie, left = "", 0
  if not is_empty then
    local kept = { d = data, i = self.id, b = self.born, u = self.used }
    cookie = seal.close(rules.keys, rules.purpose, json.encode(kept))
    left = self.born + rules.max_age - self.used
    if #cookie + #rules.name > rules.max_bytes then
      local message = "a session takes %d bytes as a cookie, the limit is %d"
      error(message:format(#cookie + #rules.name, rules.max_bytes), 0)
    end
  end
  res:Cookie(rules.name, cookie, attributes(rules, left))
  if not res:Get("Cache-Control") then
    res:Set("Cache-Control", "private")
  end
end

session.class = Session

return session
