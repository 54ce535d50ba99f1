--- What a server keeps count of: time, ids, its connections.

local native = require("chuck.native")
local sched = require("chuck.co.sched")

local books = {}

--- How many ticks a time takes at least; 0 is for ever.
function books.ticks(self, ms)
  return ms == 0 and math.huge or math.ceil(ms / self.interval)
end

--- An id for a request, which no other has.
function books.next_id(self)
  if not self.prefix then
    self.prefix = ("%x-%x"):format(os.time() % 2 ^ 24, native.process.pid())
  end
  self.last_id = self.last_id + 1
  return ("%s-%x"):format(self.prefix, self.last_id)
end

--- An address without its port.
function books.ip_of(remote)
  return remote:match("^(.*):%d+$") or remote
end

--- A connection has come.
function books.note(self, one)
  local count = self.count + 1
  self.exchanges[count], self.count = one, count
  one.place = count
end

--- A connection has gone: the last one takes its place.
function books.forget(self, one)
  local place, list, count = one.place, self.exchanges, self.count
  if not place then
    return
  end
  local last = list[count]
  list[place], last.place = last, place
  list[count], one.place = nil, false
  self.count = count - 1
  local ip = next(self.by_ip) and books.ip_of(one.remote)
  local others = ip and self.by_ip[ip]
  if others then
    self.by_ip[ip] = others > 1 and others - 1 or nil
  end
  if self.is_closing and self.count == 0 then
    sched.wake(self.keeper)
  end
end

--- Ends a connection once it has sent what is queued.
function books.linger(self, conn)
  conn:Close(self.options.linger_ms)
  if self.is_closing and conn:QueuedBytes() > 0 then
    self.lingering[#self.lingering + 1] = conn
  end
end

return books
