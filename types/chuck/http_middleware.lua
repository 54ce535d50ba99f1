---@meta chuck.http.middleware

--- Ready layers for routers.
---@class chuck.http.middleware
local middleware = {}

--- What `access_log` writes of.
---@class chuck.HttpAccess
---@field time integer # seconds since 1970
---@field ms number
---@field remote string
---@field user? string
---@field method string
---@field target string
---@field version string
---@field status integer
---@field bytes integer # of the body, as sent
---@field referer? string
---@field agent? string
---@field route? string
---@field id? string
---@field aborted? true # it was not sent to its end

---@class chuck.HttpAccessLogOptions
---@field log? chuck.LogFile|fun(line: string) # the log of the process
---@field format? "common"|"combined"|"json"|fun(entry: chuck.HttpAccess): string # `"common"`
---@field skip? fun(req: chuck.HttpRequest, res: chuck.HttpResponse, entry: chuck.HttpAccess): boolean?

--- A line for each request.
---@param options? chuck.HttpAccessLogOptions
---@return chuck.HttpLayer layer
function middleware.access_log(options) end

---@class chuck.HttpBasicAuthOptions
---@field users? table<string, string> # passwords by name
---@field check? fun(name: string, password: string, req: chuck.HttpRequest): any # instead of `users`
---@field realm? string # `"restricted"`

--- Names and passwords.
---@param options chuck.HttpBasicAuthOptions
---@return chuck.HttpLayer layer
function middleware.basic_auth(options) end

---@class chuck.HttpBearerAuthOptions
---@field tokens? table # a list, or what stands for each
---@field check? fun(token: string, req: chuck.HttpRequest): any, string? # instead of `tokens`
---@field realm? string # `"restricted"`

--- Tokens.
---@param options chuck.HttpBearerAuthOptions
---@return chuck.HttpLayer layer
function middleware.bearer_auth(options) end

--- A limit for bodies.
---@param max_bytes integer
---@return chuck.HttpLayer layer
function middleware.body_limit(max_bytes) end

---@class chuck.HttpCompressOptions
---@field codings? string[] # `{ "br", "gzip", "deflate" }`
---@field levels? table<string, integer> # `{ br = 4, gzip = 6, deflate = 6 }`
---@field types? string[]|fun(type: string): any # text, JSON, XML, SVG, …
---@field min_bytes? integer # 1024
---@field flush? boolean # true: each `Write` arrives
---@field max_streams? integer # 64 bodies in pieces at a time

--- Compresses responses.
---@param options? chuck.HttpCompressOptions
---@return chuck.HttpLayer layer
function middleware.compress(options) end

---@class chuck.HttpCorsOptions
---@field origins "*"|string|string[]|fun(origin: string, req: chuck.HttpRequest): any
---@field methods? string[] # `{ "GET", "HEAD", "PUT", "PATCH", "POST", "DELETE" }`
---@field headers? string[] # those that are asked for
---@field exposed? string[]
---@field credentials? boolean # false
---@field max_age? integer # 600 seconds

--- Lets pages of other origins in.
---@param options chuck.HttpCorsOptions
---@return chuck.HttpLayer layer
function middleware.cors(options) end

---@class chuck.HttpRateLimitOptions
---@field limit integer # requests
---@field window_ms? number # 60000
---@field key? fun(req: chuck.HttpRequest): any # the address; nil: no limit
---@field max_keys? integer # 20000

--- So many requests in a while.
---@param options chuck.HttpRateLimitOptions
---@return chuck.HttpLayer layer
function middleware.rate_limit(options) end

---@class chuck.HttpRequestIdOptions
---@field header? string # `"X-Request-Id"`
---@field trust? boolean # false
---@field generate? fun(req: chuck.HttpRequest): string

--- An id for each request.
---@param options? chuck.HttpRequestIdOptions
---@return chuck.HttpLayer layer
function middleware.request_id(options) end

--- Fields that have browsers be careful.
---@param fields? table<string, string|false>
---@return chuck.HttpLayer layer
function middleware.security_headers(fields) end

---@class chuck.HttpSessionOptions
---@field keys string|string[] # secrets of at least 16 bytes, the newest first
---@field name? string # `"session"`
---@field max_age? integer # 604800 seconds
---@field idle? integer # 86400 seconds; 0: any time
---@field max_bytes? integer # 3840
---@field secure? boolean # true
---@field http_only? boolean # true
---@field same_site? "strict"|"lax"|"none" # `"lax"`
---@field path? string # `"/"`
---@field domain? string
---@field is_valid? fun(id: string, data: table): any

--- A session in a signed cookie.
---@param options chuck.HttpSessionOptions
---@return chuck.HttpLayer layer
function middleware.session(options) end

--- Files of a folder: as `http.static`.
---@param root string
---@param options? table
---@return chuck.HttpLayer layer
function middleware.static(root, options) end

--- A limit for how long a request may take.
---@param ms number
---@return chuck.HttpLayer layer
function middleware.timeout(ms) end

---@class chuck.HttpRequestFields
---@field session? chuck.HttpSession # of `middleware.session`
---@field route? string # the pattern, of a router

--- `req.session`: `data`, `id`, `is_new`, `born`, `used`.
---@class chuck.HttpSession
local Session = {}

--- Makes it a new session with the same data.
function Session:Regenerate() end

--- Ends it.
function Session:Destroy() end
