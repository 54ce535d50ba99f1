--- Cookies of servers, kept and sent back (RFC 6265).
---
---     local jar = http.jar()
---     local client = http.client({ jar = jar })
---     print(jar:Header("http://example.org/"))        --> id=7; theme=dark
---
--- A server sets cookies for itself, or for the domain it belongs to: never for another one, and
--- never for a public suffix such as "co.uk", under which anybody may have a name.

local check = require("chuck.support.check")
local limits = require("chuck.http.client.limits")
local native = require("chuck.native")
local rules = require("chuck.http.client.cookie_rules")
local urls = require("chuck.http.client.urls")
local words = require("chuck.http.client.words")

local web = native.web

local jar = {}

---@class chuck.http.Jar
local Jar = {}

local METATABLE = { __index = Jar, __metatable = "http.jar" }
jar.METATABLE, jar.Jar = METATABLE, Jar

local OPTIONS = {
  max_cookies = "positive integer",
  max_cookies_per_domain = "positive integer",
  now = "function",
}

local function is_old(cookie, now)
  return cookie.expires ~= nil and cookie.expires <= now
end

--- The place of a cookie in the list of its domain.
local function find(list, cookie)
  for i, other in ipairs(list) do
    if other.name == cookie.name and other.path == cookie.path then
      return i
    end
  end
end

local function take_out(self, domain, i)
  local list = self.domains[domain]
  table.remove(list, i)
  self.count = self.count - 1
  if #list == 0 then
    self.domains[domain] = nil
  end
end

--- Takes out what is too old, or else what was set first, of one list.
local function make_room(self, domain, now)
  local list = self.domains[domain]
  local oldest = 1
  for i, cookie in ipairs(list) do
    if is_old(cookie, now) then
      oldest = i
      break
    elseif cookie.place < list[oldest].place then
      oldest = i
    end
  end
  take_out(self, domain, oldest)
end

--- The domain whose first cookie was set before all others.
local function oldest_domain(self)
  local found, place
  for domain, list in pairs(self.domains) do
    if not place or list[1].place < place then
      found, place = domain, list[1].place
    end
  end
  return found
end

