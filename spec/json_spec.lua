--- JSON: what is read, what is written, and what is refused with its place.
local chuck = require("chuck")

local check = require("spec.helper.check")

local json = chuck.json

describe("decode", function()
  it("makes tables of objects and lists", function()
    local value = json.decode('{"a":[1,"two",true,null],"b":{"c":{}}}')
    assert.are.equal(1, value.a[1])
    assert.are.equal("two", value.a[2])
    assert.is_true(value.a[3])
    assert.are.equal(json.null, value.a[4])
    assert.is_nil(next(value.b.c))
  end)

  it("keeps 64 bits where Lua has them", function()
    local value = json.decode("[9223372036854775807,-9223372036854775808,1.0,1e2]")
    if check.has_integers then
      assert.are.equal(math.maxinteger, value[1])
      assert.are.equal(math.mininteger, value[2])
      assert.are.equal("float", math.type(value[3]))
      assert.are.equal("float", math.type(value[4]))
    end
    assert.are.equal(1, value[3])
    assert.are.equal(100, value[4])
  end)

  it("reads escapes, long ones and bytes of zero", function()
    assert.are.equal('\0"\\/\8\12\n\r\t', json.decode([["\u0000\"\\\/\b\f\n\r\t"]]))
    assert.are.equal("\195\164\240\159\152\128", json.decode([["\u00e4\uD83D\uDE00"]]))
    local long = ("x"):rep(100000)
    assert.are.equal(long .. "\n", json.decode('"' .. long .. '\\n"'))
  end)

  it("takes the last of two values with one name", function()
    assert.are.equal(2, json.decode('{"a":1,"a":2}').a)
  end)

  it("says what is wrong and where", function()
    for text, place in pairs({
      [""] = 1,
      ["[1,]"] = 4,
      ["{'a':1}"] = 2,
      ["[1 2]"] = 4,
      ["1 2"] = 3,
      ["nul"] = 1,
      ["NaN"] = 1,
      ['"\\ud800"'] = 2,
      ['"\255"'] = 2,
      ['"\n"'] = 2,
      ["[1e999]"] = 2,
      ["[01]"] = 3,
      ["\239\187\1911"] = 1,
    }) do
      local value, message, code = json.decode(text)
      assert.is_nil(value)
      assert.is_truthy(message:find(" at byte " .. place .. "$"), text .. ": " .. message)
      assert.are.equal("EINVAL", code)
    end
  end)

  it("refuses more levels than the limit", function()
    local function nested(n)
      return ("["):rep(n) .. ("]"):rep(n)
    end
    assert.is_truthy(json.decode(nested(128)))
    local _, message = json.decode(nested(129))
    assert.are.equal("JSON with more than 128 levels", message)
    assert.is_truthy(json.decode(nested(1000), { depth = 1000 }))
    assert.is_nil((json.decode(nested(1001), { depth = 1000 })))
    assert.is_nil((json.decode(("["):rep(1e6), { depth = 1000 })))
    assert.is_nil((json.decode("[]", { depth = 0 })))
  end)

  it("finds every cut of a text to be no JSON", function()
    local text = '{"a":[1.5e3,true,null,"\\u00e4",{}],"b":{"c":[[]]}}'
    for cut = 0, #text - 1 do
      local value, message = json.decode(text:sub(1, cut))
      assert.is_nil(value, cut)
      assert.is_string(message)
    end
  end)
end)

describe("encode", function()
  it("writes what is read back", function()
    local text = '{"a":[1,-2.5,"x\\"\\\\\\n\\u0001",true,null,[],{}]}'
    assert.are.equal(text, json.encode(json.decode(text)))
  end)

  it("tells lists from objects", function()
    assert.are.equal("{}", json.encode({}))
    assert.are.equal("[]", json.encode(json.array({})))
    assert.are.equal("[]", json.encode(json.array()))
    assert.are.equal("[[1]]", json.encode({ { 1 } }))
    assert.are.equal('{"a":null}', json.encode({ a = json.null }))
    assert.are.equal("null", json.encode(nil))
  end)

  it("writes numbers so that they are read back exactly", function()
    for _, number in ipairs({ 0.1, 1 / 3, 1e300, 5e-324, 2 ^ 53, 2 ^ 60, -1.5 }) do
      assert.are.equal(number, json.decode(json.encode(number)))
    end
  end)

  it("fills holes of a marked list, as long as they are few", function()
    assert.are.equal("[1,null,3]", json.encode(json.array({ 1, nil, 3 })))
    assert.are.equal("[null,null,3]", json.encode(json.array({ [3] = 3 })))
    for _, wrong in ipairs({ { [100] = 1 }, { [2 ^ 53] = 1 }, { [0] = 1 }, { 1, x = 1 } }) do
      assert.is_false(pcall(json.encode, json.array(wrong)))
    end
  end)

  it("raises for what JSON does not have, and says where", function()
    local own = {}
    own.own = own
    local deep = {}
    for _ = 1, 10000 do
      deep = { deep }
    end
    for words, value in pairs({
      ["a function cannot be JSON, at .a.b[2]"] = { a = { b = { 1, print } } },
      ["a list with holes or other keys cannot be JSON, at .a"] = { a = { 1, x = 2 } },
      ["a key that is no string cannot be JSON"] = { [1.5] = 1 },
      ["a number that is not finite cannot be JSON, at [1]"] = { 1 / 0 },
      ["a string that is not UTF-8 cannot be JSON"] = "\255",
      ["a userdata or coroutine cannot be JSON"] = io.stdout,
      ["a table with more than 128 levels cannot be JSON, at .own.own"] = own,
      ["a table with more than 128 levels cannot be JSON, at [1][1]"] = deep,
    }) do
      local fine, why = pcall(json.encode, value)
      assert.is_false(fine)
      assert.is_truthy(why:find(words, 1, true), why)
    end
  end)

  it("does not ask metamethods", function()
    local asked = setmetatable({}, {
      __index = error,
      __len = error,
      __pairs = error,
      __tostring = error,
    })
    assert.are.equal("{}", json.encode(asked))
  end)
end)

describe("array", function()
  it("returns the table that it was given", function()
    local list = { 1 }
    assert.are.equal(list, json.array(list))
    assert.are.equal(list, json.array(list))
  end)

  it("raises for a table that has another metatable", function()
    local fine, why = pcall(json.array, setmetatable({}, {}))
    assert.is_false(fine)
    assert.is_truthy(why:find("table without a metatable expected", 1, true))
  end)
end)

describe("random values", function()
  local seed = 7
  local function random(n)
    seed = (seed * 16807) % 2147483647
    return seed % n + 1
  end

  local function value(depth)
    local kind = random(depth > 4 and 5 or 7)
    if kind == 1 then
      return json.null
    elseif kind == 2 then
      return random(2) == 1
    elseif kind == 3 then
      return random(1000) - 500
    elseif kind == 4 then
      return random(1000) / 7
    elseif kind == 5 then
      return (('\0"\\\n/\127 aB\195\164'):rep(random(40)))
    end
    local made = kind == 6 and json.array() or {}
    for n = 1, random(5) - 1 do
      made[kind == 6 and n or "key " .. n] = value(depth + 1)
    end
    return made
  end

  it("come back as they were", function()
    for _ = 1, 500 do
      local made = value(1)
      assert.are.same(made, json.decode(json.encode(made)))
    end
  end)
end)
