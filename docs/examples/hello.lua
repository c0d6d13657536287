-- SPDX-License-Identifier: BSD-3-Clause
-- Treadle from Lua 5.4, with hello_lua.c between (LuaJIT needs nothing between: docs/languages.md):
--     cc -shared -fPIC -I/usr/include/lua5.4 hello_lua.c $(pkg-config --cflags --libs treadle) -o hello_lua.so
--     lua5.4 hello.lua
local treadle = require("hello_lua")

local function filled(value, ...)
    local x = treadle.array(...)
    for i = 1, #x do
        x[i] = value + (i - 1) % 7
    end
    return x
end

local function same(x, y)
    for i = 1, #x do
        if x[i] ~= y[i] then
            return false
        end
    end
    return true
end

for _, backend in ipairs(treadle.backends()) do
    print("found " .. backend)
end
local x, y, a = filled(1, 1000000), filled(2, 1000000), filled(0.5, 200, 200)
print("the environment chose " .. treadle.binary("add", x, y, treadle.array(1000000)))
local results = {}
for _, backend in ipairs({ "serial", "openmp" }) do
    treadle.set_backend(backend)
    local out, product, total = treadle.array(1000000), treadle.array(200, 200), treadle.array()
    print("add by " .. treadle.binary("add", x, y, out))
    print("matmul by " .. treadle.binary("matmul", a, a, product))
    treadle.sum(out, total)
    results[#results + 1] = { out, product, total }
end
local equal = true
for i, result in ipairs(results[1]) do
    equal = equal and same(result, results[2][i])
end
print(string.format("equal %s sum %.0f", equal, results[1][3][1]))
local _, message = pcall(treadle.binary, "add", x, y, treadle.array(3))
print("error " .. message)
