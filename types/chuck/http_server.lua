---@meta chuck.http

--- HTTP servers: a task for every request.
---@class chuck.http
local http = {}

---@alias chuck.HttpHandler fun(req: chuck.HttpRequest, res: chuck.HttpResponse): string?

--- Of `http.serve`. Times are milliseconds, sizes bytes.
---@class chuck.HttpServeOptions
---@field header_ms? number # 10000; for a whole head; 0: any time
---@field idle_ms? number # 60000; between two requests; 0: any time
---@field body_ms? number # 30000; without progress of a body; 0: any time
---@field body_rate? integer # 240 bytes per second count as progress; 0: any byte does
---@field handler_ms? number # 60000; that a handler may be silent; 0: any time
---@field write_ms? number # 30000; in which a client has to take anything; 0: any time
---@field linger_ms? number # 5000; in which the last bytes have to leave
---@field max_connections? integer # 10000
---@field max_connections_per_ip? integer # 0: no limit
---@field max_requests_per_connection? integer # 0: no limit
---@field max_head? integer # 65536
---@field max_target? integer # 16384
---@field max_fields? integer # 128
---@field max_body? integer # 8388608
---@field pipeline? integer # 16 requests wait behind the one that is served
---@field on_error? fun(problem: any, traceback: string, req?: chuck.HttpRequest)
---@field on_accept_error? fun(message: string, code: string)
---@field backlog? integer
---@field reuse_port? boolean
---@field mode? integer|string
---@field fd? integer

--- Listens at an address and runs `handler` in a task for every request.
---@async
---@param addr string
---@param handler chuck.HttpHandler|table # or a router
---@param options? chuck.HttpServeOptions
---@return chuck.HttpServer? server
---@return string? message
---@return string? code
function http.serve(addr, handler, options) end

--- A server that does not listen yet; the handler is among its options.
---@param options table # `chuck.HttpServeOptions` with `handler`
---@return chuck.HttpServer server
function http.server(options) end

--- An error to raise in a handler: the client gets its status, its message, and its fields.
---@param status integer # 400 to 599
---@param message? string # the status in words
---@param fields? table<string, string>
---@return table problem
function http.error(status, message, fields) end

--- The words of a status; nil for one that is unknown.
---@param status integer
---@return string? reason
function http.reason(status) end

--- A time as fields have it: `"Sun, 06 Nov 1994 08:49:37 GMT"`.
---@param seconds? number # now
---@return string date
function http.date(seconds) end

--- What `http.serve` returns.
---@class chuck.HttpServer
local Server = {}

--- Listens at an address; a server may do so at several.
---@async
---@param addr string
---@return chuck.HttpServer? self
---@return string? message
---@return string? code
function Server:Listen(addr) end

--- Stops listening, ends idle connections, and waits until requests under way are answered.
---@async
---@param deadline_ms? number # 30000; then they are cancelled
---@return true? done
---@return string? message
---@return string? code # `"ETIMEDOUT"`: something was cancelled
function Server:Shutdown(deadline_ms) end

--- Ends the server at once.
---@async
function Server:Close() end

--- The address, with the port that the kernel chose.
---@param n? integer # which, when there are several: 1
---@return string? address
---@return string? message
---@return string? code # `"ESOCKCLOSE"`
function Server:GetSockAddr(n) end

--- Whether it was closed, or is shutting down.
---@return boolean
function Server:IsClosed() end

--- Counters.
---@return chuck.HttpServerStats
function Server:Stats() end

--- What a server has counted since it was made.
---@class chuck.HttpServerStats
---@field connections integer # open now
---@field active integer # requests that are served now
---@field accepted integer # connections
---@field refused integer # connections above the limit of their address
---@field requests integer
---@field errors integer # raised by handlers
---@field violations integer # of clients
---@field timeouts integer # of clients and handlers
---@field failures integer # connections that broke

--- What is in a request.
---@class chuck.HttpRequestFields
---@field method string
---@field target string # as it came
---@field path string # decoded
---@field raw_path string
---@field query table<string, string> # the first value of each name
---@field query_list string[][] # all pairs in their order
---@field raw_query string
---@field headers table<string, string> # found whatever the case of a name; `pairs` has them in lower case
---@field cookies table<string, string>
---@field version string # `"1.1"` or `"1.0"`
---@field is_head boolean
---@field params table<string, string> # of a router
---@field context table # yours
---@field id string
---@field remote string # `"127.0.0.1:50000"`
---@field ip string # `"127.0.0.1"`
---@field server chuck.HttpServer

--- A request, as a handler gets it.
---@class chuck.HttpRequest: chuck.HttpRequestFields
local Request = {}

--- The value of a field, several joined by ", ".
---@param name string
---@return string? value
function Request:Header(name) end

--- All fields in their order.
---@return string[][] fields # pairs of name and value
function Request:Headers() end

--- All values of a name in the query.
---@param name string
---@return string[] values
function Request:Query(name) end

--- Whether the client asks for another protocol.
---@return boolean
function Request:IsUpgrade() end

--- The whole body; parks until it is there.
---@async
---@param max? integer # bytes
---@return string? body
---@return string? message
---@return string? code # `"EHTTPTOOLARGE"`, `"EHTTPPARSE"`, `"ETIMEDOUT"`, `"ESOCKCLOSE"`
function Request:Body(max) end

