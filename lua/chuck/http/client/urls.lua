--- URLs of requests: taken apart, put together, and shown without secrets.

local limits = require("chuck.http.client.limits")
local native = require("chuck.native")

local web = native.web

local urls = {}

local PORTS = { http = 80, https = 443 }

--- What may stand in a URL and is meant as it is (RFC 3986), and "%".
local ODD = "[^%w%-._~:/?#%[%]@!$&'()*+,;=%%]"

local function percent(byte)
  return ("%%%02X"):format(byte:byte())
end

--- Bytes that are no part of URLs and that people write all the same: blanks, letters beyond ASCII.
local function clean(text)
  return (text:gsub(ODD, percent))
end

--- What stands in "Host": with brackets around IPv6, without the port that goes without saying.
local function host_of(url)
  local host = url.host:find(":", 1, true) and "[" .. url.host .. "]" or url.host
  return url.port == PORTS[url.scheme] and host or host .. ":" .. url.port
end

--- A URL for requests; or `nil, why`. `text` has neither user nor fragment.
function urls.parse(text)
  if #text > limits.max_url then
    return nil, ("a URL of %d bytes, limit is %d"):format(#text, limits.max_url)
  elseif text:find("%c") then
    return nil, "control characters in a URL"
  end
  local url, why = web.url(clean(text))
  if not url then
    return nil, why
  end
  local scheme = (url.scheme or ""):lower()
  if not PORTS[scheme] then
    return nil, "a URL of http or https expected, got " .. text:sub(1, 200)
  elseif not url.host or url.host == "" or url.host:find("[%%%s]") then
    return nil, "no host in " .. text:sub(1, 200)
  end
  local made = {
    scheme = scheme,
    host = url.host,
    port = url.port or PORTS[scheme],
    userinfo = url.userinfo,
    fragment = url.fragment,
    --- What the server is asked for.
    target = (url.path ~= nil and url.path ~= "" and url.path or "/")
      .. (url.query and "?" .. url.query or ""),
  }
  made.authority = host_of(made)
  --- Two URLs with the same origin are about the same server.
  made.origin = scheme .. "://" .. made.authority
  made.text = made.origin .. made.target
  return made
end

--- Another URL as it is meant beside this one; or `nil, why`. The fragment goes along (RFC 9110,
--- section 10.2.2).
function urls.follow(url, reference)
  if reference:find("%c") then
    return nil, "control characters in a URL"
  end
  local text, why = web.resolve(url.text, clean(reference))
  if not text then
    return nil, why
  end
  local found
  found, why = urls.parse(text)
  if found and not found.fragment then
    found.fragment = url.fragment
  end
  return found, why
end

--- A list of pairs for a query: from such a list, or from names with values or lists of values.
function urls.pairs_of(given)
  if #given > 0 then
    return given
  end
  local names, list = {}, {}
  for name in pairs(given) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local values = given[name]
    for _, value in ipairs(type(values) == "table" and values or { values }) do
      list[#list + 1] = { name, tostring(value) }
    end
  end
  return list
end

--- Pairs as they stand in a query and in a form.
function urls.encode(given)
  local list = {}
  for i, pair in ipairs(urls.pairs_of(given)) do
    list[i] = { tostring(pair[1]), tostring(pair[2]) }
  end
  return web.build_query(list)
end

--- Adds a query to the text of a URL, before its fragment.
function urls.add_query(text, given)
  local query = urls.encode(given)
  if query == "" then
    return text
  end
  local front, fragment = text:match("^([^#]*)(.*)$")
  local separator = not front:find("?", 1, true) and "?" or front:find("[?&]$") and "" or "&"
  return front .. separator .. query .. fragment
end

--- User and password, decoded; nil when there are none.
function urls.user_of(url)
  if not url.userinfo then
    return nil
  end
  local name, password = url.userinfo:match("^([^:]*):?(.*)$")
  return web.decode(name) or name, web.decode(password) or password
end

return urls
