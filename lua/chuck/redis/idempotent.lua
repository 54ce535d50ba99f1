--- Commands that leave the same behind when they are carried out twice. LTRIM is none, nor is
--- what stores a difference or a sum: one of their sources may be what they have stored.

local idempotent = {}

local NAMES = {}
for name in
  ([[
    SET MSET HSET HMSET DEL UNLINK HDEL SADD SREM ZREM PERSIST EXPIREAT PEXPIREAT SETEX PSETEX
    SETBIT SETRANGE LSET PFADD GEOADD SINTERSTORE SUNIONSTORE ECHO PING XACK XDEL XTRIM
  ]]):gmatch("%S+")
do
  NAMES[name] = true
end

--- Words that make a command answer, or do, something else the second time.
local WORDS = { NX = true, XX = true, GET = true, INCR = true, GT = true, LT = true }

local function is_special(word)
  return type(word) == "string" and #word <= 4 and WORDS[word:upper()] or false
end

--- Whether such a word is in a table, by whatever key.
local function has_special(items)
  for key, value in pairs(items) do
    if is_special(key) or is_special(value) then
      return true
    end
  end
  return false
end

--- Whether a command may be sent again when nobody knows what became of it.
function idempotent.is(spec, ...)
  if spec.is_read_only then
    return true
  elseif not NAMES[spec.name] then
    return false
  end
  for i = 1, select("#", ...) do
    local word = select(i, ...)
    if is_special(word) or type(word) == "table" and has_special(word) then
      return false
    end
  end
  return true
end

return idempotent
