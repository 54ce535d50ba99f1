--- A request on its way: what it asks of whom, with which fields; it changes when it is redirected.
---
--- Hooks get it as well, and may look at its fields and change them.

local client_options = require("chuck.http.client.options")
local native = require("chuck.native")
local payload = require("chuck.http.client.payload")
local urls = require("chuck.http.client.urls")
local words = require("chuck.http.client.words")

local outgoing = {}

---@class chuck.http.Outgoing
local Outgoing = {}

local METATABLE = { __index = Outgoing, __metatable = "http.outgoing" }
outgoing.METATABLE = METATABLE

--- What decoders there are, in the order of preference.
local CODINGS = "gzip, deflate, br"

--- Fields that are for one server only, and those that are about a body.
local CREDENTIALS =
  { authorization = true, cookie = true, ["proxy-authorization"] = true, host = true }
local OF_BODY = {
  ["content-type"] = true,
  ["content-length"] = true,
  ["content-encoding"] = true,
  ["content-language"] = true,
  ["content-location"] = true,
  ["transfer-encoding"] = true,
  ["expect"] = true,
  ["trailer"] = true,
}

--- Methods that may be repeated without harm (RFC 9110, section 9.2.2).
local IDEMPOTENT =
  { GET = true, HEAD = true, OPTIONS = true, TRACE = true, PUT = true, DELETE = true }

--- The value of a field in a flat list, several joined; nil when there is none.
local function get(list, name)
  local value
  name = name:lower()
  for i = 1, #list, 2 do
    if list[i]:lower() == name then
      value = value and value .. ", " .. list[i + 1] or list[i + 1]
    end
  end
  return value
end

