-- Files from a browser to disk, with a bar that shows how much has arrived: not how much the
-- browser has sent, but what the server has written.
--
--     lua examples/http_upload.lua 127.0.0.1:8080          then open it in a browser
--
-- Files of any size pass through without standing in memory. Without an address it uploads
-- something to itself, and ends.
local chuck = require("chuck")
local co, http, io = chuck.co, chuck.http, chuck.io

--- Bytes that have arrived of each upload, by the id that its page has made up.
local progress = {}

local PAGE = [[<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Upload</title></head><body>
<form><input type="file" name="file" multiple> <button>Upload</button></form>
<p><progress value="0"></progress> <span></span></p>
<script>
const form = document.forms[0], bar = document.querySelector("progress")
form.onsubmit = async event => {
  event.preventDefault()
  const id = crypto.randomUUID ? crypto.randomUUID() : String(Math.random())
  const events = new EventSource("/progress?id=" + id)
  events.onmessage = message => { bar.value = message.data }
  bar.max = [...form.file.files].reduce((sum, file) => sum + file.size, 0)
  const answer = await fetch("/?id=" + id, { method: "POST", body: new FormData(form) })
  document.querySelector("span").textContent = await answer.text()
  events.close()
}
</script></body></html>
]]

--- Where files go: a new folder.
local function new_folder()
  local path = os.tmpname()
  os.remove(path)
  os.execute("mkdir '" .. path .. "'")
  return path
end

local folder = new_folder()

--- Writes a part to disk, and counts.
local function save(part, id)
  local path = ("%s/%d"):format(folder, math.random(2 ^ 30))
  local file = assert(_G.io.open(path, "wb"))
  local piece, message, code = part:Read()
  while piece do
    file:write(piece)
    progress[id] = progress[id] + #piece
    piece, message, code = part:Read()
  end
  file:close()
  if code then
    os.remove(path)
    return nil, message, code
  end
  return path
end

local function upload(req, res)
  local id = req.query.id or req.id
  progress[id] = 0
  res:OnEnd(function()
    progress[id] = nil
  end)
  local reader = assert(req:Multipart({
    on_file = function(part)
      return save(part, id)
    end,
  }))
  local form, message = reader:Collect()
  if not form then
    error(http.error(400, message))
  end
  res:Text(("%d files, %d bytes\n"):format(#form.files, progress[id]))
end

--- Tells how far an upload is, until it has ended.
local function show(req, res)
  local events = res:EventStream()
  local id = req.query.id or ""
  for _ = 1, 100 do
    if progress[id] then
      break
    end
    co.sleep(50)
  end
  while progress[id] and events:Send(tostring(progress[id])) do
    co.sleep(100)
  end
end

local function handler(req, res)
  if req.path == "/progress" then
    return show(req, res)
  elseif req.method == "POST" then
    return upload(req, res)
  end
  res:Html(PAGE)
end

--- A body with one file.
local function send_file(address, size)
  local head = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
  local tail = "\r\n--b--\r\n"
  local stream = assert(io.connect(address))
  stream:Write("POST /?id=me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n")
  stream:Write("Content-Type: multipart/form-data; boundary=b\r\n")
  stream:Write(("Content-Length: %d\r\n\r\n"):format(#head + size + #tail) .. head)
  local piece = ("x"):rep(65536)
  for _ = 1, size / #piece do
    stream:Write(piece)
    co.sleep(5)
  end
  stream:Write(tail)
  print(stream:ReadAll():match("[^\n]*\n$"))
end

co.run(function()
  local server = assert(http.serve(arg[1] or "127.0.0.1:0", handler, { max_body = 2 ^ 40 }))
  print("uploads to " .. folder .. " at http://" .. server:GetSockAddr())
  if arg[1] then
    -- Ctrl-C ends it.
    return
  end
  local stream = assert(io.connect(server:GetSockAddr()))
  stream:Write("GET /progress?id=me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
  local watcher = co.spawn(function()
    local _, shown = stream:ReadAll():gsub("data: %d+", "")
    print("shown " .. (shown > 0 and "while it arrived" or "too late"))
  end)
  send_file(server:GetSockAddr(), 65536 * 64)
  watcher:Join()
  server:Shutdown(1000)
  os.execute("rm -r '" .. folder .. "'")
end)
