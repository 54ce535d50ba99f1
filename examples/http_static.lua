-- A folder as a site, with ranges, conditions, and content that was compressed before.
--
--     lua examples/http_static.lua 127.0.0.1:8080 /srv/www
--     curl -i -r 0-99 http://127.0.0.1:8080/
--
-- Without an address it serves this repository's pages to itself once, and ends.
local chuck = require("chuck")
local co, http, io = chuck.co, chuck.http, chuck.io

--- What a server answers to a request for a path.
local function ask(address, path, field)
  local stream = assert(io.connect(address))
  local text = "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n\r\n"
  stream:Write(text:format(path, field))
  local answer = stream:ReadAll()
  stream:Close()
  return answer
end

co.run(function()
  local folder = arg[2] or "docs"
  local options = { list = true, precompressed = true, max_age = 60, index = "index.html" }
  local server = assert(http.serve(arg[1] or "127.0.0.1:0", http.static(folder, options)))
  print(("%s is at http://%s/"):format(folder, server:GetSockAddr()))
  if arg[1] then
    -- Ctrl-C ends it.
    return
  end
  local address = server:GetSockAddr()
  local whole = ask(address, "/style.md", "Accept: */*")
  print(whole:match("^(.-)\r\n\r\n"))
  local tag = whole:match("ETag: ([^\r\n]+)")
  print("the first ten bytes: " .. ask(address, "/style.md", "Range: bytes=0-9"):match("[^\r\n]+"))
  print(
    "what is known:       " .. ask(address, "/style.md", "If-None-Match: " .. tag):match("[^\r\n]+")
  )
  print("outside of it:       " .. ask(address, "/../README.md", "A: b"):match("[^\r\n]+"))
  server:Shutdown(1000)
end)
