--- What a request carries: text, a function that makes pieces, a stream, another message, a form,
--- JSON, files.
---
--- ```text
---   source = { size, text, type, open() -> read() -> piece | nil, is_repeatable }
--- ```
---
--- `size` is nil when nobody knows it: then the body goes in chunks. A source that is not
--- repeatable can be opened once: a request with it is neither tried again nor sent elsewhere.

local limits = require("chuck.http.client.limits")
local parts = require("chuck.http.client.parts")
local urls = require("chuck.http.client.urls")

local sub, type = string.sub, type

local payload = {}

--- A text, piece by piece.
local function text_reader(text)
  local at = 1
  return function()
    if at > #text then
      return nil
    end
    local piece = sub(text, at, at + limits.piece - 1)
    at = at + limits.piece
    return piece
  end
end

--- A source of a text that is there.
function payload.of_text(text, kind)
  return {
    size = #text,
    text = #text <= limits.high_water and text or nil,
    type = kind or false,
    is_repeatable = true,
    open = function()
      return text_reader(text)
    end,
  }
end

--- A source that can be read once, by `read`.
local function of_function(read, size)
  return {
    size = size,
    type = false,
    is_repeatable = false,
    open = function()
      return read
    end,
  }
end

--- What a stream of `chuck.io` sends, up to its end.
local function stream_reader(stream)
  return function()
    local piece, why, code = stream:ReadSome(limits.piece)
    if not piece and code ~= "EOF" then
      return nil, why, code
    end
    return piece
  end
end

--- What an object has to say whose `Read` answers a piece, nil at the end, or `nil, message, code`:
--- a response, or a request of a server.
local function object_reader(object)
  return function()
    return object:Read()
  end
end

--- The source that options of a request name; nil when there is none; or `false, why`.
function payload.of(options)
  local body = options.body
  if options.json then
    return payload.of_text(options.json, "application/json")
  elseif options.form then
    return payload.of_text(urls.encode(options.form), "application/x-www-form-urlencoded")
  elseif options.multipart then
    return parts.source(options.multipart)
  elseif type(body) == "string" then
    return payload.of_text(body)
  elseif type(body) == "function" then
    return of_function(body, options.length)
  elseif body ~= nil then
    local reader = getmetatable(body) == "stream" and stream_reader or object_reader
    return of_function(reader(body), options.length)
  end
end

return payload
