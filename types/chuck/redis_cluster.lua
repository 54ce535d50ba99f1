---@meta chuck.redis.cluster

--- Of `redis.cluster`: those of a client, but for where the server is.
---@class chuck.RedisClusterOptions : chuck.RedisOptions
---@field nodes (string|{ host: string, port?: integer })[] # `"host:port"` or URIs of some nodes: one that answers is enough
---@field reads? "master"|"replica"|"any" # where commands go that only read, `"master"`
---@field redirections? integer # of one command, 16
---@field refresh_ms? number # after which the map is looked at without a reason, 60000
---@field on_connect? fun(cluster: chuck.RedisCluster, address: string)
---@field on_disconnect? fun(cluster: chuck.RedisCluster, address: string, message: string, code: string)

--- Of `redis.sentinel`: those of a client, but for where the server is.
---@class chuck.RedisSentinelOptions : chuck.RedisOptions
---@field name string # as sentinels call the master
---@field sentinels (string|{ host: string, port?: integer })[] # `"host:port"` or URIs
---@field role? "master"|"replica" # `"master"`
---@field sentinel_username? string
---@field sentinel_password? string

--- A node of a cluster.
---@class chuck.RedisNode
---@field address string
---@field role "master"|"replica"
---@field master string # the address of its master, its own when it is one
---@field is_connected boolean
---@field client chuck.RedisClient # to that node alone

--- What `redis.cluster` returns: the methods of a client, each command at the node of its keys.
---@class chuck.RedisCluster : chuck.RedisClient
local RedisCluster = {}

--- The nodes of the map: masters in the order of their slots, each before its replicas.
---@return chuck.RedisNode[]
function RedisCluster:Nodes() end

--- Counters since it was made.
---@return table<string, integer>
function RedisCluster:Stats() end

---@class chuck.redis
local redis = {}

--- A client of a cluster.
---@param options string|string[]|chuck.RedisClusterOptions
---@return chuck.RedisCluster
function redis.cluster(options) end

--- A client of the master, or of a replica, that sentinels watch.
---@param options chuck.RedisSentinelOptions
---@return chuck.RedisClient
function redis.sentinel(options) end
