--- What is known of commands: the same as the server says, and no two methods with one name.
local commands = require("chuck.redis.commands")
local redis = require("spec.helper.redis")
local redis_commands = require("scripts.redis_commands")

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

--- Fails with the first line that differs, instead of printing a hundred kilobytes.
local function assert_same_lines(expected, actual)
  local others = actual:gmatch("[^\n]*")
  for line in expected:gmatch("[^\n]*") do
    assert.are.equal(line, others())
  end
  assert.are.equal(#expected, #actual)
end

describe("the list of commands", function()
  local server

  setup(function()
    server = redis.shared()
  end)

  teardown(redis.finish)

  --- Other servers have other commands.
  local function is_recorded_version()
    local version = server:Info("redis_version")
    if version ~= commands.VERSION then
      pending(("written from redis-server %s, this is %s"):format(commands.VERSION, version))
    end
    return version == commands.VERSION
  end

  it("is what the server says", function()
    if is_recorded_version() then
      assert_same_lines(redis_commands.list(server), read(redis_commands.LIST))
    end
  end)

  it("has types for editors, as the server says", function()
    if is_recorded_version() then
      assert_same_lines(redis_commands.types(server), read(redis_commands.TYPES))
    end
  end)

  it("says of every command of any server whether it reads or writes, but not both", function()
    for name, spec in pairs(commands.specs) do
      assert.is_false(spec.is_read_only and spec.is_write, name)
    end
  end)
end)

describe("methods of commands", function()
  it("are unique, in whatever letters", function()
    local methods = {}
    for name, spec in pairs(commands.specs) do
      local lower = spec.method:lower()
      assert.is_nil(methods[lower], name .. " and " .. tostring(methods[lower]))
      assert.are.equal(spec, commands.by_method[lower])
      methods[lower] = name
    end
  end)

  it("are the words without what is between them", function()
    for name, spec in pairs(commands.specs) do
      assert.are.equal((name:gsub("[-_ ]", "")), spec.method:upper())
      assert.are.equal(name, table.concat(spec.words, " "))
    end
  end)

  it("are written as people write them", function()
    local known = [[
      HSet HGetAll ZRangeByScore BLPop LPush GeoRadius PExpireAt SetEx PSetEx GetSet MSetNX
      HIncrByFloat XAutoClaim XReadGroup ClientSetName ConfigGet FCallRO EvalSha BZMPop SInterCard
      RandomKey Get Del XInfoStream ClusterCountFailureReports ClientNoEvict
    ]]
    for method in known:gmatch("%S+") do
      assert.are.equal(method, commands.by_method[method:lower()].method)
    end
    assert.are.equal("EVAL_RO", commands.by_method.eval_ro.name)
  end)
end)

describe("keys of commands", function()
  local function keys_of(name)
    local spec = commands.specs[name]
    return { spec.first_key, spec.last_key, spec.step }
  end

  it("stand at positions that count the arguments", function()
    assert.are.same({ 1, 1, 1 }, keys_of("GET"))
    assert.are.same({ 1, -1, 2 }, keys_of("MSET"))
    assert.are.same({ 1, -2, 1 }, keys_of("BLPOP"))
    assert.are.same({ 1, 1, 1 }, keys_of("XGROUP CREATE"))
    assert.are.same({ 1, 1, 1 }, keys_of("OBJECT ENCODING"))
    assert.are.same({ 0, 0, 0 }, keys_of("PING"))
  end)

  it("are behind a number, or behind a word", function()
    local specs = commands.specs
    assert.are.equal(2, specs.EVAL.key_number)
    assert.are.equal(1, specs.ZUNION.key_number)
    assert.are.equal(2, specs.ZUNIONSTORE.key_number)
    assert.are.equal(2, specs.BLMPOP.key_number)
    assert.are.equal("STREAMS", specs.XREAD.keys_after)
    assert.is_true(specs.XREADGROUP.is_half)
    assert.are.equal("KEYS", specs.MIGRATE.keys_after)
    assert.is_false(specs.MIGRATE.is_half)
    assert.are.same({ "STORE", "STOREDIST" }, specs.GEORADIUS.key_after)
    assert.are.same({ "STORE" }, specs.SORT.key_after)
    assert.is_false(specs.GET.key_number)
  end)
end)

describe("commands that block", function()
  it("say where their time is", function()
    local count = 0
    for name, spec in pairs(commands.specs) do
      assert.are.equal(spec.is_blocking, spec.block ~= false, name)
      count = count + (spec.block and 1 or 0)
    end
    assert.are.equal(11, count)
    assert.are.equal("last", commands.specs.BLPOP.block)
    assert.are.equal("first", commands.specs.BZMPOP.block)
    assert.are.equal("BLOCK", commands.specs.XREAD.block)
    assert.are.equal("second", commands.specs.WAIT.block)
  end)
end)

describe("a command as it is written", function()
  it("is found in any letters, with its second word", function()
    assert.are.equal("CONFIG GET", commands.find("config", "get").name)
    assert.are.equal("GET", commands.find("Get", "get").name)
    assert.are.equal("CONFIG", commands.find("CONFIG", "nothing").name)
    assert.are.equal("CONFIG", commands.find("CONFIG").name)
    assert.is_nil(commands.find("NOTHING"))
  end)
end)
