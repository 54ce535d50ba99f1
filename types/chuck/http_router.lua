---@meta chuck.http

---@class chuck.http
---@field middleware chuck.http.middleware # ready layers
local http = {}

--- Of `http.router`.
---@class chuck.HttpRouterOptions
---@field trailing_slash? "redirect"|"strict"|"ignore" # `"redirect"`
---@field method_not_allowed? chuck.HttpHandler # answers what would be 405

---@alias chuck.HttpLayer fun(req: chuck.HttpRequest, res: chuck.HttpResponse, next: fun())

--- A router without routes. It is a handler.
---@param options? chuck.HttpRouterOptions
---@return chuck.HttpRouter app
function http.router(options) end

--- Routes, or those below a prefix.
---@class chuck.HttpRouter
local Router = {}

--- Adds a route: layers may stand before the handler.
---@param pattern string # `"/users/:id"`, `"/files/*path"`
---@param ... chuck.HttpLayer|chuck.HttpHandler # the handler is the last
---@return chuck.HttpRouter self
function Router:Get(pattern, ...) end

--- As `Get`.
---@param pattern string
---@param ... chuck.HttpLayer|chuck.HttpHandler
---@return chuck.HttpRouter self
function Router:Head(pattern, ...) end

--- As `Get`.
---@param pattern string
---@param ... chuck.HttpLayer|chuck.HttpHandler
---@return chuck.HttpRouter self
function Router:Post(pattern, ...) end

--- As `Get`.
---@param pattern string
---@param ... chuck.HttpLayer|chuck.HttpHandler
---@return chuck.HttpRouter self
function Router:Put(pattern, ...) end

--- As `Get`.
---@param pattern string
---@param ... chuck.HttpLayer|chuck.HttpHandler
---@return chuck.HttpRouter self
function Router:Patch(pattern, ...) end

--- As `Get`.
---@param pattern string
---@param ... chuck.HttpLayer|chuck.HttpHandler
---@return chuck.HttpRouter self
function Router:Delete(pattern, ...) end

--- As `Get`.
---@param pattern string
---@param ... chuck.HttpLayer|chuck.HttpHandler
---@return chuck.HttpRouter self
function Router:Options(pattern, ...) end

--- Adds a route for every method that the path has no other for.
---@param pattern string
---@param ... chuck.HttpLayer|chuck.HttpHandler
---@return chuck.HttpRouter self
function Router:Any(pattern, ...) end

--- Adds a route for whatever method.
---@param method string # `"PROPFIND"`
---@param pattern string
---@param ... chuck.HttpLayer|chuck.HttpHandler
---@return chuck.HttpRouter self
function Router:Handle(method, pattern, ...) end

--- Has every request in this router or group pass layers.
---@param ... chuck.HttpLayer
---@return chuck.HttpRouter self
function Router:Use(...) end

--- Part of this router, below a prefix.
---@param prefix string
---@param fn? fun(group: chuck.HttpRouter)
---@return chuck.HttpRouter group
function Router:Group(prefix, fn) end

--- Has another router, or any handler, answer what is below a prefix.
---@param prefix string
---@param other chuck.HttpRouter|chuck.HttpHandler
---@return chuck.HttpRouter self
function Router:Mount(prefix, other) end

--- Has a handler answer what is not found in this router or group.
---@param handler chuck.HttpHandler
---@return chuck.HttpRouter self
function Router:NotFound(handler) end

--- Where a request would be led: pattern and parameters, or nil and the methods of the path.
---@param method string
---@param path string # as it came
---@return string? pattern
---@return table<string, string>|string|nil params # or `"GET, HEAD, OPTIONS"`
function Router:Match(method, path) end

--- The routes, sorted; prints as a table.
---@return chuck.HttpRoute[] routes
function Router:Routes() end

--- The path of a pattern; what it has no place for becomes the query.
---@param pattern string
---@param params? table<string, string|number>
---@return string path
function Router:Url(pattern, params) end

--- One of `Routes`.
---@class chuck.HttpRoute
---@field method string # `"GET"`; `"ANY"`
---@field pattern string
---@field layers integer # how many it passes
