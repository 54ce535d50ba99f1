--- One request by one link: written, with its body, and waited for until its head is there.
---
--- A server may answer before it has everything. When it refuses (400 and up) nothing more is sent;
--- otherwise the body goes on, and what has come meanwhile is kept.

local limits = require("chuck.http.client.limits")
local link = require("chuck.http.client.link")
local native = require("chuck.native")
local outgoing = require("chuck.http.client.outgoing")
local sched = require("chuck.co.sched")

local send = {}

local left = link.left

--- Ends a turn from this side.
local function give_up(turn, why, code)
  turn:Abandon(code, why)
  return nil, why, code
end

--- Whether nothing more of a body is wanted: the server has refused it, or has ended.
local function is_unwanted(turn)
  return turn.failure or turn.is_done or turn.status and turn.status >= 400
end

--- Waits while too much is queued: true; false when nothing more is wanted; or `nil, why, code`.
---@async
local function await_room(turn, conn, options, deadline)
  local give_up_at, queued
  while true do
    if is_unwanted(turn) then
      return false
    end
    local now = conn:QueuedBytes()
    if now < limits.high_water then
      return true
    elseif not queued or now < queued then
      queued, give_up_at = now, sched.now() + options.write_ms
    end
    if not turn:Wait(left(give_up_at, deadline)) and conn:QueuedBytes() >= queued then
      local why = "%d bytes of the request wait to be sent, and nothing has left in time"
      return give_up(turn, why:format(queued), "ETIMEDOUT")
    end
  end
end

--- Writes a piece of a body, as `await_room`.
---@async
local function write(turn, conn, piece, options, deadline)
  for at = 1, #piece, limits.high_water do
    local has_room, why, code = await_room(turn, conn, options, deadline)
    if not has_room then
      return has_room, why, code
    end
    local part = #piece <= limits.high_water and piece or piece:sub(at, at + limits.high_water - 1)
    local done
    done, why, code = native.http.piece(conn, part)
    if not done and (code == "ESOCKCLOSE" or is_unwanted(turn)) then
      -- The server may have said why before it closed: the turn is told in this pass.
      return false
    elseif not done then
      return give_up(turn, "the body: " .. tostring(why), code)
    end
  end
  return true
end

--- Asks whoever makes the body for its next piece: the piece, nil at the end; or `false, why,
--- code`.
---@async
local function next_piece(read)
  local piece, why, code = read()
  if piece == nil and why then
    return false, tostring(why), code or "EIO"
  elseif piece ~= nil and type(piece) ~= "string" then
    return false, "a body is made of strings, got a " .. type(piece), "EINVAL"
  end
  return piece
end

--- Sends the body, as `await_room`.
---@async
local function send_body(turn, conn, request, deadline)
  local options = request.options
  request.is_opened = true
  local read = request.source.open()
  while not is_unwanted(turn) do
    local piece, why, code = next_piece(read)
    if piece == false then
      return give_up(turn, "the body: " .. why, code)
    elseif piece == nil then
      local done
      done, why, code = native.http.finish(conn, rawget(options, "trailers"))
      if not done and (code == "ESOCKCLOSE" or turn.failure) then
        return false
      elseif not done then
        return give_up(turn, "the body: " .. tostring(why), code)
      end
      return true
    elseif piece ~= "" then
      local done
      done, why, code = write(turn, conn, piece, options, deadline)
      if not done then
        return done, why, code
      end
    end
    if sched.now() > (deadline or math.huge) then
      return give_up(turn, "the request was not sent in time", "ETIMEDOUT")
    end
  end
  return false
end

--- Whether the server is asked first if it wants the body.
local function asks_first(request)
  local source, options = request.source, request.options
  if not source or outgoing.get(request.list, "expect") or options.expect == false then
    return false
  end
  return (source.size or math.huge) >= limits.expect_from and not request.is_refused
end

--- Waits until the server wants the body, or has not said so for a while: whether it is to be sent.
---@async
local function await_consent(turn, options, deadline)
  local give_up_at = sched.now() + options.expect_ms
  while not turn.is_continued and not turn.status and not turn.failure do
    if not turn:Wait(left(give_up_at, deadline)) then
      return true
    end
  end
  return turn.is_continued and not turn.failure
end

--- What the encoder says about a body, and nobody else: two opinions are how requests are smuggled.
local FRAMING = { ["content-length"] = true, ["transfer-encoding"] = true }

--- The fields that are sent: those of the request, and what the way needs.
local function fields_for(request, route)
  local list = {}
  for i = 1, #request.list, 2 do
    local name = request.list[i]
    if not FRAMING[name:lower()] then
      list[#list + 1], list[#list + 2] = name, request.list[i + 1]
    end
  end
  if route.kind == "forward" and route.proxy.authorization then
    list[#list + 1], list[#list + 2] = "Proxy-Authorization", route.proxy.authorization
  end
  if asks_first(request) then
    list[#list + 1], list[#list + 2] = "Expect", "100-continue"
  end
  return list
end

--- Waits for the head of the answer: true, or `nil, why, code`.
---@async
local function await_head(turn, options, deadline)
  local give_up_at = sched.now() + options.first_byte_ms
  while not turn.status do
    if turn.failure then
      return nil, turn.failure.why, turn.failure.code
    elseif not turn:Wait(left(give_up_at, deadline)) then
      local text = "no answer in %g ms"
      local ms = options.first_byte_ms
      if deadline and deadline < give_up_at then
        ms, text = options.timeout_ms, "no answer within the %g ms of the whole"
      end
      return give_up(turn, text:format(ms), "ETIMEDOUT")
    end
  end
  return true
end

--- What the encoder is to know of the body: its text, its size, or that it goes in chunks.
local function announced(source, expects)
  if not source then
    return nil
  end
  return not expects and source.text or source.size or true
end

--- Sends `request` by `over` and waits for the head of its answer: the turn; or `nil, why, code`,
--- and as a fourth value whether the server may have seen it.
---@async
function send.exchange(over, route, request, deadline)
  local options, source = request.options, request.source
  local turn = over:Begin("answer of " .. request.to.authority)
  if source then
    turn.ahead = math.max(options.max_body, limits.read_ahead)
  end
  local list = fields_for(request, route)
  local target = route.kind == "forward" and request.to.text or request.to.target
  over.is_last = (outgoing.get(list, "connection") or ""):lower():find("close", 1, true) ~= nil
  over.may_upgrade = outgoing.get(list, "upgrade") ~= nil
  local expects = outgoing.get(list, "expect")
  local conn, body = over.conn, announced(source, expects)
  local sent, n, text = native.http.request(conn, request.method, target, list, body, 0)
  if sent == false then
    over:Undo()
    return nil, "a request that cannot be sent: " .. tostring(text), "EINVAL"
  elseif not sent then
    return give_up(turn, n, text)
  end
  request.attempts = request.attempts + 1
  local is_whole = type(body) ~= "number" and body ~= true
  if not is_whole then
    if not expects or await_consent(turn, options, deadline) then
      local why, code
      is_whole, why, code = send_body(turn, conn, request, deadline)
      if is_whole == nil then
        return nil, why, code
      end
    end
  end
  turn.is_sent, turn.is_cut = is_whole, not is_whole
  over:Settle()
  local done, why, code = await_head(turn, options, deadline)
  if not done then
    return nil, why, code
  end
  turn.ahead = limits.read_ahead
  return turn
end

return send
