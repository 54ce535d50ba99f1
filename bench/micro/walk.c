/* The limit of tables.lua: walk a table with the bare C API into bytes, rebuild it from them.
 *
 *     walk.copy(t) -> a deep copy of t
 *
 *     table := 'T' count:u32 { key value }      number := 'N' double | 'I' i64
 *     string := 'S' len:u32 bytes               bool := 'B' u8
 *
 * Fixed buffer, host byte order, no packets, no checks of types: faster than a real codec can be.
 * Compiled by bench/run for the Lua it measures: cc -O2 -shared -fPIC -I<headers> walk.c */
#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>
#include <string.h>

enum { ROOM = 1 << 20, DEPTH = 64 };

static uint8_t bytes[ROOM];

static uint8_t *put(lua_State *L, uint8_t *to, const void *from, size_t len) {
    if (len > (size_t)(bytes + ROOM - to)) {
        luaL_error(L, "table of more than %d bytes", (int)ROOM);
        return to; /* not reached; older headers do not tell the compiler */
    }
    memcpy(to, from, len);
    return to + len;
}

static uint8_t *write_number(lua_State *L, uint8_t *to, int index) {
#if LUA_VERSION_NUM >= 503
    if (lua_isinteger(L, index)) {
        int64_t whole = lua_tointeger(L, index);
        return put(L, put(L, to, "I", 1), &whole, sizeof whole);
    }
#endif
    double number = lua_tonumber(L, index);
    return put(L, put(L, to, "N", 1), &number, sizeof number);
}

static uint8_t *write_string(lua_State *L, uint8_t *to, int index) {
    size_t len;
    const char *text = lua_tolstring(L, index, &len);
    uint32_t short_len = (uint32_t)len;
    to = put(L, put(L, to, "S", 1), &short_len, sizeof short_len);
    return put(L, to, text, len);
}

static uint8_t *write_table(lua_State *L, uint8_t *to, int depth);

static uint8_t *write_value(lua_State *L, uint8_t *to, int index, int depth) {
    switch (lua_type(L, index)) {
    case LUA_TNUMBER: return write_number(L, to, index);
    case LUA_TSTRING: return write_string(L, to, index);
    case LUA_TTABLE: return write_table(L, to, depth + 1); /* always on top of the stack */
    default: {
        uint8_t truth = (uint8_t)lua_toboolean(L, index);
        return put(L, put(L, to, "B", 1), &truth, sizeof truth);
    }
    }
}

static uint8_t *write_table(lua_State *L, uint8_t *to, int depth) {
    uint32_t count = 0;
    uint8_t *head = to;
    if (depth > DEPTH) luaL_error(L, "more than %d levels", (int)DEPTH);
    luaL_checkstack(L, 3, "nesting");
    to = put(L, put(L, to, "T", 1), &count, sizeof count);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1), count++) {
        to = write_value(L, to, -2, depth);
        to = write_value(L, to, -1, depth);
    }
    memcpy(head + 1, &count, sizeof count);
    return to;
}

static const uint8_t *take(const uint8_t *from, void *into, size_t len) {
    memcpy(into, from, len);
    return from + len;
}

static const uint8_t *read_value(lua_State *L, const uint8_t *from);

static const uint8_t *read_table(lua_State *L, const uint8_t *from) {
    uint32_t count;
    from = take(from, &count, sizeof count);
    luaL_checkstack(L, 3, "nesting");
    lua_createtable(L, 0, (int)count);
    while (count--) {
        from = read_value(L, from);
        from = read_value(L, from);
        lua_rawset(L, -3);
    }
    return from;
}

static const uint8_t *read_value(lua_State *L, const uint8_t *from) {
    double number;
    int64_t whole;
    uint32_t len;
    switch (*from++) {
    case 'N': from = take(from, &number, sizeof number); lua_pushnumber(L, number); return from;
    case 'I': from = take(from, &whole, sizeof whole); lua_pushinteger(L, whole); return from;
    case 'S':
        from = take(from, &len, sizeof len);
        lua_pushlstring(L, (const char *)from, len);
        return from + len;
    case 'T': return read_table(L, from);
    default: lua_pushboolean(L, *from); return from + 1;
    }
}

static int copy(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    write_table(L, bytes, 0);
    read_value(L, bytes);
    return 1;
}

int luaopen_walk(lua_State *L) {
    lua_newtable(L);
    lua_pushcfunction(L, copy);
    lua_setfield(L, -2, "copy");
    return 1;
}
