--- Wrong arguments: every function of every package, with whatever a caller could hand over,
--- either works or raises an error that blames the caller's line.
local chuck = require("chuck")

local Pool = require("spec.helper.pool")
local check = require("spec.helper.check")

--- Where log files go.
local folder = check.new_folder()
local socket_helper = chuck.socket_helper

--- Kinds of parameters: the names in the pool that are accepted, and what works for sure.
local kinds = {
  any = { "nil" },
  int = { "negative", "zero", "huge", good = 1 },
  int32 = { "negative", "zero", good = 0 },
  fd = { "negative", "zero", good = -1 },
  number = { "nan", "fraction", "negative", "zero", "huge", good = 1 },
  size = { "huge", good = 64 },
  ["size?"] = { "huge", "nil", good = 64 },
  ["bits?"] = { "nil", good = 32 },
  ms = { "fraction", "zero", "huge", good = 1 },
  ["ms?"] = { "fraction", "zero", "huge", "nil", good = 1 },
  port = { "zero", good = 1 },
  ip = { good = "127.0.0.1" },
  signum = { good = 1 },
  path = { good = "/nonexistent" },
  command = { good = { "/nonexistent" } },
  string = { "string", good = "x\0y" },
  switch = { "boolean", "nan", "fraction", "negative", "zero", "huge", good = true },
  table = { "table", "listener", "closed listener", "dial", "closed dial", good = {} },
  ["table?"] = { "table", "listener", "closed listener", "dial", "closed dial", "nil", good = {} },
  ["plain?"] = { "table", "nil", good = {} },
  ["function"] = { "function", good = function() end },
  ["function?"] = { "function", "nil", good = function() end },
  ["settings?"] = { "table", "nil", good = {} },
  place = { "string", good = "127.0.0.1:0" },
  decoder = { "decoder", "nil" },
  whole = { "datagram decoder", "nil" },
  addr = { good = "127.0.0.1:9" },
  ["ip?"] = { "nil", good = "127.0.0.1" },
  group = { good = "239.255.0.1" },
  ["interface?"] = { "string", "zero", "nil", good = "127.0.0.1" },
  hops = { good = 1 },
  hops0 = { "zero", good = 1 },
  seconds = { "zero", good = 1 },
  ["count?"] = { "nil", good = 1 },
  ["string?"] = { "string", "nil", good = "x" },
  ["int32?"] = { "negative", "zero", "nil", good = 0 },
  engine = { "engine", "closed engine" },
  connection = { "connection", "closed connection" },
  connector = { "connector", "closed connector" },
  datagram = { "datagram", "closed datagram" },
  acceptor = { "acceptor", "closed acceptor" },
  timer = { "timer", "closed timer" },
  TimingWheel = { "TimingWheel" },
  signaler = { "signaler", "closed signaler" },
  level = { "zero", good = 0 },
  name = { good = folder .. "/argument" },
  ["options?"] = { "table", "nil", good = { console = false } },
  options = { "table", good = { console = false, directory = folder } },
  ["fields?"] = { "table", "nil", good = { id = 7 } },
  logfile = { "logfile" },
  query = { "query", "closed query" },
  listener = { "listener", "closed listener" },
  dial = { "dial", "closed dial" },
  child = { "child", "closed child" },
  wpacket = { "wpacket" },
  rpacket = { "rpacket" },
  rawpacket = { "rawpacket" },
  httppacket = { "httppacket" },
  packet = { "wpacket", "rpacket", "rawpacket", "httppacket" },
  token = { good = "GET" },
  target = { good = "/" },
  status = { good = 200 },
  hosts = { good = { Host = "x" } },
  ["headers?"] = { "table", "nil", good = { ["X-A"] = "b" } },
  ["bytes?"] = { "string", "rawpacket", "nil", good = "x" },
  ["limit?"] = { "zero", "huge", "nil", good = 64 },
  readable = { "wpacket", "rpacket" },
  bytes = { "string", "rawpacket" },
  cthread = { "cthread" },
  script = { good = os.tmpname() },
  mail = {
    "nil",
    "boolean",
    "table",
    "string",
    "nan",
    "fraction",
    "negative",
    "zero",
    "huge",
    "wpacket",
    "rpacket",
    "rawpacket",
    "httppacket",
    "cthread",
    good = {},
    is_needed = true, -- though it may be nil
  },
  json = {
    "nil",
    "boolean",
    "table",
    "string",
    "fraction",
    "negative",
    "zero",
    "huge",
    good = {},
    is_needed = true, -- though it may be nil
  },
  room = { "nil", "zero", "huge", "wpacket", "rpacket", good = 64 },
}

