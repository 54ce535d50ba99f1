--- Patterns of routes: `/users/:id/files/*path`.
---
--- A segment is text, a parameter (`:id`, one segment that is not empty), or at the end a wildcard
--- (`*path`, whatever is left). Text may be percent-encoded, so that it can begin with `:` or `*`.

local native = require("chuck.native")

local find, gsub, sub = string.find, string.gsub, string.sub

local pattern = {}

--- Segments of one pattern: looking for a route goes no deeper.
local DEPTH = 64

--- A segment of a path, decoded. Nil for what no route may match: a percent sign that is followed
--- by nothing valid, and the segments by which a path would go elsewhere.
local function decode(segment)
  if find(segment, "%", 1, true) then
    segment = native.web.decode(segment)
  end
  if segment ~= "." and segment ~= ".." then
    return segment
  end
end
pattern.decode = decode

--- The rest of a path, decoded segment by segment: a slash that was encoded stays so.
function pattern.decode_rest(rest)
  if not find(rest, "[%%.]") then
    return rest
  end
  local is_valid = true
  local text = gsub(rest, "[^/]+", function(segment)
    local plain = decode(segment)
    is_valid = is_valid and plain ~= nil
    return plain and gsub(plain, "/", "%%2F") or ""
  end)
  return is_valid and text or nil
end

local function add_name(parsed, name)
  if not find(name, "^[%a_][%w_]*$") then
    return nil, ("%q is no name of a parameter"):format(name)
  end
  for _, other in ipairs(parsed.names) do
    if other == name then
      return nil, ("it has two parameters %q"):format(name)
    end
  end
  parsed.names[#parsed.names + 1] = name
  return true
end

--- Adds a segment of a pattern; true, or nil and what is wrong with it.
local function add_segment(parsed, text, is_last)
  local first = sub(text, 1, 1)
  local kind = first == ":" and "param" or first == "*" and "wildcard" or "static"
  if kind == "static" then
    local plain = decode(text)
    if not plain then
      return nil, ("%q is no segment of a path"):format(text)
    elseif text == "" and not is_last then
      return nil, "it has an empty segment"
    elseif find(plain, "/", 1, true) then
      return nil, "it has an encoded slash"
    end
    text = plain
  else
    if kind == "wildcard" and not is_last then
      return nil, ("nothing may follow %q"):format(text)
    end
    local fine, why = add_name(parsed, sub(text, 2))
    if not fine then
      return nil, why
    end
  end
  parsed[#parsed + 1] = { kind = kind, text = text }
  return true
end

--- Takes a pattern apart: a list of `{ kind, text }` with the `names` of its parameters, or nil and
--- what is wrong. The empty pattern has no segments: it is the place above all paths.
function pattern.parse(text)
  local parsed = { names = {} }
  if text == "" then
    return parsed
  elseif sub(text, 1, 1) ~= "/" then
    return nil, "it does not begin with a slash"
  elseif find(text, "[?#%c ]") then
    return nil, "it has characters that no path has"
  end
  local at = 2
  repeat
    local slash = find(text, "/", at, true)
    local fine, why = add_segment(parsed, sub(text, at, (slash or 0) - 1), not slash)
    if not fine then
      return nil, why
    elseif #parsed > DEPTH then
      return nil, ("it has more than %d segments"):format(DEPTH)
    end
    at = slash and slash + 1
  until not at
  return parsed
end

--- A pattern below a prefix. "/" below one is the prefix itself.
function pattern.join(prefix, text)
  if prefix == "" or text ~= "/" then
    return prefix .. text
  end
  return prefix
end

--- The path of a pattern with these values for its parameters; nil and what is wrong. Values that
--- it has no place for are left in `rest`.
function pattern.build(text, values, rest)
  local parsed, why = pattern.parse(text)
  if not parsed then
    return nil, why
  end
  for name, value in pairs(values) do
    rest[name] = value
  end
  local parts, n = {}, 0
  for i, segment in ipairs(parsed) do
    if segment.kind == "static" then
      parts[i] = native.web.encode(segment.text)
    else
      n = n + 1
      local name = parsed.names[n]
      local value = values[name] ~= nil and tostring(values[name]) or ""
      if value == "" and segment.kind == "param" then
        return nil, ("no value for %q"):format(name)
      elseif find("/" .. value .. "/", "/%.%.?/") then
        return nil, ("no path has the value of %q as a segment: %q"):format(name, value)
      end
      rest[name] = nil
      parts[i] = gsub(value, segment.kind == "param" and ".+" or "[^/]+", native.web.encode)
    end
  end
  return "/" .. table.concat(parts, "/")
end

return pattern