--- Puts a cookie in, in place of one with its name.
local function put(self, cookie, now)
  local domain = cookie.domain
  local list = self.domains[domain]
  local at = list and find(list, cookie)
  if at then
    cookie.place = list[at].place
    if is_old(cookie, now) then
      take_out(self, domain, at)
    else
      list[at] = cookie
    end
    return
  elseif is_old(cookie, now) then
    return
  end
  if list and #list >= self.max_per_domain then
    make_room(self, domain, now)
  end
  if self.count >= self.max then
    make_room(self, oldest_domain(self), now)
  end
  list = self.domains[domain] or {}
  self.domains[domain] = list
  self.places = self.places + 1
  cookie.place = self.places
  list[#list + 1] = cookie
  self.count = self.count + 1
end

local function parse(name, text)
  if type(text) ~= "string" then
    words.raise(name, 1, "string expected, got " .. words.kind_of(text))
  end
  local url, why = urls.parse(text)
  if not url then
    words.raise(name, 1, why)
  end
  return url
end

--- Keeps what one "Set-Cookie" of the answer from a URL says: whether it does.
function Jar:Store(url, header)
  words.expect(self, "Store", METATABLE)
  local from = parse("Store", url)
  if type(header) ~= "string" then
    words.raise("Store", 2, "string expected, got " .. words.kind_of(header))
  elseif #header > limits.max_cookie then
    return false
  end
  local cookie = web.set_cookie(header)
  local domain, is_alone
  if cookie then
    domain, is_alone = rules.domain_of(from, cookie)
  end
  if not domain or cookie.secure and from.scheme ~= "https" then
    return false
  elseif not rules.keeps_promise(cookie, is_alone, from) then
    return false
  end
  local _, path = rules.paths_of(from)
  local now = self.now()
  put(self, {
    name = cookie.name,
    value = cookie.value,
    domain = domain,
    is_host_only = is_alone,
    path = (cookie.path or ""):find("^/") and cookie.path or path,
    expires = rules.end_of(cookie, now),
    secure = cookie.secure or false,
    http_only = cookie.http_only or false,
    same_site = cookie.same_site,
  }, now)
  return true
end

--- The cookies for a URL, those with the longest path first.
local function select_for(self, url)
  local path = rules.paths_of(url)
  local now, found = self.now(), {}
  local domain = url.host
  while domain do
    local list = self.domains[domain]
    for i = list and #list or 0, 1, -1 do
      local cookie = list[i]
      if is_old(cookie, now) then
        take_out(self, domain, i)
      elseif
        (domain == url.host or not cookie.is_host_only)
        and rules.is_below(path, cookie.path)
        and (not cookie.secure or url.scheme == "https")
      then
        found[#found + 1] = cookie
      end
    end
    domain = not rules.is_address(domain) and domain:match("^[^.]*%.(.+)$") or nil
  end
  table.sort(found, function(a, b)
    if #a.path ~= #b.path then
      return #a.path > #b.path
    end
    return a.place < b.place
  end)
  return found
end

--- What a request for a URL says in "Cookie"; nil when there is nothing to say.
function Jar:Header(url)
  words.expect(self, "Header", METATABLE)
  local found = select_for(self, parse("Header", url))
  if #found == 0 then
    return nil
  end
  for i, cookie in ipairs(found) do
    found[i] = cookie.name .. "=" .. cookie.value
  end
  return table.concat(found, "; ")
end

--- Every cookie as a table, in the order in which they were set: to be kept, and given to `Add`.
function Jar:List()
  words.expect(self, "List", METATABLE)
  local all = {}
  local now = self.now()
  for _, list in pairs(self.domains) do
    for _, cookie in ipairs(list) do
      if not is_old(cookie, now) then
        all[#all + 1] = cookie
      end
    end
  end
  table.sort(all, function(a, b)
    return a.place < b.place
  end)
  for i, cookie in ipairs(all) do
    local copy = {}
    for key, value in pairs(cookie) do
      copy[key] = value
    end
    copy.place = nil
    all[i] = copy
  end
  return all
end

--- Puts a cookie in as `List` gives it.
function Jar:Add(cookie)
  words.expect(self, "Add", METATABLE)
  check.options("Add", 1, cookie, {
    name = "string",
    value = "string",
    domain = "string",
    is_host_only = "boolean",
    path = "string",
    expires = "number",
    secure = "boolean",
    http_only = "boolean",
    same_site = "string",
  })
  for _, key in ipairs({ "name", "value", "domain" }) do
    if not cookie or not cookie[key] then
      words.raise("Add", 1, ("cookie with %s expected"):format(key))
    elseif cookie[key]:find("[%c;]") then
      words.raise("Add", 1, key .. ": no control characters and semicolons expected")
    end
  end
  put(self, {
    name = cookie.name,
    value = cookie.value,
    domain = cookie.domain:lower(),
    is_host_only = cookie.is_host_only ~= false,
    path = cookie.path or "/",
    expires = cookie.expires,
    secure = cookie.secure or false,
    http_only = cookie.http_only or false,
    same_site = cookie.same_site,
  }, self.now())
end

--- How many cookies there are.
function Jar:Count()
  words.expect(self, "Count", METATABLE)
  return self.count
end

--- Forgets all cookies, or those of one domain.
function Jar:Clear(domain)
  words.expect(self, "Clear", METATABLE)
  check.message("Clear", 1, domain)
  if domain then
    domain = domain:lower()
    self.count = self.count - #(self.domains[domain] or {})
    self.domains[domain] = nil
  else
    self.domains, self.count = {}, 0
  end
end

--- A jar without cookies.
function jar.new(options)
  check.options("jar", 1, options, OPTIONS)
  options = options or {}
  return setmetatable({
    --- Domain -> list of cookies; how many there are, and were.
    domains = {},
    count = 0,
    places = 0,
    max = options.max_cookies or limits.max_cookies,
    max_per_domain = options.max_cookies_per_domain or limits.max_cookies_per_domain,
    --- The time, in seconds since 1970.
    now = options.now or os.time,
  }, METATABLE)
end

--- The jar that an option names, true for that of `owner`; nil for none.
function jar.choose(owner, given)
  if given == true then
    owner.jar = owner.jar or jar.new()
    return owner.jar
  end
  return given or nil
end

return jar
