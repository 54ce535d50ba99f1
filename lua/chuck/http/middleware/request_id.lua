--- An id for each request, in the response and in the log.
---
---     app:Use(http.middleware.request_id({ trust = true }))      -- behind a proxy that sets one

local check = require("chuck.support.check")
local native = require("chuck.native")

--- An id that is taken over has at most so many characters, of these.
local LONGEST, CHARACTERS = 128, "^[%w%-._~:=+/@]+$"

local HEX = {}
for byte = 0, 255 do
  HEX[string.char(byte)] = ("%02x"):format(byte)
end

local function new_id()
  return (assert(native.web.random(16)):gsub(".", HEX))
end

local OPTIONS = { generate = "function", header = "string", trust = "boolean" }

--- Sets `req.id`, and sends it in `X-Request-Id`.
return function(options)
  check.options("request_id", 1, options, OPTIONS)
  options = options or {}
  local header = options.header or "X-Request-Id"
  local generate, trust = options.generate or new_id, options.trust
  return function(req, res, next)
    local id = trust and req:Header(header)
    if not id or #id > LONGEST or not id:find(CHARACTERS) then
      id = generate(req)
    end
    req.id = id
    res:OnHead(function()
      res:Set(header, id)
    end)
    return next()
  end
end
