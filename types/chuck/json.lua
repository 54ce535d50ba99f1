---@meta chuck.json

--- Values of Lua as JSON and back.
---@class chuck.json
---@field null userdata # stands for `null` where `nil` would leave a hole
local json = {}

--- The text of a value. Raises for what JSON does not have, and says where it stands.
---@param value any
---@return string text
function json.encode(value) end

--- The value of a text.
---@param text string
---@param options? { depth?: integer } # levels of nesting: 128 unless set, at most 1000
---@return any value # `json.null` for `null`
---@return string? message
---@return string? code # `"EINVAL"`: no JSON
function json.decode(text, options) end

--- Marks a table as a list, which it is even when it is empty.
---@param table? table
---@return table table # the same, or a new one
function json.array(table) end

return json