--- A list without the fields that `is_unwanted` names, in small letters.
local function without(list, is_unwanted)
  local kept = {}
  for i = 1, #list, 2 do
    if not is_unwanted[list[i]:lower()] then
      kept[#kept + 1] = list[i]
      kept[#kept + 1] = list[i + 1]
    end
  end
  return kept
end

local function add(list, name, value)
  list[#list + 1] = name
  list[#list + 1] = value
end

local function add_default(list, name, value)
  if value and not get(list, name) then
    add(list, name, value)
  end
end

--- User and password as a field.
local function basic_of(user, password)
  return "Basic " .. native.web.base64(user .. ":" .. password)
end

--- What the options `basic` and `bearer` mean as a field; nil without both.
local function credentials(basic, bearer)
  if basic then
    return basic_of(basic[1], basic[2])
  end
  return bearer and "Bearer " .. bearer or nil
end

--- As `credentials`, of the request alone: what a client has to say for all comes behind it.
local function own_credentials(options)
  return credentials(rawget(options, "basic"), rawget(options, "bearer"))
end

--- Fields of the client, but for those that the request has itself, and those of the request.
local function merge(of_client, options)
  local of_request = rawget(options, "headers") or {}
  if not of_client then
    return of_request
  end
  local is_given = { authorization = own_credentials(options) ~= nil }
  for i = 1, #of_request, 2 do
    is_given[of_request[i]:lower()] = true
  end
  local list = without(of_client, is_given)
  for i = 1, #of_request do
    list[#list + 1] = of_request[i]
  end
  return list
end

--- What to say in "Authorization".
local function authorization(self)
  local user, password = urls.user_of(self.to)
  if user then
    return basic_of(user, password)
  elseif not self.has_credentials then
    return nil
  end
  return own_credentials(self.options) or credentials(self.options.basic, self.options.bearer)
end

--- Makes the list of fields for the next try.
function outgoing.prepare(self)
  local options, own = self.options, self.own
  local list = {}
  add(list, "Host", get(own, "host") or self.to.authority)
  for i = 1, #own, 2 do
    if own[i]:lower() ~= "host" then
      add(list, own[i], own[i + 1])
    end
  end
  add_default(list, "User-Agent", "chuck")
  add_default(list, "Accept", "*/*")
  if options.decode ~= false then
    add_default(list, "Accept-Encoding", CODINGS)
  end
  add_default(list, "Authorization", authorization(self))
  if self.source and self.source.type then
    add_default(list, "Content-Type", self.source.type)
  end
  self.list = list
end

--- The value of a field as it will be sent; several are joined by ", ".
function Outgoing:Header(name)
  words.expect(self, "Header", METATABLE)
  if type(name) ~= "string" then
    words.raise("Header", 1, "string expected, got " .. words.kind_of(name))
  end
  return get(self.list, name)
end

--- Sets a field, in place of those with its name; nil removes them.
function Outgoing:SetHeader(name, value)
  words.expect(self, "SetHeader", METATABLE)
  local wrong = client_options.field_trouble(name, value == nil and "" or value)
  if wrong then
    words.raise("SetHeader", value == nil and 1 or 2, wrong)
  end
  self.list = without(self.list, { [name:lower()] = true })
  if value ~= nil then
    add(self.list, name, value)
  end
end

--- Joins what a jar has to what the program has set itself.
function outgoing.add_cookies(self, text)
  local own = get(self.list, "cookie")
  self.list = without(self.list, { cookie = true })
  add(self.list, "Cookie", own and own .. "; " .. text or text)
end

--- Whether it may be sent again when nobody knows what has become of it.
function outgoing.is_repeatable(self)
  local given = self.options.idempotent
  if self.source and not self.source.is_repeatable and self.is_opened then
    return false
  elseif given ~= nil then
    return given
  end
  return IDEMPOTENT[self.method] or get(self.list, "idempotency-key") ~= nil
end

--- Whether what it carries can be sent once more.
function outgoing.has_body_again(self)
  return not self.source or self.source.is_repeatable or not self.is_opened
end

--- The server does not understand "Expect": whether the request can be sent again without it.
function outgoing.refuse(self)
  if self.is_refused or not self.source or self.is_opened or get(self.list, "expect") then
    return false
  end
  self.is_refused = true
  return true
end

--- It becomes a GET without a body.
function outgoing.drop_body(self, method)
  self.method, self.source = method, false
  self.own = without(self.own, OF_BODY)
end

--- It goes to another URL. What is for one server only does not go to another.
function outgoing.turn(self, to)
  if to.origin == self.to.origin then
    to.userinfo = self.to.userinfo
  else
    -- Nor does a server say who we are somewhere else.
    to.userinfo = nil
    self.own = without(self.own, CREDENTIALS)
    self.has_credentials = false
  end
  self.to, self.url = to, to.text
end

--- A request from options that are checked, with `inherited` behind them; or `nil, why, code`.
function outgoing.new(text, options, client)
  local inherited = client.options
  setmetatable(options, { __index = inherited })
  if inherited.base_url and not text:find("^%a[%w+.-]*://") then
    local resolved, why = native.web.resolve(inherited.base_url, text)
    if not resolved then
      return nil, tostring(why), "EINVAL"
    end
    text = resolved
  end
  if options.query then
    text = urls.add_query(text, options.query)
  end
  local to, why = urls.parse(text)
  if not to then
    return nil, why, "EINVAL"
  end
  local source, trouble, code = payload.of(options)
  if source == false then
    return nil, trouble, code or "EINVAL"
  end
  local method = options.method or (source and "POST" or "GET")
  return setmetatable({
    method = method,
    --- Where it goes, and the same for people.
    to = to,
    url = to.text,
    options = options,
    --- Fields that the program has given; all that are sent.
    own = merge(inherited.headers, options),
    list = {},
    source = source or false,
    --- Whether what it carries has been read from.
    is_opened = false,
    --- Whether the server was asked if it wants the body, and does not understand that.
    is_refused = false,
    --- Whether user, password and bearer are for the server it goes to.
    has_credentials = true,
    --- How often it was sent.
    attempts = 0,
  }, METATABLE)
end

outgoing.get = get

return outgoing
