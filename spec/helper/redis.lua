--- Real Redis for specs: servers, a cluster, sentinels. None of them outlives the spec.
---
---     local redis = require("spec.helper.redis")
---     local server = redis.server({ "--maxclients", "10", password = "secret" })
---     server:Cli("SET", "key", "value")               --> OK
---     server:Kill()                                   -- kill -9
---     server:Restart()                                -- on the same port
---     redis.shared()                                  -- one for a file, empty each time
---     teardown(redis.finish)                          -- ends all that this file has started
---
--- `redis.cluster()` and `redis.sentinel()` stand in `redis_groups`.
local groups = require("spec.helper.redis_groups")
local guard = require("spec.helper.redis_guard")

local redis = {}

local quote, words, output_of, ask = guard.quote, guard.words, guard.output_of, guard.ask

--- Ports are drawn below those that the system gives to clients: a server comes back on its port,
--- which no connection may have taken meanwhile, not even one to the very port itself.
local FIRST_PORT, PORTS = 20000, 12000

--- How often ports are drawn anew, when somebody listens there already.
local TRIES = 10

local START = ": >%s; $dies_with_us redis-server %s %s </dev/null >>%s 2>&1 & echo $!"

local function write_file(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

local function read_file(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text
end

--- Number of the last folder, what was started, and the server that a file shares.
local folders, servers, shared = 0, {}, nil

--- A number of different ports where nobody seems to listen. The server itself finds out.
local function draw_ports(count)
  local random = assert(io.open("/dev/urandom", "rb"))
  local ports, taken = {}, {}
  while #ports < count do
    local high, low = random:read(2):byte(1, 2)
    local port = FIRST_PORT + (high * 256 + low) % PORTS
    if not taken[port] then
      taken[port] = true
      ports[#ports + 1] = port
    end
  end
  random:close()
  return ports
end

local Server = {}
Server.__index = Server

--- Writes the file of users; returns its path.
local function write_users(folder, options)
  local password = options.password and ">" .. options.password or "nopass"
  local users = { ("user default on %s ~* &* +@all"):format(password) }
  for _, user in ipairs(options.users) do
    users[#users + 1] = "user " .. user
  end
  local path = folder .. "/users.acl"
  write_file(path, table.concat(users, "\n") .. "\n")
  return path
end

--- The lines of a server's configuration.
local function configuration(server, options)
  local lines = {
    "bind 127.0.0.1",
    "port " .. server.port,
    "unixsocket " .. server.path,
    "dir " .. server.folder,
    "logfile " .. server.log_path,
    "daemonize no",
    "databases 16",
  }
  if not options.is_sentinel then
    lines[#lines + 1] = 'save ""'
    lines[#lines + 1] = "appendonly no"
    lines[#lines + 1] = "shutdown-timeout 0"
    lines[#lines + 1] = "repl-diskless-sync-delay 0"
    lines[#lines + 1] = "enable-debug-command yes"
  end
  if options.users then
    lines[#lines + 1] = "aclfile " .. write_users(server.folder, options)
  elseif options.password then
    lines[#lines + 1] = "requirepass " .. options.password
  end
  for _, line in ipairs(options.lines or {}) do
    lines[#lines + 1] = line
  end
  return table.concat(lines, "\n") .. "\n"
end

--- A server that does not run yet, in a folder of its own.
local function new_server(port, options)
  guard.open()
  folders = folders + 1
  local folder = guard.folder .. "/" .. folders
  local server = setmetatable({
    port = port,
    address = "127.0.0.1:" .. port,
    --- The Unix socket on which it listens too.
    path = folder .. "/redis.sock",
    folder = folder,
    log_path = folder .. "/log",
    password = options.password,
    --- A number while it runs, `nil` when it does not.
    pid = nil,
    arguments = {},
  }, Server)
  for _, argument in ipairs(options) do
    table.insert(server.arguments, argument)
  end
  if options.is_sentinel then
    table.insert(server.arguments, "--sentinel")
  end
  ask("mkdir -p " .. quote(folder))
  write_file(folder .. "/conf", configuration(server, options))
  return server
end

--- Starts servers at once; `false` when one of them did not come up, and then none runs.
local function start(list)
  local script = {}
  for i, server in ipairs(list) do
    local log, conf = quote(server.log_path), quote(server.folder .. "/conf")
    script[i] = START:format(log, conf, words(server.arguments), log)
  end
  local i = 0
  for pid in ask(table.concat(script, "\n")):gmatch("%d+") do
    i = i + 1
    list[i].pid = tonumber(pid)
  end
  for at, server in ipairs(list) do
    script[at] = ("is_up %s %s %d && echo up"):format(
      quote(server.path),
      quote(server.log_path),
      server.pid
    )
  end
  local _, up = ask(table.concat(script, "\n")):gsub("up", "")
  if up == #list then
    return true
  end
  for _, server in ipairs(list) do
    server:Kill()
  end
  return false
end

--- What servers have logged, one after the other.
local function logs_of(list)
  local logs = {}
  for i, server in ipairs(list) do
    logs[i] = server:Log()
  end
  return table.concat(logs, "\n")
end

--- Starts what `make(ports)` returns, with other ports when some were taken.
local function start_on_ports(count, make)
  local logs
  for _ = 1, TRIES do
    local made = make(draw_ports(count))
    if start(made) then
      for _, server in ipairs(made) do
        servers[#servers + 1] = server
      end
      return made
    end
    logs = logs_of(made)
    if not logs:find("already in use", 1, true) then
      break
    end
  end
  error("redis-server did not come up; it says:\n" .. logs, 3)
end

--- Starts a server and waits until it answers. Options: `password` of the default user, `users`
--- (lines of an ACL file without "user": `{ "alice on >pw ~a:* +@all" }`), `lines` of its
--- configuration; the list are arguments of redis-server.
function redis.server(options)
  return start_on_ports(1, function(ports)
    return { new_server(ports[1], options or {}) }
  end)[1]
end

--- One server for a whole file. Each time it is empty, and the connections of before are gone;
--- what a spec has set by CONFIG or ACL stays.
function redis.shared()
  if not (shared and shared.pid and shared:Cli("PING") == "PONG") then
    shared = redis.server()
  end
  shared:Cli("CLIENT", "KILL", "TYPE", "normal")
  shared:Cli("CLIENT", "KILL", "TYPE", "pubsub")
  shared:Cli("FLUSHALL")
  shared:Cli("SCRIPT", "FLUSH")
  shared:Cli("FUNCTION", "FLUSH")
  return shared
end

--- Ends every server that this file has started, at once.
function redis.finish()
  guard.close()
  for _, server in ipairs(servers) do
    server.pid = nil
  end
  servers, shared = {}, nil
end

--- What redis-cli prints for a command, asked over the Unix socket. An error is printed as text.
function Server:Cli(...)
  local password = self.password and "REDISCLI_AUTH=" .. quote(self.password) .. " " or ""
  return output_of(
    ("%stimeout %d redis-cli -s %s %s 2>&1 </dev/null"):format(
      password,
      guard.LIMIT,
      quote(self.path),
      words({ ... })
    )
  )
end

--- A field of INFO.
function Server:Info(name)
  return self:Cli("INFO", "everything"):match("\n" .. name .. ":([^\r\n]*)")
end

--- What it has logged.
function Server:Log()
  return read_file(self.log_path)
end

local function signal(server, names)
  if server.pid then
    local script = {}
    for i, name in ipairs(names) do
      script[i] = ("kill -%s %d"):format(name, server.pid)
    end
    script[#script + 1] = "wait " .. server.pid
    ask(table.concat(script, "; "))
    server.pid = nil
  end
end

--- kill -9. It is gone when this returns, and its sockets are closed.
function Server:Kill()
  signal(self, { "KILL" })
end

--- Asks it to end, and waits for it.
function Server:Stop()
  signal(self, { "TERM", "CONT" })
end

--- Holds it: it accepts, the system takes its bytes, nothing is answered.
function Server:Freeze()
  ask("kill -STOP " .. self.pid)
end

function Server:Thaw()
  ask("kill -CONT " .. self.pid)
end

--- Starts it again on the same port, empty; what still runs is killed before.
function Server:Restart()
  self:Kill()
  assert(start({ self }), "redis-server did not come up again:\n" .. self:Log())
end

local parts = { new_server = new_server, start_on_ports = start_on_ports }

--- See `groups.cluster`.
function redis.cluster(masters, replicas, options)
  return groups.cluster(parts, masters, replicas, options)
end

--- See `groups.sentinel`.
function redis.sentinel()
  return groups.sentinel(parts)
end

-- Now, because worlds count descriptors: one that a spec opened inside of its own would be a leak.
guard.open()

return redis
