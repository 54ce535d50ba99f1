--- A server that says what a spec wants, whatever it was asked.
---
---     local server = fake.listen(engine, function(peer, command, n) return "+OK\r\n" end)
---     server.address, server.port                     -- where it listens
---     server.peers[1].commands[1]                     --> { "GET", "key" }
---     server.peers[1]:Send("$5\r\nhello\r\n")         -- unasked
---     server:Close()
---
--- The answer is asked for once per command, with the peer, the words of the command and its number
--- on that connection; what it returns is sent, nil is nothing. A list is sent piece by piece, each
--- in a pass of its own.
local chuck = require("chuck")

local fake = {}

local Peer = {}
Peer.__index = Peer

--- Sends bytes, or a list of pieces one after the other.
function Peer:Send(bytes)
  if type(bytes) == "string" then
    self.conn:Send(chuck.packet.rawpacket(bytes))
    return
  end
  local i = 0
  chuck.RegTimer(self.engine, 1, function()
    i = i + 1
    if not bytes[i] or self.is_closed then
      return -1
    end
    self.conn:Send(chuck.packet.rawpacket(bytes[i]))
  end)
end

--- Closes the connection: what was sent still leaves, unless `now`.
function Peer:Close(now)
  self.is_closed = true
  if now then
    self.conn:Close()
  else
    self.conn:ShutdownWrite()
  end
end

--- Takes a whole command from the front of what was received; nil when there is none.
local function take_command(self)
  local text = self.text
  local count, at = text:match("^%*(%d+)\r\n()")
  local command = {}
  for i = 1, tonumber(count) or 0 do
    local size, from = text:match("^%$(%d+)\r\n()", at)
    if not size or #text < from + size + 1 then
      return nil
    end
    command[i] = text:sub(from, from + size - 1)
    at = from + size + 2
  end
  if at then
    self.text = text:sub(at)
    return command
  end
end

local function receive(server, peer, bytes)
  peer.text = peer.text .. bytes
  peer.size = peer.size + #bytes
  local command = take_command(peer)
  while command do
    table.insert(peer.commands, command)
    local answer = server.answer and server.answer(peer, command, #peer.commands)
    if answer then
      peer:Send(answer)
    end
    command = take_command(peer)
  end
end

local Server = {}
Server.__index = Server

--- Closes everything.
function Server:Close()
  self.listener:Close()
  for _, peer in ipairs(self.peers) do
    peer:Close(true)
  end
end

--- Listens in `engine`. `greet(peer)` is called for who has come; with `is_raw` no command is
--- looked for: bytes are collected in `peer.text`.
function fake.listen(engine, answer, greet, is_raw)
  local server = setmetatable({ answer = answer, peers = {} }, Server)
  server.listener = assert(chuck.listen(engine, "127.0.0.1:0", function(conn)
    local peer = setmetatable({
      conn = conn,
      engine = engine,
      --- What has come and is no whole command yet; how much has come.
      text = "",
      size = 0,
      commands = {},
      is_closed = false,
      --- Whether the client has gone.
      is_left = false,
    }, Peer)
    table.insert(server.peers, peer)
    conn:SetNoDelay(true)
    conn:SetHalfOpen(true)
    conn:Add2Engine(engine, function(_, packet)
      if not packet then
        peer.is_left = true
        peer:Close(true)
      elseif is_raw then
        peer.text = peer.text .. packet:ReadBin()
      else
        receive(server, peer, packet:ReadBin())
      end
    end)
    if greet then
      greet(peer)
    end
  end))
  server.address = server.listener:GetSockAddr()
  server.port = tonumber(server.address:match("%d+$"))
  return server
end

--- A bulk string.
function fake.bulk(text)
  return ("$%d\r\n"):format(#text) .. text .. "\r\n"
end

--- A list of replies that are bytes already.
function fake.list(...)
  return ("*%d\r\n"):format(select("#", ...)) .. table.concat({ ... })
end

--- The bytes of `text` one by one, or cut into two at `at`.
function fake.pieces(text, at)
  if at then
    return { text:sub(1, at), text:sub(at + 1) }
  end
  local list = {}
  for i = 1, #text do
    list[i] = text:sub(i, i)
  end
  return list
end

return fake
