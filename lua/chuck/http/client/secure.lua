--- The one place where `https://` begins, for servers and for proxies.
---
--- There is no TLS yet: what needs it is told so before anything is dialed. Everything around it is
--- there: pools keep secure origins apart, proxies are asked for tunnels to them.

local secure = {}

--- Whether `https://` can be spoken: true, or `nil, why, code`.
function secure.check(what)
  return nil, what .. " needs TLS, which this version does not have yet", "ENOSYS"
end

--- Makes a connection that leads to `host` secure: the connection to go on with, or
--- `nil, why, code`. It is in no engine, and nothing was sent but what leads there.
---@async
function secure.open(_, host)
  return secure.check("a connection to " .. host)
end

return secure
