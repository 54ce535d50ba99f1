--- Who comes to a server: sent away, or served.

local books = require("chuck.http.server.books")
local exchange = require("chuck.http.server.exchange")
local native = require("chuck.native")
local sched = require("chuck.co.sched")
local sweep = require("chuck.http.server.sweep")

local BUSY = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

--- Sends away who has too many connections. One attempt is made to tell.
local function refuse(self, conn)
  self.refused = self.refused + 1
  conn:Send(native.packet.rawpacket(BUSY))
  conn:Close()
end

--- Whether an address may have one more connection. Each listening socket keeps to the limit of
--- all, several of them together may not.
local function admit(self, ip)
  if self.count >= self.options.max_connections then
    return false
  end
  local most = self.options.max_connections_per_ip or 0
  if most == 0 then
    return true
  end
  local others = self.by_ip[ip] or 0
  if others >= most then
    return false
  end
  self.by_ip[ip] = others + 1
  return true
end

--- The timer runs while there are connections.
local function start_timer(self)
  self.timer = native.RegTimer(sched.engine(), self.interval, function()
    if self.count == 0 then
      self.timer = false
      return -1
    end
    sweep.begin(self)
  end)
end

--- Serves a connection.
local function accept(self, conn, remote)
  self.accepted = self.accepted + 1
  if not remote or self.is_closing then
    conn:Close()
    return
  end
  if not admit(self, books.ip_of(remote)) then
    return refuse(self, conn)
  end
  local one, receive = exchange.new(self, conn, remote)
  books.note(self, one)
  conn:SetHalfOpen(true)
  if self.options.write_ms > 0 then
    conn:SetSendTimeout(self.options.write_ms)
  end
  if not conn:Add2Engine(sched.engine(), receive) then
    books.forget(self, one)
    conn:Close()
  elseif not self.timer then
    start_timer(self)
  end
end

return accept
