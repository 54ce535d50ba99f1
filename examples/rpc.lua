--- Calls both ways on one connection, with plain packets beside them.
---
---     scripts/lua 5.4 examples/rpc.lua
---
--- A shop and a customer: the customer buys, the shop asks back before it sells, tells news by
--- plain packets, and streams its price list.
local chuck = require("chuck")

local co, io, rpc = chuck.co, chuck.io, chuck.rpc

--- What a packet of the program begins with.
local NEWS = 1

local stock = { apples = 5, pears = 2 }

local services = rpc.services({
  inventory = {
    take = function(what, count)
      if not stock[what] then
        return nil, "we have no " .. what, "ENOENT"
      elseif stock[what] < count then
        return nil, ("only %d %s are left"):format(stock[what], what), "ERANGE"
      end
      -- The customer's side is asked, while it waits for us.
      if not rpc.caller():Call("confirm", what, count) then
        return nil, "you did not want it", "ECANCELED"
      end
      stock[what] = stock[what] - count
      return count, stock[what]
    end,
  },
})

services:Register("prices", function(flow, currency)
  for cents = 1, 3 do
    flow:Send(("%d %s"):format(cents * 100, currency))
  end
  return "that was all"
end, { stream = true })

local function tell_news(peer, text)
  local packet = chuck.packet.wpacket(64, 32)
  packet:WriteU8(NEWS)
  packet:WriteStr(text)
  peer:SendPacket(packet)
end

local function buy(peer)
  local shop = peer:Proxy("inventory")
  print("took", shop.take("apples", 3))
  print("took", shop.take("apples", 3))
  print("took", shop.take("plums", 1))
  local flow = peer:Open("prices", "cents")
  local price = flow:Recv()
  while price do
    print("price", price)
    price = flow:Recv()
  end
  print("the shop", (flow:Result()))
end

co.run(function()
  local listener = assert(io.listen("127.0.0.1:0", function(stream)
    local peer = rpc.peer(stream, { services = services })
    tell_news(peer, "fresh apples today")
    peer:Wait()
  end, { decoder = rpc.framing() }))

  local stream = assert(io.connect(listener:GetSockAddr(), { decoder = rpc.framing() }))
  local peer = rpc.peer(stream, {
    on_packet = function(_, packet)
      if packet:ReadU8() == NEWS then
        print("news", packet:ReadStr())
      end
    end,
  })
  peer:Register("confirm", function(what, count)
    print("really?", count, what)
    return true
  end)
  buy(peer)
  peer:Close()
  listener:Close()
end)
