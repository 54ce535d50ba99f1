---@meta chuck.engine

--- Makes engines: `chuck.engine()`.
---@class chuck.engine
---@overload fun(): chuck.Engine?, string?, string?
local engine = {}

---@return chuck.Engine? engine
---@return string? message
---@return string? code
function engine.engine() end

---@class chuck.Stats
---@field turns integer # waits for the kernel
---@field wakes integer # sockets that woke the loop
---@field bytes_in integer
---@field bytes_out integer
---@field accepted integer
---@field open integer # registered now
---@field timers integer # registered now
---@field longest_callback_us integer

--- The event loop.
---@class chuck.Engine
local Engine = {}

--- Runs the loop until it is stopped, or for `ms` milliseconds; 0 polls.
---@param ms? number
---@return integer result # 0, or -155 when the engine is closed
function Engine:Run(ms) end

--- Lets `Run` return when the current callback has ended.
function Engine:Stop() end

--- Closes everything that is registered; callbacks are told 155.
function Engine:Close() end

--- Runs `fn` once, after the current pass.
---@param fn fun()
function Engine:Post(fn) end

--- `fn(err, traceback)` takes the errors of callbacks; nil: standard error, or the log where that is used.
---@param fn? fun(err: any, traceback: string)
function Engine:SetErrorHandler(fn) end

---@return chuck.Stats
function Engine:Stats() end

return engine
