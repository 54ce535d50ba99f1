--- The list of those who wait: first come first served, and no memory for who has left.
local waiters = require("chuck.co.waiters")

--- Takes everything out of a list: the names of its entries.
local function names_of(list)
  local names = {}
  while list.count > 0 do
    names[#names + 1] = list:Take().name
  end
  return table.concat(names, " ")
end

local function filled(count)
  local list, entries = waiters.new(), {}
  for n = 1, count do
    entries[n] = { name = n }
    list:Add(entries[n])
  end
  return list, entries
end

--- Places that a list has in use.
local function places(list)
  local highest = 0
  for key in pairs(list) do
    if type(key) == "number" then
      highest = math.max(highest, key)
    end
  end
  return highest
end

describe("a list of waiters", function()
  it("gives back in the order of coming", function()
    assert.are.equal("1 2 3", names_of(filled(3)))
  end)

  it("lets any entry leave, and keeps the order of the others", function()
    for leaving = 1, 5 do
      local list, entries = filled(5)
      list:Leave(entries[leaving])
      assert.are.equal(4, list.count)
      assert.are.equal(("1 2 3 4 5"):gsub(leaving .. " ?", ""):gsub(" $", ""), names_of(list))
      assert.is_nil(list:Take())
    end
  end)

  it("takes no notice of one that leaves twice, or after it was taken", function()
    local list, entries = filled(3)
    list:Leave(entries[2])
    list:Leave(entries[2])
    assert.are.equal(entries[1], list:Take())
    list:Leave(entries[1])
    assert.are.equal(1, list.count)
    assert.are.equal("3", names_of(list))
  end)

  it("does not grow while entries in its middle leave again and again", function()
    local list = filled(1)
    for _ = 1, 10000 do
      local passing = { name = "passing" }
      list:Add(passing)
      list:Add({ name = "x" })
      list:Leave(passing)
      local last = { name = "last" }
      list:Add(last)
      list:Leave(last)
      assert(list:Take().name)
    end
    assert.is_true(places(list) < 100, places(list))
  end)

  it("does not grow while it is never empty", function()
    local list = filled(3)
    for n = 4, 10000 do
      list:Add({ name = n })
      assert.are.equal(n - 3, list:Take().name)
    end
    assert.is_true(places(list) < 100, places(list))
    assert.are.equal("9998 9999 10000", names_of(list))
  end)

  it("does as a plain list does, whatever happens", function()
    local seed = 7
    local function random(n)
      seed = (seed * 16807) % 2147483647
      return seed % n + 1
    end
    local list, plain, made = waiters.new(), {}, 0
    for _ = 1, 20000 do
      local dice = random(10)
      if dice <= 5 then
        made = made + 1
        local entry = { name = made }
        list:Add(entry)
        plain[#plain + 1] = entry
      elseif dice <= 8 and #plain > 0 then
        list:Leave(table.remove(plain, random(#plain)))
      else
        assert.are.equal(plain[1] and table.remove(plain, 1), (list:Take()))
      end
      assert.are.equal(#plain, list.count)
    end
  end)
end)
