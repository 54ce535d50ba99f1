--- How much each of many may still do: a bucket of tokens for each key, which fills up with time.
---
---     local all = buckets.new(100, 60000, 10000)    -- 100 in a minute, 10,000 keys are remembered
---     local is_fine, left, wait_ms = all:Take("10.0.0.1", now)
---
--- A full bucket is as good as none, so keys are forgotten once they were not seen for as long as
--- filling takes. When more keys come in that time than are remembered, those not seen for longest
--- are forgotten, half of all at a time.

local buckets = {}

---@class chuck.http.Buckets
local Buckets = {}
Buckets.__index = Buckets

--- `limit` tokens come back in `window_ms`, and no more than that are kept.
function buckets.new(limit, window_ms, max_keys)
  return setmetatable({
    limit = limit,
    --- Tokens that come back in a millisecond.
    rate = limit / window_ms,
    window_ms = window_ms,
    --- Keys of one generation.
    room = math.max(1, math.floor(max_keys / 2)),
    --- Tokens left and when that was, by key: of keys seen since the last change, and before.
    tokens = {},
    times = {},
    count = 0,
    old_tokens = {},
    old_times = {},
    --- When the generations have last changed.
    since = false,
  }, Buckets)
end

--- The younger generation becomes the older, which is forgotten.
local function age(self, now)
  self.old_tokens, self.old_times = self.tokens, self.times
  self.tokens, self.times = {}, {}
  self.count, self.since = 0, now
end

--- Whether a key may go on, how many tokens it has left, and the milliseconds until it has the
--- next, or all when it may go on.
function Buckets:Take(key, now)
  self.since = self.since or now
  if now - self.since >= self.window_ms then
    age(self, now)
  end
  local tokens, time = self.tokens[key], self.times[key]
  if not tokens then
    if self.count >= self.room then
      age(self, now)
    end
    self.count = self.count + 1
    tokens, time = self.old_tokens[key] or self.limit, self.old_times[key] or now
  end
  tokens = math.min(self.limit, tokens + math.max(0, now - time) * self.rate)
  local is_fine = tokens >= 1
  if is_fine then
    tokens = tokens - 1
  end
  self.tokens[key], self.times[key] = tokens, now
  local wanted = is_fine and self.limit or 1
  return is_fine, math.floor(tokens), (wanted - tokens) / self.rate
end

return buckets
