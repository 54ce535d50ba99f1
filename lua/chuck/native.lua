--- The native module, with a clear message when it does not load.
---
--- This is the only place that requires `chuck_core`.

local loaded, core = pcall(require, "chuck_core")

if not loaded then
  local why = tostring(core)
  local hint = "is it installed, and is package.cpath right?"
  if why:find("undefined symbol", 1, true) or why:find("symbol not found", 1, true) then
    hint = "it was built for another Lua than the one that runs: build it for this one"
  elseif why:find("built for", 1, true) then
    hint = "build it for the Lua that runs"
  end
  error("chuck: the native module does not load; " .. hint .. "\n" .. why, 0)
end

return core
