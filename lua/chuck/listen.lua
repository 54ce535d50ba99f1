--- A server's beginning in one call: socket, options, address, acceptor.
---
---     local listener = assert(chuck.listen(engine, ":8080", function(conn, peer)
---       conn:Add2Engine(engine, on_packet)
---     end))
---
--- Answers the listener, or `nil, message, code`. A connection that the callback does not take,
--- because it raises, is closed.

local address = require("chuck.support.address")
local check = require("chuck.support.check")
local native = require("chuck.native")

local errors, sockets = native.error, native.socket_helper

--- Largest raw packet, in bytes.
local RECVBUF = 16384

local OPTIONS = {
  backlog = "positive integer",
  decoder = "decoder",
  fd = "descriptor",
  max_connections = "positive integer",
  mode = "permissions",
  on_error = "function",
  recvbuf = "positive integer",
  reuse_port = "boolean",
}

--- What an IPv6 socket fails with where there is no IPv6.
local NO_IPV6 = { [errors.EAFNOSUPPORT] = true, [errors.EADDRNOTAVAIL] = true }

local Listener = {}

local METATABLE = { __index = Listener, __metatable = "listener" }

--- The connection whose callback has raised is closed: nobody else has it.
local function close_orphan(self)
  local orphan = self.untaken
  self.untaken = nil
  if orphan then
    orphan:Close()
  end
end

--- Who has come; nil when gone already. An IPv4 address is one also on an IPv6 socket.
local function peer_of(fd)
  local peer = sockets.getpeername(fd)
  return peer and (peer:gsub("^%[::ffff:(%d+%.%d+%.%d+%.%d+)%]", "%1"))
end

local function on_connection(self, fd)
  local peer = peer_of(fd)
  local conn = native.connection(fd, self.recvbuf, self.decoder)
  self.acceptor:Count(conn)
  close_orphan(self)
  self.untaken = conn
  if not self.is_watching then
    self.is_watching = true
    self.engine:Post(self.watch)
  end
  self.callback(conn, peer)
  self.untaken = nil
end

local function on_accept(self, fd, code)
  if code == 0 then
    on_connection(self, fd)
    return
  end
  self.is_closed = self.is_closed or code == errors.EENGCLOSE
  if self.on_error then
    self.on_error(errors.strerror(code), errors.name(code))
  end
end

--- The IPv4 addresses of a host. It waits.
local function addresses_of(host)
  if host == "localhost" then
    return { "127.0.0.1" }
  end
  local is_text, found, message, code = pcall(sockets.gethostbyname_ipv4, host)
  if not is_text then
    return nil, "the name of a host is not text", "EINVAL"
  end
  return found, message, code
end

--- Where to listen for an address, in order of preference.
local function places_of(text)
  if address.is_unix(text) then
    return { { family = sockets.AF_UNIX, protocol = 0, address = text } }
  end
  local tcp = sockets.IPPROTO_TCP
  local host, port = address.split(text)
  if not host then
    return nil, "no address to listen at", "EINVAL"
  elseif host == "" or host == "*" or host == "::" then
    local all = address.join("::", port)
    return {
      { family = sockets.AF_INET6, protocol = tcp, address = all, is_dual = true },
      { family = sockets.AF_INET, protocol = tcp, address = address.join("0.0.0.0", port) },
    }
  elseif host:find(":", 1, true) then
    return { { family = sockets.AF_INET6, protocol = tcp, address = text } }
  end
  local found, message, code = addresses_of(host)
  if not found then
    return nil, message, code
  end
  local places = {}
  for i, ip in ipairs(found) do
    local place = address.join(ip, port)
    places[i] = { family = sockets.AF_INET, protocol = tcp, address = place }
  end
  return places
end

--- Sets up a socket at a place: 0 or a negative error number.
local function prepare(fd, place, options)
  local result = 0
  if place.family ~= sockets.AF_UNIX then
    result = sockets.addr_reuse(fd, true)
  end
  if result == 0 and place.family == sockets.AF_INET6 then
    result = sockets.v6only(fd, not place.is_dual)
  end
  if result == 0 and options.reuse_port then
    result = sockets.reuseport(fd, true)
  end
  if result ~= 0 then
    return result
  end
  local how = { backlog = options.backlog, mode = options.mode }
  local is_address, outcome = pcall(sockets.listen, fd, place.address, how)
  return is_address and outcome or -errors.EINVAL
