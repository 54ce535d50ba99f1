--- The server that `scripts/browser` shows to a browser: that of http_peer_spec, and a page.
---
---     scripts/lua 5.4 spec/peers/browser.lua FOLDER      prints "listening PORT"
---
--- What it serves lies in the folder: page/ and file.txt.
local chuck = require("chuck")
local app = require("spec.helper.http_app")
local program = require("spec.helper.program")

local folder = arg[1]

chuck.co.run(function()
  program.write(folder .. "/file.txt", app.FILE)
  local server = assert(chuck.http.serve("127.0.0.1:0", app.new(folder)))
  print("listening " .. server:GetSockAddr():match("%d+$"))
  io.stdout:flush()
end)