--- What of the body has arrived; nil alone at its end.
---@async
---@param max? integer # bytes
---@return string? piece
---@return string? message
---@return string? code
function Request:Read(max) end

--- An iterator over the body. A body that breaks off raises an error that answers the request.
---@param max? integer # bytes of a piece
---@return fun(): string?
function Request:Chunks(max) end

--- The body as JSON.
---@async
---@param max? integer # bytes
---@return any value
---@return string? message
---@return string? code # `"EINVAL"`: it is none
function Request:Json(max) end

--- The body of a form.
---@async
---@param max? integer # 1 MiB; bytes
---@return table<string, string|table>? fields # the first value of each name; files are tables
---@return table|string list # all pairs of name and value, or a message
---@return string? code # `"EINVAL"`: it is none; `"EHTTPTOOLARGE"`, or as of `Body`
function Request:Form(max) end

--- A reader for a body of several parts.
---@async
---@param options? chuck.HttpMultipartOptions
---@return chuck.HttpMultipart? reader
---@return string? message
---@return string? code # `"EINVAL"`: it has no parts
function Request:Multipart(options) end

--- The fields behind the body; nil before its end.
---@return string[][]? fields
function Request:Trailers() end

--- Has what is left of the body thrown away.
function Request:Discard() end

--- What is in a response.
---@class chuck.HttpResponseFields
---@field status integer
---@field stage "open"|"sent"|"ended"
---@field request chuck.HttpRequest

--- The answer to a request.
---@class chuck.HttpResponse: chuck.HttpResponseFields
local Response = {}

--- Sets the status.
---@param status integer
---@param reason? string
---@return chuck.HttpResponse self
function Response:Status(status, reason) end

--- Sets a field; nil takes it out.
---@param name string
---@param value? string|number
---@return chuck.HttpResponse self
function Response:Set(name, value) end

--- Adds a field beside those of the same name.
---@param name string
---@param value string|number
---@return chuck.HttpResponse self
function Response:Add(name, value) end

--- The value of a field that was set.
---@param name string
---@return string? value
function Response:Get(name) end

--- Sets a cookie.
---@param name string
---@param value string
---@param attributes? table
---@return chuck.HttpResponse self
function Response:Cookie(name, value, attributes) end

--- Sends a piece of the body, and the head before the first; parks while the client is slow.
---@async
---@param bytes string
---@return true? done
---@return string? message
---@return string? code # `"ESOCKCLOSE"`, `"EALREADY"`, `"EINVAL"`
function Response:Write(bytes) end

--- Sends the head, with the length of the body if it is known.
---@param length? integer
---@return true? done
---@return string? message
---@return string? code
function Response:Start(length) end

--- Waits until the kernel has everything.
---@async
---@return true? done
---@return string? message
---@return string? code
function Response:Flush() end

--- Ends the response, with the body or its last piece.
---@async
---@param body? string
---@return true? done
---@return string? message
---@return string? code
function Response:End(body) end

--- Ends it with plain text.
---@async
---@param text string
---@return true? done
---@return string? message
---@return string? code
function Response:Text(text) end

--- Ends it with a page.
---@async
---@param text string
---@return true? done
---@return string? message
---@return string? code
function Response:Html(text) end

--- Ends it with a value as JSON.
---@async
---@param value any
---@param status? integer
---@return true? done
---@return string? message
---@return string? code
function Response:Json(value, status) end

--- Ends it by sending the client elsewhere.
---@async
---@param url string
---@param status? integer # 302
---@return true? done
---@return string? message
---@return string? code
function Response:Redirect(url, status) end

--- Ends it with a file.
---@async
---@param path string
---@param options? chuck.HttpFileOptions
---@return true? done
---@return string? message
---@return string? code # of the file (`"ENOENT"`, `"EACCES"`, …), or `"ESOCKCLOSE"`
function Response:File(path, options) end

--- A stream of events.
---@param options? chuck.HttpEventOptions
---@return chuck.HttpEventStream? events
---@return string? message
---@return string? code # `"ESOCKCLOSE"`
function Response:EventStream(options) end

--- The connection as a stream, for another protocol.
---@param options? { decoder?: chuck.Decoder, high_water?: integer, read_ahead?: integer, send_limit?: integer }
---@return chuck.Stream? stream
---@return string? message
---@return string? code # `"EBUSY"`, `"ESOCKCLOSE"`
function Response:Hijack(options) end

--- Fields to be sent behind the body.
---@param list string[] # `{ name, value, … }`
---@return chuck.HttpResponse self
function Response:Trailers(list) end

--- Whether the head has been sent.
---@return boolean
function Response:IsSent() end

--- Whether it is over.
---@return boolean
function Response:IsEnded() end

--- Has `fn` called right before the head is sent.
---@param fn fun(res: chuck.HttpResponse)
---@return chuck.HttpResponse self
function Response:OnHead(fn) end

--- Has `fn` called once the response is over.
---@param fn fun(res: chuck.HttpResponse)
---@return chuck.HttpResponse self
function Response:OnEnd(fn) end

--- How long this handler may be silent, instead of `handler_ms`.
---@param ms number # 0: any time
---@return chuck.HttpResponse self
function Response:SetTimeout(ms) end

--- Takes back what was set.
---@return chuck.HttpResponse self
function Response:Reset() end
