---@meta chuck.daemon

--- This process in the background.
---@class chuck.daemon
local daemon = {}

--- Remembers the directory that `daemonize` enters.
---@param path string
---@return true
function daemon.set_workdir(path) end

--- Goes to the background: who returns is the daemon.
---@param options? chuck.DaemonOptions
---@return true? daemon
---@return string? message
---@return string? code
function daemon.daemonize(options) end

--- Tells the shell and the service manager that the daemon is up.
---@return true? told
---@return string? message
---@return string? code
function daemon.ready() end

--- Sends a state to the service manager: lines of `NAME=value`.
---@param state string
---@return true? sent
---@return string? message
---@return string? code # `"EDESTADDRREQ"` when nobody asks
function daemon.notify(state) end

---@class chuck.DaemonOptions
---@field umask? string|integer mode bits that new files do not get, as `"027"`; kept
---@field pid_file? string
---@field workdir? string
---@field stdout? string a file to append to; lost
---@field stderr? string a file to append to; lost
---@field notify? boolean the shell waits for `ready`
---@field timeout? integer how long it waits, in milliseconds; 60000

return daemon
