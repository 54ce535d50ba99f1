---@meta chuck.redis.pool

--- What `redis.pool` returns: the methods of a client, over several connections.
---@class chuck.RedisPool : chuck.RedisClient
local RedisPool = {}

--- Calls `fn(client, ...)` with one of the clients: what it returns.
---@async
---@param fn fun(client: chuck.RedisClient, ...): ...
---@param ... any
---@return any ...
function RedisPool:With(fn, ...) end

--- Parks until all connections are there.
---@async
---@param timeout_ms? number
---@return true? ready, string? message, string? code, table? err
function RedisPool:Ready(timeout_ms) end

--- The counters of its clients, added up, with `size` and `connected`.
---@return table<string, integer>
function RedisPool:Stats() end

--- Ends all its clients.
function RedisPool:Close() end

---@return boolean
function RedisPool:IsClosed() end

---@class chuck.redis
local redis = {}

--- Several connections to one server as one client.
---@param options string|table # those of a client, and `size`, 4
---@return chuck.RedisPool
function redis.pool(options) end