--- Every function with its parameters; a method's first is its object.
local signatures = {
  ["RegTimer"] = "engine ms function",
  ["systick"] = "",
  ["packet.wpacket"] = "room bits?",
  ["packet.rpacket"] = "readable",
  ["packet.rawpacket"] = "bytes",
  ["packet.clone"] = "packet",
  ["packet.httprequest"] = "token target hosts bytes?",
  ["packet.httpresponse"] = "status headers? bytes?",
  ["decoder.connection.rpacket"] = "size bits?",
  ["decoder.connection.http"] = "size limit?",
  ["decoder.connection.redis"] = "settings?",
  ["decoder.datagram.rpacket"] = "size bits?",
  ["datagram.datagram"] = "fd size whole",
  ["connection.connection"] = "fd size decoder",
  ["connector.connector"] = "fd ms?",
  ["acceptor.acceptor"] = "fd",
  ["engine.engine"] = "",
  ["TimingWheel.TimingWheel"] = "",
  ["signal.signaler"] = "signum",
  ["error.strerror"] = "int32",
  ["error.name"] = "int32",
  ["listen"] = "engine place function settings?",
  ["dial"] = "engine place ms function settings?",
  ["resolver.resolve"] = "engine string function table?",
  ["resolver.configure"] = "table",
  ["resolver.flush"] = "",
  ["process.fork"] = "path",
  ["process.spawn"] = "engine command function?",
  ["process.kill"] = "int32 int32",
  ["process.pid"] = "",
  ["process.ppid"] = "",
  -- There is an engine, so nothing is ever forked.
  ["daemon.daemonize"] = "settings?",
  ["daemon.set_workdir"] = "path",
  ["daemon.ready"] = "",
  ["daemon.notify"] = "string",
  ["socket_helper.socket"] = "int32 int32 int32?",
  ["socket_helper.connect"] = "fd ip port",
  ["socket_helper.listen"] = "fd ip? port",
  ["socket_helper.bind"] = "fd ip port",
  ["socket_helper.pair"] = "int32?",
  ["socket_helper.adopt"] = "fd",
  ["socket_helper.reuseport"] = "fd switch",
  ["socket_helper.nodelay"] = "fd switch",
  ["socket_helper.v6only"] = "fd switch",
  ["socket_helper.keepalive"] = "fd seconds count? count?",
  ["socket_helper.linger"] = "fd seconds",
  ["socket_helper.recv_buffer"] = "fd size?",
  ["socket_helper.send_buffer"] = "fd size?",
  ["socket_helper.send_fd"] = "fd fd string?",
  ["socket_helper.recv_fd"] = "fd ms?",
  ["socket_helper.noblock"] = "fd switch",
  ["socket_helper.addr_reuse"] = "fd switch",
  ["socket_helper.close"] = "fd",
  ["socket_helper.getsockname"] = "fd",
  ["socket_helper.getpeername"] = "fd",
  ["socket_helper.gethostbyname_ipv4"] = "string",
  ["socket_helper.inherited"] = "",
  ["wpacket:WriteU8"] = "wpacket int",
  ["wpacket:WriteU16"] = "wpacket int",
  ["wpacket:WriteU32"] = "wpacket int",
  ["wpacket:WriteU64"] = "wpacket int",
  ["wpacket:WriteI8"] = "wpacket int",
  ["wpacket:WriteI16"] = "wpacket int",
  ["wpacket:WriteI32"] = "wpacket int",
  ["wpacket:WriteI64"] = "wpacket int",
  ["wpacket:WriteNum"] = "wpacket number",
  ["wpacket:WriteStr"] = "wpacket string",
  ["wpacket:WriteTab"] = "wpacket table",
  ["wpacket:WriteValues"] = "wpacket",
  ["wpacket:Size"] = "wpacket",
  ["rpacket:ReadU8"] = "rpacket",
  ["rpacket:ReadU16"] = "rpacket",
  ["rpacket:ReadU32"] = "rpacket",
  ["rpacket:ReadU64"] = "rpacket",
  ["rpacket:ReadI8"] = "rpacket",
  ["rpacket:ReadI16"] = "rpacket",
  ["rpacket:ReadI32"] = "rpacket",
  ["rpacket:ReadI64"] = "rpacket",
  ["rpacket:ReadNum"] = "rpacket",
  ["rpacket:ReadStr"] = "rpacket",
  ["rpacket:ReadTab"] = "rpacket",
  ["rpacket:ReadValues"] = "rpacket",
  ["rpacket:Remaining"] = "rpacket",
  ["rawpacket:ReadBin"] = "rawpacket",
  ["rawpacket:Size"] = "rawpacket",
  ["httppacket:Method"] = "httppacket",
  ["httppacket:Url"] = "httppacket",
  ["httppacket:Status"] = "httppacket",
  ["httppacket:Reason"] = "httppacket",
  ["httppacket:Version"] = "httppacket",
  ["httppacket:Content"] = "httppacket",
  ["httppacket:Headers"] = "httppacket",
  ["httppacket:Header"] = "httppacket string",
  ["httppacket:Trailers"] = "httppacket",
  ["httppacket:KeepAlive"] = "httppacket",
  ["connection:Add2Engine"] = "connection engine function",
  ["connection:RemoveEngine"] = "connection",
  ["connection:Send"] = "connection packet function?",
  ["connection:Close"] = "connection ms?",
  ["connection:SetRecvTimeout"] = "connection ms",
  ["connection:SetSendTimeout"] = "connection ms",
  ["connection:GetPeerAddr"] = "connection",
  ["connection:GetSockAddr"] = "connection",
  ["connection:SetNoDelay"] = "connection switch",
  ["connection:PauseRead"] = "connection",
  ["connection:ResumeRead"] = "connection",
  ["connection:ShutdownWrite"] = "connection",
  ["connection:QueuedBytes"] = "connection",
  ["connection:SetHighWater"] = "connection size function? size?",
  ["connection:SetHalfOpen"] = "connection switch",
  ["datagram:Add2Engine"] = "datagram engine function",
  ["datagram:RemoveEngine"] = "datagram",
  ["datagram:SendTo"] = "datagram packet addr",
  ["datagram:Send"] = "datagram packet",
  ["datagram:Connect"] = "datagram addr",
  ["datagram:Close"] = "datagram",
  ["datagram:GetPeerAddr"] = "datagram",
  ["datagram:GetSockAddr"] = "datagram",
  ["datagram:SetBroadcast"] = "datagram switch",
  ["datagram:JoinGroup"] = "datagram group interface?",
  ["datagram:LeaveGroup"] = "datagram group interface?",
  ["datagram:SetTtl"] = "datagram hops",
  ["datagram:SetMulticastTtl"] = "datagram hops0",
  ["datagram:SetMulticastLoop"] = "datagram switch",
  ["datagram:SetMulticastInterface"] = "datagram interface?",
  ["datagram:PauseRead"] = "datagram",
  ["datagram:ResumeRead"] = "datagram",
  ["datagram:QueuedBytes"] = "datagram",
  ["datagram:Stats"] = "datagram",
  ["connector:Add2Engine"] = "connector engine function",
  ["connector:Close"] = "connector",
  ["acceptor:Add2Engine"] = "acceptor engine function",
  ["acceptor:Enable"] = "acceptor",
  ["acceptor:Disable"] = "acceptor",
  ["acceptor:Count"] = "acceptor connection",
  ["acceptor:Counted"] = "acceptor",
  ["acceptor:SetLimit"] = "acceptor size",
  ["acceptor:Close"] = "acceptor",
  ["query:Cancel"] = "query",
  ["listener:Close"] = "listener",
  ["listener:GetSockAddr"] = "listener",
  ["listener:Pause"] = "listener",
  ["listener:Resume"] = "listener",
  ["listener:Connections"] = "listener",
  ["dial:Cancel"] = "dial",
  ["engine:Run"] = "engine ms?",
  ["engine:Stop"] = "engine",
  ["engine:Close"] = "engine",
  ["engine:Post"] = "engine function",
  ["engine:SetErrorHandler"] = "engine function?",
  ["engine:Stats"] = "engine",
  ["timer:UnRegister"] = "timer",
  ["TimingWheel:Register"] = "TimingWheel ms function",
  ["TimingWheel:Tick"] = "TimingWheel",
  ["signaler:Register"] = "signaler engine function",
  ["signaler:Remove"] = "signaler",
  ["log.SetLogLev"] = "level",
  ["log.SysLog"] = "level string fields?",
  ["log.report"] = "string string",
  ["log.LogFile"] = "name options?",
  ["log.configure"] = "options",
  ["log.stats"] = "",
  ["log.reopen"] = "",
  ["log.flush"] = "ms?",
  ["logfile:Log"] = "logfile level string fields?",
  ["logfile:Stats"] = "logfile",
  ["child:Pid"] = "child",
  ["child:Kill"] = "child int32",
  ["child:Terminate"] = "child ms?",
  ["child:Stdin"] = "child",
  ["child:Stdout"] = "child",
  ["child:Stderr"] = "child",
  ["child:Close"] = "child",
  ["json.encode"] = "json",
  ["json.decode"] = "string table?",
  ["json.array"] = "plain?",
  ["cthread.new"] = "script",
  ["cthread.join"] = "cthread ms?",
  ["cthread.tid"] = "cthread",
  ["cthread.selftid"] = "",
  ["cthread.findbytid"] = "int",
  ["cthread.self"] = "",
  ["cthread.process_mail"] = "engine function",
  ["cthread.sendmail"] = "cthread mail ms?",
  ["cthread.broadcast"] = "mail",
}

