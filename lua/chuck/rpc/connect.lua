--- A client: a connection that is made again when it breaks, with the methods of a peer.
---
---     local client = rpc.connect("127.0.0.1:7000")
---     print(client:Call("add", 1, 2))         --> 3, once the server is there
---
--- It returns at once and connects in a task of its own, in the scope that it was made in.

local check = require("chuck.support.check")
local config = require("chuck.rpc.config")
local errors = require("chuck.rpc.errors")
local place = require("chuck.rpc.place")
local remote = require("chuck.rpc.remote")

local NONE = {}

--- Keeps a connection to `addr`, which is an address or the handle of a thread.
local function connect(addr, options)
  if not place.is_one(addr) then
    errors.raise("connect", 1, "address or thread expected, got " .. type(addr))
  end
  check.options("connect", 2, options, remote.OPTIONS)
  options = options or NONE
  local made = config.make(options, "connect", 2)
  errors.expect_task("connect")
  local client = remote.new("connect", { place.of(addr, made.framing) }, made, options)
  return client
end

return connect
