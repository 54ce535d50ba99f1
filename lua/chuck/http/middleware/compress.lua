--- Compresses what is worth it, as clients accept it: brotli, gzip or deflate.
---
---     app:Use(http.middleware.compress())
---
--- Bodies written in pieces are compressed piece by piece: what was written arrives, also when more
--- is to come. Large files leave as they are. A page that shows a secret beside what its reader has
--- sent should not be compressed: the length tells of it.

local check = require("chuck.support.check")
local fields = require("chuck.http.fields")
local native = require("chuck.native")
local reply = require("chuck.http.middleware.reply")
local sched = require("chuck.co.sched")

local web = native.web
local find, lower, sub = string.find, string.lower, string.sub

--- Codings in the order in which they are preferred.
local CODINGS = { "br", "gzip", "deflate" }

--- Bytes below which a body leaves as it is: it fits a packet.
local SMALLEST = 1024

--- Bodies above are compressed in pieces of that size, and others have their turn in between.
local PIECE = 65536

--- Bodies in pieces that are compressed at a time: each costs up to 1 MiB.
local STREAMS = 64

--- Types beside text that shrink.
local TYPES = {
  ["application/graphql"] = true,
  ["application/javascript"] = true,
  ["application/json"] = true,
  ["application/manifest+json"] = true,
  ["application/wasm"] = true,
  ["application/x-javascript"] = true,
  ["application/x-ndjson"] = true,
  ["application/xml"] = true,
  ["font/otf"] = true,
  ["font/ttf"] = true,
  ["image/bmp"] = true,
  ["image/svg+xml"] = true,
  ["image/vnd.microsoft.icon"] = true,
  ["image/x-icon"] = true,
}

local function shrinks(kind)
  return TYPES[kind] or find(kind, "^text/") or find(kind, "%+json$") or find(kind, "%+xml$")
end

local OPTIONS = {
  codings = "list of strings",
  flush = "boolean",
  levels = "table",
  max_streams = "count",
  min_bytes = "count",
}

local KNOWN = { br = 11, deflate = 9, gzip = 9 }

local function blame(words)
  check.blame("http", "bad argument #1 to 'compress' (" .. words .. ")")
end

--- What says whether a type is worth it.
local function judge(types)
  if types == nil then
    return shrinks
  elseif type(types) == "function" then
    return types
  elseif type(types) ~= "table" then
    blame("option types: a list or a function expected")
  end
  local known = {}
  for _, kind in ipairs(types) do
    known[lower(tostring(kind))] = true
  end
  return function(kind)
    return known[kind]
  end
end

--- The options, checked, as they are used.
local function prepare(options)
  local levels = options.levels or {}
  for _, coding in ipairs(options.codings or {}) do
    if not KNOWN[coding] then
      blame(("option codings: %s is none of br, gzip and deflate"):format(coding))
    end
  end
  for coding, level in pairs(levels) do
    local most = KNOWN[coding]
    if not most or type(level) ~= "number" or level < 0 or level > most or level % 1 ~= 0 then
      blame(("option levels: %s = %s"):format(tostring(coding), tostring(level)))
    end
  end
  return {
    codings = options.codings or CODINGS,
    flush = options.flush ~= false and "flush" or nil,
    is_worth = judge(options.types),
    levels = levels,
    min_bytes = options.min_bytes or SMALLEST,
    max_streams = options.max_streams or STREAMS,
    --- Bodies in pieces that are being compressed.
    streams = 0,
  }
end

--- The coding for a response whose head is about to be sent; nil when it leaves as it is.
local function choose(rules, req, res)
  local number, list = res.status, res.fields
  if number < 200 or number == 204 or number == 206 or number == 304 or not list then
    return nil
  elseif fields.get(list, "content-encoding") or fields.get(list, "content-range") then
    return nil
  end
  local kind = fields.get(list, "content-type")
  kind = kind and lower(kind:match("^[^;%s]*"))
  -- Streams of events send comments past everybody.
  if not kind or kind == "text/event-stream" or not rules.is_worth(kind) then
    return nil
  end
  local control = fields.get(list, "cache-control")
  if control and find(lower(control), "no-transform", 1, true) then
    return nil
  end
  reply.vary(res, "Accept-Encoding")
  return web.choose(req:Header("Accept-Encoding"), rules.codings)
