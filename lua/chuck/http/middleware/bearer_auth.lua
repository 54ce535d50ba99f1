--- Tokens in `Authorization: Bearer` (RFC 6750).
---
---     app:Use(http.middleware.bearer_auth({ tokens = { [os.getenv("TOKEN")] = "deployer" } }))
---     app:Use(http.middleware.bearer_auth({ check = find_user_of_token }))
---
--- `req.context.user` is what belongs to the token. Tokens of a table are found by their digest, in
--- a time that tells nothing of them.

local check = require("chuck.support.check")
local native = require("chuck.native")
local reply = require("chuck.http.middleware.reply")

local web = native.web

--- Bytes of a token that is looked at.
local LONGEST = 8192

local OPTIONS = { check = "function", realm = "string", tokens = "table" }

--- The token of a field: nil when it has none, false when it is not valid.
local function parse(field)
  local rest = field and field:match("^[Bb][Ee][Aa][Rr][Ee][Rr] +(.*)$")
  if not rest then
    return nil
  end
  return #rest <= LONGEST and rest:match("^[%w._~+/-]+=*$") or false
end

--- What looks tokens up in a table: token -> what it stands for, or a list of tokens.
local function look_up_in(tokens)
  local known = {}
  for key, value in pairs(tokens) do
    local token = type(key) == "number" and value or key
    if type(token) ~= "string" or not parse("Bearer " .. token) then
      local message =
        "bad argument #1 to 'bearer_auth' (tokens: of letters, digits and -._~+/ only)"
      check.blame("http", message)
    end
    known[web.sha256(token)] = type(key) == "number" or value
  end
  return function(token)
    return known[web.sha256(token)]
  end
end

--- Errors that a check may name, and their statuses.
local STATUS = { invalid_request = 400, invalid_token = 401, insufficient_scope = 403 }

---@async
local function refuse(res, realm, problem)
  local challenge = "Bearer realm=" .. realm
  if problem then
    challenge = ('%s, error="%s"'):format(challenge, problem)
  end
  res:Set("WWW-Authenticate", challenge)
  local number = STATUS[problem] or 401
  reply.deny(res, number, number .. " " .. native.http.reason(number))
end

return function(options)
  check.type("bearer_auth", 1, options, "table")
  check.options("bearer_auth", 1, options, OPTIONS)
  local realm = reply.quoted(options.realm or "restricted")
  if not realm then
    check.blame("http", "bad argument #1 to 'bearer_auth' (realm: printable ASCII expected)")
  elseif not options.check == not options.tokens then
    check.blame("http", "bad argument #1 to 'bearer_auth' (either tokens or check expected)")
  end
  local look_up = options.check or look_up_in(options.tokens)
  return function(req, res, next)
    local token = parse(req:Header("Authorization"))
    if not token then
      return refuse(res, realm, token == false and "invalid_request")
    end
    local user, problem = look_up(token, req)
    if not user then
      return refuse(res, realm, STATUS[problem] and problem or "invalid_token")
    end
    req.context.user = user
    return next()
  end
end
