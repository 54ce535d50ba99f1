--- Connecting for callbacks, and for tasks with the names of 2015.
---
---     local err, client = redis.Connect(engine, "127.0.0.1", 6379, on_error)
---     redis.Connect(engine, "127.0.0.1", 6379, { password = "secret" }, function(err, client) end)
---     local err, client = redis.Connect("127.0.0.1", 6379)          -- in a task, which parks
---
--- Without a callback it waits for the outcome: in an engine of its own, as nobody else's may be
--- run from here; then the connection moves to the engine that was asked for.

local address = require("chuck.support.address")
local check = require("chuck.support.check")
local compat = require("chuck.support.compat")
local connection = require("chuck.redis.connection")
local dial = require("chuck.dial")
local greeting = require("chuck.redis.greeting")
local link = require("chuck.redis.link")
local native = require("chuck.native")
local options = require("chuck.redis.options")
local outcome = require("chuck.redis.outcome")
local sched = require("chuck.co.sched")

--- What is read at a time, in bytes.
local RECVBUF = 65536

--- Commands that may wait for replies.
local PENDING = 1000000

--- What can be said of a connection.
local KINDS = {
  client_name = "string",
  connect_ms = "milliseconds",
  db = "count",
  depth = "positive integer",
  elements = "positive integer",
  message = "positive integer",
  on_error = "function",
  on_push = "function",
  password = "string",
  pending = "positive integer",
  protocol = "positive integer",
  send_limit = "positive integer",
  timeout_ms = "milliseconds",
  username = "string",
}

local MORE = { on_error = "function", on_push = "function", pending = "positive integer" }

--- Tells the outcome, once: an error and its code, or neither. The engine in which that happens may
--- be closed: then it is told at once.
local function settle(self, attempt, message, code)
  if attempt.timer then
    attempt.timer:UnRegister()
    attempt.timer = false
  end
  if attempt.is_settled or self.is_closed then
    return
  end
  attempt.is_settled = true
  if message then
    self.is_closed = true
    if self.link then
      self.link:Close(code)
    end
  end
  attempt.finish(message, code)
end

--- Has every command of the greeting stand in line; the last reply, or the first trouble, settles.
local function greet(self, attempt)
  local list = greeting.commands(self.options, self.options.protocol or 2)
  local left = #list
  if left == 0 then
    settle(self, attempt)
  end
  for _, command in ipairs(list) do
    local entry = {}
    function entry.taker(_, value)
      left = left - 1
      if outcome.is_error(value) then
        local text = ("%s: %s: %s"):format(self.place, command[1], value.message)
        settle(self, attempt, text, value.code)
      elseif left == 0 then
        self.link.protocol = self.options.protocol or 2
        settle(self, attempt)
      end
    end
    function entry.loser(_, message, code)
      settle(self, attempt, message, code)
    end
    local sent, message, code = self.link:Submit(entry, command)
    if not sent then
      settle(self, attempt, message, code)
    end
  end
end

--- Connects in `engine`; `attempt.finish(message, code)` is called once, unless it is closed
--- before.
local function start(self, engine, attempt)
  local made = self.options
  local time = math.max(made.connect_ms, 1)
  local began = native.systick()
  local message, code
  self.dialing, message, code = dial(engine, self.place, time, function(conn, problem, name)
    self.dialing = false
    if not conn then
      settle(self, attempt, problem, name)
      return
    end
    self.link, problem, name = link.over(engine, conn, self.place, made)
    if not self.link then
      self.link = false
      settle(self, attempt, problem, name)
      return
    end
    local left = math.max(1, time - (native.systick() - began))
    if left < math.huge then
      attempt.timer = native.RegTimer(engine, left, function()
        settle(self, attempt, ("%s: no greeting in %g ms"):format(self.place, time), "ETIMEDOUT")
        return -1
      end)
    end
    greet(self, attempt)
  end, { decoder = made.decoder, recvbuf = RECVBUF })
  if not self.dialing then
    self.dialing = false
    settle(self, attempt, message, code)
  end
end

--- What callers get: `nil, client`; or `message, nil, code`.
local function conclude(self, message, code)
  if message then
    return message, nil, code
  end
  return nil, self
end

--- Connects while the caller waits.
local function connect_here(self)
  local engine, message, code = native.engine()
  if not engine then
    return message, nil, code
  end
  local done
  start(self, engine, {
    finish = function(...)
      done = compat.pack(...)
      engine:Stop()
    end,
  })
  while not done do
    engine:Run()
  end
  message, code = done[1], done[2]
  if not message then
    local moved
    connection.begin(self, self.link)
    moved, message, code = self.link:Move(self.engine)
    if not moved then
      self:Close()
    end
  end
  engine:Close()
  return conclude(self, message, code)
end

--- Connects, and tells `callback(err, client, code)` in a callback of its own.
local function connect_later(self, callback)
  start(self, self.engine, {
    finish = function(message, code)
      self.is_over = code == "EENGCLOSE"
      if not message then
        connection.begin(self, self.link)
      end
      connection.tell(self, function()
        if message or not self.is_closed then
          callback(conclude(self, message, code))
        end
      end)
    end,
  })
  return nil, self
end

--- Connects while the task waits.
---@async
local function connect_in_task(self)
  local task = sched.parking()
  local wait = { what = "connect to " .. self.place }
  function wait.Leave()
    self:Close()
  end
  local done, message, code
  start(self, self.engine, {
    finish = function(...)
      done, message, code = true, ...
      if not message then
        connection.begin(self, self.link)
      end
      sched.wake(task, sched.DONE)
    end,
  })
  if not done then
    sched.park(wait)
  end
  return conclude(self, message, code)
end

--- Where to connect to; raises for arguments from `n` on.
local function place_of(n, host, port)
  if type(host) ~= "string" or host == "" then
    outcome.raise("Connect", n, "host expected, got " .. outcome.kind_of(host))
  elseif host:sub(1, 1) == "/" then
    return "unix:" .. host
  elseif address.is_unix(host) then
    return host
  elseif type(port) ~= "number" or port % 1 ~= 0 or port < 1 or port > 65535 then
    outcome.raise("Connect", n + 1, "port expected, got " .. outcome.kind_of(port))
  end
  return address.join(host:match("^%[(.*)%]$") or host, port)
end

--- A connection to come, with what was said of it in argument `n`.
local function make(engine, place, n, given)
  if type(given) == "function" then
    given = { on_error = given }
  end
  options.check("Connect", n, given, KINDS)
  local all = { address = place, pending = PENDING }
  for key, value in pairs(given or {}) do
    all[key] = value
  end
  return connection.new(engine, options.make("Connect", all, MORE, n))
end

--- Connects to a server: `nil, client`, or `message, nil, code`. With an engine it blocks, or
--- returns at once when there is a callback; without one the task waits.
local function connect(engine, ...)
  if type(engine) == "string" then
    local host, port, given = engine, ...
    local place = place_of(1, host, port)
    if not sched.current() then
      outcome.blame("'Connect' without an engine waits, and only a task can")
    end
    return connect_in_task(make(sched.engine(), place, 3, given))
  end
  local host, port, given, callback = ...
  local is_engine = pcall(check.alive, "Connect", 1, engine, "engine", "Stats")
  if not is_engine then
    outcome.raise("Connect", 1, "engine expected, got " .. outcome.kind_of(engine))
  end
  local self = make(engine, place_of(2, host, port), 4, given)
  if callback == nil then
    return connect_here(self)
  elseif type(callback) ~= "function" then
    outcome.raise("Connect", 5, "function expected, got " .. outcome.kind_of(callback))
  end
  return connect_later(self, callback)
end

return connect
