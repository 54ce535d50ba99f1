--- Another program, read and written by tasks.
---
---     local program = assert(io.popen({ "sort", "-n" }))
---     program:Write("3\n1\n2\n")
---     program:Shutdown()                              -- the end of its input
---     print(program:ReadAll())                        --> 1 2 3
---     print(program:Wait())                           --> 0
---
--- The program belongs to the scope that `popen` was called in: the scope stays open while the
--- program runs, and ends the program when it is cancelled.

local check = require("chuck.support.check")
local native = require("chuck.native")
local sched = require("chuck.co.sched")
local stream = require("chuck.io.stream")
local waiters = require("chuck.co.waiters")

local process = native.process

--- How long a program has between SIGTERM and SIGKILL, in milliseconds.
local GRACE = 5000

--- What a shell returns for a program that signal n has ended is this, and n.
local SIGNALED = 128

local STREAM_OPTIONS = { high_water = true, read_ahead = true, send_limit = true }

---@class chuck.Program
local Program = {}

local METATABLE = { __index = Program, __metatable = "program" }

local function expect(self, name, n, ms)
  if getmetatable(self) ~= "program" then
    stream.bad_argument(name, 1, "program", self)
  elseif ms and not (type(ms) == "number" and ms >= 0) then
    stream.bad_argument(name, n, "milliseconds", ms)
  end
end

local function close_pipes(self, delay_ms)
  for _, name in ipairs({ "stdin", "stdout", "stderr" }) do
    if self[name] then
      self[name]:Close(delay_ms)
    end
  end
end

--- Ends the program when whoever keeps it is cancelled.
local function leave(self)
  local program = self.program
  program.child:Terminate(program.kill_ms)
end

--- Waits until the program has ended.
---@async
local function await_end(self)
  while not self.has_ended do
    sched.parking()
    sched.park(self.running)
  end
end

--- The task that keeps the scope open while the program runs.
---@async
local function keep(self)
  local fine, reason = sched.pcall(await_end, self)
  if not fine then
    close_pipes(self, 0)
    error(reason, 0)
  end
end

--- Ties the program to the scope of the current task. One that is cancelled already would end it
--- at once: a shielded task that starts a program there, to clean up, ends it by itself.
local function own(self)
  if sched.home().stop then
    return
  end
  self.keeper = sched.spawn(keep, self)
  function self.keeper.on_drop()
    leave(self.running)
    close_pipes(self, 0)
  end
end

local function on_exit(self, status, signum)
  self.has_ended = true
  self.status, self.signum = status, signum
  for _ = 1, self.waiting.count do
    sched.wake(self.waiting:Take())
  end
  if self.keeper then
    sched.wake(self.keeper)
  end
end

--- What `process.spawn` is told, and what the streams are.
local function split(command, options)
  local how, marks = { stdin = "pipe", stdout = "pipe" }, {}
  for key, value in pairs(options) do
    if STREAM_OPTIONS[key] then
      marks[key] = value
    elseif key ~= "kill_ms" then
      how[key] = value
    end
  end
  how.args = type(command) == "string" and { "sh", "-c", command } or command
  return how, marks
end

local function streams_of(self, marks, decoder)
  for _, name in ipairs({ "Stdin", "Stdout", "Stderr" }) do
    local conn = self.child[name](self.child)
    if conn then
      local peer = name:lower() .. " of " .. self.name
      local kind = name == "Stdout" and stream.kind_of(decoder) or "bytes"
      self[name:lower()] = stream.new(conn, peer, marks, kind)
    end
  end
end

