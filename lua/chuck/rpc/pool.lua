--- Several connections, to one server or to many, as if they were one.
---
---     local pool = rpc.pool({ "10.0.0.1:7000", "10.0.0.2:7000" }, { size = 2 })
---     print(pool:Call("add", 1, 2))           -- by the connection with the fewest calls under way
---
--- Those that are down are left out until they are up again.

local check = require("chuck.support.check")
local config = require("chuck.rpc.config")
local errors = require("chuck.rpc.errors")
local limits = require("chuck.rpc.limits")
local place = require("chuck.rpc.place")
local remote = require("chuck.rpc.remote")

local OPTIONS = { size = "positive integer" }
for name, kind in pairs(remote.OPTIONS) do
  OPTIONS[name] = kind
end

local NONE = {}

--- Keeps `size` connections to each of `addrs`: a list of addresses and threads, or one.
local function pool(addrs, options)
  local list = place.is_one(addrs) and { addrs } or addrs
  if type(list) ~= "table" or #list == 0 then
    errors.raise("pool", 1, "list of addresses or threads expected, got " .. type(addrs))
  end
  check.options("pool", 2, options, OPTIONS)
  options = options or NONE
  local made = config.make(options, "pool", 2)
  local places, size = {}, options.size or 1
  if #list * size > limits.pool then
    local text = "%d connections, limit is %d"
    errors.raise("pool", 1, text:format(#list * size, limits.pool))
  end
  for i = 1, #list do
    if not place.is_one(list[i]) then
      local text = "address or thread expected in place %d, got %s"
      errors.raise("pool", 1, text:format(i, type(list[i])))
    end
    -- With a thread there is one connection at a time.
    for _ = 1, type(list[i]) == "string" and size or 1 do
      places[#places + 1] = place.of(list[i], made.framing)
    end
  end
  errors.expect_task("pool")
  local self = remote.new("pool", places, made, options)
  return self
end

return pool
