---@meta chuck.pool

--- What `co.pool` returns: workers for many jobs.
---@class chuck.Pool
local Pool = {}

--- Has `fn(...)` run as soon as there is a worker; parks while the queue is full.
---@async
---@param fn function
---@param ... any
---@return chuck.Task? job
---@return string? why # `"closed"`
---@return string? code # `"EPIPE"`
function Pool:Submit(fn, ...) end

--- As `Submit`, but waits for room no longer than a time.
---@async
---@param timeout_ms number
---@param fn function
---@param ... any
---@return chuck.Task? job
---@return string? why # `"closed"`, `"timeout"`
---@return string? code # `"EPIPE"`, `"ETIMEDOUT"`
function Pool:SubmitWithin(timeout_ms, fn, ...) end

--- As `Submit`, without waiting.
---@param fn function
---@param ... any
---@return chuck.Task? job
---@return string? why # `"closed"`, `"full"`
---@return string? code # `"EPIPE"`, `"EAGAIN"`
function Pool:TrySubmit(fn, ...) end

--- Takes no more jobs; those that are in it run.
function Pool:Close() end

--- Whether it was closed.
---@return boolean
function Pool:IsClosed() end

--- Parks until no job is left.
---@async
---@param timeout_ms? number
---@return true? done
---@return string? why # `"timeout"`
---@return string? code # `"ETIMEDOUT"`
function Pool:Drain(timeout_ms) end

--- How many jobs run.
---@return integer count
function Pool:Running() end

--- How many jobs wait for a worker.
---@return integer count
function Pool:Waiting() end

---@class chuck.co
local co = {}

--- A pool that runs up to `workers` jobs at once.
---@param workers integer
---@param options? { queue?: integer, scope?: chuck.Scope }
---@return chuck.Pool
function co.pool(workers, options) end
