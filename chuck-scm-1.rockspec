rockspec_format = "3.0"
package = "chuck"
version = "scm-1"

source = {
  url = "git+https://github.com/chuck-lua/chuck.git",
}

description = {
  summary = "A network toolkit: connections, packets, timers and signals on one event loop",
  detailed = [[
    TCP connections with packet framing, timers, signals and tables on the wire, for Lua 5.1 to 5.5 and
    LuaJIT. The core is written in Rust; building it needs cargo.
  ]],
  homepage = "https://github.com/chuck-lua/chuck",
  license = "MIT",
}

dependencies = {
  "lua >= 5.1, < 5.6",
}

build_dependencies = {
  "luarocks-build-rust-mlua",
}

build = {
  type = "rust-mlua",
  -- The name of the library that cargo builds, and of the module: both are chuck_core.
  modules = { "chuck_core" },
  -- Every file below lua/; spec/rockspec_spec.lua compares.
  install = {
    lua = {
      ["chuck"] = "lua/chuck/init.lua",
      ["chuck.co"] = "lua/chuck/co/init.lua",
      ["chuck.co.actor"] = "lua/chuck/co/actor.lua",
      ["chuck.co.alarm"] = "lua/chuck/co/alarm.lua",
      ["chuck.co.backoff"] = "lua/chuck/co/backoff.lua",
      ["chuck.co.channel"] = "lua/chuck/co/channel.lua",
      ["chuck.co.condition"] = "lua/chuck/co/condition.lua",
      ["chuck.co.ending"] = "lua/chuck/co/ending.lua",
      ["chuck.co.frame"] = "lua/chuck/co/frame.lua",
      ["chuck.co.future"] = "lua/chuck/co/future.lua",
      ["chuck.co.list"] = "lua/chuck/co/list.lua",
      ["chuck.co.locals"] = "lua/chuck/co/locals.lua",
      ["chuck.co.loop"] = "lua/chuck/co/loop.lua",
      ["chuck.co.mutex"] = "lua/chuck/co/mutex.lua",
      ["chuck.co.origin"] = "lua/chuck/co/origin.lua",
      ["chuck.co.pool"] = "lua/chuck/co/pool.lua",
      ["chuck.co.report"] = "lua/chuck/co/report.lua",
      ["chuck.co.run"] = "lua/chuck/co/run.lua",
      ["chuck.co.sched"] = "lua/chuck/co/sched.lua",
      ["chuck.co.scope"] = "lua/chuck/co/scope.lua",
      ["chuck.co.select"] = "lua/chuck/co/select.lua",
      ["chuck.co.semaphore"] = "lua/chuck/co/semaphore.lua",
      ["chuck.co.sync"] = "lua/chuck/co/sync.lua",
      ["chuck.co.task"] = "lua/chuck/co/task.lua",
      ["chuck.co.wait_group"] = "lua/chuck/co/wait_group.lua",
      ["chuck.co.waiters"] = "lua/chuck/co/waiters.lua",
      ["chuck.co.watch"] = "lua/chuck/co/watch.lua",
      ["chuck.co.wrap"] = "lua/chuck/co/wrap.lua",
      ["chuck.dial"] = "lua/chuck/dial.lua",
      ["chuck.io"] = "lua/chuck/io/init.lua",
      ["chuck.io.attempt"] = "lua/chuck/io/attempt.lua",
      ["chuck.io.bytes"] = "lua/chuck/io/bytes.lua",
      ["chuck.io.connect"] = "lua/chuck/io/connect.lua",
      ["chuck.io.datagram"] = "lua/chuck/io/datagram.lua",
      ["chuck.io.listen"] = "lua/chuck/io/listen.lua",
      ["chuck.io.popen"] = "lua/chuck/io/popen.lua",
      ["chuck.io.resolve"] = "lua/chuck/io/resolve.lua",
      ["chuck.io.stream"] = "lua/chuck/io/stream.lua",
      ["chuck.io.write"] = "lua/chuck/io/write.lua",
      ["chuck.listen"] = "lua/chuck/listen.lua",
      ["chuck.native"] = "lua/chuck/native.lua",
      ["chuck.redis"] = "lua/chuck/redis/init.lua",
      ["chuck.redis.blocking"] = "lua/chuck/redis/blocking.lua",
      ["chuck.redis.cache"] = "lua/chuck/redis/cache.lua",
      ["chuck.redis.client"] = "lua/chuck/redis/client.lua",
      ["chuck.redis.command_list"] = "lua/chuck/redis/command_list.lua",
      ["chuck.redis.commands"] = "lua/chuck/redis/commands.lua",
      ["chuck.redis.feed"] = "lua/chuck/redis/feed.lua",
      ["chuck.redis.greeting"] = "lua/chuck/redis/greeting.lua",
      ["chuck.redis.guards"] = "lua/chuck/redis/guards.lua",
      ["chuck.redis.idempotent"] = "lua/chuck/redis/idempotent.lua",
      ["chuck.redis.keeper"] = "lua/chuck/redis/keeper.lua",
      ["chuck.redis.limits"] = "lua/chuck/redis/limits.lua",
      ["chuck.redis.link"] = "lua/chuck/redis/link.lua",
      ["chuck.redis.methods"] = "lua/chuck/redis/methods.lua",
      ["chuck.redis.monitor"] = "lua/chuck/redis/monitor.lua",
      ["chuck.redis.options"] = "lua/chuck/redis/options.lua",
      ["chuck.redis.outcome"] = "lua/chuck/redis/outcome.lua",
      ["chuck.redis.shapes"] = "lua/chuck/redis/shapes.lua",
      ["chuck.redis.subscribe"] = "lua/chuck/redis/subscribe.lua",
      ["chuck.rpc"] = "lua/chuck/rpc/init.lua",
      ["chuck.redis.command_list"] = "lua/chuck/redis/command_list.lua",
      ["chuck.redis.commands"] = "lua/chuck/redis/commands.lua",
      ["chuck.redis.shapes"] = "lua/chuck/redis/shapes.lua",
      ["chuck.rpc.backoff"] = "lua/chuck/rpc/backoff.lua",
      ["chuck.rpc.callee"] = "lua/chuck/rpc/callee.lua",
      ["chuck.rpc.caller"] = "lua/chuck/rpc/caller.lua",
      ["chuck.rpc.config"] = "lua/chuck/rpc/config.lua",
      ["chuck.rpc.connect"] = "lua/chuck/rpc/connect.lua",
      ["chuck.rpc.context"] = "lua/chuck/rpc/context.lua",
      ["chuck.rpc.errors"] = "lua/chuck/rpc/errors.lua",
      ["chuck.rpc.flow"] = "lua/chuck/rpc/flow.lua",
      ["chuck.rpc.formats"] = "lua/chuck/rpc/formats.lua",
      ["chuck.rpc.home"] = "lua/chuck/rpc/home.lua",
      ["chuck.rpc.limits"] = "lua/chuck/rpc/limits.lua",
      ["chuck.rpc.link"] = "lua/chuck/rpc/link.lua",
      ["chuck.rpc.mail"] = "lua/chuck/rpc/mail.lua",
      ["chuck.rpc.mailstream"] = "lua/chuck/rpc/mailstream.lua",
      ["chuck.rpc.offer"] = "lua/chuck/rpc/offer.lua",
      ["chuck.rpc.packets"] = "lua/chuck/rpc/packets.lua",
      ["chuck.rpc.peer"] = "lua/chuck/rpc/peer.lua",
      ["chuck.rpc.place"] = "lua/chuck/rpc/place.lua",
      ["chuck.rpc.pool"] = "lua/chuck/rpc/pool.lua",
      ["chuck.rpc.remote"] = "lua/chuck/rpc/remote.lua",
      ["chuck.rpc.serve"] = "lua/chuck/rpc/serve.lua",
      ["chuck.rpc.thread"] = "lua/chuck/rpc/thread.lua",
      ["chuck.rpc.uplink"] = "lua/chuck/rpc/uplink.lua",
      ["chuck.rpc.wire"] = "lua/chuck/rpc/wire.lua",
      ["chuck.support.address"] = "lua/chuck/support/address.lua",
      ["chuck.support.check"] = "lua/chuck/support/check.lua",
      ["chuck.support.compat"] = "lua/chuck/support/compat.lua",
    },
  },
}
