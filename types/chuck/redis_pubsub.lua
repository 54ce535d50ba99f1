---@meta chuck.redis.subscribe

--- What a channel has brought.
---@class chuck.RedisMessage
---@field channel string
---@field payload string
---@field pattern? string # the pattern that it has come by
---@field gap? boolean # messages before it may have been lost

--- A command that a server has carried out.
---@class chuck.RedisSeen
---@field time number # seconds since 1970, of the server
---@field db integer
---@field source string # the address of the client; "lua" for a script
---@field command string[]
---@field gap? boolean # commands before it may have been lost

--- Of `Monitor`.
---@class chuck.RedisMonitorOptions
---@field buffer? integer # what may wait for the program, 4096
---@field buffer_bytes? integer # 1048576
---@field timeout_ms? number # for confirmations; that of the client
---@field on_gap? fun(feed: chuck.RedisMonitor) # the connection was lost, and is there again

--- Of `Subscribe`: the channels are its list.
---@class chuck.RedisSubscribeOptions
---@field [integer] string
---@field buffer? integer # messages that may wait for the program, 4096
---@field buffer_bytes? integer # 1048576
---@field timeout_ms? number # for confirmations; that of the client
---@field on_gap? fun(subscription: chuck.RedisSubscription) # the connection was lost, and is there again

--- Messages of channels, on a connection of their own.
---@class chuck.RedisSubscription
local Subscription = {}

--- The next message; parks while there is none.
---@async
---@param timeout_ms? number
---@return chuck.RedisMessage? message
---@return string? why
---@return string? code
---@return table? err # an error of the server
function Subscription:Next(timeout_ms) end

--- `for message in subscription:Messages() do`. Not on Lua 5.1.
---@return fun(): chuck.RedisMessage?
---@return any state
function Subscription:Messages() end

--- Listens to more; parks until that is confirmed.
---@async
---@param ... string|string[]
---@return true? added
---@return string? why
---@return string? code
---@return table? err # an error of the server
function Subscription:Add(...) end

--- Listens no longer, to nothing when no channel is named; parks until that is confirmed.
---@async
---@param ... string|string[]
---@return true? removed
---@return string? why
---@return string? code
---@return table? err # an error of the server
function Subscription:Remove(...) end

--- What it listens to, in order.
---@return string[] channels
function Subscription:Channels() end

--- Ends it, with its connection.
function Subscription:Close() end

---@return boolean is_closed
function Subscription:IsClosed() end

--- Counters since it was made.
---@return table<string, any> stats
function Subscription:Stats() end

--- The commands of a server as they come, on a connection of their own.
---@class chuck.RedisMonitor
local Monitor = {}

--- The next command; parks while there is none.
---@async
---@param timeout_ms? number
---@return chuck.RedisSeen? seen
---@return string? why
---@return string? code
---@return table? err # an error of the server
function Monitor:Next(timeout_ms) end

--- `for seen in monitor:Commands() do`. Not on Lua 5.1.
---@return fun(): chuck.RedisSeen?
---@return any state
function Monitor:Commands() end

--- Ends it, with its connection.
function Monitor:Close() end

---@return boolean is_closed
function Monitor:IsClosed() end

--- Counters since it was made.
---@return table<string, any> stats
function Monitor:Stats() end

---@class chuck.RedisClient
local RedisClient = {}

--- Listens to channels; parks until that is confirmed. The last argument may be a function, which
--- is called with each message.
---@async
---@param ... string|chuck.RedisSubscribeOptions|fun(message: chuck.RedisMessage, subscription: chuck.RedisSubscription)
---@return chuck.RedisSubscription? subscription
---@return string? why
---@return string? code
---@return table? err # an error of the server
function RedisClient:Subscribe(...) end

--- As `Subscribe`, to all channels whose names match patterns.
---@async
---@param ... string|chuck.RedisSubscribeOptions|fun(message: chuck.RedisMessage, subscription: chuck.RedisSubscription)
---@return chuck.RedisSubscription? subscription
---@return string? why
---@return string? code
---@return table? err # an error of the server
function RedisClient:Psubscribe(...) end

--- As `Subscribe`, to sharded channels.
---@async
---@param ... string|chuck.RedisSubscribeOptions|fun(message: chuck.RedisMessage, subscription: chuck.RedisSubscription)
---@return chuck.RedisSubscription? subscription
---@return string? why
---@return string? code
---@return table? err # an error of the server
function RedisClient:Ssubscribe(...) end

--- Watches every command of the server; parks until that has begun.
---@async
---@param options? chuck.RedisMonitorOptions|fun(seen: chuck.RedisSeen, monitor: chuck.RedisMonitor)
---@param fn? fun(seen: chuck.RedisSeen, monitor: chuck.RedisMonitor)
---@return chuck.RedisMonitor? monitor
---@return string? why
---@return string? code
---@return table? err # an error of the server
function RedisClient:Monitor(options, fn) end

--- As `Get`, from memory as long as the key has not changed.
---@async
---@param key string|number
---@return string? value
---@return string? message
---@return string? code
---@return table? err # an error of the server
function RedisClient:Cached(key) end

--- As `Call`, for commands that read keys, from memory as long as none of these has changed.
---@async
---@param name string
---@param ... chuck.RedisArgument
---@return any value # shared: not to be changed
---@return string? message
---@return string? code
---@return table? err # an error of the server
function RedisClient:CachedCall(name, ...) end
