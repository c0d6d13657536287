# SPDX-License-Identifier: BSD-3-Clause
"""Strategies that draw calls of NumPy: one for each family that Treadle stands behind."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from random_calls import MARGIN, Alias, Array, Call

BOOL, INTS, FLOATS, COMPLEX = "?", "bBhHiIlLqQ", "efdg", "FDG"
NUMBERS = BOOL + INTS + FLOATS + COMPLEX
OTHERS = ("O", "M8[s]", "m8[s]", "S3", "U2")
# Rounding shows in ordinary numbers only: sums of wide ones are one number, of few ones exact.
VALUES = (*("ordinary",) * 5, "wide", "special", "special", "one nan", "zeros", "few")
ERRORS = ("warn",) * 8 + ("raise", "ignore", "call")
PYTHON_NUMBERS = (0, 1, -1, 2, 300, -129, 2**40, 2**63, True, 0.0, -0.0, 1.5, 1e300, 1j)
NUMPY_NUMBERS = (
    *(np.dtype(code).type(value) for code in "?bBhIlQefdFD" for value in (0, 1, 3)),
    *(np.float32(np.nan), np.float64(-np.nan), np.float64(np.inf), np.float16(7)),
)
LENGTHS = (
    *(1, 2, 3, 7, 8, 9, 31, 64, 65, 127, 128, 129, 255, 300),
    *(1000, 2049, 5003, 8191, 8193, 20011),
)

UFUNCS = {
    u.__name__: u
    for u in vars(np).values()
    if isinstance(u, np.ufunc) and u.signature is None and u.__name__ in vars(np)
}


def chance(draw, one_in):
    """True once in so many draws; shrinks to False."""
    return draw(st.integers(0, one_in - 1)) == one_in - 1


def one_of(draw, *values):
    return draw(st.sampled_from(values))


# ---- operands --------------------------------------------------------------------------------


def draw_shape(draw, least=0, most=4, size=24_000):
    """Draw a shape of at most `size` elements, sometimes an empty one."""
    ndim = min(max(one_of(draw, 1, 1, 2, 2, 3, 4, 0), least), most)
    size = min(size, one_of(draw, 300, 5_000, 5_000, size, size))
    shape = []
    for left in range(ndim, 0, -1):
        room = size if left == 1 or chance(draw, 3) else max(1, round(size ** (1 / left)) * 2)
        fitting = [n for n in LENGTHS if n <= min(room, size)]
        n = 0 if chance(draw, 60) else fitting[-1 - draw(st.integers(0, len(fitting) - 1)) // 2]
        shape.append(n)
        size //= max(n, 1)
    return tuple(draw(st.permutations(shape))) if chance(draw, 3) else tuple(shape)


def draw_layout(draw, ndim, repeats=True):
    """Return (order, steps) of an operand; None stands for C order and steps of 1."""
    if ndim == 0:
        return None, None
    order = steps = None
    kind = draw(st.integers(0, 11))
    if kind in (7, 8):
        order = tuple(reversed(range(ndim)))
    elif kind == 9:
        order = tuple(draw(st.permutations(range(ndim))))
    if kind in (9, 10, 11):
        choices = (1, 1, 2, -1, 3, -2) + ((0,) if repeats else ())
        steps = tuple(one_of(draw, *choices) for _ in range(ndim))
    return order, steps


def draw_array(draw, dtype, shape, values=None, repeats=True, **more):
    values = values or one_of(draw, *VALUES)
    order, steps = draw_layout(draw, len(shape), repeats)
    if chance(draw, 25) and np.dtype(dtype).kind in "iufc":
        dtype = np.dtype(dtype).newbyteorder().str
    return Array(
        dtype=dtype,
        shape=shape,
        values=values,
        seed=draw(st.integers(0, 999)),
        order=order,
        steps=steps,
        unaligned=1 if chance(draw, 30) and dtype != "O" else 0,
        **more,
    )


def broadcastable(draw, shape):
    """Draw a shape that broadcasts to `shape`."""
    drop = draw(st.integers(0, len(shape))) if chance(draw, 3) else 0
    return tuple(1 if chance(draw, 4) else n for n in shape[drop:])


def draw_input(draw, dtype, shape, values):
    kind = draw(st.integers(0, 11))
    if kind < 7:
        return draw_array(draw, dtype, shape, values)
    if kind < 10:
        return draw_array(draw, dtype, broadcastable(draw, shape), values)
    return one_of(draw, *PYTHON_NUMBERS) if kind == 10 else one_of(draw, *NUMPY_NUMBERS)


def draw_any_dtype(draw, codes=NUMBERS):
    if chance(draw, 40):
        return one_of(draw, *OTHERS)
    return one_of(draw, "d", "f") if chance(draw, 3) else draw(st.sampled_from(codes))


def may_be_output(spec, shape):
    return (
        isinstance(spec, Array)
        and spec.shape == shape
        and 0 not in (spec.steps or ())
        and not spec.readonly
    )


def draw_written(draw, dtype, shape, **more):
    """Draw an array to write into; rarely, some of its elements are the same memory."""
    array = draw_array(draw, dtype, shape, "ordinary", repeats=False, **more)
    if not shape or not chance(draw, 30):
        return array
    if chance(draw, 2):
        return replace(array, dense=True)
    steps = list(array.steps or (1,) * len(shape))
    steps[draw(st.integers(0, len(shape) - 1))] = 0
    return replace(array, steps=tuple(steps))


def draw_output(draw, args, shape, dtype):
    """Draw an array for the result: of its own, or in the memory of an input."""
    arrays = [a for a in args if isinstance(a, Array)]
    inputs = [i for i, a in enumerate(arrays) if may_be_output(a, shape)]
    if inputs and chance(draw, 2):
        shift = one_of(draw, 0, 0, 1, -1, 2, -3, MARGIN // 2)
        return Alias(draw(st.sampled_from(inputs)), shift, bool(shape) and chance(draw, 10))
    if chance(draw, 4):
        dtype = draw(st.sampled_from(NUMBERS))
    if chance(draw, 60):
        shape = (*shape, 1)
    return draw_written(draw, dtype, shape, readonly=chance(draw, 80))


def draw_where(draw, shape):
    values = one_of(draw, "ordinary", "zeros", "few")
    return draw_array(draw, "?", broadcastable(draw, shape), values)


def as_call(draw, name, args, **kwargs):
    return Call(name, tuple(args), kwargs, one_of(draw, *ERRORS))


# ---- element-wise ----------------------------------------------------------------------------


def draw_operands(draw, u, size=24_000):
    """Return (inputs, common shape, output dtypes) for a ufunc."""
    loops = [t for t in u.types if "O" not in t]
    common = [t for t in loops if t[0] in "dfl"]
    types = draw(st.sampled_from(common if common and chance(draw, 3) else loops))
    inputs, outputs = types.split("->")
    shape = draw_shape(draw, size=size)
    values = one_of(draw, *VALUES, "payloads")
    args = []
    for code in inputs:
        dtype = code if code in NUMBERS else f"{code}8[s]" if code in "mM" else code
        if chance(draw, 5):
            dtype = draw_any_dtype(draw)
        args.append(draw_input(draw, dtype, shape, values))
    if not any(isinstance(a, Array) for a in args):
        args[0] = draw_array(draw, inputs[0] if inputs[0] in NUMBERS else "m8[s]", shape, values)
    return args, np.broadcast_shapes(*(getattr(a, "shape", ()) for a in args)), outputs


COMMON = "add", "subtract", "multiply", "divide", "maximum", "less", "sqrt", "exp", "absolute"
COMPARISONS = "equal", "not_equal", "less", "less_equal", "greater", "greater_equal"


def may_be_masked(name, args):
    """False where a Python integer beyond the other's dtype would crash NumPy 2.5 itself."""
    return not (name in COMPARISONS and any(type(a) is int for a in args))


