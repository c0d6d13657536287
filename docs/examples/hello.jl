# SPDX-License-Identifier: BSD-3-Clause
# Treadle from Julia by ccall: TREADLE_LIBRARY=PREFIX/lib/libtreadle.so.0 julia hello.jl
module Treadle

const library = get(ENV, "TREADLE_LIBRARY", "libtreadle.so.0")
const FLOAT64 = 0x00014002

struct Used
    backend::Cstring
    variant::Cstring
    threads::UInt32
    fallbacks::UInt32
    Used() = new()
end

struct Backend
    name::Cstring
    path::Cstring
    version::Cstring
    vendor::Cstring
    reason::Cstring
    flags::UInt64
    Backend() = new()
end

# Tasks move between threads: the sentence is read without a yield in between.
function check(status)
    status == 0 || throw(ArgumentError(unsafe_string(ccall((:treadle_last_error, library), Cstring, ()))))
    return nothing
end

# The first axis is the one nearest in memory; Julia counts strides in elements, Treadle in bytes.
extents(a) = collect(Int64, size(a))
steps(a) = collect(Int64, strides(a)) .* sizeof(Float64)

"out = op(x, y) on arrays and views as they are; returns the backend and its threads."
function binary!(op, out::StridedArray{Float64}, x::StridedArray{Float64}, y::StridedArray{Float64})
    used = Ref(Used())
    GC.@preserve x y out check(ccall((:treadle_binary_flat, library), Int32,
        (Cstring, Ptr{Cvoid}, UInt32, Int32, Ptr{Int64}, Ptr{Int64}, Ptr{Cvoid}, UInt32, Int32, Ptr{Int64}, Ptr{Int64},
         Ptr{Cvoid}, UInt32, Int32, Ptr{Int64}, Ptr{Int64}, Ptr{Used}),
        op, pointer(x), FLOAT64, ndims(x), extents(x), steps(x), pointer(y), FLOAT64, ndims(y), extents(y), steps(y),
        pointer(out), FLOAT64, ndims(out), extents(out), steps(out), used))
    return unsafe_string(used[].backend), Int(used[].threads)
end

function total(x::StridedArray{Float64})
    sum = Ref(0.0)
    GC.@preserve x check(ccall((:treadle_reduce_flat, library), Int32,
        (Cstring, Ptr{Cvoid}, UInt32, Int32, Ptr{Int64}, Ptr{Int64}, Ptr{Int32}, Int32,
         Ptr{Float64}, UInt32, Int32, Ptr{Int64}, Ptr{Int64}, Ptr{Used}),
        "sum", pointer(x), FLOAT64, ndims(x), extents(x), steps(x), C_NULL, -1, sum, FLOAT64, 0, C_NULL, C_NULL, C_NULL))
    return sum[]
end

use(spec) = check(ccall((:treadle_set_backend, library), Int32, (Cstring,), spec))

function backends()
    return map(1:ccall((:treadle_backend_count, library), UInt32, ())) do i
        info = Ref(Backend())
        check(ccall((:treadle_backend_info, library), Int32, (UInt32, Ptr{Backend}), i - 1, info))
        unsafe_string(info[].name), unsafe_string(info[].reason)
    end
end

end # module

function main()
    foreach(found -> println("found ", join(found, " ")), Treadle.backends())
    x = [1.0 + i % 7 for i in 0:999_999]
    y = x .+ 1
    a = reshape([0.5 + i % 7 for i in 0:39_999], 200, 200)
    println("the environment chose ", join(Treadle.binary!("add", similar(x), x, y), " on "))
    results = map(("serial", "openmp")) do backend
        Treadle.use(backend)
        out, product = similar(x), similar(a)
        println("add by ", join(Treadle.binary!("add", out, x, y), " on "))
        println("matmul by ", join(Treadle.binary!("matmul", product, a, a), " on "))
        product ≈ a * a || error("not the product")
        Treadle.binary!("matmul", product, view(a, :, 200:-1:1), view(a, 200:-1:1, :)) # views, without a copy
        out, product, Treadle.total(out)
    end
    println("equal ", results[1] == results[2], " sum ", Int(results[1][3]))
    try
        Treadle.binary!("add", zeros(3), x, y)
    catch problem
        problem isa ArgumentError || rethrow()
        println("error ", problem.msg)
    end
end

main()
