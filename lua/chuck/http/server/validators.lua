--- What a client has already, and whether it gets more: preconditions of requests in the order of
--- RFC 9110, section 13.2.2.
---
---     validators.judge(req, { tag = '"1a-5"', modified = 1700000000 })   --> nil, 304 or 412
---
--- A representation has an entity tag (false when it has none) and the second in which it was
--- changed last (false: unknown).

local native = require("chuck.native")

local find, match, sub = string.find, string.match, string.sub

local validators = {}

--- The tag without the mark of a weak one, and whether it had it.
local function opaque(tag)
  if sub(tag, 1, 2) == "W/" then
    return sub(tag, 3), true
  end
  return tag, false
end

--- Whether a list of entity tags has this one. Strong ones only are the same byte for byte.
local function lists(header, tag, is_strong)
  if match(header, "^%s*%*%s*$") then
    return true
  elseif not tag then
    return false
  end
  local own, own_is_weak = opaque(tag)
  local at = 1
  while true do
    local first, last, weak, quoted = find(header, '^[%s,]*(W?/?)("[^"]*")', at)
    if not first then
      return false
    elseif quoted == own and not (is_strong and (own_is_weak or weak ~= "")) then
      return true
    end
    at = last + 1
  end
end

--- The time in a field; nil when there is none, or what there is is no time: then it is ignored.
local function time_of(req, name)
  local header = req:Header(name)
  return header and native.web.date(header)
end

--- What the client asks of what it changes: whether that holds.
local function is_as_expected(req, it)
  local tags = req:Header("if-match")
  if tags then
    return lists(tags, it.tag, true)
  end
  local since = it.modified and time_of(req, "if-unmodified-since")
  return not since or it.modified <= since
end

--- Whether the client has what it would get.
local function is_known(req, it, reads)
  local tags = req:Header("if-none-match")
  if tags then
    return lists(tags, it.tag, false)
  end
  local since = reads and it.modified and time_of(req, "if-modified-since")
  return since and it.modified <= since or false
end

--- The status that answers the request without anything being done: 304, 412; nil to go on.
function validators.judge(req, it)
  local reads = req.method == "GET" or req.method == "HEAD"
  if not is_as_expected(req, it) then
    return 412
  elseif is_known(req, it, reads) then
    return reads and 304 or 412
  end
end

--- Whether a range may be sent: the client has its other parts from this very representation (RFC
--- 9110, section 13.1.5).
function validators.allows_range(req, it)
  local header = req:Header("if-range")
  if not header then
    return true
  elseif find(header, '"', 1, true) then
    local own, is_weak = opaque(it.tag or "")
    return not is_weak and match(header, "^%s*(.-)%s*$") == own
  end
  -- What was changed in this second may be changed again in it (RFC 9110, section 8.8.2.2).
  return it.modified and it.modified < os.time() and native.web.date(header) == it.modified or false
end

return validators
