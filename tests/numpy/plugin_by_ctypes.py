# SPDX-License-Identifier: BSD-3-Clause
"""Call a backend plugin from Python, without libtreadle: a small host, for tests of the kernels."""

import ctypes as ct
import os

import numpy as np


class Dtype(ct.Structure):
    _fields_ = [("code", ct.c_uint8), ("bits", ct.c_uint8), ("lanes", ct.c_uint16)]


class Array(ct.Structure):
    _fields_ = [
        ("data", ct.c_void_p),
        ("shape", ct.POINTER(ct.c_int64)),
        ("strides", ct.POINTER(ct.c_int64)),
        ("ndim", ct.c_int32),
        ("flags", ct.c_uint32),
        ("dtype", Dtype),
        ("itemsize", ct.c_uint32),
        ("reserved", ct.c_uint64 * 3),
    ]


class Error(ct.Structure):
    _fields_ = [
        ("struct_size", ct.c_uint32),
        ("code", ct.c_int32),
        ("message", ct.c_char_p),
        ("capacity", ct.c_uint64),
    ]


class Host(ct.Structure):
    _fields_ = [
        ("struct_size", ct.c_uint32),
        ("abi_minor", ct.c_uint32),
        ("ctx", ct.c_void_p),
        ("name", ct.c_char_p),
        ("version", ct.c_char_p),
        ("alloc", ct.c_void_p),
        ("release", ct.c_void_p),
        ("log", ct.c_void_p),
        ("parallel", ct.c_void_p),
        ("threads_now", ct.c_void_p),
        ("get_service", ct.c_void_p),
    ]


class Query(ct.Structure):
    _fields_ = [
        ("struct_size", ct.c_uint32),
        ("flags", ct.c_uint32),
        ("op", ct.c_char_p),
        ("dtypes", ct.POINTER(Dtype)),
        ("ntypes", ct.c_uint32),
        ("nin", ct.c_uint32),
    ]


class Call(ct.Structure):
    _fields_ = [
        ("struct_size", ct.c_uint32),
        ("flags", ct.c_uint32),
        ("host", ct.POINTER(Host)),
        ("state", ct.c_void_p),
        ("kernel", ct.c_void_p),
        ("args", ct.POINTER(Array)),
        ("nargs", ct.c_uint32),
        ("nin", ct.c_uint32),
        ("attrs", ct.c_void_p),
        ("threads_max", ct.c_uint32),
        ("threads_used", ct.c_uint32),
        ("error", ct.POINTER(Error)),
    ]


RUN = ct.CFUNCTYPE(ct.c_int32, ct.POINTER(Call))


class Kernel(ct.Structure):
    _fields_ = [
        ("struct_size", ct.c_uint32),
        ("flags", ct.c_uint32),
        ("run", RUN),
        ("kernel", ct.c_void_p),
        ("variant", ct.c_char_p),
        ("threads_useful", ct.c_uint32),
        ("reserved", ct.c_uint32),
    ]


CREATE = ct.CFUNCTYPE(
    ct.c_int32, ct.POINTER(Host), ct.c_char_p, ct.POINTER(ct.c_void_p), ct.c_void_p
)
FIND = ct.CFUNCTYPE(ct.c_int32, ct.c_void_p, ct.POINTER(Query), ct.POINTER(Kernel))
LIST = ct.CFUNCTYPE(ct.c_int32, ct.c_void_p, ct.c_uint32, ct.POINTER(Query))


class Table(ct.Structure):
    _fields_ = [
        ("struct_size", ct.c_uint32),
        ("abi_minor", ct.c_uint32),
        ("flags", ct.c_uint64),
        ("id", ct.c_char_p),
        ("version", ct.c_char_p),
        ("vendor", ct.c_char_p),
        ("cpu_required", ct.c_char_p),
        ("create", CREATE),
        ("destroy", ct.c_void_p),
        ("find_kernel", FIND),
        ("list_kernel", LIST),
        ("after_fork_child", ct.c_void_p),
        ("get_extension", ct.c_void_p),
    ]


class Reduction(ct.Structure):
    _fields_ = [("struct_size", ct.c_uint32), ("flags", ct.c_uint32), ("axes", ct.c_uint64)]


_libc = ct.CDLL(None)
_libc.aligned_alloc.restype = ct.c_void_p
ALLOC = ct.CFUNCTYPE(ct.c_void_p, ct.POINTER(Host), ct.c_uint64, ct.c_uint64)
RELEASE = ct.CFUNCTYPE(None, ct.POINTER(Host), ct.c_void_p)


@ALLOC
def _alloc(_host, size, align):
    return _libc.aligned_alloc(ct.c_size_t(align), ct.c_size_t(size))


