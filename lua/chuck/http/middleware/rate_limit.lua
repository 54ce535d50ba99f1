--- So many requests in a while for each client, the others are answered with 429.
---
---     app:Use(http.middleware.rate_limit({ limit = 100, window_ms = 60000 }))
---
--- Behind a proxy all clients have the proxy's address: give a `key` then.

local buckets = require("chuck.http.buckets")
local check = require("chuck.support.check")
local reply = require("chuck.http.middleware.reply")
local sched = require("chuck.co.sched")

--- Keys that are remembered.
local KEYS = 20000

--- Bytes of a key that count.
local LONGEST = 256

local OPTIONS = {
  key = "function",
  limit = "positive integer",
  max_keys = "positive integer",
  window_ms = "milliseconds",
}

--- The address of a client. Of IPv6 the first 64 bits, for who has one has all of them.
local function address_of(req)
  local ip = req.ip
  if not ip:find(":", 1, true) then
    return ip
  end
  ip = ip:gsub("^%[", ""):gsub("%]$", ""):gsub("%%.*$", "")
  local mapped = ip:match("^::[fF][fF][fF][fF]:(%d+%.%d+%.%d+%.%d+)$")
  if mapped then
    return mapped
  end
  local groups, before = {}, ip:match("^(.-)::") or ip
  for group in before:gmatch("%x+") do
    groups[#groups + 1] = tonumber(group, 16)
  end
  for i = #groups + 1, 4 do
    groups[i] = 0
  end
  return ("%x:%x:%x:%x::"):format(groups[1], groups[2], groups[3], groups[4])
end

local function seconds(ms)
  return tostring(math.max(1, math.ceil(ms / 1000)))
end

return function(options)
  check.type("rate_limit", 1, options, "table")
  check.options("rate_limit", 1, options, OPTIONS)
  local limit, window_ms = options.limit, options.window_ms or 60000
  if not limit or window_ms <= 0 then
    check.blame("http", "bad argument #1 to 'rate_limit' (limit and a window_ms above 0 expected)")
  end
  local all = buckets.new(limit, window_ms, options.max_keys or KEYS)
  local key_of = options.key or address_of
  local policy = ("%d;w=%s"):format(limit, seconds(window_ms))
  return function(req, res, next)
    local key = key_of(req)
    if key == nil then
      return next()
    end
    local is_fine, left, wait_ms = all:Take(tostring(key):sub(1, LONGEST), sched.now())
    res:Set("RateLimit-Policy", policy):Set("RateLimit-Limit", limit)
    res:Set("RateLimit-Remaining", ("%d"):format(left)):Set("RateLimit-Reset", seconds(wait_ms))
    if is_fine then
      return next()
    end
    res:Set("Retry-After", seconds(wait_ms))
    return reply.deny(res, 429, "429 Too Many Requests")
  end
end