@st.composite
def ufunc_calls(draw):
    """Calls of element-wise ufuncs, with everything that NumPy lets one say."""
    name = one_of(draw, *COMMON) if chance(draw, 3) else one_of(draw, *sorted(UFUNCS))
    u = UFUNCS[name]
    args, shape, outputs = draw_operands(draw, u)
    kwargs = {}
    if chance(draw, 7) and may_be_masked(name, args):
        kwargs["where"] = (
            draw_where(draw, shape) if not chance(draw, 12) else one_of(draw, True, False)
        )
    masked = (
        kwargs.get("where", True) is not True
    )  # NumPy leaves the rest of a new result undefined
    if masked or chance(draw, 2):
        out = tuple(
            None
            if chance(draw, 8) and u.nout > 1 and not masked
            else draw_output(draw, args, shape, code)
            for code in (c if c in NUMBERS else "m8[s]" for c in outputs)
        )
        kwargs["out"] = out[0] if u.nout == 1 else out
    if chance(draw, 10):
        kwargs["casting"] = one_of(draw, "no", "equiv", "safe", "same_kind", "unsafe")
    if chance(draw, 12):
        kwargs["dtype"] = draw(st.sampled_from(NUMBERS))
    if chance(draw, 15):
        kwargs["order"] = one_of(draw, "C", "F", "A", "K")
    if chance(draw, 25):
        kwargs["subok"] = one_of(draw, True, False)
    return as_call(draw, f"np.{name}", args, **kwargs)


