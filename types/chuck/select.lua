---@meta chuck.co.select

--- One of the things that `co.select` waits for.
---@alias chuck.co.Case
---| chuck.co.Channel # a value
---| chuck.co.Actor # a message for it
---| chuck.co.Task # its end
---| chuck.co.Future # its result
---| { send: chuck.co.Channel, value: any } # room, or somebody who receives
---| { after_ms: number } # a time
