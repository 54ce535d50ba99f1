--- Entries of streams and what is known of them, from replies as they come.

local native = require("chuck.native")

local null = native.redis.null

local entries = {}

--- `{ id, { name, value, … } }` as a table with `id`, `fields` by name, and the `list` as it came,
--- which has the order and names that occur twice. nil for an entry that was deleted.
function entries.entry(reply)
  local list = reply[2]
  if type(list) ~= "table" then
    return nil
  end
  local fields = {}
  for i = 1, #list - 1, 2 do
    fields[list[i]] = list[i + 1]
  end
  return { id = reply[1], fields = fields, list = list }
end

--- A list of raw entries; nil for what is none. Of an entry that was deleted there is only the id.
function entries.list(reply)
  if type(reply) ~= "table" then
    return nil
  end
  for i = 1, #reply do
    if type(reply[i]) ~= "table" or type(reply[i][1]) ~= "string" then
      return nil
    end
  end
  return reply
end

--- The raw entries of one stream in a reply of XREAD: a map in RESP3, a list of pairs in RESP2. nil
--- for what is no such reply.
function entries.of_read(reply, key)
  if reply == null then
    return {}
  elseif type(reply) ~= "table" then
    return nil
  end
  local list = reply[key]
  if list == nil and type(reply[1]) == "table" then
    list = reply[1][2]
  end
  return list == nil and {} or entries.list(list)
end

--- The cursor and the entries of XAUTOCLAIM; nil for what is no such reply. Older servers have null
--- for entries that were deleted.
function entries.of_claim(reply)
  if type(reply) ~= "table" or type(reply[1]) ~= "string" or type(reply[2]) ~= "table" then
    return nil
  end
  local list = {}
  for i = 1, #reply[2] do
    if reply[2][i] ~= null then
      list[#list + 1] = reply[2][i]
    end
  end
  return reply[1], entries.list(list)
end

local function text_or_nil(value)
  return value ~= null and value or nil
end

--- The summary of XPENDING; nil for what is none.
function entries.summary(reply)
  if type(reply) ~= "table" then
    return nil
  end
  local list = reply[4] ~= null and reply[4] or {}
  if not entries.list(list) then
    return nil
  end
  local consumers = {}
  for _, pair in ipairs(list) do
    consumers[pair[1]] = tonumber(pair[2])
  end
  return {
    count = reply[1],
    first = text_or_nil(reply[2]),
    last = text_or_nil(reply[3]),
    consumers = consumers,
  }
end

--- The list of XPENDING; nil for what is none.
function entries.pending(reply)
  if not entries.list(reply) then
    return nil
  end
  local list = {}
  for i = 1, #reply do
    local item = reply[i]
    if type(item[4]) ~= "number" then
      return nil
    end
    list[i] = { id = item[1], consumer = item[2], idle_ms = item[3], deliveries = item[4] }
  end
  return list
end

--- What is answered for a reply that makes no sense.
function entries.violation(place, name)
  return nil, ("%s: %s: a reply that makes no sense"):format(place, name), "ERDISPERROR"
end

return entries
