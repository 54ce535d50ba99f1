--- Commands that wait at the server have connections of their own: on the one that tasks share, all
--- the others would wait with them.
---
---     client:BLPop("queue", 0)        -- parks until there is something; nobody else is held up
---
--- ```text
---   idle ----------> busy ---- reply ----> idle      closed after a while, or when enough are
---    open when there  |
---    is none          +-- given up, cancelled, out of time ----> closed
--- ```
---
--- Who gives up closes the connection, so that the server does not take something out for nobody.
--- A server that is gone without a word is found by the heartbeat of the shared connection: when
--- that has been silent for too long, the waits here end with it.

local client = require("chuck.redis.client")
local limits = require("chuck.redis.limits")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")

local blocking = {}

--- Ends of the shared link that say: nothing at all comes from there any more.
local UNREACHABLE = { ETIMEDOUT = true, EHOSTUNREACH = true, ENETUNREACH = true, ENETDOWN = true }

--- Stands in line for the reply to ASKING, which a node of a cluster is told.
local DEAF = { taker = function() end, loser = function() end, place = 0 }

--- What a command is sent with, tables taken apart as the connection does it.
local function flatten(...)
  local list, n = {}, 0
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if type(value) ~= "table" then
      n = n + 1
      list[n] = value
    elseif #value > 0 then
      for _, item in ipairs(value) do
        n = n + 1
        list[n] = item
      end
    else
      for key, item in pairs(value) do
        list[n + 1], list[n + 2] = key, item
        n = n + 2
      end
    end
  end
  return list, n
end

--- The milliseconds behind the word BLOCK, which stands before the keys. Groups and consumers may
--- have any name.
local function after_block(list, n)
  local i = 1
  while i < n do
    local word = type(list[i]) == "string" and list[i]:upper()
    if word == "BLOCK" then
      return tonumber(list[i + 1]) or -1
    elseif word == "STREAMS" then
      return nil
    end
    i = i + (word == "GROUP" and 3 or 1)
  end
end

--- How long a command waits at the server, in milliseconds: infinity, or nil when it does not. What
--- the server will not understand is no time.
function blocking.time_of(spec, ...)
  local list, n = flatten(...)
  local ms
  if spec.block == "BLOCK" then
    ms = after_block(list, n)
    if not ms then
      return nil
    end
  elseif spec.block == "second" then
    ms = tonumber(list[2]) or -1
  else
    ms = (tonumber(list[spec.block == "first" and 1 or n]) or -1) * 1000
  end
  return ms == 0 and math.huge or math.max(ms, 0)
end

--- Ends connections that have been idle for long.
local function sweep(pool)
  pool.timer = false
  local old = sched.now() - pool.idle_ms
  for i = #pool.idle, 1, -1 do
    local link = pool.idle[i]
    if link.idle_since <= old then
      link:Close()
    end
  end
  pool:Watch()
end

local Pool = {}
Pool.__index = Pool

--- Has idle connections looked after, while there are any.
function Pool:Watch()
  if self.idle[1] and not self.timer then
    local left = self.idle[1].idle_since + self.idle_ms - sched.now()
    self.timer = sched.timer(math.max(left, 1), function()
      sweep(self)
    end)
  elseif not self.idle[1] and self.timer then
    self.timer:UnRegister()
    self.timer = false
  end
end

--- A connection has ended.
function Pool:Forget(link)
  self.count = self.count - 1
  self.all[link] = nil
  for i, other in ipairs(self.idle) do
    if other == link then
      table.remove(self.idle, i)
      self:Watch()
      return
    end
  end
end

--- A connection is free again.
function Pool:Release(link)
  if link.ended then
    return
  elseif #self.idle >= self.most_idle then
    link:Close()
  else
    link.idle_since = sched.now()
    table.insert(self.idle, link)
    self:Watch()
  end
end

--- Whoever leaves the line, because of time or a cancellation, ends the connection.
local function leave(link, task)
  link.line[task.place] = false
  link:Close()
end

--- A connection that was just opened.
function Pool:Admit(link)
  self.all[link] = true
  self.opened = self.opened + 1
  link.Leave = leave
  function link.on_end()
    self:Forget(link)
  end
  return link
end

