--- Requests that follow while one is served: they wait for their turn, and when too much waits the
--- connection is not read on. Methods of an exchange.

local turns = {}

--- Bytes of requests that wait for their turn.
local WAITING = 65536

--- Bytes that a waiting request holds.
local function cost_of(req)
  return #req.head + #req.target + (req.ready and #req.ready or 0)
end

--- A request has to wait for its turn.
function turns:Enqueue(req)
  local queue = self.queue
  if not queue then
    queue = self.spare or { first = 1, last = 0, size = 0 }
    self.queue = queue
  end
  local last, size = queue.last + 1, queue.size + cost_of(req)
  queue[last] = req
  queue.last, queue.size = last, size
  if not self.req then
    self:Proceed()
  end
  if
    self.is_stalled
    or req.inflow
    or size >= WAITING
    or last - queue.first >= self.server.pipeline - 1
  then
    self:Regulate()
  end
end

--- The next request, if one waits and there is room for its answer, or the end.
function turns:Proceed()
  if self.req or self.broken then
    return
  end
  local queue = self.queue
  if queue then
    if not self:HasRoom() then
      self:Stall()
    else
      local first = queue.first
      local req = queue[first]
      queue[first] = nil
      queue.first = first + 1
      if first == queue.last then
        queue.first, queue.last, queue.size = 1, 0, 0
        self.queue, self.spare = false, queue
      end
      self:Start(req)
      if not self.is_paused then
        return
      end
    end
  elseif self.violation then
    return self:Refuse(self.violation)
  elseif self.is_half then
    return self:Close()
  end
  self:Regulate()
end

--- Stops reading when enough is here, and goes on.
function turns:Regulate()
  local inflow, queue = self.inflow, self.queue
  local holds = self.is_stalled
    or self.held and true
    or inflow and inflow:IsFull()
    or queue and (queue.last - queue.first >= self.server.pipeline - 1 or queue.size >= WAITING)
    or false
  if holds == self.is_paused or self.broken then
    return
  end
  self.is_paused = holds
  if holds then
    self.conn:PauseRead()
    return
  end
  if inflow then
    inflow.since = self.server.tick
  end
  self.conn:ResumeRead()
end

return turns
