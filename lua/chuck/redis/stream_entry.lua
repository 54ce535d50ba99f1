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

--- The raw entries of one stream in a reply of XREAD: a map in RESP3, a list of pairs in RESP2.
function entries.of_read(reply, key)
  if reply == null or type(reply) ~= "table" then
    return {}
  end
  local list = reply[key]
  if list == nil and type(reply[1]) == "table" then
    list = reply[1][2]
  end
  return type(list) == "table" and list or {}
end

local function text_or_nil(value)
  return value ~= null and value or nil
end

--- The summary of XPENDING.
function entries.summary(reply)
  local consumers = {}
  for _, pair in ipairs(reply[4] ~= null and reply[4] or {}) do
    consumers[pair[1]] = tonumber(pair[2])
  end
  return {
    count = reply[1],
    first = text_or_nil(reply[2]),
    last = text_or_nil(reply[3]),
    consumers = consumers,
  }
end

--- The list of XPENDING.
function entries.pending(reply)
  local list = {}
  for i = 1, #reply do
    local item = reply[i]
    list[i] = { id = item[1], consumer = item[2], idle_ms = item[3], deliveries = item[4] }
  end
  return list
end

return entries
