-- Runs on 5.1 to 5.4 and LuaJIT, so every standard global is known; support/compat.lua chooses.
std = "max"
max_line_length = 100
exclude_files = {
  "build",
  "target",
  "**/target",
  "types",
  -- Kept exactly as they were first printed.
  "examples/seed",
}
files["spec"] = { std = "+busted" }
