--- A request as a handler sees it. Everything but method and target is decoded when it is first
--- asked for.
---
---     req.path, req.query.name, req.headers["user-agent"], req.cookies.session
---     local body, message, code = req:Body()
---
--- How bodies are read is in body.lua.

local body = require("chuck.http.server.body")
local books = require("chuck.http.server.books")
local fields = require("chuck.http.fields")
local native = require("chuck.native")
local status = require("chuck.http.status")

local http = native.http
local find, sub = string.find, string.sub

---@class chuck.HttpRequest
local Request = {}
for name, method in pairs(body.methods) do
  Request[name] = method
end

--- The target without scheme and authority (RFC 9112, section 3.2).
local function local_part(target)
  if sub(target, 1, 1) == "/" then
    return target
  end
  local _, last = find(target, "^%a[%w+.-]*://[^/?#]*")
  if last then
    local rest = sub(target, last + 1)
    return sub(rest, 1, 1) == "/" and rest or "/" .. rest
  end
  return target
end

--- Path, path as it came, and query of a target; a nil path is not valid.
local function split(target)
  local rest = local_part(target)
  if find(rest, "%", 1, true) then
    return native.web.split_target(rest)
  end
  local at = find(rest, "?", 1, true)
  if at then
    local path = sub(rest, 1, at - 1)
    return path, path, sub(rest, at + 1)
  end
  return rest, rest, nil
end

--- The first value of each name in a list of pairs.
local function first_of(pairs_of)
  local found = {}
  for i = #pairs_of, 1, -1 do
    found[pairs_of[i][1]] = pairs_of[i][2]
  end
  return found
end

--- Fields that are made of others when they are first asked for.
local DERIVED = {
  path = function(self)
    return (split(self.target))
  end,
  raw_path = function(self)
    local _, raw = split(self.target)
    return raw
  end,
  raw_query = function(self)
    local _, _, query = split(self.target)
    return query or ""
  end,
  query_list = function(self)
    local query = self.raw_query
    if query == "" then
      return {}
    end
    local list, message = native.web.query(query)
    if not list then
      error(status.error(400, message), 0)
    end
    return list
  end,
  query = function(self)
    return first_of(self.query_list)
  end,
  headers = function(self)
    return fields.view(self.head)
  end,
  cookies = function(self)
    -- Clients send one field, but proxies may part it.
    local values = http.values(self.head, "cookie")
    return #values > 0 and first_of(native.web.cookies(table.concat(values, "; "))) or {}
  end,
  version = function(self)
    return http.bits[self.bits].is_10 and "1.0" or "1.1"
  end,
  is_head = function(self)
    return self.method == "HEAD"
  end,
  params = function()
    return {}
  end,
  context = function()
    return {}
  end,
  id = function(self)
    return books.next_id(self.server)
  end,
  remote = function(self)
    return self.exchange.remote
  end,
  ip = function(self)
    return books.ip_of(self.exchange.remote)
  end,
  server = function(self)
    return self.exchange.server
  end,
}

local METATABLE = {
  __metatable = "http.request",
  __index = function(self, name)
    local method = Request[name]
    if method ~= nil then
      return method
    end
    local derive = DERIVED[name]
    if derive then
      local value = derive(self)
      self[name] = value
      return value
    end
  end,
}

--- The value of a header field, several joined by ", "; nil when it was not sent.
function Request:Header(name)
  return http.value(self.head, name)
end

--- The header fields in their order: a list of `{ name, value }`.
function Request:Headers()
  return http.fields(self.head)
end

--- All values of a name in the query.
function Request:Query(name)
  local values = {}
  for _, pair in ipairs(self.query_list) do
    if pair[1] == name then
      values[#values + 1] = pair[2]
    end
  end
  return values
end

--- Whether the client has asked for an upgrade of the connection.
function Request:IsUpgrade()
  return http.bits[self.bits].upgrade
end

return {
  class = Request,
  METATABLE = METATABLE,
  --- Whether the path of a target is valid: percent signs are followed by digits, and no NUL comes
  --- of it.
  is_target = function(target)
    return not find(target, "%", 1, true) or split(target) ~= nil
  end,
}
