--- Ready protocols over libraries that are installed: messages as MessagePack, or as JSON.
---
--- ```text
--- packet := length: u32 | length of the text: u32 | text
--- ```

local check = require("chuck.support.check")
local config = require("chuck.rpc.config")
local native = require("chuck.native")
local wire = require("chuck.rpc.wire")

local wpacket = native.packet.wpacket

local formats = {}

local function encoder(text)
  local packet = wpacket(#text + 4, wire.BITS)
  packet:WriteStr(text)
  return packet
end

local function decoder(packet)
  return packet:ReadStr()
end

--- A configuration of options that were checked, and a serializer.
local function make(options, method, serializer, unserializer)
  local all = {}
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  all.encoder, all.decoder = encoder, decoder
  all.serializer, all.unserializer = serializer, unserializer
  return config.make(all, method, 1)
end

--- The first library that loads, of functions that load them.
local function find(method, list)
  local tried = {}
  for _, candidate in ipairs(list) do
    local fine, library = pcall(candidate.load)
    if fine and type(library) == "table" then
      return library
    end
    tried[#tried + 1] = candidate.name
  end
  local text = "'%s' needs a library, and none of these is installed for this Lua: %s"
  error(text:format(method, table.concat(tried, ", ")), 3)
end

local OPTIONS = {}
for name, kind in pairs(config.OPTIONS) do
  OPTIONS[name] = kind
end
OPTIONS.encoder, OPTIONS.decoder, OPTIONS.serializer, OPTIONS.unserializer = nil, nil, nil, nil

local MSGPACK = {
  {
    name = "cmsgpack",
    load = function()
      return require("cmsgpack")
    end,
  },
  {
    name = "MessagePack (Debian: lua-messagepack)",
    load = function()
      return require("MessagePack")
    end,
  },
}

--- A configuration whose messages are MessagePack. A list with nil in it becomes a map of places.
function formats.msgpack(options)
  check.options("msgpack", 1, options, OPTIONS)
  local library = find("msgpack", MSGPACK)
  local made = make(options, "msgpack", library.pack, library.unpack)
  return made
end

local JSON = {
  {
    name = "cjson (Debian: lua-cjson)",
    load = function()
      local library = require("cjson")
      -- One of our own: its settings are nobody else's.
      library = library.new and library.new() or library
      -- By itself it rounds to 14 digits; how many it can differs.
      for digits = 14, library.encode_number_precision and 17 or 0 do
        pcall(library.encode_number_precision, digits)
      end
      return { encode = library.encode, decode = library.decode, null = library.null }
    end,
  },
  {
    name = "dkjson (Debian: lua-dkjson)",
    load = function()
      local library = require("dkjson")
      return {
        encode = library.encode,
        decode = function(text)
          local data, _, problem = library.decode(text, 1, library.null)
          if problem then
            error(problem, 0)
          end
          return data
        end,
        null = library.null,
      }
    end,
  },
}

--- A configuration whose messages are JSON. nil among arguments and results is null, and null
--- inside of tables the library's own.
function formats.json(options)
  check.options("json", 1, options, OPTIONS)
  local library = find("json", JSON)
  local null = library.null
  local function serializer(data)
    for i = 1, data.n do
      if data.v[i] == nil then
        data.v[i] = null
      end
    end
    return library.encode(data)
  end
  local function unserializer(text)
    local data = library.decode(text)
    if type(data) == "table" and type(data.v) == "table" then
      for i, value in pairs(data.v) do
        if value == null then
          data.v[i] = nil
        end
      end
    end
    return data
  end
  local made = make(options, "json", serializer, unserializer)
  return made
end

return formats
