--- What ready layers say in responses.

local find, gmatch, lower = string.find, string.gmatch, string.lower

local reply = {}

--- Adds a name to `Vary`, unless it is there.
function reply.vary(res, name)
  local before = res:Get("Vary")
  if not before or before == "" then
    res:Set("Vary", name)
    return
  end
  for word in gmatch(before, "[^,%s]+") do
    if word == "*" or lower(word) == lower(name) then
      return
    end
  end
  res:Set("Vary", before .. ", " .. name)
end

--- Ends a request with a status; the layers behind do not see it.
---@async
function reply.deny(res, number, words)
  res:Status(number):Text(words .. "\n")
end

--- A text in quotes, as parameters of challenges have them; nil when that cannot be.
function reply.quoted(text)
  if find(text, "[%c\127-\255]") then
    return nil
  end
  return '"' .. text:gsub('[\\"]', "\\%0") .. '"'
end

return reply
