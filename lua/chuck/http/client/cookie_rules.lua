--- Which cookies a host may set, and which it is sent (RFC 6265).

local native = require("chuck.native")

local web = native.web

local rules = {}

--- Whether a host is an address and no name.
function rules.is_address(host)
  return host:find(":", 1, true) ~= nil or host:find("^%d+%.%d+%.%d+%.%d+$") ~= nil
end

--- Whether a host is a domain, or below it.
local function is_within(host, domain)
  return host == domain or host:sub(-#domain - 1) == "." .. domain and not rules.is_address(host)
end

--- Whether a path is below that of a cookie (RFC 6265, section 5.1.4).
function rules.is_below(path, base)
  return path == base
    or path:sub(1, #base) == base
      and (base:sub(-1) == "/" or path:sub(#base + 1, #base + 1) == "/")
end

--- The path of a URL, and that of cookies that name none.
function rules.paths_of(url)
  local path = url.target:match("^[^?]*")
  return path, path:match("^(/.*)/[^/]*$") or "/"
end

--- The domain that a cookie is for, and whether for that host alone; nil when it may not be.
function rules.domain_of(url, cookie)
  local domain = (cookie.domain or ""):lower():gsub("^%.", "")
  if domain == "" or domain == url.host then
    -- Under a public suffix a host may speak for itself alone.
    local is_alone = domain == "" or rules.is_address(domain) or web.is_public_suffix(domain)
    return url.host, is_alone
  elseif not is_within(url.host, domain) or web.is_public_suffix(domain) then
    return nil
  end
  return domain, false
end

--- Whether a cookie keeps what its name promises (RFC 6265bis, section 4.1.3).
function rules.keeps_promise(cookie, is_alone, url)
  local name = cookie.name:lower()
  if name:find("^__secure%-") then
    return cookie.secure and url.scheme == "https"
  elseif name:find("^__host%-") then
    return cookie.secure and url.scheme == "https" and is_alone and cookie.path == "/"
  end
  return true
end

--- When a cookie ends, in seconds since 1970; nil: with the program.
function rules.end_of(cookie, now)
  if cookie.max_age then
    return cookie.max_age > 0 and now + cookie.max_age or 0
  end
  return cookie.expires
end

return rules