--- Starts a program: a list of its name and arguments, or a line for the shell.
--- @return chuck.Program? program
--- @return string? message
--- @return string? code
local function popen(command, options)
  if type(command) ~= "string" then
    check.type("popen", 1, command, "list of strings")
  end
  if options ~= nil then
    check.type("popen", 2, options, "table")
  end
  options = options or {}
  local kill_ms = options.kill_ms
  if kill_ms ~= nil and not (type(kill_ms) == "number" and kill_ms >= 0) then
    stream.blame("bad argument #2 to 'popen' (option kill_ms: milliseconds expected)")
  end
  local how, marks = split(command, options)
  check.options("popen", 2, marks, stream.OPTIONS)
  stream.check_options("popen", 2, { high_water = marks.high_water, send_limit = marks.send_limit })
  local engine = stream.engine_for("popen")
  sched.parking()
  local self = setmetatable({
    --- For messages.
    name = type(command) == "string" and command or command[1],
    child = false,
    kill_ms = kill_ms or GRACE,
    --- Streams, of what is a pipe.
    stdin = false,
    stdout = false,
    stderr = false,
    --- What it has come to, and who waits for that.
    has_ended = false,
    status = nil,
    signum = nil,
    waiting = waiters.new(),
    --- Keeps the scope open.
    keeper = false,
    running = false,
  }, METATABLE)
  local function ended(_, status, signum)
    on_exit(self, status, signum)
  end
  local is_fine, child, message, code = pcall(process.spawn, engine, how, ended)
  if not is_fine then
    stream.pass_on("popen", child)
  elseif not child then
    return nil, message, code
  end
  self.child = child
  self.waiting.what = "the end of " .. self.name
  self.running = { program = self, Leave = leave, what = self.waiting.what }
  streams_of(self, marks, options.decoder)
  own(self)
  return self
end

--- Waits until the program has ended: what it has returned; or 128 and the number of the signal
--- that has ended it, and the number alone.
--- @async
--- @return integer? status
--- @return integer|string|nil signum, or message
--- @return string? code
function Program:Wait(timeout_ms)
  expect(self, "Wait", 2, timeout_ms)
  local deadline = timeout_ms and sched.now() + timeout_ms
  while not self.has_ended do
    self.waiting:Add(sched.parking())
    if sched.park(self.waiting, deadline and deadline - sched.now()) == sched.TIMEOUT then
      return nil, ("%s still runs after %g ms"):format(self.name, timeout_ms), "ETIMEDOUT"
    end
  end
  if self.signum then
    return SIGNALED + self.signum, self.signum
  elseif self.status then
    return self.status
  end
  return nil, self.name .. " has ended, and the system does not tell how", "ECHILD"
end

--- Sends it a signal, SIGKILL unless told otherwise.
--- @return true? sent
--- @return string? message
--- @return string? code
function Program:Kill(signum)
  expect(self, "Kill")
  local is_fine, result = pcall(self.child.Kill, self.child, signum or process.SIGKILL)
  if not is_fine then
    stream.pass_on("Kill", result)
  elseif result == 0 then
    return true
  end
  return nil, self.name .. ": " .. native.error.strerror(result), native.error.name(result)
end

--- Closes the pipes; SIGTERM, and SIGKILL when it still runs after the grace.
function Program:Close(grace_ms)
  expect(self, "Close", 2, grace_ms)
  close_pipes(self, 0)
  if not self.has_ended then
    self.child:Terminate(grace_ms or self.kill_ms)
  end
end

--- Its number.
function Program:Pid()
  expect(self, "Pid")
  return self.child:Pid()
end

--- Adds methods that are those of one of the streams.
local function forward(name, methods)
  for method in methods:gmatch("%S+") do
    Program[method] = function(self, ...)
      expect(self, method)
      local to = self[name]
      if not to then
        stream.blame(("'%s' needs the %s of %s to be a pipe"):format(method, name, self.name))
      end
      return to[method](to, ...)
    end
  end
end

forward("stdin", "Write WritePacket Send Flush Shutdown")
forward("stdout", "Read ReadSome ReadAll ReadLine ReadUntil ReadPacket TryReadPacket")
forward("stdout", "Lines Chunks Packets")

--- The stream to its standard input; nil when it is no pipe.
function Program:Stdin()
  expect(self, "Stdin")
  return self.stdin or nil
end

--- The stream from its standard output; nil when it is no pipe.
function Program:Stdout()
  expect(self, "Stdout")
  return self.stdout or nil
end

--- The stream from its standard error; nil when it is no pipe.
function Program:Stderr()
  expect(self, "Stderr")
  return self.stderr or nil
end

return popen
