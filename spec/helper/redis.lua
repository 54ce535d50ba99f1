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
--- A shell is the parent of every server. It reads what to do from a pipe of ours; when this
--- process ends, however it ends, the shell reads the end, kills what it has started and removes
--- the folder. Should the shell itself be killed, the system kills its servers (`setpriv`).
local chuck = require("chuck")

local redis = {}

--- Seconds that anything here may take.
local LIMIT = 20

--- Ports are drawn below those that the system gives to clients: a server comes back on its port,
--- which no connection may have taken meanwhile, not even one to the very port itself.
local FIRST_PORT, PORTS = 20000, 12000

--- How often ports are drawn anew, when somebody listens there already.
local TRIES = 10

local GUARD = [[
trap '' INT TERM HUP
folder=%s
dies_with_us=""
command -v setpriv >/dev/null && dies_with_us="setpriv --pdeathsig KILL"
is_up() { # PATH LOG PID: 0 it answers, 1 it could not begin
  tries=0
  while [ $tries -lt 1000 ]; do
    case $(timeout 5 redis-cli -s "$1" ping 2>&1) in
      PONG | NOAUTH* | *NOPERM*) return 0 ;;
    esac
    grep -qE 'Failed listening on|Could not create|FATAL|Failed to configure' "$2" && break
    kill -0 "$3" || break
    tries=$((tries + 1))
    sleep 0.01
  done
  kill -KILL "$3"; wait "$3"
  return 1
}
]]

local START = ": >%s; $dies_with_us redis-server %s %s </dev/null >/dev/null 2>&1 & echo $!"

local AT_END = [[
jobs -p >"$folder/jobs"
kill -KILL $(cat "$folder/jobs")
wait
rm -rf "$folder"
]]

local function quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

local function words(list)
  local quoted = {}
  for i, word in ipairs(list) do
    quoted[i] = quote(word)
  end
  return table.concat(quoted, " ")
end

--- What a line of shell prints, without the last line's end.
local function output_of(line)
  local pipe = assert(io.popen(line))
  local text = pipe:read("*a")
  pipe:close()
  return (text:gsub("\n$", ""))
end

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

--- The shell that starts and ends servers, its folder, and all that this module knows.
local guard = { pipe = nil, folder = nil, started = 0 }

local servers, shared = {}, nil

local function open_guard()
  guard.folder = output_of("mktemp -d -t chuck-redis.XXXXXX")
  output_of("mkfifo " .. quote(guard.folder .. "/answer"))
  -- Without `exec` the shell of popen would stand between the pipe and ours.
  guard.pipe = assert(io.popen("exec sh >/dev/null 2>&1", "w"))
  guard.pipe:write(GUARD:format(quote(guard.folder)), ("trap %s EXIT\n"):format(quote(AT_END)))
  guard.pipe:flush()
end

--- Has the guard run some shell; returns what it printed.
local function ask(script)
  if not guard.pipe then
    open_guard()
  end
  local answer = guard.folder .. "/answer"
  guard.pipe:write(("{ %s\n} >%s\n"):format(script, quote(answer)))
  guard.pipe:flush()
  local text = output_of(("timeout %d cat %s; echo $?"):format(LIMIT, quote(answer)))
  local printed, status = text:match("^(.-)\n?(%d+)$")
  assert(status == "0", "no answer from the shell that keeps the servers: " .. script)
  return printed
end

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
  if not guard.pipe then
    open_guard()
  end
  guard.started = guard.started + 1
  local folder = guard.folder .. "/" .. guard.started
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

--- Starts servers at once; `false` when one of them could not listen, and then none runs.
local function start(list)
  local script = {}
  for i, server in ipairs(list) do
    script[i] =
      START:format(quote(server.log_path), quote(server.folder .. "/conf"), words(server.arguments))
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

