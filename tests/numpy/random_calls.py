# SPDX-License-Identifier: BSD-3-Clause
"""Calls of NumPy as data: their operands, how they are carried out, and what can be seen of it.

A call is described by values whose repr() says everything, so that a failure can be read, shrunk
and repeated. The strategies that draw calls are in draw_calls.py.
"""

import operator
import warnings
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

MARGIN = 40  # elements before and after each operand, which nobody may change
LINE = 64
LONG_DOUBLE_BYTES = 10  # of 16; the others mean nothing


class Brief:
    """A dataclass that shows only what is not as usual."""

    def __repr__(self):
        told = []
        for f in fields(self):
            value = getattr(self, f.name)
            if value != f.default and value != {}:
                told.append(f"{f.name}={value!r}")
        return f"{type(self).__name__}({', '.join(told)})"


@dataclass(frozen=True, repr=False)
class Array(Brief):
    """An operand in memory of its own.

    `order` lists the axes from the outermost in memory to the innermost, `steps` how many elements
    lie from one to the next along each axis: 0 repeats, negative runs backwards. If it is `dense`,
    each line begins one step after the line before, as a sliding window does.
    """

    dtype: str
    shape: tuple[int, ...]
    values: str = "ordinary"
    seed: int = 0
    order: tuple[int, ...] | None = None
    steps: tuple[int, ...] | None = None
    dense: bool = False
    unaligned: int = 0
    readonly: bool = False
    subclass: bool = False


@dataclass(frozen=True, repr=False)
class Alias(Brief):
    """An operand in the memory of another one, `shift` elements further on."""

    of: int
    shift: int = 0
    backwards: bool = False


@dataclass(frozen=True, repr=False)
class Call(Brief):
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    errors: str = "warn"


class Sub(np.ndarray):
    """A subclass that adds nothing."""


# ---- values ----------------------------------------------------------------------------------


def wide(rng, n):
    return rng.standard_normal(n) * 10.0 ** rng.integers(-300, 300, n)


