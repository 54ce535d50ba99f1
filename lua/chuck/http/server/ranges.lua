--- The bytes of a file as a body: all of it, a part, or several parts (RFC 9110, section 14).
---
---     HTTP/1.1 206 Partial Content              Content-Type: multipart/byteranges; boundary=…
---     Content-Range: bytes 0-99/1000            and between boundaries a Content-Range for each

local native = require("chuck.native")

local http = native.http
local concat = table.concat

local ranges = {}

--- Up to so many bytes of a file leave together with the head, as one string.
local SMALL = 16384

--- A number of bytes in digits, however Lua writes such numbers.
local function digits(n)
  return ("%.0f"):format(n)
end
ranges.digits = digits

--- The file is not what it was when its size was announced: the client must not take it for whole.
local function break_off(res, message, code)
  res.exchange:Cut()
  return nil, message, code
end

--- Queues bytes of a file behind what is queued.
local function queue(res, it, first, length)
  local done, message, code = http.send_file(res.exchange.conn, it.handle, first, length)
  if done then
    res.exchange:Sent(length)
  end
  return done, message, code
end

--- Ends an answer whose bytes are queued, once little of them is left: until then it is under way.
---@async
local function finish(res, it)
  it.handle:Close()
  local done, message, code = res.exchange:AwaitRoom()
  if not done then
    return nil, message, code
  end
  return res:End()
end

--- Sends `length` bytes from `first` on.
---@async
local function send_part(res, it, first, length)
  if length <= SMALL then
    local bytes, message, code = it.handle:Read(first, length)
    it.handle:Close()
    if not bytes or #bytes < length then
      return break_off(res, message or "the file has become shorter", code or "EIO")
    end
    return res:End(bytes)
  end
  local done, message, code = res:Start(length)
  if not done or res.is_mute then
    it.handle:Close()
    return done and res:End(), message, code
  end
  done, message, code = queue(res, it, first, length)
  if not done then
    it.handle:Close()
    return break_off(res, message, code)
  end
  return finish(res, it)
end

--- What stands between the parts of several, and the length of all.
local function lay_out(res, it, list)
  local boundary = native.web.random(15):gsub(".", function(byte)
    return ("%02x"):format(byte:byte())
  end)
  local kind, total, heads = res:Get("Content-Type"), 0, {}
  for i, range in ipairs(list) do
    heads[i] = concat({
      (i > 1 and "\r\n" or "") .. "--" .. boundary,
      "Content-Type: " .. kind,
      ("Content-Range: bytes %s-%s/%s"):format(digits(range[1]), digits(range[2]), digits(it.size)),
      "",
      "",
    }, "\r\n")
    total = total + #heads[i] + range[2] - range[1] + 1
  end
  local tail = "\r\n--" .. boundary .. "--\r\n"
  res:Set("Content-Type", "multipart/byteranges; boundary=" .. boundary)
  return heads, tail, total + #tail
end

--- Sends several parts.
---@async
local function send_parts(res, it, list)
  local heads, tail, total = lay_out(res, it, list)
  local done, message, code = res:Start(total)
  for i, range in ipairs(done and list or {}) do
    done, message, code = http.piece(res.exchange.conn, heads[i])
    if done then
      done, message, code = queue(res, it, range[1], range[2] - range[1] + 1)
    end
    if not done then
      it.handle:Close()
      return break_off(res, message, code)
    end
  end
  if not done then
    it.handle:Close()
    return nil, message, code
  end
  http.piece(res.exchange.conn, tail)
  return finish(res, it)
end

--- Sends an open file, or what `list` says of it: `{ { first, last }, … }`.
---@async
function ranges.send(res, it, list)
  if not list then
    return send_part(res, it, 0, it.size)
  end
  res.status = 206
  if #list > 1 then
    return send_parts(res, it, list)
  end
  local first, last = list[1][1], list[1][2]
  local text = "bytes %s-%s/%s"
  res:Set("Content-Range", text:format(digits(first), digits(last), digits(it.size)))
  return send_part(res, it, first, last - first + 1)
end

return ranges
