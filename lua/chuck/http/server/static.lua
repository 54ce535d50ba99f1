--- A folder as a part of a site.
---
---     http.serve(addr, http.static("/srv/www", { index = "index.html", max_age = 3600 }))
---     app:Get("/assets/*path", http.static("/srv/assets", { param = "path" }))
---     app:Use(http.static("/srv/www", { prefix = "/static/" }))
---
--- Nothing outside of the folder is ever sent, and nothing whose name begins with a dot, unless
--- `dotfiles` allows it. As middleware it leaves to the next what is not there.

local check = require("chuck.support.check")
local file = require("chuck.http.server.file")
local listing = require("chuck.http.server.listing")
local status = require("chuck.http.status")

local static = {}

local OPTIONS = {
  dotfiles = "boolean",
  fallback = "string",
  index = "string or boolean",
  list = "boolean",
  param = "string",
  prefix = "string",
}
for name, kind in pairs(file.OPTIONS) do
  if name ~= "root" and name ~= "fallthrough" and name ~= "download" and name ~= "type" then
    OPTIONS[name] = kind
  end
end

--- The path below the folder that a request is for; nil when it is for nothing here.
local function path_of(req, options)
  local path = req.path
  if options.param then
    path = req.params[options.param] or ""
  elseif options.prefix then
    local prefix = options.prefix
    local rest = path:sub(#prefix + 1)
    -- "/static" is a folder's name as well as "/static/", and no other that begins like it.
    local is_below = prefix:sub(-1) == "/" or rest == "" or rest:sub(1, 1) == "/"
    if path:sub(1, #prefix) ~= prefix or not is_below then
      return nil
    end
    path = rest
  end
  path = path:gsub("^/+", "")
  for name in path:gmatch("[^/]+") do
    if name == ".." or name == "." or name:sub(1, 1) == "." and not options.dotfiles then
      return nil
    end
  end
  return path
end

--- The same target with a slash behind its path. It begins with one slash only: two would be
--- another host.
local function with_slash(req)
  local path = req.raw_path:gsub("^[/\\]+", ""):gsub("\\", "%%5C")
  local query = req.raw_query
  return "/" .. path .. "/" .. (query ~= "" and "?" .. query or "")
end

--- Nothing is here: the next may have it.
local function pass_on(res, next, code)
  if next then
    return next()
  end
  local number = (code == "EACCES" or code == "EPERM") and 403 or 404
  res:Status(number)
  return res:Text(number .. " " .. status.reason(number) .. "\n")
end

--- Opens what stands for a folder: its index; nil when there is none.
local function open_index(root, path, options)
  if options.index == false then
    return nil
  end
  local name = path .. (options.index or "index.html")
  local it = file.open(root, name)
  if it and it.kind == "file" then
    return it, name
  elseif it then
    it.handle:Close()
  end
end

--- Answers for a folder.
---@async
local function send_folder(self, req, res, next, it)
  local path, options = it.path, self.options
  local has_slash = req.raw_path:sub(-1) == "/"
  if path ~= "" and path:sub(-1) ~= "/" then
    path = path .. "/"
  end
  local index, name = open_index(self.root, path, options)
  if not index and not options.list then
    it.handle:Close()
    return pass_on(res, next)
  elseif not has_slash then
    it.handle:Close()
    if index then
      index.handle:Close()
    end
    return res:Redirect(with_slash(req), 301)
  elseif index then
    it.handle:Close()
    return file.send(res, index, name, options)
  end
  return listing.send(res, it, path, options)
end

--- Answers for a file, a folder, or nothing.
---@async
local function serve(self, req, res, next)
  local options = self.options
  local path = path_of(req, options)
  if not path then
    return pass_on(res, next)
  elseif req.method ~= "GET" and req.method ~= "HEAD" then
    if next then
      return next()
    end
    res:Status(405):Set("Allow", "GET, HEAD")
    return res:Text("405 " .. status.reason(405) .. "\n")
  end
  local it, _, code = file.open(self.root, path)
  if not it and options.fallback and code == "ENOENT" then
    path = options.fallback
    it, _, code = file.open(self.root, path)
  end
  if not it then
    return pass_on(res, next, code)
  elseif it.kind == "folder" then
    return send_folder(self, req, res, next, it)
  elseif it.kind ~= "file" or path:sub(-1) == "/" then
    it.handle:Close()
    return pass_on(res, next)
  end
  return file.send(res, it, path, options)
end

--- A handler of requests, and a middleware, for what is in the folder `root`.
function static.static(root, options)
  if type(root) ~= "string" then
    check.type("static", 1, root, "string")
  end
  check.options("static", 2, options, OPTIONS)
  options = file.check_options("static", 2, options, OPTIONS)
  local own = { root = root }
  for name, value in pairs(options) do
    own[name] = value
  end
  local self = { root = root, options = own }
  return function(req, res, next)
    serve(self, req, res, next)
  end
end

return static