OPERATORS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.true_divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": np.power,
    "and_": np.bitwise_and,
    "or_": np.bitwise_or,
    "xor": np.bitwise_xor,
    "lshift": np.left_shift,
    "rshift": np.right_shift,
    "lt": np.less,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "neg": np.negative,
    "abs": np.absolute,
    "invert": np.invert,
}
IN_PLACE = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift")


@st.composite
def operator_calls(draw):
    """a + b and a += b: NumPy's fast ways for scalars, and for temporaries."""
    if chance(draw, 3):
        name = one_of(draw, *IN_PLACE)
        u = OPERATORS.get(name) or OPERATORS[f"{name}_"]
        args, shape, _ = draw_operands(draw, u)
        if not may_be_output(args[0], shape):
            args[0] = draw_array(draw, draw_any_dtype(draw), shape, repeats=False)
        return as_call(draw, f"operator.i{name}", args)
    name = draw(st.sampled_from(sorted(OPERATORS)))
    args, _, _ = draw_operands(draw, OPERATORS[name])
    if chance(draw, 20) and isinstance(args[0], Array):
        args[0] = Array(args[0].dtype, args[0].shape, args[0].values, subclass=True)
    return as_call(draw, f"operator.{name}", args)


# ---- reductions ------------------------------------------------------------------------------

OFTEN = ("add", "multiply", "maximum", "minimum", "logical_and", "logical_or", "fmax", "bitwise_or")
BINARY = tuple(sorted(n for n, u in UFUNCS.items() if u.nin == 2 and u.nout == 1))


def draw_axis(draw, ndim, several=True):
    if ndim == 0 or chance(draw, 4):
        return None
    if several and ndim > 1 and chance(draw, 4):
        return tuple(draw(st.permutations(range(ndim)))[: draw(st.integers(1, ndim))])
    return draw(st.integers(-ndim, ndim - 1))


def reduced(shape, axis, keepdims):
    axes = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    axes = {a % len(shape) for a in axes} if shape else set()
    kept = [1 if i in axes else n for i, n in enumerate(shape)]
    return tuple(kept if keepdims else (n for i, n in enumerate(kept) if i not in axes))


def draw_reduced(draw, codes=NUMBERS):
    dtype = draw_any_dtype(draw, codes)
    return draw_array(draw, dtype, draw_shape(draw), one_of(draw, *VALUES, "payloads"))


def draw_reduction(draw, array, allowed):
    """Draw the arguments of a reduction among those that the function has."""
    kwargs = {"axis": draw_axis(draw, len(array.shape), "axes" in allowed)}
    if "keepdims" in allowed and chance(draw, 5):
        kwargs["keepdims"] = True
    if "dtype" in allowed and chance(draw, 5):
        kwargs["dtype"] = draw(st.sampled_from(NUMBERS))
    if "initial" in allowed and chance(draw, 8):
        kwargs["initial"] = one_of(draw, *PYTHON_NUMBERS, math.nan, np.float32(2))
    if "where" in allowed and chance(draw, 8):
        kwargs["where"] = draw_where(draw, array.shape)
        kwargs.setdefault("initial", 1) if "initial" in allowed and chance(draw, 2) else None
    if "ddof" in allowed and chance(draw, 4):
        kwargs["ddof"] = one_of(draw, 1, 0.5)
    if "out" in allowed and chance(draw, 7):
        shape = reduced(array.shape, kwargs["axis"], kwargs.get("keepdims", False))
        dtype = array.dtype if chance(draw, 2) else draw(st.sampled_from(NUMBERS))
        kwargs["out"] = draw_written(draw, dtype, shape)
    return kwargs


