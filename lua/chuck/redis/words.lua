--- A command in one line, taken apart as a shell would.
---
---     words.split([[set greeting "hello world"]])     --> { "set", "greeting", "hello world" }
---     words.split([[set a "b]])                     --> nil, "the quote at byte 7 has no end"
---
--- White space separates. Pieces without any between them are one word: `a"b"c` is abc; quotes
--- around nothing are an empty word. Between single quotes everything is itself. A backslash takes
--- the next byte as it is; between double quotes `\n`, `\r`, `\t`, `\a`, `\b` and `\xHH` are the
--- bytes that they are to redis-cli.

local words = {}

local NAMED = { n = "\n", r = "\r", t = "\t", a = "\a", b = "\b" }

--- What a backslash between double quotes at `at` stands for, and the place behind it.
local function escaped(line, at)
  local letter = line:sub(at + 1, at + 1)
  local digits = letter == "x" and line:match("^%x%x", at + 2)
  if digits then
    return string.char(tonumber(digits, 16)), at + 4
  end
  return NAMED[letter] or letter, at + 2
end

--- Puts what stands between double quotes into `pieces`: the place behind it, or nil.
local function read_double(line, at, pieces)
  while true do
    local stop = line:find('["\\]', at)
    if not stop then
      return nil
    end
    pieces[#pieces + 1] = line:sub(at, stop - 1)
    if line:byte(stop) == 34 then
      return stop + 1
    end
    pieces[#pieces + 1], at = escaped(line, stop)
  end
end

local function read_single(line, at, pieces)
  local stop = line:find("'", at, true)
  if stop then
    pieces[#pieces + 1] = line:sub(at, stop - 1)
    return stop + 1
  end
end

--- What may end a stretch of ordinary bytes.
local SPECIAL = "[ \t\r\n\v\f'\"\\]"

--- Reads the word at `at`: the word and the place behind it; or `nil, message`.
local function read_word(line, at)
  local pieces = {}
  while true do
    local stop = line:find(SPECIAL, at) or #line + 1
    pieces[#pieces + 1] = line:sub(at, stop - 1)
    local mark = line:sub(stop, stop)
    if mark == '"' or mark == "'" then
      at = (mark == "'" and read_single or read_double)(line, stop + 1, pieces)
      if not at then
        return nil, ("the quote at byte %d has no end"):format(stop)
      end
    elseif mark == "\\" then
      if stop == #line then
        return nil, "nothing stands behind the last backslash"
      end
      pieces[#pieces + 1] = line:sub(stop + 1, stop + 1)
      at = stop + 2
    else
      return table.concat(pieces), stop
    end
  end
end

--- The words of a line, at least one; or `nil, message`.
--- @param line string
--- @return string[]? list
--- @return string? message
function words.split(line)
  local list = {}
  local at = line:find("[^ \t\r\n\v\f]")
  while at do
    local word, stop = read_word(line, at)
    if not word then
      return nil, stop
    end
    list[#list + 1] = word
    at = line:find("[^ \t\r\n\v\f]", stop)
  end
  if #list == 0 then
    return nil, "the command is empty"
  end
  return list
end

return words
