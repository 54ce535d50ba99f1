--- Lets pages of other origins use what is here, as far as their browsers are to allow it.
---
---     app:Use(http.middleware.cors({ origins = { "https://app.example" }, credentials = true }))
---
--- A preflight is answered here, with 204; whatever else is answered by what lies behind. An origin
--- that is not allowed gets no fields, and its browser keeps the answer from the page: this keeps
--- nobody from asking.

local check = require("chuck.support.check")
local fields = require("chuck.http.fields")
local reply = require("chuck.http.middleware.reply")

local concat, find = table.concat, string.find

--- Bytes of an origin, and of the names that a preflight asks for, that are looked at.
local LONGEST_ORIGIN, LONGEST_NAMES = 512, 4096

local METHODS = { "GET", "HEAD", "PUT", "PATCH", "POST", "DELETE" }

local OPTIONS = {
  credentials = "boolean",
  exposed = "list of strings",
  headers = "list of strings",
  max_age = "count",
  methods = "list of strings",
}

local function blame(words)
  check.blame("http", "bad argument #1 to 'cors' (" .. words .. ")")
end

--- What says whether an origin is allowed.
local function judge(origins)
  if type(origins) == "function" then
    return origins
  elseif origins == "*" then
    return function()
      return true
    end
  elseif type(origins) == "string" then
    origins = { origins }
  elseif type(origins) ~= "table" then
    blame('option origins: "*", an origin, a list of them or a function expected')
  end
  local allowed = {}
  for _, origin in ipairs(origins) do
    if
      type(origin) ~= "string" or origin ~= "null" and not find(origin, "^%a[%w+.-]*://[^/%s]+$")
    then
      blame(("option origins: %s is none, such as https://a.example"):format(tostring(origin)))
    end
    allowed[origin] = true
  end
  return function(origin)
    return allowed[origin]
  end
end

--- A list as a field has it.
local function joined(list, name)
  for _, item in ipairs(list or {}) do
    if not fields.name_of(item) then
      blame(("option %s: %q is no name"):format(name, item))
    end
  end
  return list and concat(list, ", ")
end

--- The options, checked, as they are used.
local function prepare(options)
  local given = {}
  for name, value in pairs(options) do
    given[name] = value
  end
  local origins = given.origins
  given.origins = nil
  if origins == "*" and given.credentials then
    blame('credentials are for origins that are named: not for origins = "*"')
  end
  return {
    is_allowed = judge(origins),
    --- Whether every origin gets the same answer.
    is_open = origins == "*",
    credentials = given.credentials,
    exposed = joined(given.exposed, "exposed"),
    headers = joined(given.headers, "headers"),
    max_age = fields.digits(given.max_age or 600),
    methods = joined(given.methods or METHODS, "methods"),
  },
    given
end

--- Sets what tells the browser that the origin is allowed, if it is.
local function allow(rules, res, origin, is_preflight)
  if not rules.is_open then
    reply.vary(res, "Origin")
  end
  if not origin then
    return
  end
  res:Set("Access-Control-Allow-Origin", rules.is_open and "*" or origin)
  if rules.credentials then
    res:Set("Access-Control-Allow-Credentials", "true")
  end
  if rules.exposed and not is_preflight then
    res:Set("Access-Control-Expose-Headers", rules.exposed)
  end
end

--- Answers what a browser asks before it sends a request.
---@async
local function answer_preflight(rules, req, res, origin)
  reply.vary(res, "Access-Control-Request-Method")
  reply.vary(res, "Access-Control-Request-Headers")
  if origin then
    res:Set("Access-Control-Allow-Methods", rules.methods)
    res:Set("Access-Control-Max-Age", rules.max_age)
    local wanted = req:Header("Access-Control-Request-Headers")
    if rules.headers then
      res:Set("Access-Control-Allow-Headers", rules.headers)
    elseif wanted and #wanted <= LONGEST_NAMES and find(wanted, "^[%w!#$%%&'*+.^_`|~, -]+$") then
      res:Set("Access-Control-Allow-Headers", wanted)
    end
  end
  res:Status(204):End()
end

return function(options)
  check.type("cors", 1, options, "table")
  local rules, others = prepare(options)
  check.options("cors", 1, others, OPTIONS)
  return function(req, res, next)
    local origin = req:Header("Origin")
    if origin and (#origin > LONGEST_ORIGIN or not rules.is_allowed(origin, req)) then
      origin = nil
    end
    local is_preflight = req.method == "OPTIONS"
      and req:Header("Access-Control-Request-Method") ~= nil
    -- Right before the head, so that errors are readable for the page as well.
    res:OnHead(function()
      allow(rules, res, origin, is_preflight)
    end)
    if is_preflight then
      return answer_preflight(rules, req, res, origin)
    end
    return next()
  end
end