@st.composite
def method_calls(draw):
    """reduce, accumulate, reduceat, outer and at of the binary ufuncs."""
    name = one_of(draw, *OFTEN) if chance(draw, 2) else one_of(draw, *BINARY)
    u = UFUNCS[name]
    method = one_of(draw, *("reduce",) * 5, "accumulate", "accumulate", "reduceat", "at", "outer")
    if method == "outer":
        args, _, _ = draw_operands(draw, u, size=120)
        return as_call(draw, f"np.{name}.outer", args)
    array = draw_reduced(draw)
    ndim = len(array.shape)
    if method == "reduce":
        allowed = ("axes", "keepdims", "dtype", "initial", "where", "out")
        return as_call(draw, f"np.{name}.reduce", [array], **draw_reduction(draw, array, allowed))
    if method == "at":
        return draw_at(draw, name, array)
    axis = draw(st.integers(-ndim, ndim - 1)) if ndim else 0
    kwargs = {"axis": axis} | draw_reduction(draw, array, ("dtype",)) | {"axis": axis}
    if method == "accumulate":
        if chance(draw, 5) and may_be_output(array, array.shape):
            kwargs["out"] = Alias(0)
        return as_call(draw, f"np.{name}.accumulate", [array], **kwargs)
    n = array.shape[axis] if ndim else 1
    places = [draw(st.integers(0, max(n - 1, 0))) for _ in range(draw(st.integers(1, 4)))]
    return as_call(draw, f"np.{name}.reduceat", [array, tuple(places)], **kwargs)


def draw_at(draw, name, array):
    n = array.shape[0] if array.shape else 1
    places = [draw(st.integers(-n, max(n - 1, 0))) for _ in range(draw(st.integers(1, 5)))]
    if array.steps and 0 in array.steps:
        array = Array(array.dtype, array.shape, array.values, array.seed)
    values = one_of(draw, *PYTHON_NUMBERS, *NUMPY_NUMBERS)
    return as_call(draw, f"np.{name}.at", [array, list(places) * 30, values])


SUM = ("axes", "keepdims", "dtype", "initial", "where", "out")
SPREAD = ("axes", "keepdims", "dtype", "ddof", "where", "out")
EXTREME = ("axes", "keepdims", "initial", "where", "out")
TRUTH = ("axes", "keepdims", "where", "out")
REDUCTIONS = {
    "sum": SUM,
    "prod": SUM,
    "mean": ("axes", "keepdims", "dtype", "where", "out"),
    "var": SPREAD,
    "std": SPREAD,
    "min": EXTREME,
    "max": EXTREME,
    "ptp": ("axes", "keepdims", "out"),
    "any": TRUTH,
    "all": TRUTH,
    "argmin": ("keepdims",),
    "argmax": ("keepdims",),
    "count_nonzero": ("axes", "keepdims"),
    "nansum": SUM,
    "nanprod": SUM,
    "nanmean": ("axes", "keepdims", "dtype", "where", "out"),
    "nanvar": SPREAD,
    "nanstd": SPREAD,
    "nanmin": EXTREME,
    "nanmax": EXTREME,
    "nanargmin": ("keepdims",),
    "nanargmax": ("keepdims",),
    "cumsum": ("dtype", "out of the array's shape"),
    "cumprod": ("dtype",),
    "nancumsum": ("dtype",),
    "median": ("axes", "keepdims"),
    "average": ("axes", "keepdims"),
}
METHODS = [
    "sum",
    "prod",
    "mean",
    "var",
    "std",
    "min",
    "max",
    "any",
    "all",
    "argmin",
    "argmax",
    "cumsum",
]


