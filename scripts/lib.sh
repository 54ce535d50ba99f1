# Read by the scripts beside it: where the tree is, and which program is which Lua.
# shellcheck shell=sh

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
PATH=$PATH:${HOME:-/root}/.cargo/bin
export PATH

# Every Lua that the tests know, oldest first.
every_lua="5.1 5.2 5.3 5.4 luajit"

say() { printf '%s\n' "$*"; }

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# 5.4, lua5.4 and lua54 are one name: 5.4. So for the others.
version_of() {
  case $1 in
    luajit | jit) echo luajit ;;
    5.[1-5]) echo "$1" ;;
    lua5.[1-5]) echo "${1#lua}" ;;
    lua5[1-5]) echo "5.${1#lua5}" ;;
    *) die "no such Lua: $1 (one of 5.1 5.2 5.3 5.4 luajit)" ;;
  esac
}

# The Cargo feature of a Lua: lua54, luajit.
feature_of() {
  case $1 in
    luajit) echo luajit ;;
    *) echo "lua5${1#5.}" ;;
  esac
}

# The folder below build/ of a Lua: lua5.4, luajit.
folder_of() {
  case $1 in
    luajit) echo luajit ;;
    *) echo "lua$1" ;;
  esac
}

# The program that runs a Lua, under any of the names that systems give it; fails when there is none.
interpreter_of() {
  case $1 in
    luajit) names="luajit" sign="LuaJIT" ;;
    *) names="lua$1 lua5${1#5.} lua-$1 lua" sign="Lua $1" ;;
  esac
  for name in $names; do
    program=$(command -v "$name") || continue
    case $("$program" -v 2>&1) in
      "$sign"*)
        echo "$program"
        return 0
        ;;
    esac
  done
  return 1
}

# The folder that cargo builds into.
target_dir() { echo "${CARGO_TARGET_DIR:-$root/target}"; }