--- The shared link is lost: what is idle may be that of a server that was replaced, and what waits
--- may wait for one that is not there any more.
local function lose(self, from)
  local pool = self.blocking
  while pool.idle[1] do
    pool.idle[#pool.idle]:Close()
  end
  if UNREACHABLE[from.ended.code] then
    for link in pairs(pool.all) do
      link:Close(from.ended.code, "not heard of any more by the connection that tasks share")
    end
  end
end

local function pool_of(self)
  if not self.blocking then
    local made = self.options
    self.blocking = setmetatable({
      --- Connections in all, those that are being opened included; those that are open, and of them
      --- those that nobody uses, the one used last at the end.
      count = 0,
      all = {},
      idle = {},
      most = made.blocking or limits.blocking,
      most_idle = limits.blocking_idle,
      idle_ms = limits.blocking_idle_ms,
      timer = false,
      --- Connections that were opened, in all.
      opened = 0,
    }, Pool)
    table.insert(self.on_loss, lose)
  end
  return self.blocking
end

---@async
local function open(self, give_up)
  local up, message, code, err = self.keeper:Link(math.max(give_up - sched.now(), 0))
  if not up then
    return nil, message, code, err
  end
  local left = math.max(give_up - sched.now(), 1)
  return self:OpenLink({ connect_ms = math.min(left, self.options.connect_ms) })
end

--- A connection for one command; or `nil, message, code[, err]`.
---@async
local function acquire(self, pool, give_up)
  local link = table.remove(pool.idle)
  if link then
    pool:Watch()
    return link
  elseif pool.count >= pool.most then
    local why = ("%d commands block already, limit is %d"):format(pool.count, pool.most)
    return outcome.none(self.keeper.place, why, "EBUSY")
  end
  pool.count = pool.count + 1
  local fine, message, code, err
  fine, link, message, code, err = sched.pcall(open, self, give_up)
  if fine and link then
    return pool:Admit(link)
  end
  pool.count = pool.count - 1
  if not fine then
    error(link, 0)
  end
  return nil, message, code, err
end

--- Sends a command by a connection that is given back whatever happens, and parks for its reply.
---@async
local function exchange(pool, link, timeout_ms, spec, ...)
  local fine, value, message, code = sched.pcall(client.request, link, timeout_ms, spec, ...)
  if not fine then
    link:Close()
    error(value, 0)
  end
  pool:Release(link)
  return value, message, code
end

--- Sends a command that blocks for `block_ms`, and parks for its reply: that long and as long as
--- other commands may take, or just as long as `how` says.
---@async
local function wait(self, how, block_ms, spec, ...)
  -- Here, where the line of the caller is known on every Lua.
  sched.parking()
  local pool, tries = pool_of(self), 0
  local given_ms = how and how.timeout_ms
  local own_ms = given_ms or self.timeout_ms
  local give_up = sched.now() + own_ms
  while true do
    local link, message, code, err = acquire(self, pool, give_up)
    if not link then
      return client.no_link(self, spec, message, code, err)
    end
    local most = given_ms and math.max(give_up - sched.now(), 1) or block_ms + own_ms
    local value
    if how and how.is_asking then
      link:Submit(DEAF, "ASKING")
    end
    value, message, code = exchange(pool, link, most, spec, ...)
    if value ~= nil and (value ~= false or not message) then
      return client.answer(self, spec, link, value, ...)
    elseif value == false then
      client.wrong(spec, message, code)
    elseif
      code == "ETIMEDOUT"
      or tries >= self.options.retries
      or not client.may_repeat(self, spec, link, how, ...)
    then
      return client.no_reply(self, spec, link, message, code)
    end
    tries = tries + 1
    self.repeats = self.repeats + 1
    give_up = given_ms and give_up or sched.now() + own_ms
  end
end

--- WAIT is about the writes of its own connection: it stays with them, and holds up what follows.
---@async
local function hold_up(self, how, spec, ...)
  local ms = blocking.time_of(spec, ...)
  local most = how and how.timeout_ms or self.timeout_ms
  if ms >= most then
    local message = "%s holds up the connection that tasks share: a time of 1 to %g ms expected"
    outcome.blame(message:format(spec.name, most))
  end
  return self:Perform(how, spec, ...)
end

--- Carries out a command that may block; `how` as in `CallWith`, or nil.
---@async
function blocking.call(self, how, spec, ...)
  if spec.block == "second" then
    return hold_up(self, how, spec, ...)
  end
  local block_ms = blocking.time_of(spec, ...)
  if not block_ms then
    return self:Perform(how, spec, ...)
  elseif self.arguments then
    return wait(self, how, block_ms, spec, self.arguments(spec.name, ...))
  end
  return wait(self, how, block_ms, spec, ...)
end

--- Counters of the connections for commands that block.
function blocking.stats(pool)
  return { connections = pool.count, idle = #pool.idle, opened = pool.opened }
end

return blocking
