--- Commands that go each to the node of its keys, in as few writes as there are nodes, and are
--- sent again where a node sends them elsewhere.
---
--- ```text
---                     a value, an error of the command
---  waits -> sent ---------------------------------------> answered
---    ^        |   MOVED, ASK: to another node
---    |        |   TRYAGAIN, CLUSTERDOWN, …: after a pause
---    +--------+   link broken: if it may be carried out twice   -> lost
--- ```
---
--- What a node refuses with a redirection it has not carried out. What was sent by a link that has
--- broken may have been: that is sent again only if asked for.

local idempotent = require("chuck.redis.idempotent")
local native = require("chuck.native")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")
local slots = require("chuck.redis.slots")

local concat = table.concat
local is_error = outcome.is_error

local spread = {}

--- The longest pause between two attempts, in milliseconds.
local LONGEST = 100

--- Redirections that are followed without any pause: more means that nodes do not agree.
local AT_ONCE = 3

--- The time that items wait for a node before others are tried again, in milliseconds.
local PATIENCE = 100

--- Errors that pass: the command was refused, and the same node or another will take it soon.
local PASSING =
  { TRYAGAIN = true, CLUSTERDOWN = true, LOADING = true, MASTERDOWN = true, READONLY = true }

local NONE = {}

local ASKING = native.redis.encode("ASKING")

--- Stands in line for the reply to ASKING.
local DEAF = { taker = function() end, loser = function() end, place = 0 }

---@class chuck.redis.Item
local Item = {}
Item.__index = Item

--- An answer has come, or will not: the last of a round wakes the task.
local function count(self)
  local round = self.round
  if not round then
    -- It comes too late.
    return
  end
  round.left = round.left - 1
  if round.left == 0 and round.task then
    sched.wake(round.task, true)
  end
end

function Item:taker(value)
  self.value = value
  count(self)
end

--- Why a reply is an error: for a command, what it says.
function Item:Reason()
  return self.value
end

function Item:loser(message, code)
  self.message, self.code, self.is_lost = message, code, true
  count(self)
end

--- A command for the node of `slot`; nil: for any. `bytes` is how it is sent.
function spread.item(spec, slot, bytes)
  return setmetatable({
    spec = spec,
    slot = slot,
    bytes = bytes,
    --- Whether it may be carried out twice.
    is_repeatable = false,
    --- Whether no replica may carry it out, though it only reads.
    is_of_master = false,
    --- Replies that come before its own, and who takes them (MULTI): entries of a link.
    before = false,
    --- A command before it, on whose connection it must be sent (WAIT).
    leader = false,
    --- Where it goes next because a node has said so, and whether that one is to be told (ASK).
    target = false,
    is_asking = false,
    --- Where it was sent the last time, the protocol spoken there, and the round that it is in.
    node = false,
    protocol = false,
    round = false,
    --- The raw reply; or why there is none, and whether it was lost on the way.
    value = nil,
    message = false,
    code = false,
    err = nil,
    is_lost = false,
    --- How often it was redirected, was told to wait, and was sent again because a link broke.
    hops = 0,
    waits = 0,
    tries = 0,
    place = 0,
  }, Item)
end

--- Whether a command that was lost may be sent again.
function spread.may_repeat(options, how, spec, ...)
  if how and how.idempotent ~= nil then
    return how.idempotent
  end
  return options.in_flight == "retry" and idempotent.is(spec, ...)
end

--- Has a command go where an error of `node` sends it, or wait: false when that is its answer.
function spread.redirect(cluster, item, err, node)
  local code = err.code
  if code == "MOVED" or code == "ASK" then
    local slot, address = slots.target(err, node.address)
    if not address or item.hops >= cluster.options.redirections then
      return false
    end
    item.hops = item.hops + 1
    cluster.redirections = cluster.redirections + 1
    item.is_asking = code == "ASK"
    item.target = item.is_asking and cluster.nodes:At(address)
    if code == "MOVED" then
      -- The server knows better than we do in which slot the keys are.
      item.slot = slot
      cluster.nodes:Move(slot, address)
    end
    return true
  elseif PASSING[code] then
    -- A replica that cannot answer yet is left alone: its master can.
    item.is_of_master = true
    item.waits = item.waits + 1
    item.target, item.is_asking, item.hops = false, false, 0
    if code ~= "TRYAGAIN" then
      cluster.nodes:Want()
    end
    return true
  end
  return false
end

--- The link that an item can be sent by now; nil when there is none.
local function way(cluster, item)
  local node = item.target
  if item.leader then
    node = item.leader.node
  elseif not node then
    local may_read = item.spec.is_read_only and not item.is_of_master
    node = cluster.nodes:Pick(item.slot, may_read)
  end
  item.node = node or false
  return node and cluster.nodes:Client(node).keeper.link
end

