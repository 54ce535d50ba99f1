--- The body of a request: there as a whole, or on its way in pieces.
---
---     local text = req:Body(1024 * 1024)          -- at most so many bytes
---     for piece in req:Chunks() do … end          -- or as it arrives; not on Lua 5.1
---
--- What arrives before it is read is kept up to a limit; then the client has to wait. Reading
--- answers `nil, message, code` when the body does not come to its end; a body of which nothing is
--- left is nil alone.

local check = require("chuck.support.check")
local native = require("chuck.native")
local status = require("chuck.http.status")

local http = native.http
local concat, sub = table.concat, string.sub

local body = {}

local function too_large(max)
  return nil, ("a body of more than %d bytes"):format(max), "EHTTPTOOLARGE"
end

local Request = {}

--- What of the body has arrived since the last call, of at most `max` bytes; nil at its end.
---@async
function Request:Read(max)
  if max ~= nil then
    check.type("Read", 1, max, "positive integer")
  end
  local piece = self.ready
  if piece == "" then
    return nil
  elseif piece then
    self.ready = max and sub(piece, max + 1) or ""
    return max and sub(piece, 1, max) or piece
  end
  if self.gathered and #self.gathered > 0 then
    self.inflow:PutBack(concat(self.gathered))
    self.gathered = nil
  end
  local message, code
  piece, message, code = self.inflow:Next()
  if piece and max and #piece > max then
    self.inflow:PutBack(sub(piece, max + 1))
    return sub(piece, 1, max)
  end
  self.exchange:Touch(self)
  return piece, message, code
end

--- The whole body, or what of it was not read. Of more than `max` bytes it is not.
---@async
function Request:Body(max)
  if max ~= nil then
    check.type("Body", 1, max, "count")
  end
  local ready = self.ready
  if ready then
    if max and #ready > max then
      return too_large(max)
    end
    return ready
  end
  -- What has arrived stays with the request: who is cancelled here may ask again.
  local inflow, pieces, size = self.inflow, self.gathered or {}, 0
  self.gathered = pieces
  for i = 1, #pieces do
    size = size + #pieces[i]
  end
  local announced = max and tonumber(http.value(self.head, "content-length"))
  if announced and announced > max then
    return too_large(max)
  end
  while true do
    local piece, message, code = inflow:Next()
    if not piece then
      if code then
        return nil, message, code
      end
      break
    end
    size = size + #piece
    if max and size > max then
      self.gathered = nil
      inflow:Discard()
      return too_large(max)
    end
    pieces[#pieces + 1] = piece
  end
  self.exchange:Touch(self)
  self.ready, self.gathered = concat(pieces), nil
  return self.ready
end

--- An iterator over the body as it arrives. A body that does not come to its end raises an error
--- that answers the request.
function Request:Chunks(max)
  return function()
    local piece, message, code = self:Read(max)
    if code then
      local failure = self.inflow and self.inflow.failure
      error(status.error(failure and failure.status or 400, message), 0)
    end
    return piece
  end
end

--- The body as JSON; `nil, message, "EINVAL"` when it is none.
---@async
function Request:Json(max)
  local text, message, code = self:Body(max)
  if not text then
    return nil, message, code
  end
  local value, why = native.json.decode(text)
  if value == nil and why then
    return nil, "the body is no JSON: " .. tostring(why), "EINVAL"
  end
  return value
end

--- The body of a form: a table of name -> value, and the list of all pairs.
---@async
function Request:Form(max)
  return require("chuck.http.server.form")(self, max)
end

--- A reader for a body of several parts.
---@async
function Request:Multipart(options)
  return require("chuck.http.server.multipart")(self, options)
end

--- The fields behind the body, as a list of `{ name, value }`; nil before its end.
function Request:Trailers()
  local inflow = self.inflow
  if inflow and not inflow.is_complete then
    return nil
  end
  return inflow and inflow.trailers and http.fields(inflow.trailers) or {}
end

--- Has what is left of the body thrown away.
function Request:Discard()
  if self.ready then
    self.ready = ""
  else
    self.inflow:Discard()
    self.exchange:Regulate()
  end
end

body.methods = Request

return body
