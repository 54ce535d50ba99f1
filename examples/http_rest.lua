--- A REST interface for notes: a router, ready layers, JSON, errors with a status.
---
---     lua examples/http_rest.lua 127.0.0.1:8080
---     curl -i -d '{"text":"milk"}' http://127.0.0.1:8080/api/notes
---     curl -i http://127.0.0.1:8080/api/notes/1
---     curl -i -X DELETE -H 'Authorization: Bearer letmein' http://127.0.0.1:8080/api/notes/1
---
--- Without an address it asks itself a few times, and ends.
local chuck = require("chuck")

local co, http, io_ = chuck.co, chuck.http, chuck.io
local middleware = http.middleware

local NOTE_MAX = 64 * 1024 -- bytes
local ANSWER_MAX = 64 * 1024

local notes, last = {}, 0

--- The note that a request is about; the client gets 404 when there is none.
local function note_of(req)
  return notes[tonumber(req.params.id)] or error(http.error(404, "no such note"))
end

--- The note in the body of a request.
local function read_note(req)
  local note, message, code = req:Json(NOTE_MAX)
  if code then
    error(http.error(code == "EHTTPTOOLARGE" and 413 or 400, message))
  elseif type(note) ~= "table" or type(note.text) ~= "string" then
    error(http.error(422, "a note has a text"))
  end
  return { text = note.text }
end

local function list(_, res)
  local all = {}
  for _, note in pairs(notes) do
    all[#all + 1] = note
  end
  table.sort(all, function(left, right)
    return left.id < right.id
  end)
  res:Json({ count = #all, notes = chuck.json.array(all) })
end

local function add(req, res)
  local note = read_note(req)
  last = last + 1
  note.id = last
  notes[last] = note
  res:Set("Location", "/api/notes/" .. last):Json(note, 201)
end

local function show(req, res)
  res:Json(note_of(req))
end

local function change(req, res)
  local note = note_of(req)
  note.text = read_note(req).text
  res:Json(note)
end

local function remove(req, res)
  notes[note_of(req).id] = nil
  res:Status(204)
end

local app = http.router()
app:Use(middleware.access_log({ log = print }), middleware.request_id())
app:Use(middleware.compress(), middleware.rate_limit({ limit = 1000 }))
app:Group("/api/notes", function(api)
  api:Use(middleware.cors({ origins = "*" }))
  api:Get("/", list):Post("/", middleware.body_limit(NOTE_MAX), add)
  api:Get("/:id", show):Put("/:id", middleware.body_limit(NOTE_MAX), change)
  api:Delete("/:id", middleware.bearer_auth({ tokens = { "letmein" } }), remove)
end)

--- Asks the server once and prints what it says.
local function ask(server, head, body)
  local stream = assert(io_.connect(server:GetSockAddr()))
  local length = body and "Content-Length: " .. #body .. "\r\n" or ""
  stream:Write(head, "\r\nHost: localhost\r\nConnection: close\r\n", length, "\r\n", body or "")
  local answer = stream:ReadAll(ANSWER_MAX)
  print("  " .. answer:match("^[^\r]+"), answer:match("\r\n\r\n(.*)$"))
  stream:Close()
end

co.run(function()
  local server = assert(http.serve(arg[1] or "127.0.0.1:0", app))
  print(app)
  print("notes at http://" .. server:GetSockAddr() .. "/api/notes")
  if arg[1] then
    -- Ctrl-C ends it.
    return
  end
  ask(server, "POST /api/notes HTTP/1.1", '{"text":"milk"}')
  ask(server, "POST /api/notes HTTP/1.1", '{"text":7}')
  ask(server, "GET /api/notes/1 HTTP/1.1")
  ask(server, "PATCH /api/notes/1 HTTP/1.1", "{}")
  ask(server, "DELETE /api/notes/1 HTTP/1.1")
  ask(server, "DELETE /api/notes/1 HTTP/1.1\r\nAuthorization: Bearer letmein")
  ask(server, "GET /api/notes HTTP/1.1")
  server:Shutdown(1000)
end)
