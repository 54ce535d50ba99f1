---@meta chuck.http.client

--- HTTP clients: requests that wait in tasks.
---@class chuck.http
local http = {}

--- Fields of a request: names with values, or with lists of values; or a list of pairs.
---@alias chuck.HttpHeaders table<string, string|number|string[]>|string[][]

--- Of requests, and of clients for all of theirs. Times are milliseconds, sizes bytes.
---@class chuck.HttpCommonOptions
---@field headers? chuck.HttpHeaders
---@field timeout_ms? number # 60000; the whole, up to the head of a streamed answer
---@field first_byte_ms? number # 30000; from the request to the head of its answer
---@field read_ms? number # 30000; between two pieces of a body
---@field write_ms? number # 30000; without progress in sending
---@field expect_ms? number # 1000; for "100 Continue"
---@field redirects? integer|false|fun(url: string, response: chuck.HttpReply): boolean # 10
---@field jar? boolean|chuck.HttpJar # false
---@field proxy? string|false|{ url: string, tunnel?: boolean } # that of the environment
---@field decode? boolean # true: gzip, deflate, br
---@field max_body? integer # 67108864, decoded; of a streamed answer only when the request says so
---@field expect? boolean # true: large bodies are announced by "Expect: 100-continue"
---@field retry? boolean # true: repeated when its kept connection had ended meanwhile
---@field basic? string[] # user and password
---@field bearer? string
---@field address? string # connects there instead: `"unix:/path"`, `"127.0.0.1:80"`
---@field on_request? fun(request: chuck.HttpOutgoing)
---@field on_response? fun(response: chuck.HttpReply, request: chuck.HttpOutgoing)

--- Of a request.
---@class chuck.HttpRequestOptions: chuck.HttpCommonOptions
---@field method? string # GET, or POST with a body
---@field url? string
---@field query? table<string, any>|string[][]
---@field body? string|chuck.Stream|chuck.HttpReply|chuck.HttpRequest|fun(): string?, string?, string?
---@field length? integer # bytes of a body that is a function or a stream
---@field json? any
---@field form? table<string, any>|string[][]
---@field multipart? table
---@field trailers? chuck.HttpHeaders
---@field stream? boolean # false: the body is collected
---@field idempotent? boolean # as the method says

--- Of `http.client`.
---@class chuck.HttpClientOptions: chuck.HttpCommonOptions
---@field base_url? string
---@field connect_ms? number # 10000; with name, proxy and greeting
---@field idle_ms? number # 30000; connections are kept that long
---@field max_connections? integer # 16 to one origin
---@field max_total? integer # 256
---@field max_queue? integer # 1000 requests wait for a connection to one origin
---@field max_head? integer # 65536
---@field max_fields? integer # 128
---@field family? "inet"|"inet6"

--- Of `http.event_source`, beside those of requests.
---@class chuck.HttpEventSourceOptions: chuck.HttpRequestOptions
---@field client? chuck.HttpClient
---@field last_event_id? string
---@field max_event? integer # 1048576
---@field retry_ms? number # 3000
---@field max_retry_ms? number # 30000
---@field retries? integer # without success, one after the other; no limit

--- Of `http.jar`.
---@class chuck.HttpJarOptions
---@field max_cookies? integer # 3000
---@field max_cookies_per_domain? integer # 50
---@field now? fun(): number # seconds since 1970

--- A cookie of a jar.
---@class chuck.HttpCookie
---@field name string
---@field value string
---@field domain string
---@field is_host_only? boolean # true
---@field path? string # `"/"`
---@field expires? number # seconds since 1970; nil: with the program
---@field secure? boolean
---@field http_only? boolean
---@field same_site? string

--- An event of a server.
---@class chuck.HttpEvent
---@field event string # `"message"` unless it says otherwise
---@field data string
---@field id? string # the last one that was said

--- Carries a request out, by the client that such calls share.
---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function http.request(url, options) end

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function http.get(url, options) end

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function http.head(url, options) end

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function http.post(url, options) end

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function http.put(url, options) end

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function http.patch(url, options) end

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function http.delete(url, options) end

--- A client with connections, cookies and defaults of its own.
---@param options? chuck.HttpClientOptions
---@return chuck.HttpClient client
function http.client(options) end

--- A jar for cookies.
---@param options? chuck.HttpJarOptions
---@return chuck.HttpJar jar
function http.jar(options) end

--- Events of a server, over connections that come and go.
---@param url string
---@param options? chuck.HttpEventSourceOptions
---@return chuck.HttpEventSource source
function http.event_source(url, options) end

--- Requests that share connections, cookies and defaults.
---@class chuck.HttpClient
local Client = {}

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function Client:Request(url, options) end

