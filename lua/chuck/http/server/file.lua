--- Files as answers, with all that HTTP knows about them.
---
---     res:File("/srv/report.pdf", { download = "report.pdf" })
---     res:File(req.params.path, { root = "/srv/www", precompressed = true })
---
--- With a root nothing outside of it is ever sent, whatever the path and the links below say.
--- Ranges, validators and conditions are answered; large files are sent by the kernel. A file that
--- is not there is answered with 404, unless the caller wants to know.

local check = require("chuck.support.check")
local mime = require("chuck.http.server.mime")
local native = require("chuck.native")
local ranges = require("chuck.http.server.ranges")
local status = require("chuck.http.status")
local validators = require("chuck.http.server.validators")

local open_file = native.http.open_file

local file = {}

--- Endings of files that were compressed before, by coding, in the order of preference.
local CODINGS = { "br", "gzip" }
local ENDS = { br = ".br", gzip = ".gz" }

local OPTIONS = {
  cache_control = "string",
  charset = "string or boolean",
  download = "string or boolean",
  etag = "string or boolean",
  fallthrough = "boolean",
  last_modified = "boolean",
  max_age = "count",
  precompressed = "boolean",
  ranges = "boolean",
  root = "string",
  type = "string",
  types = "table",
}
file.OPTIONS = OPTIONS

--- What becomes of a file that cannot be opened: a status by code.
local REFUSALS = { EACCES = 403, EPERM = 403, EMFILE = 503, ENFILE = 503, ENOMEM = 503 }

--- Raises unless these are options of a file, or of `more`.
function file.check_options(name, n, options, more)
  check.blame_options("http", name, n, options, more or OPTIONS)
  options = options or {}
  local etag = options.etag
  if type(etag) == "string" and etag ~= "weak" and etag ~= "strong" then
    local message = 'bad argument #%d to \'%s\' (option etag: "strong", "weak" or false expected)'
    check.blame("http", message:format(n, name))
  end
  return options
end

--- Opens a file that is one: what it is, or nil, message, code.
function file.open(root, path)
  if root then
    path = path:gsub("^/+", "")
  end
  local handle, kind, size, modified, tag = open_file(root, path)
  if not handle then
    return nil, kind, size
  end
  return { handle = handle, kind = kind, size = size, modified = modified, id = tag, path = path }
end

--- The same content compressed, when the client takes it and it was made after the content.
local function compressed(req, it, root)
  local accepted = req:Header("accept-encoding")
  local left = { CODINGS[1], CODINGS[2] }
  while accepted and #left > 0 do
    local coding = native.web.choose(accepted, left)
    if not coding then
      return nil
    end
    local other = file.open(root, it.path .. ENDS[coding])
    if other and other.kind == "file" and other.modified >= it.modified then
      other.coding = coding
      return other
    elseif other then
      other.handle:Close()
    end
    table.remove(left, left[1] == coding and 1 or 2)
  end
end

--- A name to save under, quoted; one that is not plain ASCII is also given in UTF-8 (RFC 6266).
local function disposition(name)
  name = name:match("[^/\\]+$") or "download"
  local plain = name:gsub("[^ -~]", "_"):gsub('["\\%%]', "_")
  local text = 'attachment; filename="' .. plain .. '"'
  if plain ~= name then
    text = text .. "; filename*=UTF-8''" .. native.web.encode(name)
  end
  return text
end

--- Adds to Vary, unless it is there.
local function vary(res, name)
  local old = res:Get("Vary")
  if not old then
    res:Set("Vary", name)
  elseif not old:lower():find(name:lower(), 1, true) and old ~= "*" then
    res:Set("Vary", old .. ", " .. name)
  end
end

--- Sets a field that the handler has not set.
local function default(res, name, value)
  if value and not res:Get(name) then
    res:Set(name, value)
  end
end

--- Fields that any answer has, also 304.
local function describe(res, it, options)
  if options.etag ~= false then
    local quoted = '"' .. it.id .. (it.coding and "-" .. it.coding or "") .. '"'
    default(res, "ETag", options.etag == "weak" and "W/" .. quoted or quoted)
  end
  if options.last_modified ~= false then
    -- A time to come would be one that no client has (RFC 9110, section 8.8.2.1).
    default(res, "Last-Modified", status.date(math.min(it.modified, os.time())))
  end
  local age = options.max_age and "max-age=" .. ranges.digits(options.max_age)
  default(res, "Cache-Control", options.cache_control or age)
  if options.precompressed then
    vary(res, "Accept-Encoding")
  end
end

--- Fields of the content.
local function describe_content(res, it, path, options)
  default(res, "Content-Type", options.type or mime.of(path, options.types, options.charset))
  if it.coding then
    res:Set("Content-Encoding", it.coding)
  end
  local download = options.download
  if download then
    default(res, "Content-Disposition", disposition(download == true and path or download))
  end
  if options.ranges ~= false and res.status == 200 then
    default(res, "Accept-Ranges", "bytes")
  end
end

--- The validators that the answer has, whoever has set them.
local function validators_of(res)
  local modified = res:Get("Last-Modified")
  return { tag = res:Get("ETag") or false, modified = modified and native.web.date(modified) }
end

--- Answers without the content.
local function refuse(res, it, number)
  it.handle:Close()
  res.status = number
  if number == 304 then
    return res:End()
  end
  res:Set("Cache-Control", nil)
  local words = number .. " " .. status.reason(number)
  return res:Text(words .. "\n")
end

--- Sends an open file.
---@async
function file.send(res, it, path, options)
  local req = res.request
  local reads = req.method == "GET" or req.method == "HEAD"
  if options.precompressed and reads then
    local other = compressed(req, it, options.root)
    if other then
      it.handle:Close()
      it = other
    end
  end
  describe(res, it, options)
  local list
  if reads and res.status == 200 then
    local known = validators_of(res)
    local number = validators.judge(req, known)
    if number then
      return refuse(res, it, number)
    end
    local wanted = options.ranges ~= false and req.method == "GET" and req:Header("range")
    if wanted and validators.allows_range(req, known) then
      list = native.web.ranges(wanted, it.size)
      if list == false then
        res:Set("Content-Range", "bytes */" .. ranges.digits(it.size))
        return refuse(res, it, 416)
      end
    end
  end
  describe_content(res, it, path, options)
  return ranges.send(res, it, list)
end

--- Answers that there is no such file, or that it may not be read.
---@async
local function answer_missing(res, message, code)
  local number = REFUSALS[code] or 404
  res:Status(number):Set("Cache-Control", nil)
  res:Text(number .. " " .. status.reason(number) .. "\n")
  return nil, message, code
end

--- Answers with a file: true, or nil, message, code.
---@async
local function send_path(res, path, options)
  if type(path) ~= "string" then
    local message = "bad argument #1 to 'File' (string expected, got %s)"
    check.blame("http", message:format(type(path)))
  end
  options = file.check_options("File", 2, options)
  if res:IsSent() then
    check.blame("http", "'File' comes too late: the head has been sent")
  end
  local it, message, code = file.open(options.root, path)
  if it and it.kind ~= "file" then
    it.handle:Close()
    it, message, code = nil, "not a file", it.kind == "folder" and "EISDIR" or "EINVAL"
  end
  if it then
    return file.send(res, it, path, options)
  end
  message = ("%s: %s"):format(path, message)
  if options.fallthrough then
    return nil, message, code
  end
  return answer_missing(res, message, code)
end

return setmetatable(file, {
  __call = function(_, res, path, options)
    return send_path(res, path, options)
  end,
})
