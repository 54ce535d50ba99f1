--- What the pages say is true: every block of Lua loads, and every block marked `run` runs.
---
--- A block that begins with "```lua run" is a whole program that ends by itself; one that begins
--- with "```lua" is a fragment that has to load.
local lfs = require("lfs")

local PAGES = { "README.md", "CHANGELOG.md", "CONTRIBUTING.md" }

local load_text = rawget(_G, "loadstring") or load

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

--- Every page below a folder, in order.
local function pages_below(folder, found)
  for name in lfs.dir(folder) do
    local path = folder .. "/" .. name
    if name:sub(1, 1) ~= "." and lfs.attributes(path, "mode") == "directory" then
      pages_below(path, found)
    elseif name:match("%.md$") then
      found[#found + 1] = path
    end
  end
  table.sort(found)
  return found
end

--- The blocks of Lua on a page: `{ line, runs, text }`, and whether the last one is closed.
local function blocks_of(text)
  local blocks, block, is_open, line = {}, nil, false, 0
  for words in (text .. "\n"):gmatch("(.-)\r?\n") do
    line = line + 1
    local fence = words:match("^%s*```(.*)$")
    if fence and is_open then
      block, is_open = nil, false
    elseif fence then
      is_open = true
      local language, mark = fence:match("^(%a*)%s*(%a*)")
      if language == "lua" then
        block = { line = line + 1, runs = mark == "run", lines = {} }
        blocks[#blocks + 1] = block
      end
    elseif block then
      block.lines[#block.lines + 1] = words
    end
  end
  for _, found in ipairs(blocks) do
    found.text = table.concat(found.lines, "\n") .. "\n"
  end
  return blocks, not is_open
end

--- Runs a program in a process of its own; true, or false and what it wrote.
local function run(program)
  local lua = os.getenv("CHUCK_LUA")
  assert(lua, "CHUCK_LUA names the interpreter to run programs with; scripts/lua sets it")
  local path, output = os.tmpname(), os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(program)
  file:close()
  local result = os.execute(("'%s' '%s' >'%s' 2>&1 </dev/null"):format(lua, path, output))
  local words = read(output)
  os.remove(path)
  os.remove(output)
  -- Lua 5.1 answers with the status, later ones with true.
  return result == 0 or result == true, words
end

describe("a page", function()
  it("is taken apart into blocks with their lines", function()
    local blocks, closed = blocks_of("a\n```lua\nx = 1\n```\n```sh\nls\n```\n```lua run\ny()\n```")
    assert.is_true(closed)
    assert.are.equal(2, #blocks)
    assert.are.equal(3, blocks[1].line)
    assert.are.equal("x = 1\n", blocks[1].text)
    assert.is_false(blocks[1].runs)
    assert.is_true(blocks[2].runs)
  end)

  it("would be noticed with a program that fails", function()
    assert.is_true((run("os.exit(0)")))
    assert.is_false((run("error('no')")))
    assert.is_false((run("os.exit(3)")))
  end)
end)

for _, page in ipairs(pages_below("docs", PAGES)) do
  local blocks, closed = blocks_of(read(page))
  describe(page, function()
    it("closes every block that it opens", function()
      assert.is_true(closed)
    end)
    it("links to files that are there", function()
      local folder = page:match("^(.*/)") or ""
      for target in read(page):gmatch("%]%(([^)#]+)[^)]*%)") do
        if not target:match("^%a+:") then
          assert(lfs.attributes(folder .. target), target)
        end
      end
    end)
    for _, block in ipairs(blocks) do
      it(("has Lua that loads in line %d"):format(block.line), function()
        local chunk, why = load_text(block.text, "=" .. page .. " from line " .. block.line)
        assert.is_nil(why)
        assert.is_function(chunk)
      end)
      if block.runs then
        it(("has a program that runs in line %d"):format(block.line), function()
          local fine, words = run(block.text)
          assert(fine, words)
        end)
      end
    end
  end)
end
