/* SPDX-License-Identifier: BSD-3-Clause */
/* What hello.lua calls: arrays of float64 in C order, each a userdata with its elements behind it.
 */
#include <lauxlib.h>
#include <lua.h>
#include <treadle/treadle.h>

enum { AXES_MAX = 8 };
#define CLASS "treadle.array"

struct operand {
    struct treadle_array array;
    int64_t shape[AXES_MAX], strides[AXES_MAX];
    int64_t count;
    double elements[];
};

static struct operand *operand(lua_State *lua, int i)
{
    return luaL_checkudata(lua, i, CLASS);
}

static void check(lua_State *lua, int32_t status)
{
    if (status != TREADLE_OK)
        luaL_error(lua, "%s", treadle_last_error());
}

/* array(extent, ...): zeros; without extents one element. */
static int array(lua_State *lua)
{
    const int axes = lua_gettop(lua);
    int64_t count = 1;
    luaL_argcheck(lua, axes <= AXES_MAX, AXES_MAX + 1, "too many axes");
    for (int axis = 0; axis < axes; axis++) {
        const int64_t extent = luaL_checkinteger(lua, axis + 1);
        luaL_argcheck(lua, extent > 0 && extent <= INT32_MAX / count, axis + 1, "not an extent");
        count *= extent;
    }
    struct operand *made =
        lua_newuserdatauv(lua, sizeof(*made) + (size_t)count * sizeof(double), 0);
    luaL_setmetatable(lua, CLASS);
    *made = (struct operand){.count = count};
    for (int64_t i = 0; i < count; i++)
        made->elements[i] = 0;
    int64_t stride = sizeof(double);
    for (int axis = axes - 1; axis >= 0; axis--) {
        made->shape[axis] = lua_tointeger(lua, axis + 1);
        made->strides[axis] = stride;
        stride *= made->shape[axis];
    }
    made->array = (struct treadle_array){.data = made->elements,
                                         .shape = made->shape,
                                         .strides = made->strides,
                                         .ndim = axes,
                                         .dtype = {TREADLE_FLOAT, 64, 1},
                                         .itemsize = sizeof(double)};
    return 1;
}

/* Of the array at 1, the element at 2, from 1 on. */
static double *element(lua_State *lua)
{
    struct operand *of = operand(lua, 1);
    const int64_t i = luaL_checkinteger(lua, 2);
    luaL_argcheck(lua, i >= 1 && i <= of->count, 2, "no such element");
    return &of->elements[i - 1];
}

static int get(lua_State *lua)
{
    lua_pushnumber(lua, *element(lua));
    return 1;
}

static int set(lua_State *lua)
{
    *element(lua) = luaL_checknumber(lua, 3);
    return 0;
}

static int length(lua_State *lua)
{
    lua_pushinteger(lua, operand(lua, 1)->count);
    return 1;
}

/* binary(operation, x, y, out): who ran. */
static int binary(lua_State *lua)
{
    struct treadle_used used;
    check(lua, treadle_binary(luaL_checkstring(lua, 1), &operand(lua, 2)->array,
                              &operand(lua, 3)->array, &operand(lua, 4)->array, &used));
    lua_pushfstring(lua, "%s on %d", used.backend, (int)used.threads);
    return 1;
}

static int sum(lua_State *lua)
{
    check(lua,
          treadle_reduce("sum", &operand(lua, 1)->array, NULL, -1, &operand(lua, 2)->array, NULL));
    return 0;
}

static int set_backend(lua_State *lua)
{
    check(lua, treadle_set_backend(luaL_checkstring(lua, 1)));
    return 0;
}

static int backends(lua_State *lua)
{
    lua_newtable(lua);
    for (uint32_t i = 0; i < treadle_backend_count(); i++) {
        struct treadle_backend_info info;
        check(lua, treadle_backend_info(i, &info));
        lua_pushfstring(lua, "%s %s", info.name, info.reason);
        lua_rawseti(lua, -2, i + 1);
    }
    return 1;
}

int luaopen_hello_lua(lua_State *lua);

int luaopen_hello_lua(lua_State *lua)
{
    static const luaL_Reg methods[] = {
        {"__index", get}, {"__newindex", set}, {"__len", length}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"array", array},       {"binary", binary},
                                         {"sum", sum},           {"set_backend", set_backend},
                                         {"backends", backends}, {NULL, NULL}};
    luaL_newmetatable(lua, CLASS);
    luaL_setfuncs(lua, methods, 0);
    luaL_newlib(lua, functions);
    return 1;
}