local classes = {
  "wpacket",
  "rpacket",
  "rawpacket",
  "httppacket",
  "decoder",
  "connection",
  "datagram",
  "connector",
  "acceptor",
  "engine",
  "timer",
  "TimingWheel",
  "signaler",
  "logfile",
  "query",
  "listener",
  "dial",
  "child",
  "cthread",
}

local pool

setup(function()
  -- A call without options must not leave files in the current directory.
  chuck.log.configure({ directory = folder, console = false })
end)

teardown(function()
  chuck.log.SetLogLev(chuck.log.INFO)
  check.remove_folder(folder)
  os.remove(kinds.script.good)
end)

before_each(function()
  pool = Pool.new()
end)

after_each(function()
  pool:Close()
end)

--- Every function of the live module and of the live objects, by name.
local function all_functions()
  local found = {}
  local function walk(path, value)
    for name, inner in pairs(value) do
      local whole = path .. name
      if type(inner) == "function" then
        found[whole] = inner
      elseif type(inner) == "table" then
        walk(whole .. ".", inner)
      end
    end
  end
  walk("", chuck)
  for _, class in ipairs(classes) do
    for name, method in pairs(debug.getmetatable(pool.values[class]).__index) do
      found[class .. ":" .. name] = method
    end
  end
  return found
