# The verbs that people and CI share. Works with GNU make and BSD make.
#
#   make demo            see chuck serve
#   make test            prove it, on every Lua
#
# The work is done by small programs in scripts/; each can be run by hand.

# Which Lua: 5.1, 5.2, 5.3, 5.4 or luajit.
LUA ?= 5.4
# One spec file, or the whole folder.
SPEC ?= spec
# Seconds for each fuzz target.
FUZZ_SECONDS ?= 60
# The demo's port; 0 takes a free one.
PORT ?= 0

.PHONY: help demo test check spec stress build bench browser fuzz doc rock clean

help: ## these lines
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /	/' | expand -t 10

demo: ## set up, build, serve and talk to it; PORT=n, DEMO_SECONDS=n
	@scripts/setup build 5.4
	@scripts/build 5.4
	@scripts/lua 5.4 examples/demo.lua $(PORT)

test: ## set up, cargo test, then every spec on every Lua; LUAS="5.4 luajit" for some
	@scripts/setup test
	@scripts/test

check: ## format, lints, every Lua feature, the house rules
	@scripts/setup check
	@scripts/check

spec: ## specs on one Lua; LUA=5.4 SPEC=spec/packet_spec.lua
	@scripts/setup spec $(LUA)
	@scripts/build $(LUA)
	@scripts/spec $(LUA) $(SPEC)

stress: ## specs under hard collectors and valgrind; LUA=5.4
	@scripts/setup stress $(LUA)
	@scripts/build $(LUA)
	@scripts/stress $(LUA)

build: ## the module for one Lua, into build/; LUA=5.4
	@scripts/build $(LUA)

bench: ## chuck, the bare limit and a peer, side by side; LUA=5.4
	@scripts/setup bench
	@scripts/build $(LUA)
	@bench/run --lua $(LUA)

browser: ## chuck's server before a headless Chromium; LUA=5.4
	@scripts/setup browser
	@scripts/build $(LUA)
	@scripts/browser $(LUA)

fuzz: ## every fuzz target for a while; FUZZ_SECONDS=60
	@scripts/setup fuzz
	@scripts/fuzz $(FUZZ_SECONDS)

doc: ## the Rust documentation, into target/doc
	@cargo doc --no-deps

rock: ## install by LuaRocks into a scratch tree and require it from there
	@scripts/setup rock
	@scripts/rock

clean: ## what was built
	@cargo clean
	@rm -rf build
