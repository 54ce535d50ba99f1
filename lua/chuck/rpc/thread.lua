--- Calls between threads, by the same methods as between processes.
---
---     -- in one thread                                -- in the other, as its parent's handle came
---     local peer = assert(rpc.thread(worker))         local peer = assert(rpc.thread(parent, {
---     print(peer:Call("add", 1, 2))                     services = rpc.services({ add = add }) }))
---
--- Both threads call it, in any order; each runs its tasks in `co.run`.

local check = require("chuck.support.check")
local config = require("chuck.rpc.config")
local errors = require("chuck.rpc.errors")
local mail = require("chuck.rpc.mail")
local offer = require("chuck.rpc.offer")
local peer = require("chuck.rpc.peer")

--- A peer in another thread. Or nil, message, code.
local function thread(other, options)
  check.type("thread", 1, other, "cthread")
  local is_made = getmetatable(options) == "rpc.config"
  if not is_made then
    check.options("thread", 2, options, config.OPTIONS)
  end
  errors.expect_task("thread")
  local made = options
  if not is_made then
    options = options or {}
    made = config.make(options, "thread", 2)
    made.services = options.services and offer.shared(options.services, "thread", 2)
  end
  local stream, message, code = mail.open(other)
  if not stream then
    return nil, message, code
  end
  return peer.new(stream, made)
end

return thread
