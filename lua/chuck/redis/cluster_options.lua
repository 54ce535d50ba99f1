--- Options of a cluster: those of a client, the nodes to begin with, and who is read from.

local address = require("chuck.support.address")
local options = require("chuck.redis.options")
local outcome = require("chuck.redis.outcome")
local places = require("chuck.redis.places")

local cluster_options = {}

--- Redirections of one command, the time after which the map is looked at without a reason, and the
--- longest pause between two attempts to reach a node.
local REDIRECTIONS, REFRESH, BACKOFF_MAX = 16, 60000, 1000

local PORT = 6379

local KINDS = {
  nodes = "list of strings",
  reads = "string",
  redirections = "count",
  refresh_ms = "milliseconds",
}

local READS = { master = true, replica = true, any = true }

--- The address of a node in the list of `nodes`, which may be a URI with credentials.
local function seed_of(made, text)
  if text:find("://", 1, true) then
    local parts, why = options.parse(text)
    if not parts then
      outcome.raise("cluster", 1, why)
    elseif parts.path or parts.tls or parts.db and parts.db ~= 0 then
      outcome.raise(
        "cluster",
        1,
        "option nodes: a cluster has no Unix socket, no TLS and one database"
      )
    end
    made.username = made.username or parts.username
    made.password = made.password or parts.password
    return address.join(parts.host or "127.0.0.1", parts.port or PORT)
  elseif not address.split(text) then
    outcome.raise("cluster", 1, ("option nodes: host:port or URI expected, got %s"):format(text))
  end
  return text
end

--- Options with their defaults, and the addresses to begin with.
function cluster_options.read(given)
  if type(given) == "string" then
    given = { nodes = { given } }
  elseif type(given) == "table" and given[1] ~= nil and given.nodes == nil then
    given = places.with(given, "nodes", given, PORT)
  elseif type(given) == "table" and given.nodes then
    given = places.with(given, "nodes", given.nodes, PORT)
  end
  local made = options.make("cluster", given, KINDS)
  made.reads = made.reads or "master"
  made.redirections = made.redirections or REDIRECTIONS
  made.refresh_ms = made.refresh_ms or REFRESH
  made.backoff_max_ms = given and given.backoff_max_ms or BACKOFF_MAX
  if not READS[made.reads] then
    local text = 'option reads: "master", "replica" or "any" expected, got "%s"'
    outcome.raise("cluster", 1, text:format(made.reads))
  elseif made.db and made.db ~= 0 then
    outcome.raise("cluster", 1, "option db: a cluster has database 0 only")
  end
  local seeds = {}
  for i, text in ipairs(made.nodes or { made.uri or made.place }) do
    seeds[i] = seed_of(made, text)
  end
  return made, seeds
end

return cluster_options
