--- One value of every type, and one object of every class, open and closed: what a caller could
--- hand over by mistake.
---
---     local pool = Pool.new()
---     pool.values["closed engine"]        -- by name; nil is "nil"
---     pool:Close()
local chuck = require("chuck")

local check = require("spec.helper.check")

local helper, packet = chuck.socket_helper, chuck.packet

local Pool = {}
Pool.__index = Pool

local function nothing() end

--- An object whose finalizer has run already, as another finalizer meets it in `lua_close`.
local function finalized(object)
  local metatable = debug.getmetatable(object)
  if metatable.__gc then
    metatable.__gc(object)
  end
  return object
end

local function datagram(engine)
  local made = chuck.datagram(helper.socket(helper.AF_INET, helper.SOCK_DGRAM, 0), 64)
  made:Add2Engine(engine, nothing)
  return made
end

local function connection(engine)
  local near, far = check.pair()
  helper.close(far)
  local made = chuck.connection(near, 64)
  made:Add2Engine(engine, nothing)
  return made
end

local function connector()
  return chuck.connector(check.socket(), 10)
end

local function child(engine)
  return assert(chuck.process.spawn(engine, { "true" }))
end

local function acceptor(engine)
  local made = chuck.acceptor((check.listener()))
  made:Add2Engine(engine, nothing)
  return made
end

local function query(engine)
  return chuck.resolver.resolve(engine, "127.0.0.1", nothing)
end

local function listener(engine)
  return assert(chuck.listen(engine, "127.0.0.1:0", nothing))
end

local function dial(engine)
  return chuck.dial(engine, "unix:/no/such/socket", 0, nothing)
end

local function cancelled(object)
  object:Cancel()
  return object
end

local function closed(object)
  object:Close()
  return object
end

--- The handle of a thread that has ended: nothing waits for it, and nothing can be done to it, so
--- that one serves all pools.
local ended
local function ended_thread()
  if ended then
    return ended
  end
  local path = os.tmpname()
  local thread = assert(chuck.cthread.new(path))
  os.remove(path)
  chuck.cthread.join(thread)
  ended = thread
  return thread
end

function Pool.new()
  local engine, wheel = chuck.engine(), chuck.TimingWheel()
  local gone = chuck.engine()
  local timer = chuck.RegTimer(engine, 1000, nothing)
  local signaler = chuck.signal.signaler(chuck.signal.SIGWINCH)
  local removed = chuck.signal.signaler(chuck.signal.SIGURG)
  removed:Remove()
  timer:UnRegister()
  local values = {
    boolean = true,
    table = {},
    string = "x\0y",
    nan = 0 / 0,
    fraction = 1.5,
    negative = -1,
    zero = 0,
    huge = 2 ^ 53,
    ["function"] = nothing,
    thread = coroutine.create(function() end),
    file = io.stdout,
    wpacket = packet.wpacket(),
    rpacket = packet.rpacket(packet.wpacket()),
    rawpacket = packet.rawpacket("raw"),
    httppacket = packet.httpresponse(200, nil, "body"),
    decoder = chuck.decoder.connection.rpacket(64),
    ["datagram decoder"] = chuck.decoder.datagram.rpacket(64),
    engine = engine,
    connection = connection(engine),
    connector = connector(),
    datagram = datagram(engine),
    acceptor = acceptor(engine),
    timer = chuck.RegTimer(engine, 1000, nothing),
    TimingWheel = wheel,
    signaler = signaler,
    logfile = chuck.log.LogFile("pool", { console = false, path = "/dev/null" }),
    query = query(engine),
    listener = listener(engine),
    dial = dial(engine),
    child = child(engine),
    cthread = ended_thread(),
    ["closed engine"] = closed(gone),
    ["closed connection"] = closed(connection(engine)),
    ["closed connector"] = closed(connector()),
    ["closed datagram"] = closed(datagram(engine)),
    ["closed acceptor"] = closed(acceptor(engine)),
    ["closed timer"] = timer,
    ["closed signaler"] = removed,
    ["closed query"] = cancelled(query(engine)),
    ["closed listener"] = closed(listener(engine)),
    ["closed dial"] = cancelled(dial(engine)),
    ["closed child"] = closed(child(engine)),
    ["finalized engine"] = finalized(chuck.engine()),
    ["finalized TimingWheel"] = finalized(chuck.TimingWheel()),
    ["finalized connection"] = finalized(chuck.connection(check.socket(), 1)),
    ["finalized wpacket"] = finalized(packet.wpacket()),
  }
  local names = { "nil" }
  for name in pairs(values) do
    names[#names + 1] = name
  end
  table.sort(names)
  return setmetatable({ names = names, values = values }, Pool)
end

--- Lets `engine:Run` return at once.
function Pool:Stop()
  self.values.engine:Stop()
end

function Pool:Close()
  self.values.engine:Close()
  self.values.connector:Close()
  self.values.signaler:Remove()
  self.values["closed signaler"]:Remove()
  collectgarbage("collect")
end

return Pool