@st.composite
def reduction_calls(draw):
    """np.sum and its kin, as functions and as methods."""
    name = (
        one_of(draw, "sum", "mean", "var", "std") if chance(draw, 3) else one_of(draw, *REDUCTIONS)
    )
    array = draw_reduced(draw)
    kwargs = draw_reduction(draw, array, REDUCTIONS[name])
    space = "np.ndarray" if name in METHODS and chance(draw, 3) else "np"
    return as_call(draw, f"{space}.{name}", [array], **kwargs)


# ---- products and linear algebra: small enough for one thread of any BLAS library ----------------

PRODUCTS = {
    "matmul": ("mk", "kn"),
    "vecdot": ("k", "k"),
    "matvec": ("mk", "k"),
    "vecmat": ("m", "mn"),
}
SUBSCRIPTS = [
    "bij,bjk->bik",
    "ij,ij->i",
    "ij,jk",
    "bij->bj",
    "i,j->ij",
    "ii->i",
    "ij->ji",
    "bij,bij->",
]
SOLVERS = [
    "norm",
    "solve",
    "inv",
    "det",
    "slogdet",
    "cholesky",
    "eigh",
    "eigvalsh",
    "svd",
    "qr",
    "pinv",
    "eig",
    "matrix_rank",
    "cond",
    "matrix_power",
]
RECTANGULAR = ["svd", "qr", "pinv", "matrix_rank", "cond"]
FLOAT_CODES = ("f", "d", "F", "D")


def draw_stack(draw):
    return draw_shape(draw, 0, 2, one_of(draw, 8, 70, 300))


def draw_product_dtype(draw):
    return one_of(draw, *FLOAT_CODES) if chance(draw, 2) else draw_any_dtype(draw)


@st.composite
def product_calls(draw):
    """matmul and its kin on stacks."""
    name = one_of(draw, *(n for n in PRODUCTS if hasattr(np, n)))
    sizes = {axis: one_of(draw, 1, 2, 3, 4, 8, 17, 0 if chance(draw, 30) else 5) for axis in "mkn"}
    stack = draw_stack(draw)
    dtype = draw_product_dtype(draw)
    args = []
    for axes in PRODUCTS[name]:
        shape = broadcastable(draw, stack) + tuple(sizes[a] for a in axes)
        own = dtype if not chance(draw, 6) else draw_any_dtype(draw)
        args.append(draw_array(draw, own, shape, one_of(draw, "ordinary", "special", "few")))
    if name == "matmul" and chance(draw, 8):
        args[0] = Array(args[0].dtype, (sizes["k"],), args[0].values)
    return as_call(draw, f"np.{name}", args)


@st.composite
def einsum_calls(draw):
    subscripts = one_of(draw, *SUBSCRIPTS)
    # A dot product of more than 10,000 is made of parts by OpenBLAS, as many as it has threads.
    sizes = {axis: draw(st.integers(1, 9)) for axis in "ijk"} | {"b": one_of(draw, 1, 20, 120)}
    dtype = one_of(draw, *FLOAT_CODES, "l", "e")
    inputs = subscripts.split("->")[0].split(",")
    args = [draw_array(draw, dtype, tuple(sizes[a] for a in axes)) for axes in inputs]
    return as_call(draw, "np.einsum", [subscripts, *args], optimize=one_of(draw, False, True))


@st.composite
def linalg_calls(draw):
    """numpy.linalg on stacks of matrices, some of them singular."""
    name = one_of(draw, *SOLVERS)
    n = one_of(draw, 1, 2, 3, 4, 7, 0 if chance(draw, 30) else 5)
    m = n if name not in RECTANGULAR else draw(st.integers(1, 7))
    dtype = (
        one_of(draw, *FLOAT_CODES)
        if chance(draw, 2)
        else draw_any_dtype(draw, BOOL + INTS + "dfFD")
    )
    values = one_of(draw, "ordinary", "ordinary", "few", "one nan", "zeros")
    stack = draw_stack(draw) if name != "norm" else (3,)  # of all it is one long dot product
    args = [draw_array(draw, dtype, (*stack, m, n), values)]
    if name == "matrix_power":
        args.append(draw(st.integers(-2, 5)))
    if name == "solve":
        args.append(draw_array(draw, dtype, (*args[0].shape[:-2], n, draw(st.integers(1, 3)))))
    return as_call(draw, f"np.linalg.{name}", args)


