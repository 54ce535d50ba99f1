--- The rockspec installs every Lua file, and names the native module as Lua looks it up.
local lfs = require("lfs")

local ROCKSPEC = "chuck-scm-1.rockspec"

--- Every Lua file below a folder.
local function lua_files(folder, found)
  for name in lfs.dir(folder) do
    local path = folder .. "/" .. name
    if lfs.attributes(path, "mode") == "directory" and name:sub(1, 1) ~= "." then
      lua_files(path, found)
    elseif name:match("%.lua$") then
      found[#found + 1] = path
    end
  end
  return found
end

--- What `require` calls a file: lua/chuck/init.lua is "chuck", lua/chuck/native.lua "chuck.native".
local function module_name(path)
  local name = path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")
  return name
end

--- Modules that are there and not listed, or listed under another file.
local function not_installed(listed, files)
  local missing = {}
  for _, path in ipairs(files) do
    if listed[module_name(path)] ~= path then
      missing[#missing + 1] = ('["%s"] = "%s"'):format(module_name(path), path)
    end
  end
  table.sort(missing)
  return missing
end

--- Listed files that are not there.
local function not_there(listed)
  local missing = {}
  for module, path in pairs(listed) do
    if not lfs.attributes(path) then
      missing[#missing + 1] = ('["%s"] = "%s"'):format(tostring(module), path)
    end
  end
  table.sort(missing)
  return missing
end

local function load_rockspec()
  local spec = {}
  local chunk
  if rawget(_G, "setfenv") then
    chunk = setfenv(assert(loadfile(ROCKSPEC)), spec)
  else
    chunk = assert(loadfile(ROCKSPEC, "t", spec))
  end
  chunk()
  return spec
end

describe("the rockspec", function()
  local rockspec = load_rockspec()

  it("installs every Lua file under the name that require uses", function()
    assert.are.same({}, not_installed(rockspec.build.install.lua, lua_files("lua", {})))
  end)

  it("lists no file that is not there", function()
    assert.are.same({}, not_there(rockspec.build.install.lua))
  end)

  it("would notice a file that is not listed, and one that is gone", function()
    local listed = { ["chuck"] = "lua/chuck/init.lua", ["chuck.gone"] = "lua/chuck/gone.lua" }
    local files = { "lua/chuck/init.lua", "lua/chuck/io/stream.lua" }
    local new, gone = "lua/chuck/io/stream.lua", "lua/chuck/gone.lua"
    assert.are.same({ '["chuck.io.stream"] = "' .. new .. '"' }, not_installed(listed, files))
    assert.are.same({ '["chuck.gone"] = "' .. gone .. '"' }, not_there(listed))
  end)

  it("builds the library chuck_core as the module chuck_core", function()
    assert.are.same({ "chuck_core" }, rockspec.build.modules)
  end)

  it("needs the back end to build, and only Lua to run", function()
    assert.are.equal("3.0", rockspec.rockspec_format)
    assert.are.same({ "lua >= 5.1, < 5.6" }, rockspec.dependencies)
    assert.are.same({ "luarocks-build-rust-mlua" }, rockspec.build_dependencies)
  end)
end)
