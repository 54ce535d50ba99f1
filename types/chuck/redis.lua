---@meta chuck.redis

--- Redis for callbacks and for tasks.
---@class chuck.redis
---@field null userdata # stands for null inside of lists and maps
---@field limits table<string, number> # limits and defaults
---@field pool function # see docs/api
---@field script function # see docs/api
---@field stream function # see docs/api
local redis = {}

--- Of `redis.Connect`.
---@class chuck.RedisConnectOptions
---@field on_error? fun(client: chuck.RedisConnection, err: integer, message: string)
---@field on_push? fun(client: chuck.RedisConnection, items: table)
---@field username? string
---@field password? string
---@field db? integer # 0
---@field client_name? string
---@field protocol? 2|3 # 2
---@field connect_ms? number # 5000
---@field timeout_ms? number # 10000
---@field pending? integer # commands that may wait for replies, 1000000
---@field send_limit? integer # bytes that may wait to be sent, 67108864
---@field message? integer # bytes of one reply, 536870912
---@field depth? integer # 64
---@field elements? integer # values in one reply, 16777216

--- Of `redis.client`.
---@class chuck.RedisOptions
---@field uri? string
---@field host? string # `"127.0.0.1"`
---@field port? integer # 6379
---@field path? string # a Unix socket
---@field address? string # `"host:port"` or `"unix:/path"`
---@field username? string
---@field password? string
---@field db? integer # 0
---@field client_name? string
---@field protocol? 2|3 # 3, or 2 where the server is old
---@field tls? boolean # not there yet
---@field timeout_ms? number # 10000
---@field connect_ms? number # 5000
---@field heartbeat_ms? number # 30000; 0: never
---@field backoff_ms? number # 50
---@field backoff_max_ms? number # 5000
---@field queue? integer # 10000
---@field send_limit? integer # 67108864
---@field in_flight? "fail"|"retry" # `"fail"`
---@field retries? integer # 3
---@field message? integer # 536870912
---@field depth? integer # 64
---@field elements? integer # 16777216
---@field blocking? integer # connections of commands that wait, 100
---@field subscriptions? integer # subscriptions and monitors, each with a connection, 1000
---@field cache? { entries?: integer, bytes?: integer } # room of kept replies: 10000, 67108864
---@field slow_ms? number
---@field on_slow? fun(name: string, ms: number, ...)
---@field on_connect? fun(client: chuck.RedisClient)
---@field on_disconnect? fun(client: chuck.RedisClient, message: string, code: string)
---@field arguments? fun(name: string, ...): ...
---@field replies? fun(name: string, value: any): any

--- Of `CallWith`.
---@class chuck.RedisCallOptions
---@field timeout_ms? number
---@field idempotent? boolean

--- Connects for callbacks. Waits, unless there is a callback, which is called once, later. Without
--- an engine, `Connect(host, port[, options])`, the task waits.
---@param engine chuck.Engine
---@param host string # an address, a name, or the path of a Unix socket
---@param port? integer
---@param options? chuck.RedisConnectOptions|fun(client: chuck.RedisConnection, err: integer, message: string)
---@param callback? fun(err?: string, client?: chuck.RedisConnection, code?: string)
---@return string? err
---@return chuck.RedisConnection? client
---@return string? code
---@overload fun(host: string, port?: integer, options?: chuck.RedisConnectOptions|function): string?, chuck.RedisConnection?, string?
function redis.Connect(engine, host, port, options, callback) end

--- A client for tasks, which keeps a connection.
---@param uri_or_options? string|chuck.RedisOptions
---@return chuck.RedisClient client
function redis.client(uri_or_options) end

--- Whether a value is an error of the server.
---@param value any
---@return boolean is_error
function redis.is_error(value) end

--- A connection for callbacks.
---@class chuck.RedisConnection
local Connection = {}

--- Sends a command: `"ok"`, or `"query error", message, code`. Argument by argument the callback
--- comes first.
---@param line string
---@param callback? fun(client: chuck.RedisConnection, reply: any, err?: string, code?: string)
---@return "ok"|"query error" answer
---@return string? message
---@return string? code
---@overload fun(self: chuck.RedisConnection, callback: function|nil, name: string, ...: chuck.RedisArgument): string, string?, string?
function Connection:Execute(line, callback) end

--- Ends the connection. Who waits is told.
---@param reason? string
function Connection:Close(reason) end

--- Whether it was closed, or is lost.
---@return boolean is_closed
function Connection:IsClosed() end

--- The value of a key.
---@async
---@param key chuck.RedisArgument
---@return string? err
---@return string? value
---@return string? code
function Connection:Get(key) end

--- Sets a key.
---@async
---@param key chuck.RedisArgument
---@param value chuck.RedisArgument
---@return string? err
---@return string? reply
---@return string? code
function Connection:Set(key, value) end

--- Fields of a hash.
---@async
---@param key chuck.RedisArgument
---@param fields string[]
---@return string? err
---@return table? values
---@return string? code
function Connection:Hmget(key, fields) end

--- Sets fields of a hash: two lists, or one table by field.
---@async
---@param key chuck.RedisArgument
---@param fields table
---@param values? table
---@return string? err
---@return string? reply
---@return string? code
function Connection:Hmset(key, fields, values) end

--- A command in one line.
---@async
---@param line string
---@return string? err
---@return any reply
---@return string? code
function Connection:Do(line) end

--- A client for tasks. Every command is a method.
---@class chuck.RedisClient: chuck.RedisCommands
local Client = {}

--- Any command by its name.
---@async
---@param name string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function Client:Call(name, ...) end

--- As `Call`, with options for this command.
---@async
---@param options chuck.RedisCallOptions
---@param name string
---@param ... chuck.RedisArgument
---@return any value, string? message, string? code, table? err
function Client:CallWith(options, name, ...) end

--- A command in one line.
---@async
---@param line string
---@return any value, string? message, string? code, table? err
function Client:Do(line) end

--- Waits until there is a connection.
---@async
---@param timeout_ms? number # 5000
---@return true? ready
---@return string? message
---@return string? code
function Client:Ready(timeout_ms) end

--- Counters since it was made.
---@return table<string, any> stats
function Client:Stats() end

--- Ends the client.
function Client:Close() end

--- Whether it was closed.
---@return boolean is_closed
function Client:IsClosed() end
