---@meta chuck.log

--- Log files that any thread writes to and nobody waits for.
---@class chuck.log
---@field INFO integer # 0
---@field DEBUG integer # 1
---@field WARN integer # 2
---@field ERROR integer # 3
---@field CRITICAL integer # 4
local log = {}

--- How a log file is written. What is left out is as `configure` has it.
---@class chuck.LogOptions
---@field directory string? # where files with a relative name are; default: the current directory
---@field path string? # this very file, in place of what the name would make
---@field max_bytes integer? # put away from this size on; 0: never; default 256 MiB
---@field daily boolean? # put away when the day is over; default false
---@field keep integer? # files that were put away to leave; 0, the default: all
---@field console boolean? # also on standard output; default: when that is a terminal
---@field format string? # `"text"`, the default, or `"json"`
---@field flush_ms integer? # how long a line may wait for others; default 20

--- What a log has done.
---@class chuck.LogStats
---@field written integer # lines that the kernel took
---@field dropped integer # lines that found the queue full
---@field errors integer # times that a file could not be opened, written or put away
---@field queued integer # lines that wait

--- Lets lines below `level` go unlogged, in the whole process.
---@param level integer
function log.SetLogLev(level) end

--- Logs to the log of the process, `syslog.log`. False: the queue was full, the line is dropped.
---@param level integer
---@param text string
---@param fields table<string, string|number|boolean>?
---@return boolean taken
function log.SysLog(level, text, fields) end

--- A log file of its own: `<name>.log`. Nothing is created before the first line.
---@param name string
---@param options chuck.LogOptions?
---@return chuck.LogFile
function log.LogFile(name, options) end

--- Options for the log of the process, and for all files that are opened without any later.
---@param options chuck.LogOptions
function log.configure(options) end

--- Tells of an error as of one in a callback that no handler takes: in the log of the process when
--- the program uses it, else on standard error.
---@param place string # what it is in, for "error in ..."
---@param text string
function log.report(place, text) end

--- What all files of the process have done.
---@return chuck.LogStats
function log.stats() end

--- Has every file opened anew, for programs that move log files away. A callback for SIGHUP.
function log.reopen() end

--- Waits until everything that was logged before is written.
---@param timeout_ms number? # default 5000
---@return boolean? flushed
---@return string? message
---@return string? code # `"ETIMEDOUT"`, or why a file cannot be written: `"ENOSPC"` and the like
function log.flush(timeout_ms) end

---@class chuck.LogFile
local LogFile = {}

--- Logs a line. False: the queue was full, the line is dropped.
---@param level integer
---@param text string
---@param fields table<string, string|number|boolean>?
---@return boolean taken
function LogFile:Log(level, text, fields) end

--- What this file has done.
---@return chuck.LogStats
function LogFile:Stats() end

return log
