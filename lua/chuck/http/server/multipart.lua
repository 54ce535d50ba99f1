--- Bodies of several parts, read as they arrive (RFC 7578): files go to disk, or wherever a
--- function takes them, and never stand in memory.
---
---     local form = assert(req:Multipart({ folder = "/var/uploads" }):Collect())
---     print(form.fields.title, form.files[1].filename, form.files[1].path)
---
---     local reader = req:Multipart()                     -- or part by part
---     local part = reader:Next()
---     while part do
---       print(part.name, part.filename, part:SaveTo("/tmp/upload"))
---       part = reader:Next()
---     end
---
--- What a client calls its file is `filename`; files are never stored under that name.

local check = require("chuck.support.check")
local fields = require("chuck.http.fields")
local native = require("chuck.native")
local upload = require("chuck.http.server.upload")

local web = native.web

local multipart = {}

local OPTIONS = {
  folder = "string",
  max_field = "size",
  max_file = "size",
  max_head = "count",
  max_parts = "count",
  on_file = "function",
}

--- Bytes of a part without a file name, and of one with it; parts; bytes of a part's head.
local MAX_FIELD = 65536
local MAX_FILE = 1073741824
local MAX_PARTS = 1000
local MAX_HEAD = 8192

---@class chuck.HttpMultipart
local Reader = {}

local READER = { __index = Reader, __metatable = "http.multipart" }

---@class chuck.HttpPart
local Part = {}

local PART = { __index = Part, __metatable = "http.part" }

--- Why a body cannot be read on, remembered.
local function fail(self, message, code)
  self.failure = { message, code }
  return nil, message, code
end

--- The body has come to its end: nil, or nil, message, code when its parts have not.
local function finish(self)
  self.is_done = self.parser:IsDone()
  if self.is_done then
    return nil
  end
  -- What was wrong behind the last thing that was told is said now.
  local events, message, code = self.parser:Feed("")
  if not events then
    return fail(self, message, code)
  end
  return fail(self, "the body ends in the middle of its parts", "EHTTPPARSE")
end

--- The next thing in the body; nil at its end; nil, message, code.
---@async
local function next_event(self)
  while true do
    local event = self.events[self.at]
    if event then
      self.events[self.at] = false
      self.at = self.at + 1
      return event
    elseif self.failure then
      return nil, self.failure[1], self.failure[2]
    elseif self.is_done then
      return nil
    end
    local bytes, message, code = self.request:Read()
    if code then
      return fail(self, message, code)
    elseif not bytes then
      return finish(self)
    end
    self.events, message, code = self.parser:Feed(bytes)
    self.at = 1
    if not self.events then
      self.events = {}
      return fail(self, message, code)
    end
  end
end

--- A part by its head.
local function new_part(self, head)
  local view = fields.view(head)
  local kind, parameters = web.disposition(view["content-disposition"] or "")
  local is_field = kind == "form-data" and parameters.name
  -- Without any folder. None is what browsers send for a file that nobody has chosen.
  local filename = parameters and (parameters.filename or ""):match("[^/\\]*$")
  if filename == "" then
    filename = nil
  end
  return setmetatable({
    reader = self,
    headers = view,
    name = is_field and parameters.name or "",
    --- As the client says: nothing to open files by.
    filename = filename,
    type = view["content-type"] or "text/plain",
    --- Bytes that were read of it.
    size = 0,
    is_over = false,
    limit = filename and self.max_file or self.max_field,
  }, PART)
end

--- The next piece of a part; nil at its end; nil, message, code.
---@async
local function read_part(part)
  if part.is_over then
    return nil
  end
  local event, message, code = next_event(part.reader)
  if not event then
    part.is_over = true
    return nil, message or "the body ends in the middle of a part", code or "EHTTPPARSE"
  elseif event[1] == "end" then
    part.is_over = true
    return nil
  end
  part.size = part.size + #event[2]
  if part.size > part.limit then
    part.is_over = true
    local text = "part %q has more than %.0f bytes"
    return fail(part.reader, text:format(part.name, part.limit), "EHTTPTOOLARGE")
  end
  return event[2]
end

--- What of the part has arrived since the last call; nil alone at its end.
---@async
function Part:Read()
  check.self("Read", self, "http.part")
  return read_part(self)
end

--- The rest of the part as one string, of at most `max` bytes.
---@async
function Part:Text(max)
  check.self("Text", self, "http.part")
  if max ~= nil then
    check.type("Text", 1, max, "count")
  end
  local pieces, size = {}, 0
  while true do
    local piece, message, code = read_part(self)
    if not piece then
      if code then
        return nil, message, code
      end
      return table.concat(pieces)
    end
    size = size + #piece
    if max and size > max then
      local text = "part %q has more than %.0f bytes"
      return nil, text:format(self.name, max), "EHTTPTOOLARGE"
    end
    pieces[#pieces + 1] = piece
  end
end

--- Writes the rest of the part to a file, which must not be there yet, and returns how many bytes
--- those were. What was not written to its end is removed.
---@async
function Part:SaveTo(path)
  check.self("SaveTo", self, "http.part")
  check.type("SaveTo", 1, path, "string")
  return upload.save(self, path)
end

--- The next part; nil at the end. What of the last one was not read is skipped.
---@async
function Reader:Next()
  check.self("Next", self, "http.multipart")
  local part = self.part
  while part and not part.is_over do
    local piece, message, code = read_part(part)
    if not piece and code then
      return nil, message, code
    end
  end
  self.part = false
  local event, message, code = next_event(self)
  while event and event[1] ~= "part" do
    event, message, code = next_event(self)
  end
  if not event then
    return nil, message, code
  end
  self.part = new_part(self, event[2])
  return self.part
end

--- Reads everything: `fields` by name, `files`, and `list` with all parts in their order. Files go
--- to the folder, or to `on_file(part)`, whose result is kept as their `result`. When something
--- fails, files that were written are removed.
---@async
function Reader:Collect()
  check.self("Collect", self, "http.multipart")
  return upload.collect(self)
end

--- A reader for the body of a request; or nil, message, code.
function multipart.reader(req, options)
  options = options or {}
  local boundary = web.boundary(req:Header("content-type") or "")
  if not boundary then
    return nil, "the body has no parts: its type is no multipart with a boundary", "EINVAL"
  end
  local parser, message, code = web.multipart(boundary, {
    parts = options.max_parts or MAX_PARTS,
    head = options.max_head or MAX_HEAD,
  })
  if not parser then
    return nil, message, code
  end
  return setmetatable({
    request = req,
    parser = parser,
    --- What was found and not told, from `at` on.
    events = {},
    at = 1,
    --- The part that is read, why nothing more can be, whether all was.
    part = false,
    failure = false,
    is_done = false,
    folder = options.folder,
    on_file = options.on_file,
    max_field = options.max_field or MAX_FIELD,
    max_file = options.max_file or MAX_FILE,
  }, READER)
end

multipart.class, multipart.part_class = Reader, Part

return setmetatable(multipart, {
  __call = function(_, req, options)
    check.blame_options("http", "Multipart", 1, options, OPTIONS)
    return multipart.reader(req, options)
  end,
})
