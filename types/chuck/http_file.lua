---@meta chuck.http

--- Files, folders, streams of events and uploads, for servers of HTTP.
---@class chuck.http
local http = {}

--- Of `res:File` and `http.static`.
---@class chuck.HttpContentOptions
---@field types? table<string, string> # end of a name in lower case -> type, asked first
---@field charset? string|boolean # `"utf-8"`, of text; false: none is named
---@field cache_control? string # the field
---@field max_age? integer # seconds, for `Cache-Control`
---@field etag? string|boolean # `"strong"`, `"weak"`, or false
---@field last_modified? boolean # true
---@field ranges? boolean # true
---@field precompressed? boolean # false; sends `.br` and `.gz` beside the file

--- Of `res:File`.
---@class chuck.HttpFileOptions: chuck.HttpContentOptions
---@field root? string # a folder that the path does not leave
---@field type? string # the type of the content
---@field download? string|boolean # to be saved, under this name, or its own
---@field fallthrough? boolean # false; a file that is not there is not answered

--- Of `http.static`.
---@class chuck.HttpStaticOptions: chuck.HttpContentOptions
---@field index? string|boolean # `"index.html"`; false: none
---@field list? boolean # false; folders without an index are listed
---@field dotfiles? boolean # false; names that begin with a dot are not there
---@field prefix? string # of paths; others are not for it
---@field param? string # the parameter of a route that has the path
---@field fallback? string # sent for what is not there

--- A handler, and a middleware, for what is in a folder.
---@param root string
---@param options? chuck.HttpStaticOptions
---@return fun(req: chuck.HttpRequest, res: chuck.HttpResponse, next?: fun()) handler
function http.static(root, options) end

--- Of `res:EventStream`.
---@class chuck.HttpEventOptions
---@field heartbeat_ms? number # 15000; a comment when nothing else was sent; 0: none
---@field retry_ms? integer # how long a client waits before it connects again

--- What is sent to `EventSource`.
---@class chuck.HttpEvent
---@field data? string
---@field event? string # its kind; `"message"` to the client when there is none
---@field id? string|integer # comes back as `last_id`
---@field retry? integer # milliseconds

--- What `res:EventStream` returns. `last_id` is the id that the client has got before.
---@class chuck.HttpEventStream
local Events = {}

--- Sends an event, or only its data; parks while the client is slow.
---@async
---@param event string|chuck.HttpEvent
---@return true? done
---@return string? message
---@return string? code # `"ESOCKCLOSE"`, `"EALREADY"`, `"EMSGSIZE"`
function Events:Send(event) end

--- Sends what no program sees.
---@async
---@param text string
---@return true? done
---@return string? message
---@return string? code
function Events:Comment(text) end

--- Ends the stream and the response.
---@async
---@return true? done
---@return string? message
---@return string? code
function Events:Close() end

--- Whether nothing can be sent any more.
---@return boolean
function Events:IsClosed() end

--- Of `req:Multipart`.
---@class chuck.HttpMultipartOptions
---@field folder? string # where `Collect` puts files
---@field on_file? fun(part: chuck.HttpPart): any, string?, string? # takes files instead
---@field max_file? integer # 1 GiB; bytes of a part with a file name
---@field max_field? integer # 65536; bytes of a part without
---@field max_parts? integer # 1000
---@field max_head? integer # 8192; bytes of the head of a part

--- What `req:Multipart` returns.
---@class chuck.HttpMultipart
local Reader = {}

--- The next part; nil at the end. What was not read of the last one is skipped.
---@async
---@return chuck.HttpPart? part
---@return string? message
---@return string? code # `"EHTTPPARSE"`, `"EHTTPTOOLARGE"`, or as of `req:Read`
function Reader:Next() end

--- Reads everything.
---@async
---@return chuck.HttpUpload? form
---@return string? message
---@return string? code
function Reader:Collect() end

--- What `reader:Collect` returns.
---@class chuck.HttpUpload
---@field fields table<string, string> # the first value of each name
---@field files chuck.HttpUploadEntry[]
---@field list chuck.HttpUploadEntry[] # all parts in their order

--- A part that was read.
---@class chuck.HttpUploadEntry
---@field name string
---@field size integer
---@field type string
---@field filename? string
---@field value? string # of a field
---@field path? string # of a file that was written
---@field result? any # what `on_file` has returned

--- What is known of a part.
---@class chuck.HttpPartFields
---@field name string
---@field filename? string # as the client says, without folders; not to open files by
---@field type string
---@field headers table<string, string> # found whatever the case of a name; `pairs` has them in lower case
---@field size integer # bytes that were read

--- A part of a body.
---@class chuck.HttpPart: chuck.HttpPartFields
local Part = {}

--- What of it has arrived; nil alone at its end.
---@async
---@return string? piece
---@return string? message
---@return string? code
function Part:Read() end

--- The rest of it.
---@async
---@param max? integer # bytes
---@return string? text
---@return string? message
---@return string? code
function Part:Text(max) end

--- Writes the rest of it to a new file.
---@async
---@param path string
---@return integer? size
---@return string? message
---@return string? code # `"EEXIST"`, `"EIO"`, or as of `reader:Next`
function Part:SaveTo(path) end
