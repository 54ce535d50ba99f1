--- The two tables that tables.lua encodes: the seed's, and a nested one of about 1 KB.

local sample = {}

sample.small = { i = 1, j = 2, k = 3, l = 4, z = 5 }

local function player(id)
  return {
    id = id,
    name = "player number " .. id,
    online = id % 2 == 0,
    position = { x = id * 1.25, y = id * 2.5, z = -id },
    items = { id, id + 300, id + 70000 },
  }
end

--- Four levels deep; strings, small and large integers, fractions, booleans, lists.
sample.nested = {
  type = "snapshot",
  sequence = 123456,
  world = { name = "north", players = {} },
}
for id = 1, 8 do
  sample.nested.world.players[id] = player(id)
end

return sample
