---@meta chuck.packet

--- What chuck sends and receives.
---@class chuck.packet
local packet = {}

---@alias chuck.Sendable chuck.WPacket | chuck.RawPacket
---@alias chuck.Packet chuck.WPacket | chuck.RPacket | chuck.RawPacket

--- An empty packet with room for `size` bytes (default 64), or one that goes on from a whole packet.
---@param size? integer | chuck.WPacket | chuck.RPacket
---@param bits? 16 | 32 # width of header and string lengths, default 16
---@return chuck.WPacket
function packet.wpacket(size, bits) end

--- Reads a wpacket from its beginning; of an rpacket, a copy at the same place.
---@param source chuck.WPacket | chuck.RPacket
---@return chuck.RPacket
function packet.rpacket(source) end

--- Bytes as they are.
---@param source string | chuck.RawPacket
---@return chuck.RawPacket
function packet.rawpacket(source) end

--- A request of HTTP to be sent. One table with `method`, `url`, `headers`, `body` and `version`
--- (`"1.1"` or `"1.0"`) says the same.
---@param method string
---@param url string # as it is sent: path and query
---@param headers? chuck.HttpHeaders # with a Host
---@param body? string | chuck.RawPacket
---@return chuck.HttpPacket
---@overload fun(parts: table): chuck.HttpPacket
function packet.httprequest(method, url, headers, body) end

--- A response of HTTP to be sent. One table with `status`, `reason`, `headers`, `body` and
--- `version` says the same.
---@param status integer # 100 to 999
---@param headers? chuck.HttpHeaders
---@param body? string | chuck.RawPacket
---@return chuck.HttpPacket
---@overload fun(parts: table): chuck.HttpPacket
function packet.httpresponse(status, headers, body) end

--- The same kind with the same content.
---@generic T: chuck.Packet
---@param any T
---@return T
function packet.clone(any) end

--- A packet to be written and sent. Integers are big endian and cut to their size.
---@class chuck.WPacket
---@operator len: integer
local WPacket = {}

---@param n integer
function WPacket:WriteU8(n) end

---@param n integer
function WPacket:WriteU16(n) end

---@param n integer
function WPacket:WriteU32(n) end

---@param n number # whole, -2^63 to 2^64 - 1
function WPacket:WriteU64(n) end

---@param n integer
function WPacket:WriteI8(n) end

---@param n integer
function WPacket:WriteI16(n) end

---@param n integer
function WPacket:WriteI32(n) end

---@param n integer
function WPacket:WriteI64(n) end

--- A double, little endian.
---@param n number
function WPacket:WriteNum(n) end

--- A length and the bytes.
---@param s string
function WPacket:WriteStr(s) end

--- A table of strings, numbers, booleans and tables; other pairs are left out.
---@param t table
function WPacket:WriteTab(t) end

--- A list of values, exactly as they are: nil, booleans, numbers, strings and tables of them.
function WPacket:WriteValues(...) end

--- Bytes of payload.
---@return integer
function WPacket:Size() end

--- A packet to be read. What is not there, not whole or not valid is nil, and nothing is consumed.
---@class chuck.RPacket
---@operator len: integer
local RPacket = {}

---@return integer?
function RPacket:ReadU8() end

---@return integer?
function RPacket:ReadU16() end

---@return integer?
function RPacket:ReadU32() end

--- From 2^63 on negative where integers have 64 bits; elsewhere the nearest double.
---@return number?
function RPacket:ReadU64() end

---@return integer?
function RPacket:ReadI8() end

---@return integer?
function RPacket:ReadI16() end

---@return integer?
function RPacket:ReadI32() end

---@return number?
function RPacket:ReadI64() end

---@return number?
function RPacket:ReadNum() end

---@return string?
function RPacket:ReadStr() end

---@return table?
function RPacket:ReadTab() end

--- The next list of values: their number, then the values.
---@return integer? count
---@return any ...
function RPacket:ReadValues() end

--- Bytes that are left to read.
---@return integer
function RPacket:Remaining() end

--- Bytes without structure.
---@class chuck.RawPacket
---@operator len: integer
local RawPacket = {}

--- All bytes.
---@return string
function RawPacket:ReadBin() end

--- The number of bytes.
---@return integer
function RawPacket:Size() end

--- Headers of a message to be made: pairs in order, or values by name.
---@alias chuck.HttpHeaders string[][] | table<string, string | integer | (string | integer)[]>

--- A message of HTTP as a whole.
---@class chuck.HttpPacket
---@operator len: integer
local HttpPacket = {}

--- The method; nil for a response.
---@return string?
function HttpPacket:Method() end

--- The target as it came; nil for a response.
---@return string?
function HttpPacket:Url() end

--- The status; nil for a request.
---@return integer?
function HttpPacket:Status() end

--- The words behind the status; nil for a request.
---@return string?
function HttpPacket:Reason() end

---@return "1.0" | "1.1"
function HttpPacket:Version() end

--- The body; nil when it is empty.
---@return string?
function HttpPacket:Content() end

--- `{ name, value }` for each header, in order.
---@return string[][]
function HttpPacket:Headers() end

--- The value of a header in any case of letters; of several the values, joined by ", ".
---@param name string
---@return string?
function HttpPacket:Header(name) end

--- What came behind a body in chunks, as `Headers` gives it.
---@return string[][]
function HttpPacket:Trailers() end

--- Whether the connection stays for another message.
---@return boolean
function HttpPacket:KeepAlive() end

return packet
