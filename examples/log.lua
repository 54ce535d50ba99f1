--- Logging: the log of the process, a file of its own with fields as JSON, rotation, and SIGHUP.
---
---     lua5.4 examples/log.lua [FOLDER]
---
--- Writes into FOLDER, or a new one below the folder for temporary files, which it removes.
--- Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS. Meanwhile: tail -F FOLDER/*.log
local chuck = require("chuck")

local log, signal = chuck.log, chuck.signal

io.stdout:setvbuf("line")

local folder = arg and arg[1]
local is_ours = not folder
if is_ours then
  folder = os.tmpname()
  os.remove(folder)
  os.execute("mkdir '" .. folder .. "'")
end
print("logging to " .. folder)

-- From here on errors of callbacks go to the log as well, and on a terminal everything is shown.
log.configure({ directory = folder })
local access = log.LogFile("access", {
  format = "json",
  max_bytes = 4096,
  keep = 3,
  console = false,
})

local engine = chuck.engine()

local requests = 0
chuck.RegTimer(engine, 10, function()
  requests = requests + 1
  access:Log(log.INFO, "request", { id = requests, path = "/players", ms = requests % 7 + 0.5 })
end)

chuck.RegTimer(engine, 200, function()
  log.SysLog(log.INFO, "still here", { requests = requests })
end)

-- What a peer sends cannot forge a line: what follows its line break is indented.
log.SysLog(log.WARN, "odd name: eve\n[CRITICAL]2026-11-22-15:32:29.032[1]:all is lost")

-- An error of a callback: the log has it with its traceback, and the loop goes on.
chuck.RegTimer(engine, 100, function()
  error("a mistake in a callback")
end)

-- kill -HUP opens all files anew, for programs that move them away.
signal.signaler(signal.SIGHUP):Register(engine, log.reopen)

local function stop()
  engine:Stop()
end
signal.signaler(signal.SIGINT):Register(engine, stop)
local seconds = tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS"))
if seconds then
  chuck.RegTimer(engine, seconds * 1000, stop)
end
engine:Run()

-- The end of the program would write what waits as well; here it is shown first.
assert(log.flush())
local stats = log.stats()
print(("%d lines written, %d dropped"):format(stats.written, stats.dropped))
local latest = assert(io.open(folder .. "/access.log"))
print("the latest file begins with " .. latest:read("*l"))
latest:close()
if is_ours then
  os.execute("rm -r '" .. folder .. "'")
end
