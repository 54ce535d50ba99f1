--- Addresses as text, before anything is resolved: `host:80`, `:80`, `[::1]:80`, `unix:/path`.
---
---     address.split("example.org:80")     --> "example.org", 80
---     address.split("[::1]:80")           --> "::1", 80
---     address.join("::1", 80)             --> "[::1]:80"

local address = {}

local PORT_MAX = 65535

--- Host and port; nil when it is nothing of the kind.
--- @return string? host without brackets; "" when there is none
--- @return integer? port
function address.split(text)
  local host, digits = text:match("^%[([^%[%]]*:[^%[%]]*)%]:(%d+)$")
  if not host then
    host, digits = text:match("^([^:%[%]]*):(%d+)$")
  end
  local port = tonumber(digits)
  if port and #digits <= 5 and port <= PORT_MAX then
    return host, port
  end
end

--- The address that chuck's native functions read.
function address.join(host, port)
  return (host:find(":", 1, true) and "[%s]:%d" or "%s:%d"):format(host, port)
end

--- IPv6 first, then the families take turns, each in the order it had (RFC 8305, section 4).
--- @param ips string[]
--- @return string[]
function address.take_turns(ips)
  local six, four = {}, {}
  for _, ip in ipairs(ips) do
    local list = ip:find(":", 1, true) and six or four
    list[#list + 1] = ip
  end
  local ordered = {}
  for i = 1, math.max(#six, #four) do
    ordered[#ordered + 1] = six[i]
    ordered[#ordered + 1] = four[i]
  end
  return ordered
end

--- Whether it is the address of a Unix socket.
function address.is_unix(text)
  return text:find("^unix:") ~= nil
end

return address
