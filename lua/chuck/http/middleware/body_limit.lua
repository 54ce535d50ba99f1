--- A smaller limit for the bodies of some requests than the server has for all.
---
---     app:Post("/notes", http.middleware.body_limit(64 * 1024), add_note)
---
--- A body that is announced as larger is answered with 413 before the handler runs. One without a
--- length is read up to the limit; then reading answers `nil, message, "EHTTPTOOLARGE"`, and the
--- client gets 413 unless the handler answers otherwise.

local check = require("chuck.support.check")
local request = require("chuck.http.server.request")
local status = require("chuck.http.status")

local Request = request.class

local function words(max)
  return ("a body of more than %d bytes"):format(max)
end

--- What counts the bytes that a request reads.
local function watch(req, max)
  local received = 0
  local function too_large()
    local inflow = req.inflow
    inflow:Fail(words(max), "EHTTPTOOLARGE", 413)
    req:Discard()
    return nil, words(max), "EHTTPTOOLARGE"
  end
  function req:Read(most)
    if most ~= nil then
      check.type("Read", 1, most, "positive integer")
    end
    if received > max then
      return nil, words(max), "EHTTPTOOLARGE"
    end
    local piece, message, code = Request.Read(self, most)
    received = received + (piece and #piece or 0)
    if received > max then
      return too_large()
    end
    return piece, message, code
  end
  function req:Body(most)
    if most ~= nil then
      check.type("Body", 1, most, "count")
    end
    local left = math.max(0, max - received)
    if received > max then
      return nil, words(max), "EHTTPTOOLARGE"
    end
    local text, message, code = Request.Body(self, most and math.min(most, left) or left)
    if code == "EHTTPTOOLARGE" and (not most or most > left) then
      received = max + 1
      return too_large()
    end
    return text, message, code
  end
end

return function(max)
  check.type("body_limit", 1, max, "count")
  return function(req, _, next)
    local announced = tonumber(req:Header("Content-Length"))
    local size = req.ready and #req.ready or announced or 0
    if size > max then
      error(status.error(413, words(max)), 0)
    elseif not req.ready and not announced then
      watch(req, max)
    end
    return next()
  end
end
