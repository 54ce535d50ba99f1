--- A whole request: cookies, hooks, a connection, redirects, and tries.
---
--- ```text
---   prepare -> acquire -> exchange -> cookies, hooks -> redirect? --> prepare again
---                ^           |
---                +-- stale --+      a kept connection that the server had ended meanwhile
--- ```

local jar = require("chuck.http.client.jar")
local limits = require("chuck.http.client.limits")
local outgoing = require("chuck.http.client.outgoing")
local redirect = require("chuck.http.client.redirect")
local reply = require("chuck.http.client.reply")
local route = require("chuck.http.client.route")
local sched = require("chuck.co.sched")
local send = require("chuck.http.client.send")

local fetch = {}

--- Ends of a kept connection that say: the server had ended it, and the request has met that.
local STALE =
  { EOF = true, ECONNRESET = true, EPIPE = true, ECONNABORTED = true, ESOCKCLOSE = true }

--- A failure, with what was asked for.
local function failure(request, why, code)
  return nil, ("%s %s: %s"):format(request.method, request.url, why), code
end

--- Sends and receives by one link, which is closed when that raises.
---@async
local function exchange(link, way, request, deadline)
  local fine, turn, why, code = sched.pcall(send.exchange, link, way, request, deadline)
  if not fine then
    link:Close("ECANCELED")
    error(turn, 0)
  end
  return turn, why, code
end

--- Whether a request that has failed by a link that was used before may be sent again, by a new
--- one.
local function may_repeat(request, link, code, was_sent)
  return STALE[code]
    and not link.has_answer
    and request.options.retry ~= false
    and (not was_sent or outgoing.is_repeatable(request))
end

--- Sends by a link that is there, or a new one: the turn, or `nil, why, code`.
---@async
local function try(client, way, request, deadline)
  local is_fresh = false
  while true do
    local link, was_used, code = client.origins:Acquire(way, deadline, is_fresh)
    if not link then
      return nil, was_used, code
    end
    local attempts = request.attempts
    local turn, why
    turn, why, code = exchange(link, way, request, deadline)
    if turn then
      return turn
    elseif not was_used or not may_repeat(request, link, code, request.attempts > attempts) then
      if STALE[code] and request.attempts > attempts then
        why = why .. "; it may have been carried out"
      end
      return nil, why, code
    end
    client.repeats = client.repeats + 1
    is_fresh = true
  end
end

--- Makes the fields of the next request, and lets hooks see them.
---@async
local function prepare(client, request)
  outgoing.prepare(request)
  local own = jar.choose(client, request.options.jar)
  local cookies = own and own:Header(request.url)
  if cookies then
    outgoing.add_cookies(request, cookies)
  end
  local hook = request.options.on_request
  if hook then
    hook(request)
  end
end

--- Keeps the cookies of an answer.
local function keep_cookies(client, request, response)
  local own = jar.choose(client, request.options.jar)
  if not own then
    return
  end
  for _, text in ipairs(response:Headers("set-cookie")) do
    own:Store(request.url, text)
  end
end

--- The way to where a request goes; or `nil, why`.
local function way_of(client, request)
  local options = request.options
  local proxy, why = route.choose(options.proxy, client.environment, request.to)
  if proxy == nil then
    return nil, why
  end
  return route.new(request.to, proxy, options.address)
end

--- One request and the head of its answer: or `nil, message, code`.
---@async
local function hop(client, request, history, deadline)
  prepare(client, request)
  local way, trouble = way_of(client, request)
  if not way then
    return failure(request, trouble, "EINVAL")
  end
  local turn, why, code = try(client, way, request, deadline)
  if not turn then
    return failure(request, why, code)
  end
  return reply.new(request, turn, history)
end

--- Whether a redirect is followed: what options say, which may be a function that is asked.
local function is_allowed(request, response, to)
  local policy = request.options.redirects
  if type(policy) == "function" then
    return policy(to.text, response)
  end
  return policy ~= false and policy ~= 0
end

--- Keeps the cookies of an answer, and lets the program see it before anything is done about it:
--- true, or `nil, message, code`.
---@async
local function show(client, request, response)
  keep_cookies(client, request, response)
  local done, why, code = reply.set_decoder(response)
  if not done then
    response.turn:Abandon(code, why)
    return failure(request, why, code)
  end
  local hook = request.options.on_response
  if hook then
    hook(response, request)
  end
  return true
end

--- Follows a redirect: true; nil when there is none to follow; or `false, message, code`.
---@async
local function follow(request, response, history, deadline)
  local to, why = redirect.target(request, response.status, response:Header("location"))
  if to == nil or not is_allowed(request, response, to or request.to) then
    return nil
  elseif to == false then
    response.body:Discard(0, deadline)
    return false, select(2, failure(request, why, "EINVAL")), "EINVAL"
  end
  local policy = request.options.redirects
  local most = type(policy) == "number" and policy or limits.redirects
  if #history >= most then
    response.body:Discard(0, deadline)
    local text = ("%d redirects, the next to %s"):format(#history, to.text:sub(1, 200))
    return false, select(2, failure(request, text)), "ELOOP"
  elseif not redirect.apply(request, response.status, to) then
    return nil
  end
  history[#history + 1] = { url = response.url, status = response.status }
  response.body:Discard(limits.discard, deadline)
  return true
end

--- Gives a response to whoever has asked: with its body, unless it is streamed.
---@async
local function finish(request, response, deadline)
  local done, why, code = reply.check_size(response)
  if done and not request.options.stream and response.status ~= 101 then
    done, why, code = reply.collect(response, deadline)
  elseif done then
    reply.guard(response)
  end
  if not done then
    response.turn:Abandon(code, why)
    return failure(request, why, code)
  end
  return response
end

--- Closes what a response has when `fn` raises.
---@async
local function guarded(response, fn, ...)
  local fine, first, message, code = sched.pcall(fn, ...)
  if not fine then
    response.turn:Abandon("ECANCELED")
    error(first, 0)
  end
  return first, message, code
end

--- Carries a request out: a response, or `nil, message, code`.
---@async
function fetch.run(client, request)
  local deadline = sched.now() + request.options.timeout_ms
  local history = {}
  while true do
    local response, message, code = hop(client, request, history, deadline)
    local seen = response
    if response then
      seen, message, code = guarded(response, show, client, request, response)
    end
    if not seen then
      return nil, message, code
    elseif response.status == 417 and outgoing.refuse(request) then
      response.body:Discard(limits.discard, deadline)
    else
      local followed
      followed, message, code = guarded(response, follow, request, response, history, deadline)
      if followed == false then
        return nil, message, code
      elseif not followed then
        return guarded(response, finish, request, response, deadline)
      end
    end
  end
end

return fetch
