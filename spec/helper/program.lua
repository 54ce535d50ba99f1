--- Programs and files of others, for specs: whether they are there, and that they end with us.
---
---     program.find("curl")                           --> its path, or nil
---     program.python("requests")                     --> a Python that has the module, or nil
---     io.popen(program.mortal({ "nginx", "-v" }))    -- the kernel ends it when this process ends
---     local folder = program.folder()                -- a new one below /tmp
local program = {}

--- What a line of shell prints, without the end of its last line.
function program.shell(line)
  local pipe = assert(io.popen(line))
  local text = pipe:read("*a")
  pipe:close()
  return (text:gsub("\n$", ""))
end

--- The path of a program, or `nil`.
function program.find(name)
  local path = program.shell("command -v " .. name)
  return path ~= "" and path or nil
end

--- The first Python that can import a module: Debian's own has those of Debian's packages.
function program.python(module)
  for _, name in ipairs({ "/usr/bin/python3", "python3" }) do
    local asked = ("%s -c 'import %s' 2>/dev/null && echo yes"):format(name, module)
    if program.shell(asked) == "yes" then
      return name
    end
  end
end

--- A command whose process the kernel ends when ours does, where it can.
function program.mortal(command)
  if not program.find("setpriv") then
    return command
  end
  local whole = { "setpriv", "--pdeathsig", "KILL" }
  for _, word in ipairs(command) do
    whole[#whole + 1] = word
  end
  return whole
end

--- A new folder; who asks for it removes it.
function program.folder()
  return program.shell("mktemp -d -t chuck-spec.XXXXXX")
end

function program.write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

--- The whole file, `""` when there is none.
function program.read(path)
  local file = io.open(path, "rb")
  local text = file and file:read("*a") or ""
  if file then
    file:close()
  end
  return text
end

return program
