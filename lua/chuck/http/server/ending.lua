--- How a server ends: what is under way is answered, for a while.

local native = require("chuck.native")
local sched = require("chuck.co.sched")

local ending = {}

--- Closes the listening sockets.
local function stop_listening(self)
  for _, socket in ipairs(self.sockets) do
    socket:Close()
  end
end

ending.stop_listening = stop_listening

--- Waits until what was sent last has left.
---@async
function ending.linger(self)
  local give_up, pause = sched.now() + self.options.linger_ms, 1
  for _, conn in ipairs(self.lingering) do
    while conn:QueuedBytes() > 0 and sched.now() < give_up do
      sched.sleep(pause)
      pause = math.min(2 * pause, 50)
    end
  end
  self.lingering = {}
end

--- Ends what has no request; others after theirs.
local function close_idle(self)
  for i = self.count, 1, -1 do
    local one = self.exchanges[i]
    if one and not one.req and not one.queue and native.http.pending(one.conn) == 0 then
      one:Close()
    end
  end
end

--- Ends what is left: handlers are cancelled, what they have not answered is.
local function end_all(self)
  for i = self.count, 1, -1 do
    local one = self.exchanges[i]
    if one and one.req then
      one:Expire("the server was shut down")
    elseif one then
      one:Cut()
    end
  end
  if self.children then
    self.children:Cancel("the server was shut down")
  end
end

ending.end_all = end_all

--- Whether the current task is one of the handlers, or was started by one.
function ending.is_inside(self)
  local task = sched.current()
  local home = task and task.home
  while home do
    if home == self.children then
      return true
    end
    task = home.owner
    home = task and task.home
  end
  return false
end

--- Begins to end the server, or ends it earlier.
function ending.begin(self, deadline_ms)
  self.is_closing = true
  stop_listening(self)
  if not self.keeper or self.keeper:IsDone() then
    return
  end
  close_idle(self)
  if deadline_ms == 0 then
    end_all(self)
  end
  sched.wake(self.keeper)
end

return ending
