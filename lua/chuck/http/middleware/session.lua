--- What is remembered of a client, in a cookie that it cannot change.
---
---     app:Use(http.middleware.session({ keys = { os.getenv("SESSION_KEY") } }))
---     app:Post("/login", function(req, res)
---       req.session:Regenerate()
---       req.session.data.user = "ann"
---       res:Redirect("/")
---     end)
---
--- The client can read it, and can send an older one again: what has to be secret, or must be taken
--- back at once, belongs behind an id, on the server. `is_valid` may ask for that.

local check = require("chuck.support.check")
local native = require("chuck.native")
local reply = require("chuck.http.middleware.reply")
local seal = require("chuck.http.seal")

local json, web = native.json, native.web

--- Bytes of a cookie with its name that browsers keep for sure (RFC 6265, section 6.1), with room
--- for attributes.
local LARGEST = 3840

--- Seconds until a session ends, and until one ends that is not used.
local MAX_AGE, IDLE = 7 * 86400, 86400

local OPTIONS = {
  domain = "string",
  http_only = "boolean",
  idle = "count",
  is_valid = "function",
  max_age = "positive integer",
  max_bytes = "positive integer",
  name = "string",
  path = "string",
  same_site = "string",
  secure = "boolean",
}

---@class chuck.HttpSession
local Session = {}
Session.__index = Session
Session.__metatable = "http.session"

local function new_id()
  return web.base64(assert(web.random(18)), "url")
end

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

--- The session that a cookie has brought; nil when it is not valid, or is no more.
local function open(rules, cookie, now)
  if #cookie > rules.max_bytes then
    return nil
  end
  local text, is_old = seal.open(rules.keys, rules.purpose, cookie)
  local kept = text and json.decode(text)
  if type(kept) ~= "table" or type(kept.d) ~= "table" then
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

--- Sets the cookie, if there is something to say.
local function save(rules, self, res)
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

--- The options, checked, as they are used.
local function prepare(options)
  local rules = {
    domain = options.domain,
    http_only = options.http_only ~= false,
    idle = options.idle or IDLE,
    is_valid = options.is_valid,
    keys = seal.keys("session", options.keys),
    max_age = options.max_age or MAX_AGE,
    max_bytes = options.max_bytes or LARGEST,
    name = options.name or "session",
    path = options.path or "/",
    same_site = options.same_site or "lax",
    secure = options.secure ~= false,
    purpose = false,
  }
  rules.purpose = "session " .. rules.name
  local fine, why = web.build_cookie(rules.name, "", attributes(rules, 0))
  if not fine then
    check.blame("http", "bad argument #1 to 'session' (" .. why .. ")")
  end
  return rules
end

return function(options)
  check.type("session", 1, options, "table")
  local others = {}
  for name, value in pairs(options) do
    others[name] = name ~= "keys" and value or nil
  end
  check.options("session", 1, others, OPTIONS)
  local rules = prepare(options)
  return function(req, res, go_on)
    local now = os.time()
    local cookie = req.cookies[rules.name]
    local self = cookie and open(rules, cookie, now)
    if not self then
      self = new(now)
      -- A cookie that is not valid is taken back.
      self.before = cookie and "" or false
    end
    req.session = self
    res:OnHead(function()
      save(rules, req.session, res)
    end)
    return go_on()
  end
end
