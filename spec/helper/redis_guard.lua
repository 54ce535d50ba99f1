--- The shell that is the parent of the servers of specs, so that none of them outlives the spec.
---
---     guard.open()
---     guard.ask("redis-server conf >log 2>&1 & echo $!")       --> what it prints
---     guard.close()                                            -- ends all, removes the folder
---
--- It reads what to do from a pipe of ours; when this process ends, however it ends, it reads the
--- end, kills what it has started and removes its folder. Should the shell itself be killed, the
--- system kills its servers (`$dies_with_us` stands before their names).
local guard = {
  --- A temporary folder; `false` while the shell does not run.
  folder = false,
}

--- Seconds that anything may take.
guard.LIMIT = 20

--- Where what it is to do is written.
local pipe = nil

local BEGIN = [[
trap '' INT TERM HUP
folder=%s
dies_with_us=""
command -v setpriv >/dev/null && dies_with_us="setpriv --pdeathsig KILL"
is_up() { # PATH LOG PID: 0 it answers, 1 it could not begin
  tries=0
  while [ $tries -lt 1000 ]; do
    case $(timeout 5 redis-cli -s "$1" ping 2>&1) in
      PONG | NOAUTH* | *NOPERM*) return 0 ;;
    esac
    grep -qE 'Failed listening on|FATAL|Failed to configure' "$2" && break
    kill -0 "$3" || break
    tries=$((tries + 1))
    sleep 0.01
  done
  kill -KILL "$3"; wait "$3"
  return 1
}
]]

local AT_END = [[
jobs -p >"$folder/jobs"
kill -KILL $(cat "$folder/jobs")
wait
rm -rf "$folder"
]]

--- Text as one word of the shell.
function guard.quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

--- The words of a command, quoted for the shell.
function guard.words(list)
  local quoted = {}
  for i, word in ipairs(list) do
    quoted[i] = guard.quote(word)
  end
  return table.concat(quoted, " ")
end

--- What a line of shell prints, without the last line's end.
function guard.output_of(line)
  local output = assert(io.popen(line))
  local text = output:read("*a")
  output:close()
  return (text:gsub("\n$", ""))
end

--- Starts the shell, if it does not run.
function guard.open()
  if pipe then
    return
  end
  guard.folder = guard.output_of("mktemp -d -t chuck-redis.XXXXXX")
  guard.output_of("mkfifo " .. guard.quote(guard.folder .. "/answer"))
  -- Without `exec` the shell of popen would stand between the pipe and ours.
  pipe = assert(io.popen("exec sh >/dev/null 2>&1", "w"))
  local at_end = ("trap %s EXIT\n"):format(guard.quote(AT_END))
  pipe:write(BEGIN:format(guard.quote(guard.folder)), at_end)
  pipe:flush()
end

--- Has the shell do something; returns what it printed.
function guard.ask(script)
  guard.open()
  local answer = guard.quote(guard.folder .. "/answer")
  pipe:write(("{ %s\n} >%s\n"):format(script, answer))
  pipe:flush()
  local text = guard.output_of(("timeout %d cat %s; echo $?"):format(guard.LIMIT, answer))
  local printed, status = text:match("^(.-)\n?(%d+)$")
  assert(status == "0", "no answer from the shell that keeps the servers: " .. script)
  return printed
end

--- Ends the shell, and so all that it has started.
function guard.close()
  if pipe then
    pipe:close()
  end
  pipe, guard.folder = nil, false
end

return guard
