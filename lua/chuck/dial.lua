--- A connection in one call: the name resolved, addresses tried side by side, one time limit.
---
---     chuck.dial(engine, "example.org:80", 5000, function(conn, message, code)
---       if not conn then return print(message) end
---       conn:Add2Engine(engine, on_packet)
---     end)
---
--- As RFC 8305 has it: IPv6 and IPv4 take turns, the next address is tried when one fails or has
--- not answered for a while, the first to connect wins. The callback is called exactly once,
--- never before `dial` has returned, and not at all after `Cancel`.

local address = require("chuck.support.address")
local check = require("chuck.support.check")
local native = require("chuck.native")

local errors, resolver, sockets = native.error, native.resolver, native.socket_helper

--- Largest raw packet, in bytes.
local RECVBUF = 16384

--- How long an attempt stays alone, in milliseconds: what RFC 8305 recommends.
local ATTEMPT_DELAY = 250

local OPTIONS = {
  addresses = "list of strings",
  attempt_delay_ms = "positive integer",
  decoder = "decoder",
  family = "string",
  recvbuf = "positive integer",
}

local FAMILIES = { inet = true, inet6 = true }

local Dial = {}

local METATABLE = { __index = Dial, __metatable = "dial" }

--- Lets go of everything that is under way.
local function release(self)
  self.is_done = true
  if self.query then
    self.query:Cancel()
  end
  for connector in pairs(self.connectors) do
    connector:Close()
  end
  for _, timer in ipairs({ self.deadline or false, self.delay or false }) do
    if timer then
      timer:UnRegister()
    end
  end
  self.query, self.connectors, self.deadline, self.delay = nil, {}, nil, nil
end

--- Tells the outcome. A connection that the callback does not take, because it raises, is closed.
local function finish(self, conn, message, code)
  if self.is_done then
    return
  end
  release(self)
  if not conn then
    self.callback(nil, "dial " .. self.target .. ": " .. message, code)
    return
  end
  local untaken = conn
  self.engine:Post(function()
    if untaken then
      untaken:Close()
    end
  end)
  self.callback(conn)
  untaken = nil
end

local function plural(n)
  return n == 1 and "1 attempt" or n .. " attempts"
end

local function give_up(self)
  local reason, code = errors.strerror(self.code), errors.name(self.code)
  -- Not by `format`, which ends a path at a NUL on Lua 5.1.
  local message = plural(self.attempts) .. " failed, the last to " .. self.failed .. ": " .. reason
  finish(self, nil, message, code)
end

local function time_out(self)
  local text = ("no connection in %g ms"):format(self.timeout)
  if self.attempts == 0 then
    text = text .. ", the name is not resolved"
  else
    text = text .. ", " .. plural(self.attempts) .. ", the last to " .. self.last
  end
  finish(self, nil, text, "ETIMEDOUT")
end

--- Takes note of an attempt that has failed.
local function note(self, place, code)
  self.failed, self.code = place.address, code
end

local advance

local function on_outcome(self, connector, place, fd, code)
  self.connectors[connector] = nil
  if code == 0 then
    finish(self, native.connection(fd, self.recvbuf, self.decoder))
  elseif code == errors.EENGCLOSE then
    finish(self, nil, errors.strerror(code), "EENGCLOSE")
  else
    note(self, place, code)
    advance(self)
  end
end

--- Has the engine wait for the socket, which belongs to a connector from now on.
local function watch(self, place, fd)
  local connector = native.connector(fd)
  local is_registered, _, code = connector:Add2Engine(self.engine, function(connected, err)
    on_outcome(self, connector, place, connected, err)
  end)
  if not is_registered then
    connector:Close()
    return -errors[code]
  end
  self.connectors[connector] = true
  return 0
end

--- Starts to connect a new socket: 0 or a negative error number.
local function connect(self, place)
  local fd = sockets.socket(place.family, sockets.SOCK_STREAM, place.protocol)
  if fd < 0 then
    return fd
  end
  sockets.noblock(fd, true)
  local is_address, result = pcall(sockets.connect, fd, place.address)
  if not is_address then
    result = -errors.EINVAL
  elseif result == 0 or result == -errors.EINPROGRESS then
    return watch(self, place, fd)
  end
  sockets.close(fd)
  return result
end

--- Tries the next address; whether that is under way now.
local function attempt(self)
  local place = self.places[self.attempts + 1]
  self.attempts = self.attempts + 1
  self.last = place.address
  local result = connect(self, place)
  if result ~= 0 then
    note(self, place, -result)
  end
  return result == 0
