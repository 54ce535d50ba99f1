--- What the connection of an exchange tells: requests, pieces of bodies, what is wrong, its end.

local frame = require("chuck.co.frame")
local flow = require("chuck.http.server.inflow")
local native = require("chuck.native")
local outflow = require("chuck.http.server.outflow")
local request = require("chuck.http.server.request")
local sched = require("chuck.co.sched")

local errors, http = native.error, native.http
local setmetatable = setmetatable

local REQUEST = request.METATABLE
local HIGH_WATER = outflow.HIGH_WATER

--- Whether the client may go on in another protocol. What comes behind such a request is not read
--- before it is clear which.
local function may_switch(method, bits)
  return method == "CONNECT" or http.bits[bits].upgrade
end

--- A head has come, with the whole body or false.
local function on_head(self, head, method, target, bits, whole)
  local req = setmetatable({
    exchange = self,
    method = method,
    target = target,
    head = head,
    bits = bits,
    ready = whole,
    inflow = false,
  }, REQUEST)
  if self.head_since then
    self.head_since = false
  end
  if not whole then
    self.inflow = flow.new(self, req, http.bits[bits].expects_continue)
    req.inflow = self.inflow
  elseif may_switch(method, bits) then
    self.held = req
    self:Regulate()
  end
  if self.req or self.queue or self.owed >= HIGH_WATER then
    self:Enqueue(req)
  else
    self:Start(req)
  end
end

--- A piece of a body has come.
local function on_piece(self, bytes)
  local inflow, server = self.inflow, self.server
  inflow.is_awaited = false
  if not inflow:Add(bytes, server.tick, server.ticks_per_byte) then
    self:Close()
  elseif inflow.size > 0 then
    self:Regulate()
  end
end

--- A body has come to its end.
local function on_end(self, trailers)
  local inflow = self.inflow
  self.inflow = false
  inflow:Complete(trailers)
  local req = inflow.request
  if (self.req == req or self.queue) and may_switch(req.method, req.bits) then
    self.held = req
    self:Regulate()
  end
  self.since = self.server.tick
end

--- The client has done something wrong: nothing more comes.
local function on_violation(self, code, number)
  self.server.violations = self.server.violations + 1
  local inflow = self.inflow
  if inflow then
    self.inflow = false
    inflow:Fail("the client has broken off, or its body is not valid", errors.name(code), number)
    if not self.req and not self.queue then
      -- Its request has been answered, and nobody wants the rest.
      self:Close()
    end
    return
  end
  self.violation = number
  self:Proceed()
end

--- The connection has failed, or the client has ended its side.
local function on_gone(self, number)
  if number == 0 then
    self.is_half = true
    if self.inflow then
      self.inflow:Fail("the client has ended in the middle of the body", "EOF", 400)
    end
    self:Proceed()
    return
  elseif number == errors.ERVTIMEOUT then
    return
  end
  local task = self.task
  local code = errors.name(number) or "EIO"
  self.server.failures = self.server.failures + 1
  self:Leave(code)
  self.conn:Close()
  if task then
    frame.cancel(task, sched.stop_reason("ECANCELED", "the client has gone: " .. code))
  end
end

--- What the connection tells.
local function receiver(self)
  return function(_, what, code, method, target, bits, whole)
    if self.broken then
      return
    elseif target then
      on_head(self, what, method, target, bits, whole)
    elseif what == true then
      on_end(self, method)
    elseif what then
      on_piece(self, what)
    elseif method then
      on_violation(self, code, method)
    else
      on_gone(self, code)
    end
  end
end

return receiver
