--- Texts that a client keeps for us and cannot change: signed with HMAC-SHA256.
---
---     local sealed = seal.close(keys, "session", "text")        -- signed with the first key
---     local text, is_old = seal.open(keys, "session", sealed)   -- nil when no key has signed it
---
--- The text can be read by whoever has it. What was signed for one purpose is not valid for
--- another.

local check = require("chuck.support.check")
local native = require("chuck.native")

local web = native.web

local seal = {}

--- Bytes of a key.
local SHORTEST = 16

--- A list of keys: one key, or a list, the newest first.
function seal.keys(name, keys)
  if type(keys) == "string" then
    keys = { keys }
  end
  local list = {}
  for i = 1, type(keys) == "table" and #keys or 0 do
    if type(keys[i]) ~= "string" or #keys[i] < SHORTEST then
      list = {}
      break
    end
    list[i] = keys[i]
  end
  if #list == 0 then
    local message = "bad argument #1 to '%s' (keys: secrets of at least %d bytes, the newest first)"
    check.blame("http", message:format(name, SHORTEST))
  end
  return list
end

local function sign(key, purpose, coded)
  return web.hmac_sha256(key, #purpose .. ":" .. purpose .. coded)
end

--- A text with its signature, of characters that a cookie may have.
function seal.close(keys, purpose, text)
  local coded = web.base64(text, "url")
  return coded .. "." .. web.base64(sign(keys[1], purpose, coded), "url")
end

--- The text of what `close` has made, and whether it was not the newest key; else nil.
function seal.open(keys, purpose, sealed)
  local coded, tail = sealed:match("^([%w_-]+)%.([%w_-]+)$")
  local signature = tail and web.unbase64(tail, "url")
  if not signature then
    return nil
  end
  for i = 1, #keys do
    if web.equal(signature, sign(keys[i], purpose, coded)) then
      return web.unbase64(coded, "url"), i > 1
    end
  end
end

return seal
