--- Lists of servers as people write them.
---
---     places.texts({ "10.0.0.1:7000", { host = "10.0.0.2", port = 7000 } }, 6379)
---         --> { "10.0.0.1:7000", "10.0.0.2:7000" }

local address = require("chuck.support.address")

local places = {}

local function text_of(entry, port)
  if type(entry) ~= "table" or type(entry.host) ~= "string" then
    return entry
  end
  port = entry.port or port
  if type(port) == "number" and port % 1 == 0 then
    return address.join(entry.host, port)
  end
  return entry
end

--- A list with `{ host, port }` as text; what is neither is left for whoever checks it.
function places.texts(list, port)
  if type(list) ~= "table" then
    return list
  end
  local made = {}
  for i, entry in ipairs(list) do
    made[i] = text_of(entry, port)
  end
  return made[1] ~= nil and made or list
end

--- Options with `list`, of servers, under a name of theirs; the list may be the options themselves.
function places.with(given, name, list, port)
  local made = {}
  for key, value in pairs(given) do
    if list ~= given or type(key) ~= "number" then
      made[key] = value
    end
  end
  made[name] = places.texts(list, port)
  return made
end

return places