--- Puts items together that go by the same link: a list of `{ link, pieces, entries, items }`; and
--- items that wait for a link.
local function group(cluster, items)
  local groups, by_link, waiting = {}, {}, {}
  for _, item in ipairs(items) do
    local from = way(cluster, item)
    if from then
      local bunch = by_link[from]
      if not bunch then
        bunch = { link = from, pieces = {}, entries = {}, items = {} }
        by_link[from] = bunch
        groups[#groups + 1] = bunch
      end
      if item.is_asking then
        bunch.pieces[#bunch.pieces + 1] = ASKING
        bunch.entries[#bunch.entries + 1] = DEAF
      end
      bunch.pieces[#bunch.pieces + 1] = item.bytes
      for _, entry in ipairs(item.before or NONE) do
        bunch.entries[#bunch.entries + 1] = entry
      end
      bunch.entries[#bunch.entries + 1] = item
      bunch.items[#bunch.items + 1] = item
    else
      waiting[#waiting + 1] = item
    end
  end
  return groups, waiting
end

--- Parks for a while until there may be a link for an item: `link, message, code, err`, and whether
--- another try is worth it.
---@async
local function seek(cluster, item, give_up)
  local nodes = cluster.nodes
  if item.node then
    return nodes:Link(item.node, give_up)
  end
  local may_read = item.spec.is_read_only and not item.is_of_master
  local node, message, code, err = nodes:Find(item.slot, may_read, give_up)
  return nil, message, code, err, node or not err and not nodes.is_closed
end

--- Parks for the links that items wait for: those of them for which it is worth another try.
---@async
local function await(cluster, waiting, give_up)
  local found, left = {}, {}
  for _, item in ipairs(waiting) do
    local first = item.leader or item
    local key = first.node or first.slot or NONE
    local what = found[key]
    if not what then
      -- Where nobody serves one slot the others do not have to wait for it.
      local till = waiting[2] and math.min(give_up, sched.now() + PATIENCE) or give_up
      local link, message, code, err, may_come = seek(cluster, first, till)
      what = { link = link, message = message, code = code, err = err, may_come = may_come }
      found[key] = what
    end
    if not what.link and what.message then
      item.value, item.message, item.code, item.err = nil, what.message, what.code, what.err
      item.target, item.is_asking = false, false
    end
    if what.link or what.may_come then
      left[#left + 1] = item
    end
  end
  return left
end

--- Sends what goes by one link; what could not be sent waits.
local function submit(bunch, round, waiting)
  local from = bunch.link
  for _, item in ipairs(bunch.items) do
    item.round, item.protocol = round, from.protocol
    item.value, item.is_lost = nil, false
  end
  local sent, message, code = from:SubmitBytes(concat(bunch.pieces), bunch.entries)
  if sent then
    round.left = round.left + #bunch.items
    return
  end
  for _, item in ipairs(bunch.items) do
    item.message, item.code = message, code
    item.round = false
    waiting[#waiting + 1] = item
  end
end

--- Those who give up leave their places in line; what comes later is dropped.
local function leave(round)
  round.task = false
end

--- Sends items, and parks until all are answered or lost: those that wait for another attempt.
---@async
local function play(cluster, items, give_up)
  local groups, waiting = group(cluster, items)
  local round = { left = 0, task = false, what = "replies of a cluster", Leave = leave }
  local task = sched.parking()
  for _, bunch in ipairs(groups) do
    submit(bunch, round, waiting)
  end
  if round.left > 0 then
    round.task = task
    sched.park(round, math.max(give_up - sched.now(), 0))
  end
  if waiting[1] then
    waiting = await(cluster, waiting, give_up)
  end
  return waiting
end

--- Whether an item that was sent has to be sent again.
local function is_undone(cluster, item)
  local node = item.node
  if item.value ~= nil then
    local err = is_error(item.value) and item:Reason()
    return err and spread.redirect(cluster, item, err, node)
  elseif not item.is_lost then
    local why = ("%s: no reply in time"):format(node.address)
    item.message, item.code, item.round = why, "ETIMEDOUT", false
    cluster.timeouts = cluster.timeouts + 1
    cluster.nodes:Want()
    return false
  end
  cluster.nodes:Want()
  if item.is_repeatable and item.tries < cluster.options.retries then
    item.tries = item.tries + 1
    item.target, item.is_asking = false, false
    cluster.repeats = cluster.repeats + 1
    return true
  end
  item.message = item.message .. "; it may have been carried out"
  return false
end

--- What is left to do after a round, in the order that it had.
local function undone(cluster, items, waiting)
  local again, left, pause = {}, {}, 0
  for _, item in ipairs(waiting) do
    again[item] = true
  end
  for _, item in ipairs(items) do
    local was_sent = item.round
    if item.leader and again[item.leader] then
      again[item] = true
    elseif was_sent and is_undone(cluster, item) then
      again[item] = true
    end
    if again[item] then
      left[#left + 1] = item
      local turns = math.max(item.waits, item.hops - AT_ONCE)
      pause = math.max(pause, turns > 0 and math.min(2 ^ turns, LONGEST) or 0)
    end
  end
  if #waiting > 0 then
    pause = math.max(pause, 1)
  end
  return left, pause
end

--- Carries items out until `give_up`. Each has then a raw `value`, which may be an error of the
--- server; or `message`, `code` and `err`.
---@async
function spread.run(cluster, items, give_up)
  local left = items
  while #left > 0 do
    for _, item in ipairs(left) do
      item.round = false
    end
    local pause
    left, pause = undone(cluster, left, play(cluster, left, give_up))
    local time = give_up - sched.now()
    if time <= pause or cluster.nodes.is_closed then
      break
    elseif pause > 0 and #left > 0 then
      sched.sleep(pause)
    end
  end
end

return spread
