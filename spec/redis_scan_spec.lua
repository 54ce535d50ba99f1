--- Scans: all that is in a database, a hash, a set or a sorted set.
local chuck = require("chuck")
local co, redis = chuck.co, chuck.redis
local compat = require("chuck.support.compat")

local servers = require("spec.helper.redis")
local tasks = require("spec.helper.tasks")

local own, pack = tasks.own, compat.pack

local function client_of(server, options)
  options = options or {}
  options.address = server.address
  return own(redis.client(options))
end

--- Elements of a scan with what belongs to them, and how many there were.
local function all_of(scan)
  local found, count = {}, 0
  local element, value, code = scan:Next()
  while element ~= nil do
    found[element] = value or true
    count = count + 1
    element, value, code = scan:Next()
  end
  assert(code == nil, value)
  return found, count
end

local function count_of(set)
  local count = 0
  for _ in pairs(set) do
    count = count + 1
  end
  return count
end

--- 300 of everything.
local function fill(client)
  client:Pipeline(function(p)
    for n = 1, 300 do
      p:Set("key:" .. n, n)
        :HSet("hash", "f" .. n, n)
        :SAdd("set", "m" .. n)
        :ZAdd("zset", n / 2, "m" .. n)
    end
    p:ZAdd("zset", "inf", "top", "-inf", "bottom"):Set("", "an empty name")
  end)
end

describe("a scan", function()
  teardown(servers.finish)

  for _, protocol in ipairs({ 2, 3 }) do
    it(
      "gives everything, piece by piece, in RESP" .. protocol,
      tasks.spec(function()
        local client = client_of(servers.shared(), { protocol = protocol })
        fill(client)
        local keys = all_of(client:Scan())
        assert.are.equal(304, count_of(keys))
        assert.is_true(keys[""])
        assert.are.equal(300, count_of(all_of(client:Scan({ match = "key:*", count = 7 }))))
        assert.are.same({ zset = true }, (all_of(client:Scan({ type = "zset" }))))
        local fields = all_of(client:HScan("hash", { count = 10 }))
        assert.are.equal(300, count_of(fields))
        assert.are.equal("17", fields.f17)
        assert.are.equal(300, count_of(all_of(client:SScan("set"))))
        assert.are.same({ m7 = true }, (all_of(client:SScan("set", { match = "m7" }))))
        local scores = all_of(client:ZScan("zset"))
        assert.are.equal(302, count_of(scores))
        assert.are.same({ 8.5, 1 / 0, -1 / 0 }, { scores.m17, scores.top, scores.bottom })
        assert.are.same({}, (all_of(client:HScan("nothing"))))
      end)
    )
  end

  it(
    "goes on saying that it is over",
    tasks.spec(function()
      local client = client_of(servers.shared())
      local scan = client:Scan()
      assert.are.same({ n = 1 }, pack(scan:Next()))
      assert.are.same({ n = 1 }, pack(scan:Next()))
    end)
  )

  if compat.yields_across_pcall then
    it(
      "is an iterator, where those can park",
      tasks.spec(function()
        local client = client_of(servers.shared())
        fill(client)
        local sum = 0
        for key, value in client:HScan("hash") do
          assert.are.equal(key, "f" .. value)
          sum = sum + value
        end
        assert.are.equal(45150, sum)
        local fine, why = co.pcall(function()
          for _ in client:SScan("hash") do
            error("there is none")
          end
        end)
        assert.is_false(fine)
        assert.matches("^%S*redis_scan_spec.lua:%d+: WRONGTYPE", why)
      end)
    )
  end

  it(
    "tells errors apart from the end, and can go on after one",
    tasks.spec(function()
      local server = servers.server()
      local client = client_of(server, { timeout_ms = 50 })
      fill(client)
      local scan = client:Scan({ count = 50 })
      assert.is_string(scan:Next())
      server:Freeze()
      local answer
      repeat
        answer = pack(scan:Next())
      until answer[1] == nil
      server:Thaw()
      assert.matches("^SCAN: .*no reply in 50 ms", answer[2])
      assert.are.equal("ETIMEDOUT", answer[3])
      local _, count = all_of(scan)
      assert.is_true(count > 200)
      local wrong = pack(client:ZScan("hash"):Next())
      assert.are.equal("WRONGTYPE", wrong[3])
      assert.is_true(redis.is_error(wrong[4]))
      server:Kill()
      local gone = client:Scan()
      assert.is_nil((gone:Next()))
      assert.matches("^E", (select(3, gone:Next())))
    end)
  )

  it(
    "ends with its task, and can be taken up by another",
    tasks.spec(function()
      local server = servers.shared()
      local client = client_of(server)
      fill(client)
      local scan = client:Scan()
      server:Freeze()
      local waiting = tasks.parked(scan.Next, scan)
      waiting.task:Cancel()
      server:Thaw()
      assert.are.equal(304, count_of(all_of(scan)))
    end)
  )

  it(
    "is the plain command with a cursor, and in pipelines",
    tasks.spec(function()
      local client = client_of(servers.shared())
      client:HSet("h", "f", "v")
      assert.are.same({ "0", { "h" } }, client:Scan(0, "MATCH", "h"))
      assert.are.same({ "0", { "f", "v" } }, client:HScan("h", 0))
      assert.are.same({ { "0", { "h" } } }, client:Pipeline():Scan(0):Execute())
      assert(client:Watch("x", function(session)
        assert.are.equal("h", session:Scan():Next())
      end))
    end)
  )

  it(
    "blames the caller's line for wrong arguments",
    tasks.spec(function()
      local client = client_of(servers.shared())
      for message, wrong in pairs({
        ["bad argument #1 to 'Scan' %(unknown option matches%)"] = function()
          client:Scan({ matches = "x" })
        end,
        ["bad argument #1 to 'Scan' %(option count: positive integer expected"] = function()
          client:Scan({ count = 0 })
        end,
        ["bad argument #2 to 'HScan' %(unknown option type%)"] = function()
          client:HScan("h", { type = "x" })
        end,
        ["bad argument #1 to 'SScan' %(string expected, got nil%)"] = function()
          client:SScan()
        end,
        ["calling 'Next' on bad self"] = function()
          client:Scan().Next({})
        end,
      }) do
        local fine, why = co.pcall(wrong)
        assert(not fine, message)
        assert.matches("^%S*redis_scan_spec.lua:%d+: " .. message, why)
      end
    end)
  )
end)