--- As `Request`, in a task of its own.
---@param callback fun(response?: chuck.HttpReply, message?: string, code?: string)
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.Task task
function Client:RequestAsync(callback, url, options) end

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function Client:Get(url, options) end

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function Client:Head(url, options) end

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function Client:Post(url, options) end

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function Client:Put(url, options) end

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function Client:Patch(url, options) end

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function Client:Delete(url, options) end

---@async
---@param url string|chuck.HttpRequestOptions
---@param options? chuck.HttpRequestOptions
---@return chuck.HttpReply? response
---@return string? message
---@return string? code
function Client:Options(url, options) end

--- The jar that its requests share; nil without one.
---@return chuck.HttpJar? jar
function Client:Jar() end

--- Counters since it was made.
---@return table<string, integer> stats
function Client:Stats() end

--- Ends it with its connections.
function Client:Close() end

---@return boolean is_closed
function Client:IsClosed() end

--- What an answer says.
---@class chuck.HttpReplyFields
---@field status integer
---@field reason string # `""` when there is none
---@field version "1.0"|"1.1"
---@field is_ok boolean # the status is 200 to 299
---@field headers table<string, string> # by name in any case; it cannot be gone through
---@field method string # that was asked with in the end
---@field url string # that was asked for in the end
---@field history { url: string, status: integer }[] # redirects before it

--- An answer.
---@class chuck.HttpReply: chuck.HttpReplyFields
local Reply = {}

---@param name string
---@return string? value
function Reply:Header(name) end

--- All fields as a list of pairs; with a name, the values of those that have it.
---@param name? string
---@return string[][]|string[] fields
function Reply:Headers(name) end

--- The whole body; of a streamed one, what is left of it.
---@async
---@param max? integer # 67108864
---@return string? body
---@return string? message
---@return string? code
function Reply:Body(max) end

--- What the body means as JSON.
---@async
---@param max? integer
---@return any value
---@return string? message
---@return string? code
function Reply:Json(max) end

--- The next piece of the body; nil at its end.
---@async
---@param max? integer # bytes
---@param timeout_ms? number
---@return string? piece
---@return string? message
---@return string? code
function Reply:Read(max, timeout_ms) end

--- An iterator over pieces.
---@param max? integer # bytes of a piece
---@return fun(): string?
function Reply:Chunks(max) end

--- Writes what is left of the body to a file.
---@async
---@param path string
---@return integer? bytes
---@return string? message
---@return string? code
function Reply:SaveTo(path) end

--- Fields behind the body, as a list of pairs; nil when there are none.
---@return string[][]? fields
function Reply:Trailers() end

--- The connection, after the status 101.
---@param options? table # `decoder`, and those of a stream
---@return chuck.Stream? stream
---@return string? message
---@return string? code
function Reply:Hijack(options) end

--- Gives up what was not read.
function Reply:Close() end

--- What a request asks for.
---@class chuck.HttpOutgoingFields
---@field method string
---@field url string
---@field attempts integer # how often it was sent before

--- A request before it is sent, for hooks.
---@class chuck.HttpOutgoing: chuck.HttpOutgoingFields
local Outgoing = {}

---@param name string
---@return string? value
function Outgoing:Header(name) end

--- Sets a field in place of those with its name; nil removes them.
---@param name string
---@param value? string
function Outgoing:SetHeader(name, value) end

--- Cookies of servers.
---@class chuck.HttpJar
local Jar = {}

--- What a request for a URL says in "Cookie".
---@param url string
---@return string? header
function Jar:Header(url) end

--- Keeps what one "Set-Cookie" says, of an answer from a URL.
---@param url string
---@param header string
---@return boolean is_kept
function Jar:Store(url, header) end

---@return chuck.HttpCookie[] cookies
function Jar:List() end

---@param cookie chuck.HttpCookie
function Jar:Add(cookie) end

---@return integer count
function Jar:Count() end

---@param domain? string # all of them without
function Jar:Clear(domain) end

--- Events of a server.
---@class chuck.HttpEventSource
local EventSource = {}

--- The next event; parks while there is none.
---@async
---@param timeout_ms? number
---@return chuck.HttpEvent? event
---@return string? message
---@return string? code
function EventSource:Next(timeout_ms) end

--- `for event in source:Events() do`. Not on Lua 5.1.
---@return fun(): chuck.HttpEvent?
function EventSource:Events() end

---@return string? id # of the last event
function EventSource:LastId() end

---@return table<string, any> stats
function EventSource:Stats() end

function EventSource:Close() end

---@return boolean is_closed
function EventSource:IsClosed() end
