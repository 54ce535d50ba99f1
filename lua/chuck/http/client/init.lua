--- A client: requests of any number of tasks share its connections, cookies and options.
---
---     local client = http.client({ base_url = "http://example.org/api/", timeout_ms = 5000 })
---     local response, message, code = client:Get("users", { query = { page = 2 } })
---     print(response.status, response:Json())
---     client:Close()

local client_options = require("chuck.http.client.options")
local fetch = require("chuck.http.client.fetch")
local jar = require("chuck.http.client.jar")
local origins = require("chuck.http.client.origins")
local outgoing = require("chuck.http.client.outgoing")
local route = require("chuck.http.client.route")
local sched = require("chuck.co.sched")
local urls = require("chuck.http.client.urls")
local words = require("chuck.http.client.words")

local client = {}

---@class chuck.http.Client
local Client = {}

local METATABLE = { __index = Client, __metatable = "http.client" }
client.METATABLE, client.Client = METATABLE, Client

--- The URL and the options of a call: `(url, options)`, or one table with both.
local function arguments(name, n, url, given)
  if type(url) == "table" and given == nil then
    local made = client_options.of_request(url, name, n)
    if not made.url then
      words.raise(name, n, "option url is missing")
    end
    return made.url, made
  elseif type(url) ~= "string" then
    words.raise(name, n, "URL or table expected, got " .. words.kind_of(url))
  end
  return url, client_options.of_request(given, name, n + 1)
end

--- Carries a request out.
---@async
local function perform(self, url, made)
  if self.is_closed then
    return nil, url .. ": the client is closed", "ESOCKCLOSE"
  end
  self.requests = self.requests + 1
  self.active = self.active + 1
  local function run()
    local request, why, code = outgoing.new(url, made, self)
    if not request then
      return nil, url:sub(1, 200) .. ": " .. tostring(why), code
    end
    return fetch.run(self, request)
  end
  local fine, response, message, code = sched.pcall(run)
  self.active = self.active - 1
  if not fine then
    error(response, 0)
  elseif not response then
    self.failures = self.failures + 1
  end
  return response, message, code
end

local function expect_task(name)
  if not sched.current() then
    words.blame(("'%s' is for tasks: use it inside of co.run or co.spawn"):format(name))
  end
end

--- Carries out the request that options describe: a response, or `nil, message, code`.
---@async
function Client:Request(url, options)
  words.expect(self, "Request", METATABLE)
  expect_task("Request")
  local text, made = arguments("Request", 1, url, options)
  return perform(self, text, made)
end

--- As `Request`, in a task of its own: `callback(response | nil, message, code)`. It may be called
--- outside of tasks. The task, which can be cancelled.
function Client:RequestAsync(callback, url, options)
  words.expect(self, "RequestAsync", METATABLE)
  if type(callback) ~= "function" then
    words.raise("RequestAsync", 1, "function expected, got " .. words.kind_of(callback))
  end
  local text, made = arguments("RequestAsync", 2, url, options)
  local task = sched.start(sched.root(), function()
    callback(perform(self, text, made))
  end)
  return task
end

for _, method in ipairs({ "Get", "Head", "Post", "Put", "Patch", "Delete", "Options" }) do
  Client[method] = function(self, url, options)
    words.expect(self, method, METATABLE)
    expect_task(method)
    local text, made = arguments(method, 1, url, options)
    made.method = method:upper()
    return perform(self, text, made)
  end
end

--- The jar of `jar = true`, or the one that was given; nil without.
function Client:Jar()
  words.expect(self, "Jar", METATABLE)
  return jar.choose(self, self.options.jar) or self.jar or nil
end

--- Counters since it was made.
function Client:Stats()
  words.expect(self, "Stats", METATABLE)
  local stats = self.origins:Stats()
  stats.requests = self.requests
  stats.active = self.active
  stats.failures = self.failures
  stats.repeats = self.repeats
  return stats
end

--- Ends it with all its connections: requests that are under way are told `"ESOCKCLOSE"`. Any
--- number of times.
function Client:Close()
  words.expect(self, "Close", METATABLE)
  self.is_closed = true
  self.origins:Close()
end

function Client:IsClosed()
  words.expect(self, "IsClosed", METATABLE)
  return self.is_closed
end

--- A client for tasks of the engine that runs.
function client.new(given)
  local options = client_options.of_client(given, "client", 1)
  local engine = sched.engine()
  if not engine then
    words.blame("'client' needs an engine: call it inside of co.run, or after co.attach")
  end
  if options.base_url then
    local url, why = urls.parse(options.base_url)
    if not url then
      words.raise("client", 1, "option base_url: " .. tostring(why))
    end
  end
  return setmetatable({
    options = options,
    environment = route.environment(),
    engine = engine,
    origins = origins.new(engine, options),
    --- The jar of `jar = true`, once it is needed.
    jar = false,
    is_closed = false,
    --- Since the beginning; and how many are under way.
    requests = 0,
    failures = 0,
    repeats = 0,
    active = 0,
  }, METATABLE)
end

--- The client of calls without one.
local shared = false

--- The client that `http.get` and its like share, for the engine that runs.
function client.shared(name)
  expect_task(name)
  local engine = sched.engine()
  if not shared or shared.engine ~= engine then
    if shared then
      shared:Close()
    end
    shared = client.new()
  end
  return shared
end

client.arguments, client.perform = arguments, perform
client.check = client_options.of_request

return client
