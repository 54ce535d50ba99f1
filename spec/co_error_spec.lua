--- Errors of tasks in scopes and in clean-up: none is lost, and each says where it comes from.
local co = require("chuck").co
local compat = require("chuck.support.compat")

local clock = require("spec.helper.clock")

describe("an error in a scope", function()
  --- Where the traceback is to lead.
  local line = debug.getinfo(1, "l").currentline + 3
  local function culprit()
    co.sleep(1)
    error("broken", 0)
  end

  it("is told of with the stack of the task that has raised it first", function()
    clock.run(function()
      co.spawn(function()
        co.scope(function()
          co.spawn(function()
            co.scope(function(inner)
              inner:Spawn(culprit)
            end)
          end)
        end)
      end)
      clock.advance(1)
      local told = clock.take_errors()
      assert.are.equal(1, #told)
      assert.are.equal("broken", told[1].error)
      assert.matches("co_error_spec.lua:" .. line .. ":", told[1].traceback)
      local _, times = told[1].traceback:gsub("raised by its scope", "")
      assert.are.equal(2, times)
    end)
  end)

  it("that comes after the first is told of: of a task, and of the scope's own function", function()
    clock.run(function()
      local fine, why
      co.spawn(function()
        fine, why = co.pcall(co.scope, function(scope)
          scope:Spawn(function()
            co.sleep(1)
            error("first", 0)
          end)
          scope:Spawn(function()
            co.pcall(co.sleep, 1000)
            error("second", 0)
          end)
          co.pcall(co.sleep, 1000)
          error("third", 0)
        end)
      end)
      clock.advance(1)
      assert.are.same({ false, "first" }, { fine, why })
      local told = {}
      for i, one in ipairs(clock.take_errors()) do
        told[i] = one.error
      end
      table.sort(told)
      assert.are.same({ "second", "third" }, told)
    end)
  end)
end)

-- On Lua 5.1 the boundary is found out where nothing can be done about it any more.
if compat.yields_across_pcall then
  describe("a scope where Lua cannot wait", function()
    it("cancels its tasks, and the task that has opened it goes on", function()
      clock.run(function()
        local fine, why, child
        local task = co.spawn(function()
          fine, why = pcall(table.sort, { 1, 2 }, function()
            co.scope(function()
              child = co.spawn(co.sleep, 1000)
            end)
          end)
          co.sleep(1)
          return "went on"
        end)
        clock.advance(1)
        assert.is_false(fine)
        assert.matches("attempt to yield across", why)
        assert.are.equal("went on", (clock.play(task.Join, task)))
        assert.are.equal("ECANCELED", (select(3, clock.play(child.Join, child))))
      end)
    end)
  end)
end

if _VERSION == "Lua 5.4" then
  describe("a variable that is to be closed", function()
    local loading = rawget(_G, "load")

    it("is closed by its own task when that is cancelled", function()
      clock.run(function()
        local lock, closed = co.mutex(), {}
        local guard = setmetatable({}, {
          __close = function()
            closed[1] = co.current()
            lock:Unlock()
          end,
        })
        local task = co.spawn(
          loading([[
          local co, lock, guard = ...
          lock:Lock()
          local held <close> = guard
          co.sleep(1000)
        ]]),
          co,
          lock,
          guard
        )
        clock.settle()
        task:Cancel()
        clock.settle()
        assert.are.equal(task, closed[1])
        assert.is_false(lock:IsLocked())
      end)
    end)

    it("raises the error of the task when closing fails", function()
      clock.run(function()
        local guard = setmetatable({}, {
          __close = function()
            error("closing failed", 0)
          end,
        })
        co.spawn(
          loading([[
          local co, guard = ...
          local held <close> = guard
          co.sleep(1)
          error("first", 0)
        ]]),
          co,
          guard
        )
        clock.advance(1)
        assert.are.equal("closing failed", clock.take_errors()[1].error)
      end)
    end)

    it("that waits while it is closed raises, and leaves nothing behind", function()
      clock.run(function()
        local guard = setmetatable({}, {
          __close = function()
            co.sleep(10)
          end,
        })
        local task = co.spawn(
          loading([[
          local co, guard = ...
          local held <close> = guard
          co.sleep(1)
          error("first", 0)
        ]]),
          co,
          guard
        )
        clock.advance(1)
        assert.is_true(task:IsDone())
        assert.matches("attempt to yield", clock.take_errors()[1].error)
      end)
    end)
  end)
end