end

--- Says in the head what was done. The same content in other bytes is no longer strongly the same
--- (RFC 9110, section 8.8.1).
local function announce(res, coding)
  res:Set("Content-Encoding", coding):Set("Content-Length", nil):Set("Accept-Ranges", nil)
  local tag = res:Get("ETag")
  if tag and sub(tag, 1, 2) ~= "W/" then
    res:Set("ETag", "W/" .. tag)
  end
end

--- A whole body as it is to be sent.
local function pack(rules, coding, body)
  local packer = web.compressor(coding, rules.levels[coding])
  local out = packer:Feed(body, "finish")
  packer:Close()
  return out
end

--- What compresses the body of one response.
local function install(rules, req, res)
  local Start, Write, Flush, End = res.Start, res.Write, res.Flush, res.End
  local packer = false

  --- Begins to compress in pieces, if it is to be.
  local function begin()
    local coding = rules.streams < rules.max_streams and choose(rules, req, res)
    local length = tonumber(res:Get("Content-Length"))
    if not coding or length and length < rules.min_bytes then
      return
    end
    announce(res, coding)
    if req.method == "HEAD" then
      return
    end
    packer = web.compressor(coding, rules.levels[coding])
    rules.streams = rules.streams + 1
    res:OnEnd(function()
      rules.streams = rules.streams - 1
      packer:Close()
    end)
  end

  function res:Start(length)
    if length == nil and self.stage == "open" then
      begin()
    end
    return Start(self, length)
  end

  function res:Write(bytes)
    if self.stage == "open" and type(bytes) == "string" then
      begin()
    end
    if not packer or self.stage == "ended" or type(bytes) ~= "string" then
      return Write(self, bytes)
    end
    return Write(self, bytes == "" and "" or packer:Feed(bytes, rules.flush))
  end

  function res:Flush()
    if packer and self.stage == "sent" then
      local done, message, code = Write(self, packer:Feed("", "flush"))
      if not done then
        return nil, message, code
      end
    end
    return Flush(self)
  end

  --- A body that is too long to be compressed at once.
  local function write_all(self, body)
    for at = 1, #body, PIECE do
      local done, message, code = self:Write(sub(body, at, at + PIECE - 1))
      if not done then
        return nil, message, code
      end
      sched.yield()
    end
    return self:End()
  end

  function res:End(body)
    if packer and self.stage == "sent" and (body == nil or type(body) == "string") then
      return End(self, packer:Feed(body or "", "finish"))
    elseif self.stage == "open" and self.status == 304 then
      -- It has the fields that the whole would have (RFC 9110, section 15.4.5).
      reply.vary(self, "Accept-Encoding")
    end
    if self.stage ~= "open" or type(body) ~= "string" or #body < rules.min_bytes then
      return End(self, body)
    end
    local coding = choose(rules, req, self)
    if not coding then
      return End(self, body)
    elseif #body > 4 * PIECE and req.method ~= "HEAD" and rules.streams < rules.max_streams then
      return write_all(self, body)
    end
    local out = pack(rules, coding, body)
    if #out >= #body then
      return End(self, body)
    end
    announce(self, coding)
    return End(self, out)
  end
end

return function(options)
  if options ~= nil then
    check.type("compress", 1, options, "table")
  end
  local others = {}
  for name, value in pairs(options or {}) do
    others[name] = name ~= "types" and value or nil
  end
  check.options("compress", 1, others, OPTIONS)
  local rules = prepare(options or {})
  return function(req, res, next)
    install(rules, req, res)
    return next()
  end
end
