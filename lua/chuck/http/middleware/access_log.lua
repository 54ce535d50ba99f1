--- A line for each request, once it is over.
---
---     app:Use(http.middleware.access_log())                          -- to the log of the process
---     app:Use(http.middleware.access_log({ format = "json", log = print }))
---
--- Whatever a client has sent stands in one line: quotes, backslashes and bytes that are not
--- visible ASCII are written as `\x0a`.

local check = require("chuck.support.check")
local native = require("chuck.native")
local sched = require("chuck.co.sched")

local date, gsub = os.date, string.gsub

local MONTHS =
  { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" }

--- What `format` may be.
local NAMES = '"common", "combined", "json" or a function'

local function escape_byte(byte)
  return ("\\x%02x"):format(byte:byte())
end

--- A text of a client's, as it can stand in a line.
local function escaped(text)
  if text == nil or text == "" then
    return "-"
  end
  return (gsub(tostring(text), "[^ !#-[%]^-~]", escape_byte))
end

--- The same for a text that is not in quotes: without blanks.
local function word(text)
  return (gsub(escaped(text), " ", "\\x20"))
end

local stamp, stamped = "", false

--- The time as the common format has it, in UTC.
local function time_of(now)
  if now ~= stamped then
    local at = date("!*t", now)
    local text = "%02d/%s/%04d:%02d:%02d:%02d +0000"
    stamp = text:format(at.day, MONTHS[at.month], at.year, at.hour, at.min, at.sec)
    stamped = now
  end
  return stamp
end

local FORMATS = {}

function FORMATS.common(entry)
  local line = '%s - %s [%s] "%s %s HTTP/%s" %d %s'
  return line:format(
    word(entry.remote),
    word(entry.user),
    time_of(entry.time),
    escaped(entry.method),
    escaped(entry.target),
    entry.version,
    entry.status,
    entry.bytes > 0 and ("%d"):format(entry.bytes) or "-"
  )
end

function FORMATS.combined(entry)
  local line = '%s "%s" "%s"'
  return line:format(FORMATS.common(entry), escaped(entry.referer), escaped(entry.agent))
end

function FORMATS.json(entry)
  local fine, text = pcall(native.json.encode, entry)
  if fine then
    return text
  end
  -- Not every byte that a client sends is a character.
  local plain = {}
  for name, value in pairs(entry) do
    plain[name] = type(value) == "string" and escaped(value) or value
  end
  return native.json.encode(plain)
end

--- What takes the lines.
local function writer_of(log)
  if type(log) == "function" then
    return log
  elseif log == nil then
    return function(line)
      native.log.SysLog(native.log.INFO, line)
    end
  elseif getmetatable(log) ~= "logfile" then
    local message =
      "bad argument #1 to 'access_log' (log: a function or a log file expected, got %s)"
    check.blame("http", message:format(type(log)))
  end
  return function(line)
    log:Log(native.log.INFO, line)
  end
end

--- Counts the bytes of the body as they are sent.
local function count(res)
  local Start, Write, End = res.Start, res.Write, res.End
  local sent, announced = 0, 0
  function res:Start(length)
    announced = length or 0
    return Start(self, length)
  end
  function res:Write(bytes)
    local done, message, code = Write(self, bytes)
    sent = sent + (done and #bytes or 0)
    return done, message, code
  end
  function res:End(body)
    sent = sent + (type(body) == "string" and self.stage ~= "ended" and #body or 0)
    return End(self, body)
  end
  return function()
    if res.request.method == "HEAD" or res.status == 204 or res.status == 304 then
      return 0
    end
    return sent > 0 and sent or announced
  end
end

local function entry_of(req, res, began, bytes)
  local user = req.context.user
  return {
    time = os.time(),
    ms = math.floor((sched.now() - began) * 1000) / 1000,
    remote = req.ip,
    user = type(user) == "string" and user or nil,
    method = req.method,
    target = req.target,
    version = req.version,
    status = res.status,
    bytes = bytes(),
    referer = req:Header("Referer"),
    agent = req:Header("User-Agent"),
    route = req.route,
    aborted = res.exchange.broken and true or nil,
    id = rawget(req, "id"),
  }
end

--- Options that may be of several kinds.
local function of_kinds(options)
  local log, format = options.log, options.format or "common"
  local line_of = FORMATS[format] or type(format) == "function" and format
  if not line_of then
    check.blame("http", "bad argument #1 to 'access_log' (format: " .. NAMES .. ")")
  end
  return writer_of(log), line_of
end

local OPTIONS = { skip = "function" }

return function(options)
  options = options or {}
  check.type("access_log", 1, options, "table")
  local others = {}
  for name, value in pairs(options) do
    others[name] = name ~= "log" and name ~= "format" and value or nil
  end
  check.options("access_log", 1, others, OPTIONS)
  local write, line_of = of_kinds(options)
  return function(req, res, next)
    local began, bytes = sched.now(), count(res)
    res:OnEnd(function()
      local entry = entry_of(req, res, began, bytes)
      if not (options.skip and options.skip(req, res, entry)) then
        write(line_of(entry))
      end
    end)
    return next()
  end
end
