--- SOCKS 5 (RFC 1928, RFC 1929): what a proxy is told before the connection leads to the server.
---
--- ```text
---   05 methods…           ->      05 method                       0 none, 2 password, ff refused
---   01 user password      ->      01 status                       when it was 2
---   05 01 00 address port ->      05 reply 00 address port        0 is success
--- ```
---
--- Names are resolved by the proxy.

local socks = {}

local REPLIES = {
  [1] = { "ECONNREFUSED", "general failure" },
  [2] = { "EACCES", "not allowed by its rules" },
  [3] = { "ENETUNREACH", "network unreachable" },
  [4] = { "EHOSTUNREACH", "host unreachable" },
  [5] = { "ECONNREFUSED", "connection refused" },
  [6] = { "ETIMEDOUT", "time to live expired" },
  [7] = { "EOPNOTSUPP", "command not supported" },
  [8] = { "EAFNOSUPPORT", "kind of address not supported" },
}

--- Bytes of an address by its kind; a name says how long it is.
local SIZES = { [1] = 4, [4] = 16 }

local function number_bytes(number)
  return string.char(math.floor(number / 256) % 256, number % 256)
end

--- An address as the protocol writes it; nil for a name that is too long. An IPv6 address goes as
--- a name, which proxies read as well.
local function address_of(host)
  local a, b, c, d = host:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
  if a and tonumber(a) < 256 and tonumber(b) < 256 and tonumber(c) < 256 and tonumber(d) < 256 then
    return "\1" .. string.char(a, b, c, d)
  elseif #host > 255 then
    return nil
  end
  return "\3" .. string.char(#host) .. host
end

--- Says who we are, if the proxy wants to know.
---@async
local function introduce(stream, proxy, left)
  local methods = proxy.user and "\5\2\0\2" or "\5\1\0"
  stream:Write(methods)
  local answer, why, code = stream:Read(2, left())
  if not answer then
    return nil, why, code
  end
  local version, method = answer:byte(1, 2)
  if version ~= 5 then
    return nil, "what answers is no proxy of SOCKS 5", "EPROTO"
  elseif method == 0 then
    return true
  elseif method ~= 2 or not proxy.user then
    return nil, "the proxy wants other credentials", "EACCES"
  end
  local user, password = proxy.user, proxy.password
  stream:Write("\1", string.char(#user), user, string.char(#password), password)
  answer, why, code = stream:Read(2, left())
  if not answer then
    return nil, why, code
  elseif answer:byte(2) ~= 0 then
    return nil, "the proxy does not take user and password", "EACCES"
  end
  return true
end

--- Reads the address behind a reply, which nobody needs.
---@async
local function skip_address(stream, kind, left)
  local size, why, code = SIZES[kind], nil, nil
  if kind == 3 then
    local byte
    byte, why, code = stream:Read(1, left())
    size = byte and byte:byte()
  elseif not size then
    return nil, "what answers is no proxy of SOCKS 5", "EPROTO"
  end
  if not size then
    return nil, why, code
  end
  return stream:Read(size + 2, left())
end

--- Has the proxy at the other end of `stream` connect to the server of a route: true, or
--- `nil, why, code`. `left()` is the time that is left, in milliseconds.
---@async
function socks.greet(stream, route, left)
  local place = address_of(route.host)
  if not place then
    return nil, "the name of the host is too long for SOCKS 5", "ENAMETOOLONG"
  end
  local done, why, code = introduce(stream, route.proxy, left)
  if not done then
    return nil, why, code
  end
  stream:Write("\5\1\0", place, number_bytes(route.port))
  local answer
  answer, why, code = stream:Read(4, left())
  if not answer then
    return nil, why, code
  end
  local version, reply, _, kind = answer:byte(1, 4)
  if version ~= 5 then
    return nil, "what answers is no proxy of SOCKS 5", "EPROTO"
  elseif reply ~= 0 then
    local known = REPLIES[reply] or { "EPROTO", "reply " .. reply }
    return nil, "the proxy has no connection to the server: " .. known[2], known[1]
  end
  return skip_address(stream, kind, left)
end

return socks
