--- Fields that have browsers be careful. What a handler has set itself stays.
---
---     app:Use(http.middleware.security_headers({
---       ["Content-Security-Policy"] = "default-src 'self'",
---       ["X-Frame-Options"] = false,                             -- not this one
---     }))

local answer = require("chuck.http.server.answer")
local check = require("chuck.support.check")
local fields = require("chuck.http.fields")

--- Safe for pages and interfaces alike. What depends on the content, such as
--- Content-Security-Policy, and Strict-Transport-Security, which needs TLS, have to be given.
local DEFAULTS = {
  ["Cross-Origin-Opener-Policy"] = "same-origin",
  ["Cross-Origin-Resource-Policy"] = "same-origin",
  ["Referrer-Policy"] = "strict-origin-when-cross-origin",
  ["X-Content-Type-Options"] = "nosniff",
  ["X-Frame-Options"] = "SAMEORIGIN",
  ["X-Permitted-Cross-Domain-Policies"] = "none",
}

--- Defaults and what was given, as a list of `{ name, value, low = }`.
local function list_of(given)
  local by_name = {}
  for name, value in pairs(DEFAULTS) do
    by_name[name:lower()] = { name, value }
  end
  for name, value in pairs(given) do
    if type(value) ~= "string" and value ~= false then
      local message = "bad argument #1 to 'security_headers' (%s: string or false expected, got %s)"
      check.blame("http", message:format(tostring(name), type(value)))
    end
    local _, low = fields.checked("security_headers", name, value or "")
    by_name[low] = value and { name, value } or nil
  end
  local list = {}
  for low, pair in pairs(by_name) do
    pair.low = low
    list[#list + 1] = pair
  end
  return list
end

return function(options)
  if options ~= nil then
    check.type("security_headers", 1, options, "table")
  end
  local list = list_of(options or {})
  --- Adds what is not there. The values were checked before.
  local function set_all(res)
    local own, has = answer.own_fields(res), {}
    for i = 1, #own, 2 do
      has[fields.name_of(own[i])] = true
    end
    local n = #own
    for i = 1, #list do
      local pair = list[i]
      if not has[pair.low] then
        own[n + 1], own[n + 2] = pair[1], pair[2]
        n = n + 2
      end
    end
  end
  return function(_, res, next)
    res:OnHead(set_all)
    return next()
  end
end