end

--- Goes on to the next address, or gives up when there is none and nothing under way.
function advance(self)
  if self.delay then
    self.delay:UnRegister()
    self.delay = nil
  end
  while self.attempts < #self.places do
    if attempt(self) then
      if self.attempts < #self.places then
        self.delay = native.RegTimer(self.engine, self.attempt_delay, function()
          advance(self)
          return -1
        end)
      end
      return
    end
  end
  if not self.is_done and next(self.connectors) == nil then
    give_up(self)
  end
end

--- Tries addresses in their order.
local function connect_to(self, ips, port)
  for i, ip in ipairs(ips) do
    local is_six = ip:find(":", 1, true)
    self.places[i] = {
      family = is_six and sockets.AF_INET6 or sockets.AF_INET,
      protocol = sockets.IPPROTO_TCP,
      address = address.join(ip, port),
    }
  end
  advance(self)
end

--- Calls `continue(addresses, message, code)` when the host is resolved.
local function resolve(self, host, options, continue)
  local query, message, code = resolver.resolve(self.engine, host, function(...)
    self.query = nil
    continue(...)
  end, options)
  self.query = query
  return query, message, code
end

--- Calls `continue` in the next pass, or with what `resolve` has to say when the engine is closed
--- before: a posted function would not be told.
local function soon(self, continue)
  return resolve(self, "127.0.0.1", nil, function(found, message, code)
    if found then
      continue()
    else
      finish(self, nil, message, code)
    end
  end)
end

local function start(self, options)
  if address.is_unix(self.target) then
    self.places[1] = { family = sockets.AF_UNIX, protocol = 0, address = self.target }
    return soon(self, function()
      advance(self)
    end)
  end
  local host, port = address.split(self.target)
  if not host or host == "*" then
    return soon(self, function()
      finish(self, nil, "no address to connect to", "EINVAL")
    end)
  elseif options.addresses then
    local ips = address.take_turns(options.addresses)
    return soon(self, function()
      connect_to(self, ips, port)
    end)
  end
  -- The deadline of the whole is the one that counts.
  local how = { family = options.family, timeout_ms = self.timeout > 0 and 0 or nil }
  return resolve(self, host == "" and "localhost" or host, how, function(found, message, code)
    if found then
      connect_to(self, address.take_turns(found), port)
    else
      finish(self, nil, message, code)
    end
  end)
end

--- Connects to `addr` and calls `callback(conn)` or `callback(nil, message, code)`.
--- @return table? dial
--- @return string? message
--- @return string? code
local function dial(engine, addr, timeout_ms, callback, options)
  check.alive("dial", 1, engine, "engine", "Stats")
  check.type("dial", 2, addr, "string")
  check.type("dial", 3, timeout_ms, "milliseconds")
  check.type("dial", 4, callback, "function")
  check.options("dial", 5, options, OPTIONS)
  options = options or {}
  -- Its class does not tell what it is for; a connection does, before it looks for its socket.
  if not pcall(native.connection, -1, 1, options.decoder) then
    error("bad argument #5 to 'dial' (option decoder: one for connections expected)", 2)
  end
  if options.family and not FAMILIES[options.family] then
    error('bad argument #5 to \'dial\' (option family: "inet" or "inet6" expected)', 2)
  end
  local self = setmetatable({
    engine = engine,
    target = addr,
    timeout = timeout_ms,
    callback = callback,
    recvbuf = options.recvbuf or RECVBUF,
    decoder = options.decoder,
    attempt_delay = options.attempt_delay_ms or ATTEMPT_DELAY,
    --- Addresses to try, once they are known, and how many were tried.
    places = {},
    attempts = 0,
    --- The address tried last; the one that failed last, and its error number.
    last = nil,
    failed = nil,
    code = nil,
    --- What is under way: a set of connectors, a query, timers.
    connectors = {},
    query = nil,
    deadline = nil,
    delay = nil,
    is_done = false,
  }, METATABLE)
  local started, message, code = start(self, options)
  if not started then
    return nil, "dial " .. addr .. ": " .. message, code
  end
  if timeout_ms > 0 then
    self.deadline = native.RegTimer(engine, timeout_ms, function()
      time_out(self)
      return -1
    end)
  end
  return self
end

--- Gives up: everything is closed, and the callback is not called.
--- @return boolean was_waiting whether the callback was still to be called
function Dial:Cancel()
  check.type("Cancel", 1, self, "dial")
  local was_waiting = not self.is_done
  release(self)
  return was_waiting
end

return dial