end

--- A listening socket at the first place that has room for one.
local function open(places, options)
  local code
  for _, place in ipairs(places) do
    local fd = sockets.socket(place.family, sockets.SOCK_STREAM, place.protocol)
    local result = fd
    if fd >= 0 then
      result = prepare(fd, place, options)
      if result == 0 then
        return fd
      end
      sockets.close(fd)
    end
    code = -result
    if place.is_dual and not NO_IPV6[code] then
      break
    end
  end
  return nil, errors.strerror(code), errors.name(code)
end

--- The socket that the caller has, or a new one.
local function socket_of(text, options)
  if options.fd then
    return options.fd
  end
  local places, message, code = places_of(text)
  if not places then
    return nil, message, code
  end
  return open(places, options)
end

--- Registers the acceptor that `fd` is given to.
local function start(self, fd, max_connections)
  local message, code, is_registered
  self.address, message, code = sockets.getsockname(fd)
  if self.address then
    self.acceptor, message, code = native.acceptor(fd)
  end
  if not self.acceptor then
    sockets.close(fd)
    return nil, message, code
  end
  if max_connections then
    self.acceptor:SetLimit(max_connections)
  end
  is_registered, message, code = self.acceptor:Add2Engine(self.engine, function(accepted, err)
    on_accept(self, accepted, err)
  end)
  if not is_registered then
    self.acceptor:Close()
    return nil, message, code
  end
  return self
end

--- Listens at `addr` and calls `callback(conn, peer)` for every connection.
--- @return table? listener
--- @return string? message
--- @return string? code
local function listen(engine, addr, callback, options)
  check.alive("listen", 1, engine, "engine", "Stats")
  check.type("listen", 2, addr, "string")
  check.type("listen", 3, callback, "function")
  check.options("listen", 4, options, OPTIONS)
  options = options or {}
  -- Its class does not tell what it is for; a connection does, before it looks for its socket.
  if not pcall(native.connection, -1, 1, options.decoder) then
    error("bad argument #4 to 'listen' (option decoder: one for connections expected)", 2)
  end
  local fd, message, code = socket_of(addr, options)
  if not fd then
    return nil, "listen at " .. addr .. ": " .. message, code
  end
  local self = setmetatable({
    engine = engine,
    callback = callback,
    on_error = options.on_error,
    recvbuf = options.recvbuf or RECVBUF,
    decoder = options.decoder,
    --- Counts connections and holds the socket; nil until there is one.
    acceptor = nil,
    --- The socket's own, as text.
    address = nil,
    --- The connection whose callback runs.
    untaken = nil,
    --- `watch` is posted, and closes what a callback that raises has left.
    is_watching = false,
    watch = nil,
    is_closed = false,
  }, METATABLE)
  self.watch = function()
    self.is_watching = false
    close_orphan(self)
  end
  local listener
  listener, message, code = start(self, fd, options.max_connections)
  if not listener then
    return nil, "listen at " .. addr .. ": " .. message, code
  end
  return listener
end

--- Stops listening. Connections live on. A second time it does nothing.
function Listener:Close()
  check.type("Close", 1, self, "listener")
  self.is_closed = true
  self.acceptor:Close()
end

--- The address that it listens at, with the port that the kernel chose.
--- @return string? address
--- @return string? message
--- @return string? code
function Listener:GetSockAddr()
  check.type("GetSockAddr", 1, self, "listener")
  if self.is_closed then
    return nil, errors.strerror(errors.ESOCKCLOSE), "ESOCKCLOSE"
  end
  return self.address
end

--- Stops accepting: who comes waits in the kernel.
--- @return true? done
--- @return string? message
--- @return string? code
function Listener:Pause()
  check.type("Pause", 1, self, "listener")
  local done, message, code = self.acceptor:Disable()
  return done or nil, message, code
end

--- Goes on accepting.
--- @return true? done
--- @return string? message
--- @return string? code
function Listener:Resume()
  check.type("Resume", 1, self, "listener")
  local done, message, code = self.acceptor:Enable()
  return done or nil, message, code
end

--- How many of its connections are open.
function Listener:Connections()
  check.type("Connections", 1, self, "listener")
  return (self.acceptor:Counted())
end

return listen
