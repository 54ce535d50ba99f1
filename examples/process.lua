--- Programs as children: a pipeline, a shell that is fed, one that is ended, and a report on each.
---
---     lua5.4 examples/process.lua
---
--- Ends by itself, when the last child has.
local chuck = require("chuck")

local packet, process = chuck.packet, chuck.process

local engine = chuck.engine()
local running = 0

--- Starts a program, and says how it ends. The engine stops with the last one.
local function start(name, options)
  local child, why = process.spawn(engine, options, function(child, status, signum)
    local how = status and "returned " .. status or "was ended by signal " .. signum
    print(("%s (process %d) %s"):format(name, child:Pid(), how))
    running = running - 1
    if running == 0 then
      engine:Stop()
    end
  end)
  if child then
    running = running + 1
  else
    print(name .. ": " .. why)
  end
  return child
end

--- Prints every line that arrives.
local function show(name, conn)
  local rest = ""
  conn:Add2Engine(engine, function(_, p)
    if p then
      rest = (rest .. p:ReadBin()):gsub("([^\n]*)\n", function(line)
        print(name .. ": " .. line)
        return ""
      end)
    end
  end)
end

-- What one prints, another reads: a pipe between two programs, and we are in the middle.
local source = start("seq", { "seq", "1", "1000", stdout = "pipe" })
local sink = start("wc", { "wc", "-l", stdin = "pipe", stdout = "pipe" })
show("wc", sink:Stdout())
sink:Stdin():Add2Engine(engine, function() end)
source:Stdout():Add2Engine(engine, function(_, p)
  if p then
    sink:Stdin():Send(p)
  else
    sink:Stdin():ShutdownWrite()
  end
end)

-- A shell that does what it is told, in surroundings of our choice.
local shell = start("shell", {
  "sh",
  stdin = "pipe",
  stdout = "pipe",
  stderr = "stdout",
  cwd = "/",
  env = { GREETING = "hello" },
  extend_env = true,
})
show("shell", shell:Stdout())
shell:Stdin():Add2Engine(engine, function() end)
shell:Stdin():Send(packet.rawpacket("echo $GREETING from $(pwd)\nls /nonexistent\nexit 3\n"))

-- One that would take too long: asked to end, and killed if it does not.
local sleeper = start("sleep", { "sleep", "1000" })
chuck.RegTimer(engine, 100, function()
  sleeper:Terminate(1000)
  return -1
end)

-- One that is not there.
start("nonsense", { "no-such-program" })

engine:Run()
