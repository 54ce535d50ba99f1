--- A daemon: one instance, a pid file, a log, and an orderly end.
---
---     lua5.4 examples/daemon.lua [FOLDER]
---     kill $(cat FOLDER/app.pid)
---
--- Works in FOLDER, or a new one below the folder for temporary files, which it removes.
--- Ends on SIGTERM, or after CHUCK_EXAMPLE_SECONDS. A second one for the same FOLDER is refused.
local chuck = require("chuck")

local daemon, log, process, signal = chuck.daemon, chuck.log, chuck.process, chuck.signal

local folder = arg and arg[1]
local is_ours = not folder
if is_ours then
  folder = os.tmpname()
  os.remove(folder)
  os.execute("mkdir '" .. folder .. "'")
end

-- Before engines, threads, and the first line of a log: none of them would come along.
local fine, why = daemon.daemonize({
  pid_file = folder .. "/app.pid",
  workdir = folder,
  umask = "027", -- nobody else writes here, strangers do not read either
  stderr = folder .. "/error.log",
  notify = true,
})
if not fine then
  io.stderr:write("daemon: " .. why .. "\n")
  os.exit(1)
end

-- This is the background. Until `ready` the shell still waits and shows what is printed.
log.configure({ directory = folder, console = false })
local engine = chuck.engine()

local function stop(reason)
  log.SysLog(log.INFO, "ends: " .. reason)
  engine:Stop()
end

local terminated = signal.signaler(signal.SIGTERM)
terminated:Register(engine, function()
  stop("SIGTERM")
end)

local seconds = tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS") or "")
if seconds then
  chuck.RegTimer(engine, seconds * 1000, function()
    stop("time is over")
  end)
end

print("process " .. process.pid() .. " works in " .. folder)
log.SysLog(log.INFO, "is up")
assert(daemon.ready())
engine:Run()

engine:Close()
if is_ours then
  log.flush()
  os.execute("rm -r '" .. folder .. "'")
end
