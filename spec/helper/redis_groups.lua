--- A cluster and sentinels for specs, of real servers. `redis` has these functions as its own.
local chuck = require("chuck")

local groups = {}

--- Seconds that servers may take to agree.
local LIMIT = 20

local function write_file(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

--- Waits until `done()`: a question to a server, asked again and again.
local function wait(what, done)
  local deadline = chuck.systick() + LIMIT * 1000
  while not done() do
    assert(chuck.systick() < deadline, "waited in vain for " .. what)
    os.execute("sleep 0.02")
  end
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
function groups.cluster(parts, masters, replicas, options)
  masters, options = masters or 3, options or {}
  local count = masters + (replicas or masters)
  local nodes = parts.start_on_ports(count * 2, function(ports)
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
      made[i] = parts.new_server(ports[i], all)
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
function groups.sentinel(parts)
  local name, first_sentinel, count = "mymaster", 4, 6
  local made = parts.start_on_ports(count, function(ports)
    local list = {}
    for i = 1, count do
      local lines = { i > 1 and "replicaof 127.0.0.1 " .. ports[1] or nil }
      if i >= first_sentinel then
        lines = sentinel_lines(name, ports, i, first_sentinel)
      end
      list[i] = parts.new_server(ports[i], { lines = lines, is_sentinel = i >= first_sentinel })
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

return groups