@RELEASE
def _release(_host, memory):
    _libc.free(ct.c_void_p(memory))


_CODES = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}


def dtype_of(dtype):
    return Dtype(_CODES[dtype.kind], dtype.itemsize * 8, 1)


def axes_in_memory_order(arrays):
    """Axes, slowest first, by the strides of the operands as NumPy's iterator compares them."""
    order = []
    for axis in reversed(range(arrays[0].ndim)):
        place = len(order)
        for i in reversed(range(len(order))):
            swaps = [
                abs(a.strides[order[i]]) > abs(a.strides[axis])
                for a in arrays
                if a.strides[axis] and a.strides[order[i]]
            ]
            if not swaps:
                continue
            if not all(swaps):
                break
            place = i
        order.insert(place, axis)
    return order[::-1]


class Plugin:
    def __init__(self, path):
        self.library = ct.CDLL(os.fspath(path))
        self.library.treadle_plugin_v1.restype = ct.POINTER(Table)
        self.table = self.library.treadle_plugin_v1().contents
        self.host = Host(ct.sizeof(Host), name=b"test", version=b"0")
        self.host.alloc = ct.cast(_alloc, ct.c_void_p)
        self.host.release = ct.cast(_release, ct.c_void_p)
        self.state = ct.c_void_p()
        assert self.table.create(ct.byref(self.host), b"", ct.byref(self.state), None) == 0

    def kernels(self):
        """(op, dtypes) of everything that is listed."""
        query = Query(ct.sizeof(Query))
        i = 0
        while self.table.list_kernel(self.state, i, ct.byref(query)) == 0:
            yield (
                query.op.decode(),
                tuple((query.dtypes[k].code, query.dtypes[k].bits) for k in range(query.ntypes)),
            )
            i += 1

    def find(self, op, dtypes, nin):
        types = (Dtype * len(dtypes))(*[dtype_of(d) for d in dtypes])
        query = Query(ct.sizeof(Query), 0, op.encode(), types, len(dtypes), nin)
        kernel = Kernel(ct.sizeof(Kernel))
        status = self.table.find_kernel(self.state, ct.byref(query), ct.byref(kernel))
        return kernel if status == 0 else None

    def run(self, op, arrays, nin, attrs=None, threads=1):
        """Run on arrays that are prepared as ops.h wants them; returns (status, threads used)."""
        kernel = self.find(op, [a.dtype for a in arrays], nin)
        assert kernel, f"no {op} for {[a.dtype for a in arrays]}"
        args = (Array * len(arrays))()
        keep = []
        for arg, a in zip(args, arrays, strict=True):
            shape = (ct.c_int64 * a.ndim)(*a.shape)
            strides = (ct.c_int64 * a.ndim)(*a.strides)
            keep += [shape, strides]
            arg.data = a.ctypes.data
            arg.shape = ct.cast(shape, ct.POINTER(ct.c_int64))
            arg.strides = ct.cast(strides, ct.POINTER(ct.c_int64))
            arg.ndim = a.ndim
            arg.dtype = dtype_of(a.dtype)
            arg.itemsize = a.itemsize
        call = Call(ct.sizeof(Call), 0, ct.pointer(self.host), self.state, kernel.kernel, args)
        call.nargs, call.nin, call.threads_max, call.threads_used = len(arrays), nin, threads, 1
        if attrs is not None:
            call.attrs = ct.addressof(attrs)
        return kernel.run(ct.byref(call)), call.threads_used

    def elementwise(self, op, inputs, out, threads=1):
        inputs = [np.broadcast_to(x, out.shape) for x in inputs]
        order = axes_in_memory_order([out, *inputs])
        arrays = [a.transpose(order) for a in [*inputs, out]]
        assert self.run(op, arrays, len(inputs), threads=threads)[0] == 0
        return out

    def reduce(self, op, x, axes=None, dtype=None, threads=1):
        """As numpy's op(x, axes, keepdims=True)."""
        axes = range(x.ndim) if axes is None else axes
        shape = [1 if i in axes else n for i, n in enumerate(x.shape)]
        out = np.empty(shape, dtype or x.dtype)
        flat = np.lib.stride_tricks.as_strided(
            out, strides=[0 if n == 1 else s for n, s in zip(shape, out.strides, strict=True)]
        )
        order = axes_in_memory_order([flat, x])
        mask = sum(1 << i for i, axis in enumerate(order) if axis in axes)
        attrs = Reduction(ct.sizeof(Reduction), 0, mask)
        status, _ = self.run(op, [x.transpose(order), flat.transpose(order)], 1, attrs, threads)
        assert status == 0
        return out
