--- The way to a server: directly, or by a proxy.
---
--- ```text
---   kind       dialed         how
---   direct     the server     "GET /path"
---   forward    the proxy      "GET http://host/path", for http
---   tunnel     the proxy      "CONNECT host:port", then as direct, for https
---   socks      the proxy      SOCKS 5, then as direct
--- ```

local address = require("chuck.support.address")
local native = require("chuck.native")
local urls = require("chuck.http.client.urls")

local route = {}

local PORTS = { http = 80, https = 443, socks5 = 1080, socks5h = 1080 }

--- A proxy from its URL: `host`, `port`, `kind`, `user`, `password`; or `nil, why`.
function route.parse_proxy(text, has_tunnel)
  if text:find("%c") then
    return nil, "control characters in the URL of a proxy"
  elseif not text:find("://", 1, true) then
    text = "http://" .. text
  end
  local url, why = native.web.url(text)
  if not url then
    return nil, "the URL of a proxy: " .. why
  end
  local scheme = (url.scheme or ""):lower()
  if not PORTS[scheme] or not url.host or url.host == "" then
    return nil, "a proxy of http, https or socks5 expected, got " .. scheme
  end
  local user, password = urls.user_of(url)
  if scheme:find("socks") and user and (#user > 255 or #password > 255 or user == "") then
    return nil, "user and password of SOCKS 5 have 1 to 255 bytes"
  end
  local made = {
    kind = scheme:find("socks") and "socks" or "http",
    is_secure = scheme == "https",
    has_tunnel = has_tunnel or false,
    address = address.join(url.host, url.port or PORTS[scheme]),
    user = user or false,
    password = password or false,
    authorization = false,
  }
  if user and made.kind == "http" then
    made.authorization = "Basic " .. native.web.base64(user .. ":" .. password)
  end
  -- Who comes with other credentials does not get the connections of these.
  made.key = scheme .. "://" .. (url.userinfo or "") .. "@" .. made.address
  return made
end

--- The number that an IPv4 address is; nil when it is none.
local function number_of(ip)
  local a, b, c, d = ip:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if a then
    return ((a * 256 + b) * 256 + c) * 256 + d
  end
end

--- Whether an IPv4 address is in a network such as 10.0.0.0/8.
local function is_in_network(ip, network)
  local base, bits = network:match("^([%d.]+)/(%d+)$")
  local number, first = number_of(ip), base and number_of(base)
  if not number or not first or tonumber(bits) > 32 then
    return false
  end
  local size = 2 ^ (32 - bits)
  return math.floor(number / size) == math.floor(first / size)
end

--- Whether a host is named by one entry of NO_PROXY.
local function is_named(entry, host, port)
  local name, only = entry:match("^(.*):(%d+)$")
  if name and not name:find(":", 1, true) then
    if tonumber(only) ~= port then
      return false
    end
    entry = name
  end
  entry = entry:gsub("^%[(.*)%]$", "%1"):gsub("^%*?%.", "")
  return entry == host or is_in_network(host, entry) or host:sub(-#entry - 1) == "." .. entry
end

--- Whether a URL is to be asked for without the proxy of the environment: NO_PROXY says so.
function route.is_exempt(no_proxy, url)
  local host = url.host
  for entry in (no_proxy or ""):lower():gmatch("[^,%s]+") do
    if entry == "*" or is_named(entry, host, url.port) then
      return true
    end
  end
  return false
end

--- What the environment says about proxies. HTTP_PROXY in capitals is not read where requests set
--- it: in a CGI program it is a field of the request.
function route.environment(getenv)
  getenv = getenv or os.getenv
  local function either(name)
    local value = getenv(name:lower()) or getenv(name)
    return value ~= "" and value or nil
  end
  local is_cgi = getenv("REQUEST_METHOD")
  return {
    http = (is_cgi and getenv("http_proxy") or not is_cgi and either("HTTP_PROXY"))
      or either("ALL_PROXY"),
    https = either("HTTPS_PROXY") or either("ALL_PROXY"),
    no_proxy = either("NO_PROXY"),
  }
end

--- The proxy for a URL: one that was made, false for none; or `nil, why`. `given` is what options
--- say: nil leaves it to the environment.
function route.choose(given, environment, url)
  if given == false then
    return false
  elseif given == nil then
    local text = environment[url.scheme]
    if not text or route.is_exempt(environment.no_proxy, url) then
      return false
    end
    return route.parse_proxy(text)
  elseif type(given) == "table" then
    return route.parse_proxy(given.url, given.tunnel)
  end
  return route.parse_proxy(given)
end

--- The way to the server of a URL; `place` is an address to dial instead of the server's.
function route.new(url, proxy, place)
  local made = {
    kind = "direct",
    is_secure = url.scheme == "https",
    host = url.host,
    port = url.port,
    address = place or address.join(url.host, url.port),
    proxy = proxy,
    --- What connections have in common that may be used for each other.
    key = url.origin .. (place and " at " .. place or ""),
  }
  if not proxy or place then
    return made
  end
  made.address = proxy.address
  if proxy.kind == "socks" then
    made.kind = "socks"
  elseif made.is_secure or proxy.has_tunnel then
    made.kind = "tunnel"
  else
    made.kind = "forward"
    made.key = "any"
  end
  made.key = made.key .. " by " .. proxy.key .. " " .. made.kind
  return made
end

return route