# ---- copies and the rest ---------------------------------------------------------------------


COPIES = [
    "astype",
    "copy",
    "copyto",
    "where",
    "take",
    "sort",
    "argsort",
    "clip",
    "round",
    "concatenate",
    "diff",
    "ravel",
    "partition",
    "repeat",
    "searchsorted",
    "unique",
    "full_like",
    "compress",
    "isin",
]


@st.composite
def copy_calls(draw):
    """Casts, copies, choices and orders."""
    name = draw(st.sampled_from(COPIES))
    array = draw_reduced(draw)
    ndim = len(array.shape)
    axis = draw(st.integers(-ndim, ndim - 1)) if ndim else 0
    other = draw_array(draw, draw_any_dtype(draw), broadcastable(draw, array.shape))
    if name == "astype":
        casting = one_of(draw, "unsafe", "same_kind", "safe")
        return as_call(
            draw,
            "np.ndarray.astype",
            [array, draw_any_dtype(draw), one_of(draw, "K", "C", "F"), casting],
        )
    if name in ("copy", "ravel"):
        return as_call(draw, f"np.{name}", [array], order=one_of(draw, "K", "C", "F", "A"))
    if name == "copyto":
        target = draw_array(draw, draw_any_dtype(draw), array.shape, repeats=False)
        kwargs = {"where": draw_where(draw, array.shape)} if chance(draw, 2) else {}
        return as_call(draw, "np.copyto", [target, other], casting="unsafe", **kwargs)
    if name == "where":
        return as_call(draw, "np.where", [draw_where(draw, array.shape), array, other])
    if name == "take":
        n = array.shape[axis] if ndim else 1
        places = draw_array(draw, "l", draw_shape(draw, 1, 2, 300), "few")
        mode = one_of(draw, "raise", "wrap", "clip") if n else "raise"
        return as_call(draw, "np.take", [array, places], axis=axis, mode=mode)
    if name in ("sort", "argsort"):
        return as_call(
            draw, f"np.{name}", [array], axis=axis, kind=one_of(draw, None, "stable", "heapsort")
        )
    if name == "clip":
        return as_call(draw, "np.clip", [array, one_of(draw, 0, -1, None, 0.5), other])
    if name == "full_like":
        return as_call(draw, "np.full_like", [array, one_of(draw, *PYTHON_NUMBERS)])
    more = {
        "round": (array, draw(st.integers(-1, 3))),
        "concatenate": ((array, array), axis),
        "diff": (array, 1, axis),
        "partition": (array, 0, axis),
        "repeat": (array, draw(st.integers(0, 3))),
        "searchsorted": (Array("d", (100,), "few"), array),
        "unique": (array,),
        "compress": (draw_array(draw, "?", (draw(st.integers(0, 9)),)), array),
        "isin": (array, other),
    }
    return as_call(draw, f"np.{name}", more[name])


BITS = ("PCG64", "PCG64DXSM", "Philox", "MT19937", "SFC64")


@st.composite
def stream_calls(draw):
    """Uniform random numbers, and the state of their generator afterwards."""
    shape = draw_shape(draw)
    begin = one_of(draw, 0, 1, 2, 3, 4, 5, 623, 624, 1000)
    if chance(draw, 4):
        return as_call(draw, "streams.legacy", [begin, shape])
    kwargs = {"dtype": one_of(draw, "f8", "f4", "f2")} if chance(draw, 8) else {}
    if chance(draw, 3):
        kwargs["out"] = draw_array(draw, one_of(draw, "d", "d", "d", "f"), shape, repeats=False)
        shape = None if chance(draw, 2) else shape
    return as_call(draw, "streams.random", [one_of(draw, *BITS), begin, shape], **kwargs)


FAMILIES = {
    "ufunc": ufunc_calls(),
    "operator": operator_calls(),
    "method": method_calls(),
    "reduction": reduction_calls(),
    "product": product_calls(),
    "einsum": einsum_calls(),
    "linalg": linalg_calls(),
    "copy": copy_calls(),
    "stream": stream_calls(),
}
