---@meta chuck.signal

--- Signals of the process as callbacks of the loop.
---@class chuck.signal
---@field SIGHUP integer
---@field SIGINT integer
---@field SIGQUIT integer
---@field SIGTRAP integer
---@field SIGABRT integer
---@field SIGUSR1 integer
---@field SIGUSR2 integer
---@field SIGPIPE integer
---@field SIGALRM integer
---@field SIGTERM integer
---@field SIGCHLD integer
---@field SIGCONT integer
---@field SIGTSTP integer
---@field SIGTTIN integer
---@field SIGTTOU integer
---@field SIGURG integer
---@field SIGXCPU integer
---@field SIGXFSZ integer
---@field SIGVTALRM integer
---@field SIGPROF integer
---@field SIGWINCH integer
---@field SIGIO integer
---@field SIGPOLL integer Linux
---@field SIGPWR integer Linux
---@field SIGSTKFLT integer Linux
---@field SIGSYS integer
---@field SIGBUS integer
local signal = {}

--- Watches a signal. Any number of signalers, in any thread, may watch the same one; each is told.
---@param signum integer
---@return chuck.Signaler? signaler
---@return string? message
---@return string? code # `"EMFILE"` and the like
function signal.signaler(signum) end

---@class chuck.Signaler
local Signaler = {}

--- Calls `callback(signum)` in the loop.
---@param engine chuck.Engine
---@param callback fun(signum: integer)
---@return boolean registered
---@return string? message
---@return string? code
function Signaler:Register(engine, callback) end

--- Takes it off its engine; with the last signaler of a signal the default action is back.
function Signaler:Remove() end

return signal
