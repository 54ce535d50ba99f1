--- Stands in for the LuaRocks build back end `luarocks-build-rust-mlua` where it is not installed.
---
--- It knows what chuck's rockspec uses: a Cargo feature by the Lua version, `build.features`,
--- `build.default_features`, `build.target_path`, and the libraries listed in `build.modules`, each
--- installed flat under its key. Only `scripts/rock` puts it on the path.
local cfg = require("luarocks.core.cfg")
local dir = require("luarocks.dir")
local fs = require("luarocks.fs")
local path = require("luarocks.path")
local util = require("luarocks.util")

local backend = {}

local function is_luajit()
  if util.get_luajit_version then
    return util.get_luajit_version() ~= nil
  end
  return (cfg.luajit_version or (cfg.cache and cfg.cache.luajit_version)) ~= nil
end

--- The Cargo feature of the Lua that LuaRocks installs for.
local function lua_feature()
  if cfg.lua_version == "5.1" and is_luajit() then
    return "luajit"
  end
  local minor = cfg.lua_version:match("^5%.([1-5])$")
  return minor and "lua5" .. minor
end

local function cargo_command(build, target, feature)
  local features = { feature }
  if type(build.features) == "string" then
    features[2] = build.features
  else
    for _, name in ipairs(build.features or {}) do
      features[#features + 1] = name
    end
  end
  local words = { "cargo build --release", "--target-dir " .. fs.Q(target) }
  if build.default_features == false then
    words[#words + 1] = "--no-default-features"
  end
  words[#words + 1] = "--features " .. fs.Q(table.concat(features, ","))
  return table.concat(words, " ")
end

local function install(rockspec, target)
  local folder = path.lib_dir(rockspec.name, rockspec.version)
  fs.make_dir(folder)
  for key, library in pairs(rockspec.build.modules or {}) do
    local module = type(key) == "number" and library or key
    local from = dir.path(target, "release", "lib" .. library .. "." .. cfg.external_lib_extension)
    local to = dir.path(folder, module .. "." .. cfg.lib_extension)
    local ok, why = fs.copy(from, to, "exec")
    if not ok then
      return nil, ("cannot copy %s to %s: %s"):format(from, to, tostring(why))
    end
  end
  return true
end

--- What LuaRocks calls: builds, and installs unless told not to.
function backend.run(rockspec, no_install)
  local feature = lua_feature()
  if not feature then
    return nil, "chuck does not know Lua " .. cfg.lua_version
  end
  if not fs.is_tool_available("cargo", "Cargo") then
    return nil, "cargo is missing: see https://rustup.rs"
  end
  local target = rockspec.build.target_path or os.getenv("CARGO_TARGET_DIR") or "target"
  if not fs.execute(cargo_command(rockspec.build, target, feature)) then
    return nil, "cargo build failed"
  end
  if no_install then
    return true
  end
  return install(rockspec, target)
end

return backend
