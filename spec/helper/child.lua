--- Other processes for specs, on the Lua that runs them.
---
---     local result = child.run('print("hello")')      -- waits; result.status, result.output
---     local server = child.start("examples/seed/echoserver.lua")
---     server:interrupt()                              -- SIGINT
---     world:wait("its end", function() return server:status() end)
---     server:finish()                                 -- in after_each: kills what still runs
local child = {}

local Child = {}
Child.__index = Child

--- The interpreter that runs the specs.
child.lua = os.getenv("CHUCK_LUA") or "lua"

--- Seconds after which a child is killed, whatever it does.
local LIMIT = 60

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function read_file(path)
  local file = io.open(path, "rb")
  if not file then
    return nil
  end
  local text = file:read("*a")
  file:close()
  return text
end

--- Runs Lua source to its end; `before` is shell that comes first: "ulimit -n 20;".
---
--- The status of a child that a signal ended is 128 and the signal's number.
function child.run(source, before)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(source)
  file:close()
  local result = child.shell(
    (before or "") .. " timeout " .. LIMIT .. " " .. quote(child.lua) .. " " .. quote(path)
  )
  os.remove(path)
  return result
end

--- Runs a line of shell to its end.
function child.shell(line)
  local ending = "\n} 2>&1 </dev/null; status=$?; echo; echo $status"
  local pipe = assert(io.popen("{ " .. line .. ending))
  local text = pipe:read("*a")
  pipe:close()
  local output, status = text:match("^(.*)\n(%d+)\n$")
  return { output = output, status = tonumber(status) }
end

--- Starts a program in the background, with SIGINT ignored, as shells do it. Its output goes to
--- a file; line by line when `by_line`.
function child.start(program, by_line)
  local output, status = os.tmpname(), os.tmpname()
  os.remove(status)
  local lines = by_line and "-e " .. quote('io.stdout:setvbuf("line")') or ""
  local inner = ('trap "" INT; echo $$ >&3; exec 3>&-; exec %s %s %s'):format(
    quote(child.lua),
    lines,
    quote(program)
  )
  local pipe = assert(io.popen(([[
    {
      timeout -s KILL %d sh -c %s >%s 2>&1 </dev/null
      echo $? >%s.part
      mv %s.part %s
    } 3>&1 >/dev/null 2>&1 &
  ]]):format(LIMIT, quote(inner), output, status, status, status)))
  local pid = tonumber(pipe:read("*l"))
  pipe:close()
  return setmetatable({ pid = pid, output_path = output, status_path = status }, Child)
end

--- What it has written so far.
function Child:output()
  return read_file(self.output_path) or ""
end

--- Its exit status, once it has ended.
function Child:status()
  return tonumber(read_file(self.status_path) or "")
end

--- Sends SIGINT.
function Child:interrupt()
  os.execute("kill -INT " .. self.pid)
end

--- Kills it if it still runs, and removes its files.
function Child:finish()
  if not self:status() then
    os.execute("kill -KILL " .. self.pid .. " 2>/dev/null")
  end
  os.remove(self.output_path)
  os.remove(self.status_path)
end

return child
