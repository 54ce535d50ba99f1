--- Where an answer sends its client (RFC 9110, section 15.4).
---
--- ```text
---   301 302    POST becomes GET, as every browser does; others stay what they are
---   303        anything but HEAD becomes GET
---   307 308    the same again, with the same body
--- ```

local outgoing = require("chuck.http.client.outgoing")
local urls = require("chuck.http.client.urls")

local redirect = {}

local STATUSES = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

--- The method to go on with, and whether the body goes along.
function redirect.method_of(status, method)
  local becomes_get = status == 303 and method ~= "HEAD" and method ~= "GET"
    or (status == 301 or status == 302) and method == "POST"
  if becomes_get then
    return "GET", false
  end
  return method, true
end

--- Where an answer leads; nil when it leads nowhere; or `false, why`.
function redirect.target(request, status, location)
  if not STATUSES[status] or not location then
    return nil
  end
  local to, why = urls.follow(request.to, location)
  if not to then
    return false, "a redirect that cannot be followed: " .. tostring(why)
  end
  return to
end

--- Goes on to `to`: whether that can be done, with the same body if it is to go along.
function redirect.apply(request, status, to)
  local method, keeps_body = redirect.method_of(status, request.method)
  if keeps_body and not outgoing.has_body_again(request) then
    return false
  elseif not keeps_body then
    outgoing.drop_body(request, method)
  end
  outgoing.turn(request, to)
  return true
end

return redirect
