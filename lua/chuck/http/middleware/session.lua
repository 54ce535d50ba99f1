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
local seal = require("chuck.http.seal")
local session = require("chuck.http.session")

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
  local fine, why = native.web.build_cookie(rules.name, "", session.attributes(rules, 0))
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
    local self = cookie and session.open(rules, cookie, now)
    if not self then
      self = session.new(now)
      -- A cookie that is not valid is taken back.
      self.before = cookie and "" or false
    end
    req.session = self
    res:OnHead(function()
      session.save(rules, req.session, res)
    end)
    return go_on()
  end
end