def with_some(x, rng, values):
    for value in values:
        x[rng.integers(0, x.size, x.size // 50 + 1)] = value
    return x


def real(values, rng, n):
    if values in ("ordinary", "payloads"):
        return rng.standard_normal(n) * 10.0 ** rng.integers(-3, 4, n)
    if values == "wide":
        return wide(rng, n)
    if values == "zeros":
        return rng.choice([0.0, -0.0], n)
    if values == "few":
        return rng.choice([-2.0, -1.0, -0.0, 0.0, 0.5, 1.0, 2.0, 3.0], n)
    if values == "one nan":
        return with_some(rng.standard_normal(n), rng, [np.nan])
    special = (np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, -1e-310, 1e308)
    return with_some(wide(rng, n), rng, special)


def give_payloads(x, rng):
    """Make every third number a quiet NaN with bits of its own."""
    parts = x.view(x.real.dtype)
    bits = parts.view(f"u{parts.itemsize}")
    quiet = np.array(np.nan, parts.dtype).view(bits.dtype)[()]
    at = rng.random(parts.size) < 0.3
    payload = rng.integers(1, 200, at.sum()).astype(bits.dtype) | quiet
    sign = bits.dtype.type(1 << (8 * bits.itemsize - 1))
    bits[at] = payload | sign * rng.integers(0, 2, at.sum()).astype(bits.dtype)


def integers(values, rng, n, dtype):
    info = np.iinfo(dtype)
    if values in ("ordinary", "one nan", "payloads"):
        lo, hi = max(info.min, -100), min(info.max, 100)
    elif values in ("few", "zeros"):
        lo, hi = max(info.min, -1), 3
    else:
        lo, hi = info.min, info.max
    return rng.integers(lo, hi, n, dtype=dtype, endpoint=True)


def make_values(dtype, values, seed, n):
    """Return n elements, always the same for the same arguments."""
    dtype = np.dtype(dtype)
    native = dtype.newbyteorder("=")
    rng = np.random.default_rng(seed)
    if dtype.kind == "b":
        x = rng.random(n) < {"zeros": 0.002, "few": 0.998}.get(values, 0.5)
    elif dtype.kind in "iu":
        x = integers(values, rng, n, native)
    elif dtype.kind in "fc":
        with np.errstate(all="ignore"):
            x = real(values, rng, n)
            if dtype.kind == "c":
                x = x + 1j * real(values, rng, n)
            x = x.astype(native)
        if values == "payloads" and native.char in "fdFD":
            give_payloads(x, rng)
    else:
        x = rng.integers(-50, 50, n)
        if dtype.kind in "mM" and values == "special":
            x[rng.integers(0, n, n // 20 + 1)] = np.iinfo("i8").min  # NaT
    return x.astype(dtype)


# ---- operands --------------------------------------------------------------------------------


class Operand:
    """One operand and the memory around it."""

    def __init__(self, spec):
        self.spec = spec
        dtype = self.dtype = np.dtype(spec.dtype)
        strides, items, first = [0] * len(spec.shape), 1, 0
        steps = spec.steps or (1,) * len(spec.shape)
        for axis in reversed(spec.order or range(len(spec.shape))):
            n, step = spec.shape[axis], steps[axis]
            pitch = 1 if spec.dense else items
            strides[axis] = pitch * step * dtype.itemsize
            if step < 0 and n:
                first -= (n - 1) * pitch * step
            items *= max(1, n * abs(step))
        total = items + 2 * MARGIN
        raw = np.empty(total * dtype.itemsize + 2 * LINE, np.uint8)
        self.start = -raw.ctypes.data % LINE + spec.unaligned
        self.raw = raw[self.start : self.start + total * dtype.itemsize]
        if dtype.hasobject:
            self.raw = np.empty(total, dtype)
            self.raw[:] = make_values(dtype, spec.values, spec.seed, total)
        else:
            self.raw[:] = make_values(dtype, spec.values, spec.seed, total).view(np.uint8)
        self.offset = (MARGIN + first) * dtype.itemsize
        self.strides = tuple(strides)
        self.array = self.view(0)
        self.array.flags.writeable = not spec.readonly

    def view(self, shift, backwards=False):
        array = np.ndarray(
            self.spec.shape,
            self.dtype,
            buffer=self.raw,
            offset=self.offset + shift * self.dtype.itemsize,
            strides=self.strides,
        )
        if backwards:
            array = array[::-1]
        return array.view(Sub) if self.spec.subclass else array

    def memory(self):
        return self.raw.tolist() if self.dtype.hasobject else elements(self.raw, self.dtype)


def elements(raw, dtype):
    """Return the bits of elements that lie one after the other."""
    if dtype.char in "gG" and np.dtype("g").itemsize == 16:
        raw = raw.reshape(-1, 16)
        raw = raw[:, :LONG_DOUBLE_BYTES] if dtype.isnative else raw[:, -LONG_DOUBLE_BYTES:]
    return raw.tobytes()


class Operands:
    """All operands of one call, as they were asked for."""

    def __init__(self):
        self.made = []

    def __call__(self, spec):
        if isinstance(spec, Array):
            self.made.append(Operand(spec))
            return self.made[-1].array
        if isinstance(spec, Alias):
            return self.made[spec.of].view(spec.shift, spec.backwards)
        if isinstance(spec, tuple):
            return tuple(self(part) for part in spec)
        return spec


# ---- carrying out ----------------------------------------------------------------------------


class Streams:
    """Calls on objects that have to be made for each call."""

    @staticmethod
    def random(bits, begin, *args, **kwargs):
        """Draw numbers from some place in a stream; return them and where the stream is then."""
        source = getattr(np.random, bits)(begin)
        generator = np.random.Generator(source)
        generator.integers(0, 9, begin, dtype="u4")
        return generator.random(*args, **kwargs), repr(source.state)

    @staticmethod
    def legacy(begin, size):
        state = np.random.RandomState(begin)
        state.random_sample(begin)
        return state.random_sample(size), repr(state.get_state())


SPACES = {"np": np, "operator": operator, "streams": Streams}


def function_named(name):
    first, *rest = name.split(".")
    target = SPACES[first]
    for part in rest:
        target = getattr(target, part)
    return target


def seen(value, outputs):
    """Everything of a result that a program can see."""
    if isinstance(value, (tuple, list)):
        return [type(value).__name__, *(seen(part, outputs) for part in value)]
    if not isinstance(value, (np.ndarray, np.generic)):
        return type(value).__name__, repr(value)
    array = np.asarray(value)
    if array.dtype.hasobject:
        bits = repr(array.tolist())
    else:
        bits = elements(np.frombuffer(array.tobytes(), np.uint8), array.dtype)
    same = [i for i, out in enumerate(outputs) if value is out]
    flags = str(value.flags) if isinstance(value, np.ndarray) else ""
    return type(value).__name__, array.dtype.str, array.shape, array.strides, flags, same, bits


def clear_unwritten(result, call, where):
    """What lies where the mask is False was never written unless there was an output."""
    if where is None or where is True or call.kwargs.get("out") is not None:
        return
    for part in result if isinstance(result, tuple) else (result,):
        if isinstance(part, np.ndarray) and part.ndim:
            np.copyto(part, np.zeros((), part.dtype), where=~np.asarray(where))


def carry_out(call):
    """Return (what can be seen of the result or the error, warnings, memory of all operands)."""
    operands = Operands()
    called = []
    args = [operands(a) for a in call.args]
    kwargs = {name: operands(a) for name, a in call.kwargs.items()}
    out = kwargs.get("out")
    outputs = out if isinstance(out, tuple) else (out,)
    function = function_named(call.name)
    with (
        warnings.catch_warnings(record=True) as caught,
        np.errstate(all=call.errors, call=lambda kind, flag: called.append((kind, flag))),
    ):
        warnings.simplefilter("always")
        try:
            result = function(*args, **kwargs)
            if isinstance(function, np.ufunc):
                clear_unwritten(result, call, kwargs.get("where"))
            view = seen(result, outputs)
        except Exception as error:
            view = (type(error).__name__, str(error))
    told = [(w.category.__name__, str(w.message)) for w in caught]
    return view, told, called, [operand.memory() for operand in operands.made]
