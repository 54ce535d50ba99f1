--- Bodies as they were before they were compressed: gzip, deflate, br.
---
--- What comes out is bounded by the decoders themselves: a few bytes can mean gigabytes.

local limits = require("chuck.http.client.limits")
local native = require("chuck.native")

local decoding = {}

local NAMES = { gzip = "gzip", ["x-gzip"] = "gzip", deflate = "deflate", br = "br" }

--- Codings as the field names them, the last applied first; nil when there is one that nobody knows
--- here, and then the body stays as it is.
local function codings_of(value)
  local list = {}
  for name in value:lower():gmatch("[^,%s]+") do
    if name ~= "identity" then
      if not NAMES[name] then
        return nil
      end
      table.insert(list, 1, NAMES[name])
    end
  end
  return list
end

---@class chuck.http.Decoding
local Decoding = {}
Decoding.__index = Decoding

--- What a piece becomes, `""` when that is nothing yet; or `nil, why, code`.
function Decoding:Feed(piece, is_last)
  self.came = self.came + #piece
  for _, step in ipairs(self.steps) do
    local out, why, code = step:Feed(piece, is_last and "finish" or nil)
    if not out then
      return nil, "the body cannot be decoded: " .. tostring(why), code or "EHTTPPARSE"
    end
    piece = out
  end
  return piece
end

--- A decoder for what "Content-Encoding" says; nil when there is nothing to decode; or
--- `false, why, code`. It makes no more than `max` bytes.
function decoding.new(value, max)
  local list = value and codings_of(value)
  if not list or #list == 0 then
    return nil
  elseif #list > limits.max_codings then
    local why = "a body in %d codings, limit is %d"
    return false, why:format(#list, limits.max_codings), "EHTTPTOOLARGE"
  end
  local steps = {}
  for i, name in ipairs(list) do
    steps[i] = native.web.decompressor(name, max)
  end
  return setmetatable({
    --- What a piece goes through, one after the other; bytes that have come.
    steps = steps,
    came = 0,
  }, Decoding)
end

return decoding
