---@meta chuck.socket_helper

--- Sockets as plain numbers.
---@class chuck.socket_helper
---@field AF_INET integer
---@field AF_INET6 integer
---@field SOCK_STREAM integer
---@field IPPROTO_TCP integer
local socket_helper = {}

---@param family integer
---@param type integer
---@param protocol integer
---@return integer fd # or -errno
function socket_helper.socket(family, type, protocol) end

---@param fd integer
---@param ip string # IPv4 or IPv6 literal
---@param port integer
---@return integer result # 0 or -errno; -EINPROGRESS on a non-blocking socket
function socket_helper.connect(fd, ip, port) end

---@param fd integer
---@param ip string # IPv4 or IPv6 literal
---@param port integer # 0 takes a free one
---@return integer result # 0 or -errno
function socket_helper.listen(fd, ip, port) end

---@param fd integer
---@param on boolean | number
---@return integer result # 0 or -errno
function socket_helper.noblock(fd, on) end

---@param fd integer
---@param on boolean | number
---@return integer result # 0 or -errno
function socket_helper.addr_reuse(fd, on) end

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

return socket_helper
