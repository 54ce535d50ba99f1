--- Datagram sockets for specs: bound ones of every kind, and what they are told.
local assert = require("luassert")
local chuck = require("chuck")
local lfs = require("lfs")

local socket_helper = chuck.socket_helper

local dgram = {}

--- What a datagram may travel over.
dgram.KINDS = { "IPv4", "IPv6", "Unix path", "Unix abstract" }

local Folder = {}
Folder.__index = Folder

--- A new folder for the files of Unix sockets.
function dgram.folder()
  local path = os.tmpname()
  os.remove(path)
  assert(lfs.mkdir(path))
  return setmetatable({ path = path, count = 0 }, Folder)
end

--- An address in it that nobody has.
function Folder:address()
  self.count = self.count + 1
  return ("unix:%s/%d"):format(self.path, self.count)
end

--- Removes it, and fails when a socket has left its file behind.
function Folder:remove()
  local left = {}
  for name in lfs.dir(self.path) do
    if name ~= "." and name ~= ".." then
      left[#left + 1] = name
      os.remove(self.path .. "/" .. name)
    end
  end
  lfs.rmdir(self.path)
  assert.are.same({}, left)
end

--- A datagram socket as a number.
function dgram.socket(world, family)
  return world:own_fd(socket_helper.socket(family, socket_helper.SOCK_DGRAM, 0))
end

--- A socket that is bound to an address.
function dgram.bind_at(world, family, address, decoder, recvbuf)
  local fd = dgram.socket(world, family)
  assert.are.equal(0, socket_helper.bind(fd, address))
  return world:own(assert(chuck.datagram(fd, recvbuf or 2048, decoder)))
end

--- A bound socket of a kind, not in an engine yet.
function dgram.bind(world, folder, kind, decoder, recvbuf)
  if kind == "IPv4" then
    return dgram.bind_at(world, socket_helper.AF_INET, "127.0.0.1:0", decoder, recvbuf)
  elseif kind == "IPv6" then
    return dgram.bind_at(world, socket_helper.AF_INET6, "[::1]:0", decoder, recvbuf)
  end
  local address = folder:address()
  if kind == "Unix abstract" then
    address = address:gsub("^unix:", "unix:@")
  end
  return dgram.bind_at(world, socket_helper.AF_UNIX, address, decoder, recvbuf)
end

--- An on_packet that remembers, by call: `packets`, `froms`, `codes`; and `calls`.
function dgram.recorder()
  local seen = { packets = {}, froms = {}, codes = {}, calls = 0 }
  function seen.on_packet(_, got, from, code)
    seen.calls = seen.calls + 1
    seen.packets[seen.calls] = got
    seen.froms[seen.calls] = from
    seen.codes[seen.calls] = code
  end
  return seen
end

return dgram
