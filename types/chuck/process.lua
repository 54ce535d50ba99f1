---@meta chuck.process

--- Other programs: started, talked to over pipes, told of when they end.
---@class chuck.process
---@field SIGKILL integer
---@field SIGSTOP integer
local process = {}

--- Starts a program in the background that has nothing to do with this process any more.
---@param path string # no search in PATH
---@param ... string # its arguments; the first one is always `path`
---@return integer? pid
---@return string? message
---@return string? code
function process.fork(path, ...) end

--- Starts a child of this process. `on_exit(child, status, signum)` is called once, when it has
--- ended: one of the two numbers is nil.
---@param engine chuck.Engine
---@param options chuck.SpawnOptions
---@param on_exit? fun(child: chuck.Child, status: integer?, signum: integer?)
---@return chuck.Child? child
---@return string? message
---@return string? code
function process.spawn(engine, options, on_exit) end

--- Sends a signal to a process or, by a negative number, to a group of them.
---@param pid integer
---@param signum integer # 0 only asks
---@return integer status # 0 or a negative errno
function process.kill(pid, signum) end

--- The number of this process.
---@return integer pid
function process.pid() end

--- The number of its parent.
---@return integer pid
function process.ppid() end

---@alias chuck.Stdio "pipe"|"null"|"inherit"|integer

---@class chuck.SpawnOptions
---@field [integer] string the program and its arguments
---@field args? string[] the same, by name
---@field env? table<string, string> replaces our environment
---@field extend_env? boolean `env` is added to ours
---@field cwd? string
---@field stdin? chuck.Stdio
---@field stdout? chuck.Stdio
---@field stderr? chuck.Stdio|"stdout"
---@field detached? boolean a session of its own
---@field listen? table<string|integer, integer|chuck.Acceptor|chuck.Listener> descriptors that become 3, 4, ...
---@field decoder? chuck.Decoder for `stdout`
---@field recvbuf? integer bytes in a raw packet at most

---@class chuck.Child
local Child = {}

---@return integer pid
function Child:Pid() end

--- Sends it a signal.
---@param signum integer
---@return integer status # 0 or a negative errno; -ESRCH once it has ended
function Child:Kill(signum) end

--- Sends SIGTERM, and SIGKILL if it still runs after the grace.
---@param grace_ms? number # 5000
---@return integer status # 0 or a negative errno
function Child:Terminate(grace_ms) end

---@return chuck.Connection? stdin # nil unless it is a pipe
function Child:Stdin() end

---@return chuck.Connection? stdout # nil unless it is a pipe
function Child:Stdout() end

---@return chuck.Connection? stderr # nil unless it is a pipe
function Child:Stderr() end

--- Is told of no more; the child runs on.
function Child:Close() end

return process
