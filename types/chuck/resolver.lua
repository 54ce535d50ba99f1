---@meta chuck.resolver

--- Addresses of hosts, without waiting.
---@class chuck.resolver
local resolver = {}

--- Calls `callback(addresses)`, `{ "127.0.0.1", "::1" }` in the resolver's order, or
--- `callback(nil, message, code)`, exactly once and never before this has returned.
---@param engine chuck.Engine
---@param host string # a name or an address
---@param callback fun(addresses?: string[], message?: string, code?: string) # `"ENOENT"`, `"ETIMEDOUT"`, `"EINVAL"`, `"EAGAIN"`, `"ENOBUFS"`, `"EENGCLOSE"`
---@param options? { family?: "inet" | "inet6", timeout_ms?: number, cache?: boolean } # timeout_ms: 5000; 0: none
---@return chuck.Query? query
---@return string? message
---@return string? code # `"EENGCLOSE"`, `"EMFILE"`
function resolver.resolve(engine, host, callback, options) end

--- Changes what is named; for the whole process.
---@param settings { threads?: integer, cache_ms?: number, negative_ms?: number, cache_size?: integer } # 4, 30000, 3000, 1024
function resolver.configure(settings) end

--- Forgets every answer.
function resolver.flush() end

---@class chuck.Query
local Query = {}

--- Gives up; the callback is not called.
---@return boolean was_waiting # whether the callback was still to be called
function Query:Cancel() end

return resolver
