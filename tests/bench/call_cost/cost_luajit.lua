-- SPDX-License-Identifier: BSD-3-Clause
-- Nanoseconds of one tiny call from LuaJIT: cost_luajit.lua LIBTREADLE TREADLE_CDEF
local ffi = require("ffi")
local library_path, cdef_path = ...
ffi.cdef(assert(io.open(cdef_path)):read("*a"))
ffi.cdef("struct timespec { long sec, nsec; }; int clock_gettime(int clock, struct timespec *now);")
local treadle = ffi.load(library_path)

local CALLS, F64 = 300000, 0x14002
local x, y, out = ffi.new("double[8]"), ffi.new("double[8]"), ffi.new("double[8]")
local shape, strides = ffi.new("int64_t[1]", 8), ffi.new("int64_t[1]", 8)
local used, time = ffi.new("struct treadle_used"), ffi.new("struct timespec")

local function now()
    ffi.C.clock_gettime(1, time)
    return tonumber(time.sec) * 1e9 + tonumber(time.nsec)
end

local function add()
    return treadle.treadle_binary_flat("add", x, F64, 1, shape, strides, y, F64, 1, shape, strides,
        out, F64, 1, shape, strides, used)
end

for _ = 1, 1000 do
    assert(add() == 0)
end
local start = now()
for _ = 1, CALLS do
    add()
end
print(("%.2f"):format((now() - start) / CALLS))
