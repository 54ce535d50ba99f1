--- Programs for specs: started in a world, with their ends remembered.
---
---     local world, programs = net.open(), nil
---     programs = Programs.new(world)
---     local one, seen = programs:start({ "cat", stdin = "pipe" })
---     programs:wait_for_end(seen)                     -- seen.status, seen.signal, seen.calls
local assert = require("luassert")
local chuck = require("chuck")

local net = require("spec.helper.net")

local process = chuck.process

local Programs = {}
Programs.__index = Programs

function Programs.new(world)
  return setmetatable({ world = world }, Programs)
end

--- Remembers how a child ends.
function Programs.ending()
  local seen = { calls = 0 }
  function seen.on_exit(child, status, signum)
    seen.calls = seen.calls + 1
    seen.child, seen.status, seen.signal = child, status, signum
  end
  return seen
end

--- Starts a program; its end is remembered.
function Programs:start(options)
  local seen = Programs.ending()
  return assert(process.spawn(self.world.engine, options, seen.on_exit)), seen
end

--- Starts a line of shell.
function Programs:shell(line, options)
  options = options or {}
  options.args = { "sh", "-c", line }
  return self:start(options)
end

--- Remembers what a connection tells, in the world's engine.
function Programs:record(conn)
  local seen = net.recorder()
  assert(conn:Add2Engine(self.world.engine, seen.on_packet))
  return seen
end

function Programs:wait_for_end(seen)
  self.world:wait("the end of a child", function()
    return seen.calls > 0
  end)
end

--- Everything a program prints, and how it ends.
function Programs:output_of(options)
  options.stdout = "pipe"
  local child, seen = self:start(options)
  local out = self:record(child:Stdout())
  self.world:wait("the end of a child and of its output", function()
    return seen.calls > 0 and out.code
  end)
  assert.are.equal(0, out.code)
  return out.text(), seen
end

--- Whether a number is a process's: also that of a zombie.
function Programs.exists(pid)
  return process.kill(pid, 0) == 0
end

--- Number of children of this process, zombies too.
function Programs.children()
  local file = io.open("/proc/self/task/" .. process.pid() .. "/children")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  local count = 0
  for _ in text:gmatch("%d+") do
    count = count + 1
  end
  return count
end

--- Resident memory of this process, in kilobytes.
function Programs.memory()
  collectgarbage()
  collectgarbage()
  local file = assert(io.open("/proc/self/status"))
  local size = file:read("*a"):match("VmRSS:%s*(%d+)")
  file:close()
  return tonumber(size)
end

return Programs
