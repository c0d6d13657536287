# SPDX-License-Identifier: BSD-3-Clause
"""treadle_from_dlpack() on capsules of NumPy's, and on tensors that cannot be expressed."""

import ctypes
from ctypes import (
    POINTER,
    c_char_p,
    c_int32,
    c_int64,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)
from pathlib import Path

import numpy as np
import pytest

LIBRARY = Path(__file__).parents[2] / "build/stage/lib/libtreadle.so"
OK, INVALID = 0, -3
CPU = (1, 0)


class DataType(ctypes.Structure):
    _fields_ = (("code", c_uint8), ("bits", c_uint8), ("lanes", c_uint16))


class Tensor(ctypes.Structure):
    _fields_ = (
        ("data", c_void_p),
        ("device", c_int32 * 2),
        ("ndim", c_int32),
        ("dtype", DataType),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("byte_offset", c_uint64),
    )


class Versioned(ctypes.Structure):
    _fields_ = (
        ("version", c_uint32 * 2),
        ("manager", c_void_p * 2),
        ("flags", c_uint64),
        ("tensor", Tensor),
    )


class Array(ctypes.Structure):
    _fields_ = (
        ("data", c_void_p),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("ndim", c_int32),
        ("flags", c_uint32),
        ("dtype", DataType),
        ("itemsize", c_uint32),
        ("reserved", c_uint64 * 3),
    )


class Dlpack(ctypes.Structure):
    _fields_ = (("array", Array), ("strides", c_int64 * 64))


library = ctypes.CDLL(str(LIBRARY))
library.treadle_last_error.restype = c_char_p
library.treadle_from_dlpack.argtypes = [c_void_p, c_int32, POINTER(Dlpack)]
library.treadle_unary.argtypes = [c_char_p, POINTER(Array), POINTER(Array), c_void_p]
pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
pointer_of.restype, pointer_of.argtypes = c_void_p, [ctypes.py_object, c_char_p]

has_versioned = pytest.mark.skipif(
    np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="NumPy has it since 2.1"
)


def convert(capsule, versioned):
    """What the library makes of a capsule, which stays the caller's."""
    found = Dlpack()
    name = b"dltensor_versioned" if versioned else b"dltensor"
    pointer = pointer_of(capsule, name)
    status = library.treadle_from_dlpack(pointer, versioned, ctypes.byref(found))
    assert status == OK, library.treadle_last_error()
    return found.array


def capsule_of(a, versioned):
    return a.__dlpack__(max_version=(1, 0)) if versioned else a.__dlpack__()


def arrays():
    base = np.arange(48.0).reshape(2, 4, 6)
    yield "contiguous", base
    yield "transposed", base.T
    yield "reversed, stepped", base[::-1, ::2, 5:0:-2]
    yield "repeated", np.lib.stride_tricks.as_strided(base[0, 0].copy(), (3, 6), (0, 8))
    yield "one number", np.array(3.5)
    yield "empty", np.zeros((3, 0, 2))
    for kind in "?bhilBHILefdFD":
        yield f"type {kind}", np.arange(7).astype(kind)[::3]


@pytest.mark.parametrize("versioned", [0, pytest.param(1, marks=has_versioned)])
@pytest.mark.parametrize(("name", "a"), list(arrays()))
def test_capsules_become_the_array_itself(name, a, versioned):
    capsule = capsule_of(a, versioned)
    array = convert(capsule, versioned)
    assert array.data == (a.ctypes.data if a.size else array.data)
    assert tuple(array.shape[: array.ndim]) == a.shape
    if a.size:
        assert [
            stride for stride, n in zip(array.strides[: array.ndim], a.shape, strict=True) if n > 1
        ] == [stride for stride, n in zip(a.strides, a.shape, strict=True) if n > 1]
    assert array.itemsize == a.itemsize
    assert array.dtype.bits == 8 * a.itemsize
    out = np.empty_like(a)
    out_capsule = capsule_of(out, versioned)
    target = convert(out_capsule, versioned)
    assert library.treadle_unary(b"copy", ctypes.byref(array), ctypes.byref(target), None) == OK
    assert out.tobytes() == a.tobytes()


@has_versioned
def test_read_only_arrays_are_no_outputs():
    a = np.arange(3.0)
    a.flags.writeable = False
    capsule = capsule_of(a, 1)
    array = convert(capsule, 1)
    assert library.treadle_unary(b"copy", ctypes.byref(array), ctypes.byref(array), None) == INVALID
    assert b"read-only" in library.treadle_last_error()


def tensor(**changes):
    memory = np.arange(6.0)
    shape, strides = (c_int64 * 2)(2, 3), (c_int64 * 2)(3, 1)
    fields = {
        "data": memory.ctypes.data,
        "device": CPU,
        "ndim": 2,
        "dtype": (2, 64, 1),
        "shape": shape,
        "strides": strides,
        "byte_offset": 0,
    } | changes
    made = Tensor(*fields.values())
    made.keep = memory
    return made


def status_of(made, versioned=0):
    found = Dlpack()
    return library.treadle_from_dlpack(ctypes.byref(made), versioned, ctypes.byref(found)), found


def test_byte_offset_and_missing_strides():
    made = tensor(byte_offset=8, strides=None, shape=(c_int64 * 2)(1, 5))
    status, found = status_of(made)
    assert status == OK
    assert found.array.data == made.data + 8
    assert list(found.array.strides[:2]) == [40, 8]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"device": (2, 0)}, "device type 2"),
        ({"dtype": (2, 32, 4)}, "4 lanes"),
        ({"dtype": (0, 4, 1)}, "4 bits"),
        ({"dtype": (3, 64, 1)}, "code 3"),
        ({"dtype": (2, 128, 1)}, "128 bits"),
        ({"ndim": 65}, "ndim is 65"),
        ({"ndim": -1}, "ndim is -1"),
        ({"shape": None}, "shape is NULL"),
        ({"strides": (c_int64 * 2)(2**61, 1)}, "axis 0"),
        ({"strides": None, "shape": (c_int64 * 2)(2, 2**61)}, "axis 1"),
    ],
)
def test_what_cannot_be_expressed_is_refused_with_the_reason(changes, word):
    status, _ = status_of(tensor(**changes))
    assert status == INVALID
    assert word in library.treadle_last_error().decode()


def test_versions_and_null():
    for version, expected in [((1, 9), OK), ((0, 8), INVALID), ((2, 0), INVALID)]:
        made = Versioned(version, (None, None), 0, tensor())
        made.keep = made.tensor
        assert status_of(made, 1)[0] == expected
    assert library.treadle_from_dlpack(None, 0, ctypes.byref(Dlpack())) == INVALID
    assert library.treadle_from_dlpack(ctypes.byref(tensor()), 0, None) == INVALID