--- Starts what `make(ports)` returns, with other ports when some were taken.
local function start_on_ports(count, make)
  for _ = 1, TRIES do
    local made = make(draw_ports(count))
    if start(made) then
      for _, server in ipairs(made) do
        servers[#servers + 1] = server
      end
      return made
    end
    redis.last_log = read_file(made[1].log_path)
  end
  error("no redis-server came up; the first one's log:\n" .. redis.last_log, 3)
end

--- Waits until `done()`: a question to a server, asked again and again.
local function wait(what, done)
  local deadline = chuck.systick() + LIMIT * 1000
  while not done() do
    assert(chuck.systick() < deadline, "waited in vain for " .. what)
    os.execute("sleep 0.02")
  end
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
  if guard.pipe then
    guard.pipe:close()
  end
  for _, server in ipairs(servers) do
    server.pid = nil
  end
  guard.pipe, servers, shared = nil, {}, nil
end

--- What redis-cli prints for a command, asked over the Unix socket. An error is printed as text.
function Server:Cli(...)
  local password = self.password and "REDISCLI_AUTH=" .. quote(self.password) .. " " or ""
  return output_of(
    ("%stimeout %d redis-cli -s %s %s 2>&1 </dev/null"):format(
      password,
      LIMIT,
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

local Cluster = {}
Cluster.__index = Cluster

local SLOTS = 16384

--- An id of 40 hexadecimal digits.
local function id_of(port)
  return ("%040x"):format(port)
end

--- The slots of the i-th of so many masters.
local function slots_of(i, masters)
  local first = math.floor((i - 1) * SLOTS / masters)
  return ("%d-%d"):format(first, math.floor(i * SLOTS / masters) - 1)
end

--- What each node is told of all, as if they had met before: that spares the time of meeting.
local function write_nodes(nodes, masters)
  for _, reader in ipairs(nodes) do
    local lines = {}
    for i, node in ipairs(nodes) do
      local is_master = i <= masters
      lines[i] = ("%s %s@%d %s%s %s 0 0 %d connected%s"):format(
        id_of(node.port),
        node.address,
        node.bus_port,
        reader == node and "myself," or "",
        is_master and "master" or "slave",
        is_master and "-" or id_of(nodes[(i - 1) % masters + 1].port),
        is_master and i or (i - 1) % masters + 1,
        is_master and " " .. slots_of(i, masters) or ""
      )
    end
    lines[#lines + 1] = ("vars currentEpoch %d lastVoteEpoch 0"):format(masters)
    write_file(reader.folder .. "/nodes.conf", table.concat(lines, "\n") .. "\n")
  end
end

--- All nodes that run say that all slots are served, and every replica among them follows.
function Cluster:IsUp()
  for _, node in ipairs(self.nodes) do
    if node.pid then
      if not node:Cli("CLUSTER", "INFO"):find("cluster_state:ok", 1, true) then
        return false
      end
      local info = node:Cli("INFO", "replication")
      if info:find("role:slave", 1, true) and not info:find("master_link_status:up", 1, true) then
        return false
      end
    end
  end
  return true
end

--- Waits until the nodes that run agree that all slots are served.
function Cluster:WaitUp()
  wait("the cluster", function()
    return self:IsUp()
  end)
end

--- kill -9 of a node.
function Cluster:Kill(i)
  self.nodes[i]:Kill()
end

--- Whether a line of CLUSTER NODES is that of a living master that serves a slot.
local function serves(line, slot)
  local flags, slots = line:match("^%x+ %S+ (%S+) .- connected(.*)$")
  if not flags or not flags:find("master") or flags:find("fail") then
    return false
  end
  for range in slots:gmatch(" (%d[%d-]*)") do
    local first, last = range:match("^(%d+)%-?(%d*)$")
    if slot >= tonumber(first) and slot <= (tonumber(last) or tonumber(first)) then
      return true
    end
  end
  return false
end

--- The master of a slot, as the first node that runs sees it, and its number; `nil` while there
--- is none.
function Cluster:MasterOf(slot)
  for _, node in ipairs(self.nodes) do
    if node.pid then
      for line in node:Cli("CLUSTER", "NODES"):gmatch("[^\n]+") do
        if serves(line, slot) then
          return self:NodeAt(tonumber(line:match(":(%d+)")))
        end
      end
      return nil
    end
  end
end

--- The node at a port, and its number.
function Cluster:NodeAt(port)
  for i, node in ipairs(self.nodes) do
    if node.port == port then
      return node, i
    end
  end
end

function Cluster:Stop()
  for _, node in ipairs(self.nodes) do
    node:Kill()
  end
end

--- A real cluster, 3 masters with a replica each unless said otherwise: `nodes` are the masters,
--- then the replicas (that of master i is i + masters). A dead master is replaced after about 2 s;
--- masters serve 2 s after their start, which is the server's own delay. Options: `password`, and
--- arguments of redis-server.
function redis.cluster(masters, replicas, options)
  masters, options = masters or 3, options or {}
  local count = masters + (replicas or masters)
  local nodes = start_on_ports(count * 2, function(ports)
    local made = {}
    for i = 1, count do
      local bus_port = ports[count + i]
      local lines = {
        "cluster-enabled yes",
        "cluster-config-file nodes.conf",
        "cluster-node-timeout 1000",
        "cluster-replica-validity-factor 0",
        "cluster-port " .. bus_port,
      }
      local all = { lines = lines, password = options.password }
      if options.password then
        lines[#lines + 1] = "masterauth " .. options.password
      end
      for at, argument in ipairs(options) do
        all[at] = argument
      end
      made[i] = new_server(ports[i], all)
      made[i].bus_port = bus_port
    end
    write_nodes(made, masters)
    return made
  end)
  local cluster = setmetatable({ nodes = nodes, masters = masters }, Cluster)
  cluster:WaitUp()
  return cluster
end

local Sentinel = {}
Sentinel.__index = Sentinel

--- The server that the sentinels that run take for the master, and its number in `servers`; `nil`
--- while they do not agree.
function Sentinel:Master()
  local found
  for _, sentinel in ipairs(self.sentinels) do
    if sentinel.pid then
      local answer = sentinel:Cli("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.name)
      local port = tonumber(answer:match("\n(%d+)$"))
      if found and found ~= port then
        return nil
      end
      found = port
    end
  end
  return Cluster.NodeAt({ nodes = self.servers }, found)
end

--- Waits until another server than `old` is master and says so itself; returns it.
function Sentinel:WaitFailover(old)
  local master
  wait("another master", function()
    master = self:Master()
    return master and master ~= old and master.pid and master:Info("role") == "master"
  end)
  return master
end

function Sentinel:Stop()
  for _, list in ipairs({ self.sentinels, self.servers }) do
    for _, server in ipairs(list) do
      server:Kill()
    end
  end
end

local function sentinel_lines(name, ports, i, first_sentinel)
  local lines = {
    ("sentinel monitor %s 127.0.0.1 %d 2"):format(name, ports[1]),
    ("sentinel down-after-milliseconds %s 500"):format(name),
    ("sentinel failover-timeout %s 3000"):format(name),
    "sentinel myid " .. id_of(ports[i]),
  }
  -- They would find each other within some seconds; told, they begin at once.
  for at = first_sentinel, #ports do
    if at ~= i then
      lines[#lines + 1] = ("sentinel known-sentinel %s 127.0.0.1 %d %s"):format(
        name,
        ports[at],
        id_of(ports[at])
      )
    end
  end
  for at = 2, first_sentinel - 1 do
    lines[#lines + 1] = ("sentinel known-replica %s 127.0.0.1 %d"):format(name, ports[at])
  end
  return lines
end

--- A master with two replicas (`servers`, the master first) and three `sentinels` that watch it
--- under the name "mymaster". A dead master is replaced after 1 to 4 s.
function redis.sentinel()
  local name, first_sentinel, count = "mymaster", 4, 6
  local made = start_on_ports(count, function(ports)
    local list = {}
    for i = 1, count do
      local lines = { i > 1 and "replicaof 127.0.0.1 " .. ports[1] or nil }
      if i >= first_sentinel then
        lines = sentinel_lines(name, ports, i, first_sentinel)
      end
      list[i] = new_server(ports[i], { lines = lines, is_sentinel = i >= first_sentinel })
    end
    return list
  end)
  local self = setmetatable({ name = name, servers = {}, sentinels = {} }, Sentinel)
  for i, server in ipairs(made) do
    table.insert(i < first_sentinel and self.servers or self.sentinels, server)
  end
  wait("the replicas", function()
    for i = 2, #self.servers do
      if self.servers[i]:Info("master_link_status") ~= "up" then
        return false
      end
    end
    return self:Master() == self.servers[1]
  end)
  return self
end

-- Now, because worlds count descriptors: one that a spec opened inside of its own would be a leak.
open_guard()

return redis
