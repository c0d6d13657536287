-- SPDX-License-Identifier: BSD-3-Clause
-- libtreadle from LuaJIT, declared by treadle_cdef.h and nothing else:
--     luajit from_luajit.lua LIBTREADLE TREADLE_CDEF LAYOUT_LOCK
local ffi = require("ffi")
local library_path, header_path, lock_path = ...

local header = assert(io.open(header_path)):read("*a")
ffi.cdef(header)
local treadle = ffi.load(library_path)
local FLOAT64 = ffi.C.TREADLE_TYPE_FLOAT64

local function check(what, got, expected)
    if got ~= expected then
        local reason = ffi.string(treadle.treadle_last_error())
        error(("%s: %s instead of %s; %s"):format(what, tostring(got), tostring(expected), reason))
    end
end

local function numbers(kind, values)
    return ffi.new(kind .. "[?]", math.max(#values, 1), values)
end

local function doubles(values)
    return numbers("double", values)
end

local function same_numbers(what, got, expected)
    for i, value in ipairs(expected) do
        check(what .. "[" .. i - 1 .. "]", got[i - 1], value)
    end
end

local function shape(...)
    return numbers("int64_t", { ... })
end

local function binary(op, x, xs, y, ys, out, outs, used)
    return treadle.treadle_binary_flat(
        op,
        x, FLOAT64, xs.ndim, xs.shape, xs.strides,
        y, FLOAT64, ys.ndim, ys.shape, ys.strides,
        out, FLOAT64, outs.ndim, outs.shape, outs.strides,
        used)
end

local function layout(extents, strides)
    return {
        ndim = #extents,
        shape = shape(unpack(extents)),
        strides = strides and shape(unpack(strides)) or nil,
    }
end

-- Every struct as the C compiler lays it out.
local members = 0
for line in io.lines(lock_path) do
    local struct, member, offset = line:match("^struct (%S+) %. (%S+) at (%d+),")
    if struct then
        check(line, ffi.offsetof("struct " .. struct, member), tonumber(offset))
        members = members + 1
    end
end
check("members compared", members > 50, true)

local used = ffi.new("struct treadle_used")
local x, y, out = doubles({ 1, 2, 3 }), doubles({ 10, 20, 30 }), doubles({ 0, 0, 0 })
local three, backwards = layout({ 3 }), layout({ 3 }, { -8 })
check("add", binary("add", x, three, y + 2, backwards, out, three, used), ffi.C.TREADLE_OK)
same_numbers("add", out, { 31, 22, 13 })
check("threads", used.threads, 1)
check("a backend's name", #ffi.string(used.backend) > 0, true)

local total, matrix = doubles({ 0 }), doubles({ 1, 2, 3, 4, 5, 6 })
local wide = layout({ 2, 3 })
check("sum", treadle.treadle_reduce_flat("sum", matrix, FLOAT64, 2, wide.shape, nil, nil, -1,
    total, FLOAT64, 0, nil, nil, nil), ffi.C.TREADLE_OK)
check("sum", total[0], 21)

local columns, axis = doubles({ 0, 0, 0 }), numbers("int32_t", { 0 })
check("sum of axis 0", treadle.treadle_reduce_flat("sum", matrix, FLOAT64, 2, wide.shape, nil, axis,
    1, columns, FLOAT64, 1, three.shape, nil, nil), ffi.C.TREADLE_OK)
same_numbers("sum of axis 0", columns, { 5, 7, 9 })

local tall, product = doubles({ 1, 0, 0, 1, 1, 1 }), doubles({ 0, 0, 0, 0 })
check("matmul", binary("matmul", matrix, wide, tall, layout({ 3, 2 }), product, layout({ 2, 2 })),
    ffi.C.TREADLE_OK)
same_numbers("matmul", product, { 4, 5, 10, 11 })

local untouched = doubles({ 7, 7, 7, 7 })
check("shapes that do not fit", binary("matmul", matrix, wide, matrix, wide, untouched,
    layout({ 2, 2 })), ffi.C.TREADLE_E_INVALID)
same_numbers("shapes that do not fit", untouched, { 7, 7, 7, 7 })
local sentence = ffi.string(treadle.treadle_last_error())
check("a sentence", #sentence > 20, true)
print("an error reads: " .. sentence)
check("an op that nobody has", binary("org.test.none", x, three, x, three, out, three),
    ffi.C.TREADLE_E_UNSUPPORTED)

print("treadle " .. ffi.string(treadle.treadle_version()) .. " works from LuaJIT")
