--- The body of an answer as it comes: decoded, counted, and bounded.
---
--- ```text
---   turn -- piece --> decoder, if there is one -- piece --> Piece, All
--- ```

local limits = require("chuck.http.client.limits")
local sched = require("chuck.co.sched")

local incoming = {}

---@class chuck.http.Incoming
local Incoming = {}
Incoming.__index = Incoming

--- The next piece, decoded; nil at the end; `false, why, code`.
---@async
local function next_decoded(self, timeout_ms)
  while not self.is_finished do
    local piece, why, code = self.turn:Next(timeout_ms)
    if piece == false then
      return false, why, code
    elseif piece == nil and self.decoder.came == 0 then
      return nil
    end
    self.is_finished = piece == nil
    piece, why, code = self.decoder:Feed(piece or "", self.is_finished)
    if not piece then
      return false, why, code
    elseif piece ~= "" then
      return piece
    end
  end
  return nil
end

--- The next piece; nil at the end; `false, why, code`. After `"ETIMEDOUT"` it can be called again.
---@async
function Incoming:Piece(timeout_ms)
  if self.failure then
    return false, self.failure.why, self.failure.code
  elseif self.is_over then
    return nil
  end
  local piece, why, code
  if self.decoder then
    piece, why, code = next_decoded(self, timeout_ms)
  else
    piece, why, code = self.turn:Next(timeout_ms)
  end
  if piece then
    self.taken = self.taken + #piece
    if self.max and self.taken > self.max then
      return false, ("a body of more than %d bytes"):format(self.max), "EHTTPTOOLARGE"
    end
  elseif piece == nil then
    self.is_over = true
  end
  return piece, why, code
end

--- All that is left, by `deadline` if there is one: a string, or `false, why, code`.
---@async
function Incoming:All(max, deadline)
  local list, n, size = {}, 0, 0
  while true do
    local left = deadline and deadline - sched.now() or math.huge
    if left <= 0 then
      return false, "the body has not come to its end in time", "ETIMEDOUT"
    end
    local piece, why, code = self:Piece(math.min(self.read_ms, left))
    if piece == false then
      return false, why, code
    elseif piece == nil then
      return n == 1 and list[1] or table.concat(list)
    end
    n, size = n + 1, size + #piece
    list[n] = piece
    if max and size > max then
      return false, ("a body of more than %d bytes"):format(max), "EHTTPTOOLARGE"
    end
  end
end

--- Throws the rest away, if it is not more than `most` bytes in all and soon here, so that the
--- connection can be used again.
---@async
function Incoming:Discard(most, deadline)
  local turn = self.turn
  deadline = math.min(deadline, sched.now() + limits.discard_ms)
  while turn.link and turn.received <= most do
    if not turn:Next(math.max(deadline - sched.now(), 0)) then
      break
    end
  end
  self:End("the response is closed", "ESOCKCLOSE")
end

--- Gives the rest up.
function Incoming:End(why, code)
  if not self.is_over then
    self.is_over = true
    self.failure = { why = why, code = code }
    self.turn:Abandon(code, why)
  end
end

--- What a turn brings. `max` is the most that its body may be, decoded; nil: no limit.
function incoming.new(turn, max, read_ms)
  return setmetatable({
    turn = turn,
    max = max,
    read_ms = read_ms,
    --- See decoding.lua; whether it was told of the end.
    decoder = nil,
    is_finished = false,
    --- Bytes that were taken.
    taken = 0,
    --- Nothing more will be read; and why, when that is not the end.
    is_over = false,
    failure = false,
  }, Incoming)
end

return incoming
