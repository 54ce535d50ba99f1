--- A chat: every line goes to everybody else.
---
---     lua5.4 examples/chat.lua [PORT]        telnet 127.0.0.1 PORT
---
--- A stream has no lines, so a splitter finds them, whether a peer sends one byte at a time or ten
--- lines at once. Everything that a stranger controls has a limit: the length of a line, the number
--- of clients, silence, and what waits for a client that does not read.
--- Ends on Ctrl-C, or after CHUCK_EXAMPLE_SECONDS.
local chuck = require("chuck")

local net, packet, signal = chuck.socket_helper, chuck.packet, chuck.signal

local LINE_MAX = 1024 -- bytes, without the end of the line
local NAME_MAX = 20 -- bytes
local CLIENTS_MAX = 1000
local SILENCE_MAX = 10 * 60 * 1000 -- ms
local QUEUE_MAX = 256 * 1024 -- bytes queued for one client
local GOODBYE = 1000 -- ms for the last words

io.stdout:setvbuf("line")

local engine = chuck.engine()
local names, count, guests = {}, 0, 0

--- A function that takes pieces of a stream and calls `on_line` for every whole line. It returns
--- false once a line is longer than `max` bytes, and holds no more than that between two calls.
local function new_splitter(max, on_line)
  local rest = ""
  return function(piece)
    rest = rest .. piece
    local from = 1
    local stop = rest:find("\n", from, true)
    while stop do
      local line = rest:sub(from, stop - 1):gsub("\r$", "")
      if #line > max then
        return false
      end
      on_line(line)
      from = stop + 1
      stop = rest:find("\n", from, true)
    end
    rest = rest:sub(from)
    return #rest <= max + 1 -- a "\r" may be the last byte
  end
end

local leave

local function tell(conn, text)
  if conn:Send(packet.rawpacket(text .. "\r\n")) ~= 0 then
    leave(conn)
  end
end

local function tell_others(from, text)
  local out = packet.rawpacket(text .. "\r\n") -- made once, shared by all queues
  local gone = {}
  for conn in pairs(names) do
    if conn ~= from and conn:Send(out) ~= 0 then
      gone[#gone + 1] = conn
    end
  end
  for _, conn in ipairs(gone) do
    leave(conn)
  end
end

function leave(conn, last_words)
  local name = names[conn]
  if not name then
    return
  end
  names[conn] = nil
  count = count - 1
  if last_words then
    conn:Send(packet.rawpacket(last_words .. "\r\n"))
    conn:Close(GOODBYE)
  else
    conn:Close()
  end
  tell_others(nil, "* " .. name .. " has left")
end

local function rename(conn, name)
  if not name:match("^%w+$") or #name > NAME_MAX then
    return tell(conn, ("* a name is 1 to %d letters and digits"):format(NAME_MAX))
  end
  local old = names[conn]
  names[conn] = name
  tell_others(nil, ("* %s is %s now"):format(old, name))
end

local function on_line(conn, line)
  if not names[conn] then
    return -- has left in an earlier line of the same piece
  end
  line = line:gsub("%c", "") -- nobody moves the cursor of others
  local command, rest = line:match("^/(%a+)%s*(.-)%s*$")
  if command == "name" then
    rename(conn, rest)
  elseif command == "quit" then
    leave(conn, "* bye")
  elseif command then
    tell(conn, "* commands: /name NAME, /quit")
  elseif line ~= "" then
    tell_others(conn, ("<%s> %s"):format(names[conn], line))
  end
end

local function join(fd)
  local conn = chuck.connection(fd, 4096)
  if count == CLIENTS_MAX then
    conn:Add2Engine(engine, function() end)
    conn:Send(packet.rawpacket("* the room is full\r\n"))
    conn:Close(GOODBYE)
    return
  end
  local split = new_splitter(LINE_MAX, function(line)
    on_line(conn, line)
  end)
  conn:SetHighWater(QUEUE_MAX, nil, QUEUE_MAX)
  conn:SetRecvTimeout(SILENCE_MAX)
  conn:Add2Engine(engine, function(_, p, err)
    if p then
      if not split(p:ReadBin()) then
        leave(conn, "* that line was too long")
      end
    elseif err == chuck.error.ERVTIMEOUT then
      leave(conn, "* you were silent for too long")
    else
      leave(conn)
    end
  end)
  guests = guests + 1
  count = count + 1
  names[conn] = "guest" .. guests
  tell(conn, ("* you are %s among %d; /name NAME, /quit"):format(names[conn], count))
  tell_others(conn, ("* %s has come"):format(names[conn]))
end

local listener = net.socket(net.AF_INET, net.SOCK_STREAM, net.IPPROTO_TCP)
net.addr_reuse(listener, true)
local result = net.listen(listener, "127.0.0.1", tonumber(arg[1]) or 0)
if result ~= 0 then
  print("listen: " .. chuck.error.strerror(result))
  os.exit(1)
end
print("listening on " .. net.getsockname(listener))
chuck.acceptor(listener):Add2Engine(engine, function(fd, err)
  if err == 0 then
    join(fd)
  else
    print("accept: " .. chuck.error.strerror(err))
  end
end)

local function stop()
  engine:Stop()
end
signal.signaler(signal.SIGINT):Register(engine, stop)
local seconds = tonumber(os.getenv("CHUCK_EXAMPLE_SECONDS"))
if seconds then
  chuck.RegTimer(engine, seconds * 1000, stop)
end
engine:Run()
