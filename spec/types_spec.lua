--- Every public name stands in three places: in the module, in types/ for editors, and in docs/api.
local lfs = require("lfs")

local chuck = require("chuck")

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

local function files_of(folder, pattern)
  local found = {}
  for name in lfs.dir(folder) do
    if name:match(pattern) then
      found[#found + 1] = folder .. "/" .. name
    end
  end
  table.sort(found)
  return found
end

local function sorted(set)
  local names = {}
  for name in pairs(set) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

--- The names in `left` that are not in `right`.
local function missing(left, right)
  local names = {}
  for name in pairs(left) do
    if not right[name] then
      names[name] = true
    end
  end
  return sorted(names)
end

--- The names of every class of a types file: class -> set of names.
local function classes_of(text, classes)
  local class, class_of = nil, {}
  for line in text:gmatch("[^\n]+") do
    local opened = line:match("^%-%-%-@class ([%w_.]+)")
    local field = line:match("^%-%-%-@field ([%w_]+) ")
    local variable = line:match("^local ([%w_]+) = {}")
    local owner, name = line:match("^function ([%w_]+)[.:]([%w_]+)%(")
    if opened then
      class = opened
      classes[class] = classes[class] or {}
    elseif field then
      classes[class][field] = true
    elseif variable then
      class_of[variable] = class
    elseif owner then
      classes[class_of[owner]][name] = true
    end
  end
  return classes
end

local function all_classes()
  local classes = {}
  for _, path in ipairs(files_of("types/chuck", "%.lua$")) do
    classes_of(read(path), classes)
  end
  return classes
end

--- What a table of the module offers.
local function names_of(module)
  local names = {}
  for name in pairs(module) do
    names[name] = true
  end
  return names
end

--- What an object offers. Classes written in Lua may be their own metatables, with defaults; those
--- of Redis have commands, which are in types/ once for all.
local function methods_of(object)
  local methods, commands = {}, require("chuck.redis.commands").by_method
  for name, value in pairs(debug.getmetatable(object).__index) do
    local inherited = object.inherited
    local is_inherited = inherited and (commands[name:lower()] or rawget(inherited, name))
    if type(value) == "function" and not name:find("^__") and not is_inherited then
      methods[name] = true
    end
  end
  return methods
end

local net = chuck.socket_helper

-- What is written in Lua is loaded, and in the table, from the first use on.
assert(chuck.listen and chuck.dial and chuck.io)
assert(chuck.rpc.json and chuck.rpc.msgpack and chuck.rpc.serve and chuck.rpc.connect)
assert(chuck.rpc.pool and chuck.rpc.thread and chuck.rpc.on_mail)
for _, name in ipairs({ "Connect", "cluster", "pool", "script", "sentinel", "stream" }) do
  assert(chuck.redis[name], name)
end

for _, name in ipairs({
  "date",
  "error",
  "middleware",
  "reason",
  "router",
  "serve",
  "server",
  "static",
}) do
  assert(chuck.http[name], name)
end
for name in pairs(require("chuck.http.client.calls")) do
  assert(chuck.http[name], name)
end
for name in
  ([[
  access_log basic_auth bearer_auth body_limit compress cors rate_limit request_id security_headers
  session static timeout
]]):gmatch("%S+")
do
  assert(chuck.http.middleware[name], name)
end

local function new_socket()
  return net.socket(net.AF_INET, net.SOCK_STREAM, net.IPPROTO_TCP)
end

--- A scope that has ended.
local function new_scope()
  local made
  chuck.co.run(function()
    chuck.co.scope(function(scope)
      made = scope
    end)
  end)
  return made
end

--- Objects of `chuck.io`, which are made by tasks. They are closed, and have their methods.
local function add_objects_of_io(objects)
  chuck.co.run(function()
    local server = assert(chuck.io.listen("127.0.0.1:0", function() end))
    objects["chuck.Server"] = server
    objects["chuck.Stream"] = chuck.io.connect(server:GetSockAddr())
    objects["chuck.Socket"] = chuck.io.datagram()
    objects["chuck.Program"] = chuck.io.popen({ "true" })
    for _, name in ipairs({ "Stream", "Socket", "Server", "Program" }) do
      objects["chuck." .. name]:Close(0)
    end
  end)
end

--- Servers and clients of `chuck.rpc`, which are made by tasks.
local function add_objects_of_rpc(objects)
  chuck.co.run(function()
    objects["chuck.RpcServer"] = assert(chuck.rpc.serve("127.0.0.1:0", {}))
    objects["chuck.RpcClient"] = chuck.rpc.connect("127.0.0.1:0")
    objects["chuck.RpcServer"]:Close()
    objects["chuck.RpcClient"]:Close()
  end)
end

--- What a server of `chuck.http` hands out has classes that stand for it.
local function add_objects_of_http(objects)
  for name, class in pairs({
    HttpServer = require("chuck.http.server.serve").Server,
    HttpRequest = require("chuck.http.server.request").class,
    HttpResponse = require("chuck.http.server.response").class,
    HttpClient = require("chuck.http.client").Client,
    HttpReply = require("chuck.http.client.reply").Reply,
    HttpOutgoing = require("chuck.http.client.outgoing").METATABLE.__index,
    HttpJar = require("chuck.http.client.jar").Jar,
    HttpEventSource = require("chuck.http.client.event_source").Source,
    HttpSession = require("chuck.http.session").class,
    HttpRouter = debug.getmetatable(chuck.http.router()).__index,
    HttpEventStream = require("chuck.http.server.event_stream").class,
    HttpMultipart = require("chuck.http.server.multipart").class,
    HttpPart = require("chuck.http.server.multipart").part_class,
  }) do
    objects["chuck." .. name] = setmetatable({}, { __index = class })
  end
end

--- Objects of chuck.redis need a server: their classes stand for them.
local function add_objects_of_redis(objects)
  local function stand_in(class, inherited)
    return setmetatable({ inherited = inherited or {} }, { __index = class })
  end
  objects["chuck.RedisMonitor"] = stand_in(require("chuck.redis.monitor").class)
  objects["chuck.RedisPipeline"] = stand_in(require("chuck.redis.pipeline").Pipeline)
  local client = require("chuck.redis.client").Client
  objects["chuck.RedisPool"] = stand_in(require("chuck.redis.pool").Pool, client)
  local cluster = require("chuck.redis.cluster").Cluster
  objects["chuck.RedisCluster"] = stand_in(cluster, client)
  objects["chuck.RedisScan"] = stand_in(require("chuck.redis.scan").Scan)
  objects["chuck.RedisSession"] = stand_in(require("chuck.redis.session").Session)
  objects["chuck.RedisStream"] = stand_in(require("chuck.redis.stream").Stream)
  objects["chuck.RedisSubscription"] = stand_in(require("chuck.redis.subscribe").class)
end

--- The tables of the module by the class that stands for them in types/.
local MODULES = {
  ["chuck"] = chuck,
  ["chuck.packet"] = chuck.packet,
  ["chuck.decoder"] = chuck.decoder,
  ["chuck.decoder.connection"] = chuck.decoder.connection,
  ["chuck.decoder.datagram"] = chuck.decoder.datagram,
  ["chuck.connection"] = chuck.connection,
  ["chuck.datagram"] = chuck.datagram,
  ["chuck.connector"] = chuck.connector,
  ["chuck.acceptor"] = chuck.acceptor,
  ["chuck.socket_helper"] = chuck.socket_helper,
  ["chuck.engine"] = chuck.engine,
  ["chuck.TimingWheel"] = chuck.TimingWheel,
  ["chuck.signal"] = chuck.signal,
  ["chuck.log"] = chuck.log,
  ["chuck.process"] = chuck.process,
  ["chuck.daemon"] = chuck.daemon,
  ["chuck.error"] = chuck.error,
  ["chuck.resolver"] = chuck.resolver,
  ["chuck.cthread"] = chuck.cthread,
  ["chuck.co"] = chuck.co,
  ["chuck.io"] = chuck.io,
  ["chuck.json"] = chuck.json,
  ["chuck.rpc"] = chuck.rpc,
  ["chuck.redis"] = chuck.redis,
  ["chuck.http"] = chuck.http,
  ["chuck.http.middleware"] = chuck.http.middleware,
}

--- Plain tables that are handed in and out.
local TABLES = {
  ["chuck.Stats"] = true,
  ["chuck.LogStats"] = true,
  ["chuck.DatagramStats"] = true,
  ["chuck.TaskStats"] = true,
  ["chuck.TaskEntry"] = true,
  ["chuck.HttpAccess"] = true,
  ["chuck.HttpRoute"] = true,
  ["chuck.HttpServerStats"] = true,
  ["chuck.HttpCookie"] = true,
  ["chuck.HttpOutgoingFields"] = true,
  ["chuck.HttpReplyFields"] = true,
  ["chuck.HttpEvent"] = true,
  ["chuck.HttpRequestFields"] = true,
  ["chuck.HttpResponseFields"] = true,
  ["chuck.HttpPartFields"] = true,
  ["chuck.HttpUpload"] = true,
  ["chuck.HttpUploadEntry"] = true,
  ["chuck.RpcOptions"] = true,
  ["chuck.RpcCallOptions"] = true,
  -- Has every command as well; see below.
  ["chuck.RedisClient"] = true,
  -- Compared with the server itself, see redis_commands_spec.
  ["chuck.RedisCommands"] = true,
  ["chuck.RedisEntry"] = true,
  ["chuck.RedisNode"] = true,
  ["chuck.RedisMessage"] = true,
  ["chuck.RedisScript"] = true,
  ["chuck.RedisSeen"] = true,
}

--- Names that the platform decides: not every one of types/ is everywhere.
local PLATFORM = { ["chuck.error"] = true, ["chuck.signal"] = true }

--- How docs/api calls a table of the module, or an object, in its headings: `conn:Send(…)`.
local CALLED = {
  chuck = "chuck",
  packet = "chuck.packet",
  ["decoder.connection"] = "chuck.decoder.connection",
  ["decoder.datagram"] = "chuck.decoder.datagram",
  socket_helper = "chuck.socket_helper",
  signal = "chuck.signal",
  log = "chuck.log",
  process = "chuck.process",
  daemon = "chuck.daemon",
  error = "chuck.error",
  cthread = "chuck.cthread",
  wpacket = "chuck.WPacket",
  rpacket = "chuck.RPacket",
  rawpacket = "chuck.RawPacket",
  httppacket = "chuck.HttpPacket",
  conn = "chuck.Connection",
  dgram = "chuck.Datagram",
  connector = "chuck.Connector",
  acceptor = "chuck.Acceptor",
  engine = "chuck.Engine",
  timer = "chuck.Timer",
  wheel = "chuck.Wheel",
  signaler = "chuck.Signaler",
  logfile = "chuck.LogFile",
  resolver = "chuck.resolver",
  query = "chuck.Query",
  listener = "chuck.Listener",
  dialing = "chuck.Dial",
  child = "chuck.Child",
  co = "chuck.co",
  task = "chuck.Task",
  scope = "chuck.Scope",
  ch = "chuck.Channel",
  mutex = "chuck.Mutex",
  semaphore = "chuck.Semaphore",
  cond = "chuck.Condition",
  group = "chuck.WaitGroup",
  future = "chuck.Future",
  pool = "chuck.Pool",
  actor = "chuck.Actor",
  io = "chuck.io",
  stream = "chuck.Stream",
  server = "chuck.Server",
  socket = "chuck.Socket",
  program = "chuck.Program",
  rpc = "chuck.rpc",
  peer = "chuck.RpcPeer",
  flow = "chuck.RpcFlow",
  rpc_server = "chuck.RpcServer",
  client = "chuck.RpcClient",
  services = "chuck.RpcServices",
  redis = "chuck.redis",
  redis_conn = "chuck.RedisConnection",
  redis_client = "chuck.RedisClient",
  pipeline = "chuck.RedisPipeline",
  redis_pool = "chuck.RedisPool",
  redis_cluster = "chuck.RedisCluster",
  scan = "chuck.RedisScan",
  session = "chuck.RedisSession",
  redis_stream = "chuck.RedisStream",
  subscription = "chuck.RedisSubscription",
  monitor = "chuck.RedisMonitor",
  http = "chuck.http",
  ["http.middleware"] = "chuck.http.middleware",
  app = "chuck.HttpRouter",
  http_session = "chuck.HttpSession",
  http_server = "chuck.HttpServer",
  http_client = "chuck.HttpClient",
  response = "chuck.HttpReply",
  outgoing = "chuck.HttpOutgoing",
  jar = "chuck.HttpJar",
  source = "chuck.HttpEventSource",
  req = "chuck.HttpRequest",
  res = "chuck.HttpResponse",
  events = "chuck.HttpEventStream",
  reader = "chuck.HttpMultipart",
  part = "chuck.HttpPart",
}

--- What docs/api names: class -> set of names. Constants are named in the text, everything else
--- in a heading.
local function documented()
  local names = {}
  for _, class in pairs(CALLED) do
    names[class] = {}
  end
  for _, path in ipairs(files_of("docs/api", "%.md$")) do
    local text = read(path)
    for line in text:gmatch("[^\n]+") do
      if line:match("^###? ") or line:match("`[%w_.]+%.[A-Z_0-9]+`") then
        for owner, name in line:gmatch("`([%l_.]+)[.:]([%w_]+)[^`]*`") do
          if CALLED[owner] then
            names[CALLED[owner]][name] = true
          end
        end
      end
    end
  end
  return names
end

describe("types/", function()
  local classes = all_classes()
  local engine, objects

  setup(function()
    engine = chuck.engine()
    objects = {
      ["chuck.WPacket"] = chuck.packet.wpacket(),
      ["chuck.RPacket"] = chuck.packet.rpacket(chuck.packet.wpacket()),
      ["chuck.HttpPacket"] = chuck.packet.httpresponse(200),
      ["chuck.RawPacket"] = chuck.packet.rawpacket(""),
      ["chuck.Decoder"] = chuck.decoder.connection.rawpacket,
      ["chuck.Connection"] = chuck.connection(new_socket(), 4096),
      ["chuck.Datagram"] = chuck.datagram(net.socket(net.AF_INET, net.SOCK_DGRAM, 0), 4096),
      ["chuck.Connector"] = chuck.connector(new_socket()),
      ["chuck.Acceptor"] = chuck.acceptor(new_socket()),
      ["chuck.Engine"] = engine,
      ["chuck.Timer"] = chuck.RegTimer(engine, 1000, function() end),
      ["chuck.Wheel"] = chuck.TimingWheel(),
      ["chuck.Signaler"] = chuck.signal.signaler(chuck.signal.SIGUSR2),
      ["chuck.LogFile"] = chuck.log.LogFile("unused"),
      ["chuck.Query"] = chuck.resolver.resolve(engine, "127.0.0.1", function() end),
      ["chuck.Listener"] = chuck.listen(engine, "127.0.0.1:0", function() end),
      ["chuck.Dial"] = chuck.dial(engine, "unix:/no/such/socket", 0, function() end),
      ["chuck.Child"] = chuck.process.spawn(engine, { "true" }),
      ["chuck.Thread"] = chuck.cthread.self(),
      ["chuck.Task"] = chuck.co.spawn(function() end),
      ["chuck.Scope"] = new_scope(),
      ["chuck.Channel"] = chuck.co.channel(),
      ["chuck.Mutex"] = chuck.co.mutex(),
      ["chuck.Semaphore"] = chuck.co.semaphore(1),
      ["chuck.Condition"] = chuck.co.condition(),
      ["chuck.WaitGroup"] = chuck.co.wait_group(),
      ["chuck.Future"] = chuck.co.future(),
      ["chuck.Pool"] = chuck.co.pool(1),
      ["chuck.Actor"] = chuck.co.actor("types", function() end),
      ["chuck.RpcPeer"] = setmetatable({}, { __index = require("chuck.rpc.peer").Peer }),
      ["chuck.RpcFlow"] = setmetatable({}, { __index = require("chuck.rpc.flow").Flow }),
      ["chuck.RpcServices"] = chuck.rpc.services(),
      ["chuck.RpcConfig"] = chuck.rpc.config(),
    }
    objects["chuck.RedisConnection"] = setmetatable({}, require("chuck.redis.connection").METATABLE)
    add_objects_of_io(objects)
    add_objects_of_rpc(objects)
    add_objects_of_redis(objects)
    add_objects_of_http(objects)
  end)

  teardown(function()
    for _, class in ipairs({ "Connection", "Datagram", "Connector", "Acceptor" }) do
      objects["chuck." .. class]:Close()
    end
    objects["chuck.Signaler"]:Remove()
    engine:Close()
  end)

  it("names everything that the module offers", function()
    for class, module in pairs(MODULES) do
      assert.are.same({}, missing(names_of(module), classes[class] or {}), class)
    end
  end)

  it("names nothing that the module does not offer", function()
    local is_linux = lfs.attributes("/proc/self") ~= nil
    for class, module in pairs(MODULES) do
      if is_linux or not PLATFORM[class] then
        assert.are.same({}, missing(classes[class], names_of(module)), class)
      end
    end
  end)

  it("names every method of every object, and no other", function()
    for class, object in pairs(objects) do
      assert.is_table(classes[class], class)
      for _, name in ipairs(sorted(classes[class])) do
        assert.are.equal("function", type(object[name]), class .. ":" .. name)
      end
      assert.are.same({}, missing(methods_of(object), classes[class]), class)
    end
  end)

  it("names only methods that a client of Redis has", function()
    local Client = require("chuck.redis.client").Client
    for _, name in ipairs(sorted(classes["chuck.RedisClient"])) do
      assert.are.equal("function", type(Client[name]), name)
    end
  end)

  it("has no class that nothing stands for", function()
    for class in pairs(classes) do
      local is_table = TABLES[class] or class:match("Options$")
      local known = MODULES[class] or objects[class] or is_table
      assert.is_truthy(known, class)
    end
  end)

  it("knows the counters of an engine and of the log", function()
    assert.are.same(sorted(names_of(engine:Stats())), sorted(classes["chuck.Stats"]))
    assert.are.same(sorted(names_of(chuck.log.stats())), sorted(classes["chuck.LogStats"]))
  end)

  it("knows the counters of a datagram socket", function()
    local counters = objects["chuck.Datagram"]:Stats()
    assert.are.same(sorted(names_of(counters)), sorted(classes["chuck.DatagramStats"]))
  end)

  it("would be noticed with a name too many", function()
    local text = "---@class chuck.X\n---@field a integer\nlocal X = {}\nfunction X:B(c) end\n"
    assert.are.same({ "B", "a" }, sorted(classes_of(text, {})["chuck.X"]))
    assert.are.same({ "B" }, missing(classes_of(text, {})["chuck.X"], { a = true }))
  end)
end)

describe("docs/api", function()
  local classes, names = all_classes(), documented()

  --- Tables of the module that pages call by name alone.
  local tables = {}
  for class in pairs(MODULES) do
    tables[class:match("[^.]+$")] = true
  end

  it("speaks of everything that types/ names", function()
    for class, described in pairs(names) do
      for _, name in ipairs(missing(classes[class], described)) do
        assert(class == "chuck" and tables[name], ("%s.%s is not described"):format(class, name))
      end
    end
  end)

  it("speaks of nothing else", function()
    for class, described in pairs(names) do
      assert.are.same({}, missing(described, classes[class]), class)
    end
  end)

  it("knows the calls that are written twice", function()
    local called = { "connection", "datagram", "connector", "acceptor", "engine", "TimingWheel" }
    for _, name in ipairs(called) do
      assert.is_function(chuck[name][name])
      assert.is_true(names["chuck"][name], name)
    end
  end)
end)

describe("docs/errors.md", function()
  it("has every code of the library with its number and its words", function()
    local codes = 0
    for name, number, words in read("docs/errors.md"):gmatch("\n| `(E%w+)` | (%d+) | ([^|]-) |") do
      codes = codes + 1
      assert.are.equal(tonumber(number), chuck.error[name])
      assert.are.equal(words, chuck.error.strerror(tonumber(number)))
    end
    assert.are.equal(18, codes)
  end)
end)
