--- Routers with layers, for specs: whatever path is asked for, one handler answers.
---
---     local server = http.serve(layers.app(middleware.compress(), handler))
---     assert.are.equal(200, layers.get(server, "Accept-Encoding: gzip").status)
local assert = require("luassert")
local chuck = require("chuck")
local http = require("spec.helper.http")

local layers = {}

--- A router with these layers, and a handler for every path.
function layers.app(...)
  local args = { ... }
  local handler = table.remove(args)
  local app = chuck.http.router()
  for _, layer in ipairs(args) do
    app:Use(layer)
  end
  return app:Any("/*path", handler)
end

--- Asks a server once, over a connection of its own.
function layers.ask(server, method, path, ...)
  local text = http.text(method .. " " .. path .. " HTTP/1.1", "Host: a", "Connection: close", ...)
  return (http.ask(server, text, method == "HEAD"))
end

function layers.get(server, ...)
  return layers.ask(server, "GET", "/", ...)
end

--- A handler.
function layers.hello()
  return "hello"
end

--- Claims that each call raises, at a line of its own.
function layers.assert_blamed(calls)
  for i, call in ipairs(calls) do
    local fine, why = pcall(call)
    assert(not fine, "call " .. i .. " works")
    local place = debug.getinfo(call, "S")
    local file, line = tostring(why):match("^(%S+):(%d+): ")
    line = tonumber(line)
    assert(file == place.short_src, why)
    assert(place.linedefined <= line and line <= place.lastlinedefined, why)
  end
end

return layers
