-- A page with Lua in it: text between `<?lua` and `/?lua>` is run, and what it writes stands there.
--
--     lua examples/http_page.lua 127.0.0.1:8080            then open it in a browser
--
-- The code is this program's own. What visitors send is a value in it, never code, and `escape`
-- makes text of it. Without an address the program asks itself once, and ends.
local chuck = require("chuck")
local co, http = chuck.co, chuck.http

local PAGE = [[<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Visitors</title></head>
<body>
<h1>Hello<?lua if name then write(", ", escape(name)) end /?lua></h1>
<p>You are visitor <?lua write(visitor) /?lua>.</p>
<table>
<?lua
  for n = 1, 5 do
    write("<tr><td>", n, "</td><td>", n * n, "</td></tr>\n")
  end
/?lua></table>
</body></html>
]]

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function escape(text)
  return (text:gsub('[&<>"]', ENTITIES))
end

--- Makes a function of a page: `render(values)` gives the text.
local function compile(page)
  local code = { "local write, escape, name, visitor = ...\n" }
  local at = 1
  while true do
    local first, last, inner = page:find("<%?lua(.-)/%?lua>", at)
    code[#code + 1] = ("write(%q)\n"):format(page:sub(at, (first or 0) - 1))
    if not first then
      break
    end
    code[#code + 1] = inner .. "\n"
    at = last + 1
  end
  local load_text = rawget(_G, "loadstring") or load
  local run = assert(load_text(table.concat(code), "=page"))
  return function(name, visitor)
    local out = {}
    run(function(...)
      for n = 1, select("#", ...) do
        out[#out + 1] = tostring((select(n, ...)))
      end
    end, escape, name, visitor)
    return table.concat(out)
  end
end

local render = compile(PAGE)
local visitors = 0

co.run(function()
  local server = assert(http.serve(arg[1] or "127.0.0.1:0", function(req, res)
    visitors = visitors + 1
    res:Html(render(req.query.name, visitors))
  end))
  local url = "http://" .. server:GetSockAddr() .. "/"
  print("a page at " .. url)
  if arg[1] then
    -- Ctrl-C ends it.
    return
  end
  print(assert(http.get(url, { query = { name = "<you>" } })):Body())
  server:Shutdown(1000)
end)
