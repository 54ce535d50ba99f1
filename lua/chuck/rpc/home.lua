--- The scope of a peer's tasks: what a service raises ends nothing but its call.

local frame = require("chuck.co.frame")
local sched = require("chuck.co.sched")

local home = {}

--- What the first wait for the end of its tasks is: one that a cancellation ends.
local SERVICES = { what = "services of a peer", Leave = function() end }

--- A scope whose `on_failure(home, task, problem)` is told of errors, and
--- `on_cancelled(home, task)` of tasks that were cancelled after they had begun.
function home.new(peer, on_failure, on_cancelled)
  local self = sched.new_home()
  self.peer = peer
  self.owner = false
  self.on_failure = on_failure
  self.on_cancelled = on_cancelled or false
  return self
end

--- Cancels its tasks, and those that are still to begin.
home.cancel = frame.mark

local function await(self)
  sched.parking()
  frame.drain(self, SERVICES)
end

--- Waits until nothing runs in it, for the task `owner`. When there is a `reason`, or that task is
--- cancelled meanwhile, what runs is cancelled; what is still to begin does so before: it is to be
--- told what has happened.
---@async
function home.drain(self, owner, reason)
  self.owner = owner
  local fine = not reason
  if fine then
    fine, reason = sched.pcall(await, self)
  end
  if not fine then
    self.on_empty = false
    sched.start(self, home.cancel, self, reason)
    frame.drain(self)
  end
end

return home
