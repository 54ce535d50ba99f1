---@meta chuck.socket_helper

--- Sockets as plain numbers.
---@class chuck.socket_helper
---@field AF_INET integer
---@field AF_INET6 integer
---@field AF_UNIX integer
---@field SOCK_STREAM integer
---@field SOCK_DGRAM integer
---@field IPPROTO_TCP integer
---@field IPPROTO_UDP integer
local socket_helper = {}

---@param family integer
---@param type integer
---@param protocol? integer # 0, the default: the usual one of the type
---@return integer fd # or -errno
function socket_helper.socket(family, type, protocol) end

--- Two Unix sockets that are connected to each other.
---@param type? integer # default `SOCK_STREAM`
---@return integer? one
---@return integer | string other # or the message
---@return string? code
function socket_helper.pair(type) end

--- Takes over a descriptor that chuck has not opened.
---@param fd integer
---@return integer result # 0 or -errno; -EEXIST when chuck owns it
function socket_helper.adopt(fd) end

---@param fd integer
---@param ip string # IPv4 or IPv6 literal
---@param port integer
---@return integer result # 0 or -errno; -EINPROGRESS on a non-blocking socket
---@overload fun(fd: integer, address: string): integer
function socket_helper.connect(fd, ip, port) end

---@param fd integer
---@param ip string # IPv4 or IPv6 literal
---@param port integer # 0 takes a free one
---@return integer result # 0 or -errno
---@overload fun(fd: integer, address: string, options?: { mode?: string|integer }): integer
function socket_helper.bind(fd, ip, port) end

---@param fd integer
---@param ip? string # IPv4 or IPv6 literal; default: where it is bound
---@param port? integer # 0 takes a free one
---@return integer result # 0 or -errno
---@overload fun(fd: integer, address: string, options?: { mode?: string|integer, backlog?: integer }): integer
function socket_helper.listen(fd, ip, port) end

---@param fd integer
---@param on boolean | number
---@return integer result # 0 or -errno
function socket_helper.noblock(fd, on) end

---@param fd integer
---@param on boolean | number
---@return integer result # 0 or -errno
function socket_helper.addr_reuse(fd, on) end

--- Lets several sockets be bound to one address.
---@param fd integer
---@param on boolean | number
---@return integer result # 0 or -errno
function socket_helper.reuseport(fd, on) end

---@param fd integer
---@param on boolean | number
---@return integer result # 0 or -errno
function socket_helper.nodelay(fd, on) end

--- Whether an IPv6 socket leaves IPv4 to others.
---@param fd integer
---@param on boolean | number
---@return integer result # 0 or -errno
function socket_helper.v6only(fd, on) end

--- Probes a silent TCP peer.
---@param fd integer
---@param idle_s integer | false # silence before the first probe; 0 or false turns it off
---@param interval_s? integer # between two probes
---@param count? integer # unanswered probes after which the peer is gone
---@return integer result # 0 or -errno
function socket_helper.keepalive(fd, idle_s, interval_s, count) end

--- How long a close waits for what is not sent; 0 resets the connection, false is the default.
---@param fd integer
---@param seconds integer | false
---@return integer result # 0 or -errno
function socket_helper.linger(fd, seconds) end

---@param fd integer
---@param bytes? integer # asks for so many
---@return integer? bytes # what the kernel has made of it
---@return string? message
---@return string? code
function socket_helper.recv_buffer(fd, bytes) end

---@param fd integer
---@param bytes? integer # asks for so many
---@return integer? bytes # what the kernel has made of it
---@return string? message
---@return string? code
function socket_helper.send_buffer(fd, bytes) end

--- Sends a descriptor over a Unix socket. It stays open here.
---@param fd integer
---@param fd_to_pass integer
---@param data? string # 1 to 4096 bytes, default one zero byte
---@return integer result # 0 or -errno; -EAGAIN when there is no room
function socket_helper.send_fd(fd, fd_to_pass, data) end

--- Receives a descriptor over a Unix socket; false where only data came.
---@param fd integer
---@param timeout_ms? number # how long it may wait, default 0
---@return integer | false | nil fd
---@return string data # or the message
---@return string? code # `"EAGAIN"`, `"ESOCKCLOSE"`
function socket_helper.recv_fd(fd, timeout_ms) end

---@param fd integer
---@return integer result # 0 or -errno
function socket_helper.close(fd) end

---@param fd integer
---@return string? address
---@return string? message
---@return string? code
function socket_helper.getsockname(fd) end

---@param fd integer
---@return string? address
---@return string? message
---@return string? code
function socket_helper.getpeername(fd) end

--- Every IPv4 address of a host. Waits for the resolver.
---@param host string
---@return string[]? addresses
---@return string? message
---@return string? code # `"ENOENT"`
function socket_helper.gethostbyname_ipv4(host) end

--- Descriptors that whoever has started this process opened for it, in order and by name.
---@return table<integer | string, integer> inherited
function socket_helper.inherited() end

return socket_helper
