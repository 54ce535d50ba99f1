---@meta chuck.redis.pipeline

--- Commands that leave in one piece, and whose replies come as one list. Each command of
--- `chuck.RedisCommands` queues, and returns the pipeline.
---@class chuck.RedisPipeline : chuck.RedisCommands
local RedisPipeline = {}

--- Queues any command by its name.
---@param name string
---@param ... chuck.RedisArgument
---@return chuck.RedisPipeline self
function RedisPipeline:Call(name, ...) end

--- Queues a script.
---@param script chuck.RedisScript
---@param keys? (string|number)[]
---@param args? (string|number)[]
---@return chuck.RedisPipeline self
function RedisPipeline:Run(script, keys, args) end

--- Sends what is queued and parks for the replies.
---@async
---@param timeout_ms? number # that of the client
---@return any[]? results # null is `redis.null`, errors are error objects
---@return string? message
---@return string? code
---@return any[]|table|nil partial # the replies that had come; an error object if a server refused us
function RedisPipeline:Execute(timeout_ms) end

--- How many commands are queued.
---@return integer count
function RedisPipeline:Size() end

--- Forgets what is queued.
---@return chuck.RedisPipeline self
function RedisPipeline:Discard() end

--- Commands at once, on a connection of its own, inside of `Watch`.
---@class chuck.RedisSession : chuck.RedisCommands
local RedisSession = {}

--- Any command by its name.
---@async
---@param name string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function RedisSession:Call(name, ...) end

--- As `RedisClient:Run`.
---@async
---@param script chuck.RedisScript
---@param keys? (string|number)[]
---@param args? (string|number)[]
---@return any value, string? message, string? code, table? err
function RedisSession:Run(script, keys, args) end

--- What `Scan` and its kin return: an iterator, and an object.
---@class chuck.RedisScan
---@overload fun(): any, any
local RedisScan = {}

--- The next element; of a hash with its value, of a sorted set with its score. nil at the end.
---@async
---@return string? element
---@return any value # or a message
---@return string? code
---@return table? err
function RedisScan:Next() end

--- What `redis.script` returns.
---@class chuck.RedisScript

---@class chuck.redis
local redis = {}

--- A script that runs in the server.
---@param source string
---@return chuck.RedisScript
function redis.script(source) end

---@class chuck.RedisClient
local RedisClient = {}

--- An empty pipeline; with a function, what `fn(pipeline, ...)` queues is executed at once.
---@async
---@param fn? fun(pipeline: chuck.RedisPipeline, ...)
---@param ... any
---@return chuck.RedisPipeline|any[]|nil
---@return string? message
---@return string? code
---@return any[]|table|nil partial
function RedisClient:Pipeline(fn, ...) end

--- Executes what `fn(tx, ...)` queues as one transaction.
---@async
---@param fn fun(tx: chuck.RedisPipeline, ...): ...
---@param ... any
---@return any[]|false|nil results
---@return any ... # what `fn` has returned; or message, code, err
function RedisClient:Multi(fn, ...) end

--- As `Multi`, if nobody changes `keys` meanwhile; else again, up to `tries` times.
---@async
---@param keys string|string[]
---@param fn fun(session: chuck.RedisSession, tx: chuck.RedisPipeline): ...
---@param tries? integer # 16
---@return any[]|false|nil results
---@return any ... # what `fn` has returned; or message, code, err
function RedisClient:Watch(keys, fn, tries) end

--- Runs a script: what it answers.
---@async
---@param script chuck.RedisScript
---@param keys? (string|number)[]
---@param args? (string|number)[]
---@return any value, string? message, string? code, table? err
function RedisClient:Run(script, keys, args) end

--- All keys of the database, a piece at a time. With a cursor: the plain command.
---@param options? { match?: string, count?: integer, type?: string }
---@return chuck.RedisScan
function RedisClient:Scan(options) end

--- All fields of a hash with their values.
---@param key string
---@param options? { match?: string, count?: integer }
---@return chuck.RedisScan
function RedisClient:HScan(key, options) end

--- All members of a set.
---@param key string
---@param options? { match?: string, count?: integer }
---@return chuck.RedisScan
function RedisClient:SScan(key, options) end

--- All members of a sorted set with their scores.
---@param key string
---@param options? { match?: string, count?: integer }
---@return chuck.RedisScan
function RedisClient:ZScan(key, options) end
