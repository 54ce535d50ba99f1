--- Requests without a client of one's own: `http.get(url)` and its like share one.

local client = require("chuck.http.client")
local event_source = require("chuck.http.client.event_source")
local jar = require("chuck.http.client.jar")

local calls = {
  client = client.new,
  event_source = event_source.new,
  jar = jar.new,
}

--- Carries out the request that options describe: a response, or `nil, message, code`.
---@async
function calls.request(url, options)
  local text, made = client.arguments("request", 1, url, options)
  return client.perform(client.shared("request"), text, made)
end

for _, name in ipairs({ "get", "head", "post", "put", "patch", "delete" }) do
  calls[name] = function(url, options)
    local text, made = client.arguments(name, 1, url, options)
    made.method = name:upper()
    return client.perform(client.shared(name), text, made)
  end
end

return calls
