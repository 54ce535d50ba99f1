--- What a router answers by itself.

local answers = {}

local function refuse(res, number, words)
  return res:Status(number):Text(words .. "\n")
end

--- There is no such path.
---@async
function answers.not_found(_, res)
  return refuse(res, 404, "404 Not Found")
end

--- A handler for paths that are not found.
function answers.missing(handler)
  return function(req, res)
    res:Status(404)
    return handler(req, res)
  end
end

--- The methods that a path has.
function answers.options(allow)
  return function(_, res)
    res:Status(204):Set("Allow", allow):End()
  end
end

--- The path has no such method.
function answers.not_allowed(allow, handler)
  return function(req, res)
    res:Status(405):Set("Allow", allow)
    if handler then
      return handler(req, res)
    end
    return refuse(res, 405, "405 Method Not Allowed")
  end
end

--- The same path with a slash at its end, or without, is there. Browsers take two slashes or a
--- backslash at the beginning for the name of another server.
function answers.moved(path)
  return function(req, res)
    local query = req.raw_query
    local target = "/" .. path:gsub("\\", "%%5C"):gsub("^/+", "")
    if query and query ~= "" then
      target = target .. "?" .. query
    end
    local is_read = req.method == "GET" or req.method == "HEAD"
    return res:Redirect(target, is_read and 301 or 308)
  end
end

return answers
