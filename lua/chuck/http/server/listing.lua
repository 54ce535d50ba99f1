--- The names in a folder as a page.

local native = require("chuck.native")
local status = require("chuck.http.status")

local listing = {}

--- Names on one page.
local MOST = 1000

local ENTITIES =
  { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

local PAGE = [[<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>%s</title>
<style>body{font:16px/1.6 system-ui,sans-serif;margin:2em}td{padding-right:2em}</style></head>
<body><h1>%s</h1>
<table>
%s</table>
%s</body></html>
]]

--- Text for a page.
local function escape(text)
  return (text:gsub("[&<>\"']", ENTITIES))
end

local function row(name, label, size, time)
  local link = '<tr><td><a href="./%s">%s</a></td><td>%s</td><td>%s</td></tr>\n'
  return link:format(
    native.web.encode(name) .. (label:sub(-1) == "/" and "/" or ""),
    escape(label),
    size,
    time
  )
end

--- Folders first, then by name.
local function comes_before(one, other)
  if one[2] ~= other[2] and (one[2] == "folder" or other[2] == "folder") then
    return one[2] == "folder"
  end
  return one[1] < other[1]
end

local function rows_of(entries, path, options)
  table.sort(entries, comes_before)
  local rows = {}
  if path ~= "" then
    rows[1] = '<tr><td><a href="../">../</a></td><td></td><td></td></tr>\n'
  end
  for _, entry in ipairs(entries) do
    local name, kind, size, time = entry[1], entry[2], entry[3], entry[4]
    if options.dotfiles or name:sub(1, 1) ~= "." then
      local is_file = kind == "file"
      local label = kind == "folder" and name .. "/" or name
      local date = kind ~= "other" and status.date(math.max(time, 0)) or ""
      rows[#rows + 1] = row(name, label, is_file and ("%.0f"):format(size) or "", date)
    end
  end
  return table.concat(rows)
end

--- Ends a response with the names in an open folder.
---@async
function listing.send(res, it, path, options)
  local entries, is_more, code = it.handle:List(MOST)
  it.handle:Close()
  if not entries then
    local number = (code == "EACCES" or code == "EPERM") and 403 or 404
    return res:Status(number):Text(number .. " " .. status.reason(number) .. "\n")
  end
  local title = "/" .. escape(path)
  local note = is_more and ("<p>Only %d names are shown.</p>\n"):format(MOST) or ""
  res:Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
  return res:Html(PAGE:format(title, title, rows_of(entries, path, options), note))
end

return listing