end

--- Calls `f` from a line of this file. Nil if it works or blames that line, else the complaint.
local function complaint(f, arguments, count)
  if f == socket_helper.adopt and arguments[1] == 0 then
    -- It would take over what this process reads from.
    return nil, true
  end
  pool:Stop()
  local line = debug.getinfo(1, "l").currentline + 2
  local fine, why = pcall(function()
    local first, second = f(check.unpack(arguments, 1, count))
    if f == socket_helper.pair and first then
      socket_helper.close(first)
      socket_helper.close(second)
    end
    return first, second
  end)
  if fine then
    return nil, true
  elseif type(why) ~= "string" then
    return "raised a " .. type(why), false
  elseif not why:find("^%S*argument_spec%.lua:" .. line .. ": ") then
    return "blames another place: " .. why, false
  elseif why:find("internal error", 1, true) then
    return why, false
  end
  return nil, false, why
end

local function parameters_of(signature)
  local parameters = {}
  for kind in signature:gmatch("%S+") do
    parameters[#parameters + 1] = assert(kinds[kind], kind)
  end
  return parameters
end

local function good_value(kind)
  if kind.good ~= nil then
    return kind.good
  end
  return pool.values[kind[1]]
end

local function good_arguments(parameters)
  local arguments = {}
  for n, kind in ipairs(parameters) do
    arguments[n] = good_value(kind)
  end
  return arguments
end

local function is_accepted(kind, name)
  for _, accepted in ipairs(kind) do
    if accepted == name then
      return true
    end
  end
  return false
end

--- Names of the functions, sorted, so that failures come in order.
local function names()
  local sorted = {}
  for name in pairs(signatures) do
    sorted[#sorted + 1] = name
  end
  table.sort(sorted)
  return sorted
end

--- Pairs of values are many: each Lua tries a third of them, and each third is some Lua's.
local share = rawget(_G, "jit") and 2 or tonumber(_VERSION:match("%d$")) % 3

--- A pool of its own for each function, for calls that work may close what is in it.
local function renew()
  pool:Close()
  pool = Pool.new()
end

it("every function and method of the module stands in this file's list, and no other", function()
  local listed, found = {}, {}
  for name in pairs(signatures) do
    listed[name] = true
  end
  for name in pairs(all_functions()) do
    found[name] = true
  end
  assert.are.same(listed, found)
end)

it("every class hides its metatable behind its name", function()
  for _, class in ipairs(classes) do
    assert.are.equal(class, getmetatable(pool.values[class]))
    assert.is_false(pcall(setmetatable, pool.values[class], {}))
  end
end)

for _, name in ipairs(names()) do
  local signature = signatures[name]

  describe(name, function()
    it("works with what its signature asks for", function()
      local parameters = parameters_of(signature)
      local f = all_functions()[name]
      local _, _, why = complaint(f, good_arguments(parameters), #parameters)
      assert.is_nil(why)
    end)

    it("raises at the caller's line for each argument of a wrong type", function()
      local f, parameters = all_functions()[name], parameters_of(signature)
      for n, kind in ipairs(parameters) do
        for _, wrong in ipairs(pool.names) do
          if not is_accepted(kind, wrong) then
            local arguments = good_arguments(parameters)
            arguments[n] = pool.values[wrong]
            local bad, worked = complaint(f, arguments, #parameters)
            assert.is_nil(bad, n .. ": " .. wrong)
            assert.is_false(worked, ("argument %d may be %s"):format(n, wrong))
          end
        end
      end
    end)

    it("raises at the caller's line when arguments are missing", function()
      local f, parameters = all_functions()[name], parameters_of(signature)
      for count = 0, #parameters - 1 do
        local bad, worked = complaint(f, good_arguments(parameters), count)
        assert.is_nil(bad, count)
        local missing = parameters[count + 1]
        local may_miss = is_accepted(missing, "nil") and not missing.is_needed
        assert.are.equal(may_miss, worked, count)
        renew()
        f = all_functions()[name]
      end
    end)

    it("works or raises at the caller's line with any two and three values", function()
      local f = all_functions()[name]
      local first = good_value(parameters_of(signature)[1] or kinds.any)
      for turn, one in ipairs(pool.names) do
        for other, two in ipairs(pool.names) do
          if (turn + other) % 3 == share then
            local a, b = pool.values[one], pool.values[two]
            assert.is_nil(complaint(f, { a, b }, 2), one .. ", " .. two)
            assert.is_nil(complaint(f, { first, a, b }, 3), "good, " .. one .. ", " .. two)
          end
        end
        if turn % 4 == 0 then
          collectgarbage("collect")
        end
      end
    end)
  end)
end

describe("a constructor that is called as its package", function()
  for _, name in ipairs({ "connection", "datagram", "connector", "acceptor" }) do
    it("blames the caller's line as the plain one does: " .. name, function()
      for _, wrong in ipairs(pool.names) do
        assert.is_nil(complaint(chuck[name], { pool.values[wrong] }, 1), wrong)
      end
    end)

    it("counts the arguments that the caller sees: " .. name, function()
      local _, _, why = complaint(chuck[name], { true }, 1)
      assert.is_truthy(why:find("bad argument #1 ", 1, true), why)
    end)
  end
end)

describe("metamethods", function()
  it("of every class raise or work for every value", function()
    for _, class in ipairs(classes) do
      for event, f in pairs(debug.getmetatable(pool.values[class])) do
        if type(f) == "function" and event ~= "__gc" then
          for _, wrong in ipairs(pool.names) do
            assert.is_nil(complaint(f, { pool.values[wrong] }, 1), class .. event .. wrong)
          end
        end
      end
    end
  end)

  it("that finalize are harmless for every value, also twice", function()
    for _, class in ipairs(classes) do
      local finalize = debug.getmetatable(pool.values[class]).__gc
      for _, other in ipairs({ "nil", "table", "file", "closed engine", "finalized engine" }) do
        if finalize and class ~= "engine" then
          assert.is_nil(complaint(finalize, { pool.values[other] }, 1), class .. other)
        end
      end
    end
  end)
end)

it("a method called on the wrong object names it in the message", function()
  local _, _, why = complaint(pool.values.wpacket.WriteU8, { pool.values.engine, 1 }, 2)
  assert.is_truthy(why:find("wpacket expected, got userdata", 1, true), why)
end)

it("an argument is counted as the caller of a method counts it", function()
  local wpacket = pool.values.wpacket
  local fine, why = pcall(function()
    wpacket:WriteU8("x")
  end)
  assert.is_false(fine)
  assert.is_truthy(why:find("bad argument #1 to 'WriteU8' (number expected, got string)", 1, true))
end)
