--- The scope of a peer's tasks: what a service raises ends nothing but its call.

local frame = require("chuck.co.frame")
local sched = require("chuck.co.sched")

local home = {}

--- Nothing ends the wait for the end of its tasks before that.
local function stay() end

--- A scope whose `handler(home, task, problem)` is told of errors.
function home.new(peer, handler)
  local self = sched.new_home()
  self.peer = peer
  self.owner = false
  self.on_failure = handler
  self.what = "services of a peer"
  self.is_deaf = true
  self.Leave = stay
  return self
end

--- Cancels its tasks, and those that are still to begin.
home.cancel = frame.mark

--- Waits until nothing runs in it, for the task `owner`.
---@async
function home.drain(self, owner)
  self.owner = owner
  frame.drain(self)
end

return home
