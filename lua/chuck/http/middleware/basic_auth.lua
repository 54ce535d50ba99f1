--- Names and passwords, as browsers ask for them (RFC 7617). They are sent in the clear: only for
--- connections that nobody else reads.
---
---     app:Group("/admin"):Use(http.middleware.basic_auth({ users = { ann = "s3cret" } }))
---
--- `req.context.user` is the name. Passwords are compared in a time that tells nothing of them.

local check = require("chuck.support.check")
local native = require("chuck.native")
local reply = require("chuck.http.middleware.reply")

local web = native.web

--- Bytes of credentials that are looked at.
local LONGEST = 4096

local OPTIONS = { check = "function", realm = "string", users = "table" }

--- The name and the password of a field, or nil.
local function parse(field)
  local coded = field and #field <= LONGEST and field:match("^[Bb][Aa][Ss][Ii][Cc] +(%S+)$")
  local plain = coded and web.unbase64(coded)
  if not plain or plain:find("%c") then
    return nil
  end
  return plain:match("^([^:]*):(.*)$")
end

--- What compares with a table of names and passwords.
local function compare_with(users)
  local digests = {}
  for name, password in pairs(users) do
    if type(name) ~= "string" or type(password) ~= "string" or name:find(":", 1, true) then
      local message = "bad argument #1 to 'basic_auth' (users: names without colons and passwords)"
      check.blame("http", message)
    end
    digests[name] = web.sha256(password)
  end
  local nobody = assert(web.random(32))
  return function(name, password)
    local is_same = web.equal(digests[name] or nobody, web.sha256(password))
    return is_same and digests[name] ~= nil
  end
end

return function(options)
  check.type("basic_auth", 1, options, "table")
  check.options("basic_auth", 1, options, OPTIONS)
  local realm = reply.quoted(options.realm or "restricted")
  if not realm then
    check.blame("http", "bad argument #1 to 'basic_auth' (realm: printable ASCII expected)")
  elseif not options.check == not options.users then
    check.blame("http", "bad argument #1 to 'basic_auth' (either users or check expected)")
  end
  local is_right = options.check or compare_with(options.users)
  local challenge = "Basic realm=" .. realm .. ', charset="UTF-8"'
  return function(req, res, next)
    local name, password = parse(req:Header("Authorization"))
    if not name or not is_right(name, password, req) then
      res:Set("WWW-Authenticate", challenge)
      return reply.deny(res, 401, "401 Unauthorized")
    end
    req.context.user = name
    return next()
  end
end
