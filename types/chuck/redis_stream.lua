---@meta chuck.redis.stream

--- Options of `redis.stream`.
---@class chuck.RedisStreamOptions
---@field group? string # read as a consumer of this group
---@field consumer? string # its name
---@field start? string # "0"; where reading begins
---@field count? integer # 10; entries asked for at a time
---@field block_ms? integer # 5000; how long the server waits for the first
---@field unacked? integer # 10000; entries that may be read and not acknowledged

--- An entry of a stream.
---@class chuck.RedisEntry
---@field id string
---@field fields table<string, string> # by name, in no order; of two of a name the last
---@field list string[] # name, value, name, value, … as they were written
---@field is_again boolean? # whether somebody had it before

--- What `redis.stream` returns.
---@class chuck.RedisStream
local RedisStream = {}

--- Appends an entry.
---@async
---@param fields table # by name, or a list of names and values
---@param options? { id?: string, maxlen?: integer, minid?: string, exact?: boolean, nomkstream?: boolean }
---@return string? id, string? message, string? code, table? err
function RedisStream:Add(fields, options) end

--- The next entry; parks while there is none.
---@async
---@param timeout_ms? number
---@return chuck.RedisEntry? entry, string? message, string? code, table? err
function RedisStream:Read(timeout_ms) end

--- `for entry in stream:Entries() do`, until the stream is closed. Not for Lua 5.1.
---@return fun(stream: chuck.RedisStream): chuck.RedisEntry?
---@return chuck.RedisStream
function RedisStream:Entries() end

--- Says that entries are done with.
---@async
---@param entries string|chuck.RedisEntry|(string|chuck.RedisEntry)[]
---@return integer? count # of those that were not before
---@return string? message, string? code, table? err
function RedisStream:Ack(entries) end

--- What was read and not acknowledged: a summary, or with options a list.
---@async
---@param options? { count?: integer, first?: string, last?: string, consumer?: string, min_idle_ms?: integer }
---@return table? pending, string? message, string? code, table? err
function RedisStream:Pending(options) end

--- Takes over what nobody has acknowledged for so long.
---@async
---@param min_idle_ms integer
---@param count? integer
---@return chuck.RedisEntry[]? entries, string? message, string? code, table? err
function RedisStream:Claim(min_idle_ms, count) end

--- Removes the oldest entries: how many.
---@async
---@param options integer|{ maxlen?: integer, minid?: string, exact?: boolean }
---@return integer? count, string? message, string? code, table? err
function RedisStream:Trim(options) end

--- How many entries there are.
---@async
---@return integer? count, string? message, string? code, table? err
function RedisStream:Len() end

--- Has every entry handled, and acknowledged when the handler has returned.
---@async
---@param handler fun(entry: chuck.RedisEntry, stream: chuck.RedisStream): false?
---@param options? { workers?: integer, claim_idle_ms?: integer, max_deliveries?: integer, dead_letter?: string }
---@return true? done, string? message, string? code, table? err
function RedisStream:Consume(handler, options) end

--- Ends reading.
function RedisStream:Close() end

---@return boolean
function RedisStream:IsClosed() end

---@class chuck.redis
local redis = {}

--- A stream at a key, read and written by a client.
---@param client chuck.RedisClient
---@param key string
---@param options? chuck.RedisStreamOptions
---@return chuck.RedisStream
function redis.stream(client, key, options) end
