# SPDX-License-Identifier: BSD-3-Clause
"""What would be done with a call, and why."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, SupportsIndex, overload

import numpy as np

from treadle import _hooks, _treadle
from treadle._direct import axes_of, library_call
from treadle._table import as_html, as_text, cell_text

_Arrays = Sequence[Any]

# Functions that are another name for the reduction of a ufunc, or spend their time in it.
_REDUCTIONS: dict[Any, np.ufunc] = {
    np.sum: np.add,
    np.nansum: np.add,
    np.mean: np.add,
    np.nanmean: np.add,
    np.var: np.add,
    np.std: np.add,
    np.prod: np.multiply,
    np.max: np.maximum,
    np.amax: np.maximum,
    np.min: np.minimum,
    np.amin: np.minimum,
    np.nanmax: np.fmax,
    np.nanmin: np.fmin,
    np.any: np.logical_or,
    np.all: np.logical_and,
}
# Those that add up integers as float64.
_AVERAGES = (np.mean, np.nanmean, np.var, np.std)


@dataclass(frozen=True)
class Explanation:
    """What would be done with a call; ``print()`` and notebooks show it as a table.

    Attributes
    ----------
    op : str
        The operation; a name such as ``dgesdd_`` is a routine of BLAS or LAPACK.
    backend : str
        Who would carry it out; ``"numpy"`` if NumPy itself would, as without Treadle.
    variant : str
        The backend's kernel, such as ``"avx512"``, or that it is NumPy's own loop, run on parts of
        the arrays; empty if the backend does not say.
    wanted, granted : int
        Threads that the size is worth, and threads that it would get.
    callers, cores : int
        Large calls in flight, this one included, and cores that they may use together.
    elements, limit : float
        The size of the call, and the size below which it stays on the caller's thread: elements,
        or floating-point operations for products and linear algebra.
    reason : str
        One sentence.
    """

    op: str
    backend: str
    variant: str
    wanted: int
    granted: int
    callers: int
    cores: int
    elements: float
    limit: float
    reason: str

    def __getitem__(self, name: str) -> Any:
        """Return an attribute by its name."""
        return getattr(self, name)

    def _lines(self) -> list[list[str]]:
        kernel = f", kernel {self.variant}" if self.variant else ""
        limit = ""
        if math.isfinite(self.limit):
            limit = f"; below {math.ceil(self.limit):.6g} it stays on the caller"
        return [
            ["backend", self.backend + kernel],
            ["threads", f"{self.granted} of {self.wanted} wanted"],
            ["cores", f"{self.cores}, callers {self.callers}"],
            ["size", f"{self.elements:.6g}{limit}"],
            ["because", self.reason],
        ]

    def __repr__(self) -> str:
        lines = as_text(self._lines(), 2).splitlines()
        return "\n".join([self.op, *(f"  {line}" for line in lines)])

    def _repr_html_(self) -> str:
        return as_html(self.op, self._lines(), 2, head=False)


class RecentCalls:
    """The last large calls of the process; ``str()`` gives an aligned table, notebooks show it too.

    Attributes
    ----------
    rows : list of dict
        The one that ended last is the last: ``op``, ``elements`` (or floating-point operations),
        ``backend``, ``variant``, ``wanted`` (threads that the size was worth), ``granted``,
        ``threads`` (used), ``callers``, ``cores``, ``seconds``, ``begin_ns`` (as by
        `time.monotonic_ns`), ``thread`` (of the caller, as by `threading.get_native_id`), and
        ``reason``.
    """

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def _lines(self) -> list[list[str]]:
        names = ["op", "backend", "reason", "wanted", "granted", "threads", "callers", "seconds"]
        rows = [
            [*(cell_text(row[n]) for n in names), f"{row['elements']:.4g}"] for row in self.rows
        ]
        return [[*names, "elements"], *rows]

    def __str__(self) -> str:
        return as_text(self._lines(), 3) if self.rows else "treadle: no large calls so far"

    def __repr__(self) -> str:
        return f"<treadle.RecentCalls: {len(self.rows)}>\n{self}"

    def _repr_html_(self) -> str:
        return as_html("Treadle: the last large calls", self._lines() if self.rows else [], 3)


def _plain(op: str, elements: float, reason: str, limit: float = math.inf) -> Explanation:
    cores = _treadle.get_num_threads()
    return Explanation(op, "numpy", "", 1, 1, 1, cores, elements, limit, reason)


def _explanation(op: str, decision: dict[str, Any]) -> Explanation:
    """Small calls, and those that no backend has, are NumPy's own."""
    if decision["elements"] < decision["limit"] or decision["backend"].startswith("("):
        decision = decision | {"backend": "numpy", "variant": ""}
    return Explanation(op, **decision)


# ---- ufuncs ----------------------------------------------------------------------------------


def _operand_dtype(operand: Any) -> Any:
    """Return a dtype, or the type of a Python number: NumPy lets the arrays decide then."""
    if type(operand) in (int, float, complex):
        return type(operand)
    return np.asarray(operand).dtype


def _explain_loop(
    ufunc: np.ufunc, dtypes: Sequence[np.dtype[Any]], elements: int, reduces: bool, callers: int
) -> Explanation:
    names = " ".join(dtype.name for dtype in dtypes[: 1 if reduces else ufunc.nin])
    name = f"{ufunc.__name__}{'.reduce' if reduces else ''} of {names}"
    types = tuple(dtype.num for dtype in dtypes)
    decision = _treadle.explain_loop(ufunc, types, elements, reduces, callers)
    if decision is None:
        kind = "reduction" if reduces else "loop"
        return _plain(name, elements, f"Treadle does not split NumPy's {kind} of this kind")
    return _explanation(name, decision)


def _explain_ufunc(ufunc: np.ufunc, arrays: _Arrays, callers: int) -> Explanation:
    if len(arrays) != ufunc.nin:
        raise ValueError(f"{ufunc.__name__} takes {ufunc.nin} arrays, not {len(arrays)}")
    wanted = (*map(_operand_dtype, arrays), *[None] * ufunc.nout)
    dtypes = ufunc.resolve_dtypes(wanted)
    elements = math.prod(np.broadcast_shapes(*map(np.shape, arrays)))
    return _explain_loop(ufunc, dtypes, elements, False, callers)


def _explain_reduction(ufunc: np.ufunc, arrays: _Arrays, axis: Any, callers: int) -> Explanation:
    if len(arrays) != 1:
        raise ValueError(f"{ufunc.__name__}.reduce takes 1 array, not {len(arrays)}")
    array = np.asarray(arrays[0])
    axes_of(axis, array.ndim)
    dtypes = ufunc.resolve_dtypes((None, array.dtype, None), reduction=True)
    return _explain_loop(ufunc, dtypes, array.size, True, callers)


# ---- products and linear algebra ---------------------------------------------------------------


@cache
def _int_bits() -> int:
    """Return how many bits the integers of NumPy's BLAS have."""
    config: Any = getattr(np, "__config__", None)
    build = getattr(config, "CONFIG", {}).get("Build Dependencies", {})
    text = str(build.get("blas", ""))
    return 64 if "64BITINT" in text or "ilp64" in text.lower() else 32


def _product(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> tuple[str, float]:
    """Return the routine, without its type letter, and its work."""
    if min(a.ndim, b.ndim) == 0 or a.shape[-1] != b.shape[-min(2, b.ndim)]:
        raise ValueError(f"shapes {a.shape} and {b.shape} do not fit together in a product")
    if a.ndim == b.ndim == 1:
        return "dot", 2.0 * a.size
    if min(a.ndim, b.ndim) == 1:
        return "gemv", 2.0 * max(a.size, b.size)
    return "gemm", 2.0 * a.shape[-2] * a.shape[-1] * b.shape[-1]


def _square(n: int, factor: float) -> float:
    return factor * float(n) ** 3


def _linalg(function: Any, arrays: Sequence[np.ndarray[Any, Any]]) -> tuple[str, float] | None:
    """Return LAPACK's routine, without its type letter, and its work, as host/blas counts it."""
    m, n = arrays[0].shape[-2:]
    k = min(m, n)
    right = arrays[-1].shape[-1] if len(arrays) > 1 and arrays[-1].ndim > 1 else 1
    works: dict[Any, Callable[[], tuple[str, float]]] = {
        np.linalg.svd: lambda: ("gesdd", 20.0 * max(m, n) * k * k),
        np.linalg.qr: lambda: ("geqrf", 2.0 * m * n * k),
        np.linalg.solve: lambda: ("gesv", _square(n, 1 / 1.5) + 2.0 * n * n * right),
        np.linalg.inv: lambda: ("gesv", _square(n, 1 / 1.5 + 2)),
        np.linalg.det: lambda: ("getrf", _square(n, 1 / 1.5)),
        np.linalg.slogdet: lambda: ("getrf", _square(n, 1 / 1.5)),
        np.linalg.cholesky: lambda: ("potrf", _square(n, 1 / 3)),
        np.linalg.eigh: lambda: ("evd", _square(n, 9.0)),
        np.linalg.eigvalsh: lambda: ("evd", _square(n, 1.4)),
        np.linalg.eig: lambda: ("geev", _square(n, 25.0)),
        np.linalg.eigvals: lambda: ("geev", _square(n, 10.0)),
        np.linalg.lstsq: lambda: ("gelsd", 1.0 * m * n * (4 * k + 2 * right)),
    }
    return works[function]() if function in works else None


def _routine_name(kind: str, letter: str) -> str:
    if kind in ("gemm", "gemv", "dot"):
        suffix = "u_sub" if kind == "dot" and letter in "cz" else ""
        return f"cblas_{letter}{kind}{suffix}"
    if kind == "evd":
        kind = "syevd" if letter in "sd" else "heevd"
    return f"{letter}{kind}_"


def _explain_routine(
    kind: str, flops: float, arrays: Sequence[np.ndarray[Any, Any]], callers: int
) -> Explanation:
    char = np.result_type(*arrays).char
    linalg = kind not in ("gemm", "gemv", "dot")
    letter = {"f": "s", "d": "d", "F": "c", "D": "z"}.get(char, "d" if linalg else "")
    if kind == "geqrf" and letter in "sc":  # NumPy's QR has no single precision
        letter = "d" if letter == "s" else "z"
    if not letter:
        return _plain(kind, flops, f"NumPy multiplies {np.dtype(char).name} without a BLAS")
    name = _routine_name(kind, letter)
    flops *= 4 if letter in "cz" else 1
    side = min(arrays[0].shape[-2], arrays[1].shape[-1]) if kind == "gemm" else math.inf
    decision = _treadle.explain_routine(name, _int_bits(), flops, side, callers)
    return _explanation(name, decision)


# ---- stacks of matrices -----------------------------------------------------------------------

# The gufunc in which a function spends its time, up to the letters that differ between versions.
_STACKED: dict[Any, str] = {
    np.linalg.svd: "svd_f",
    np.linalg.qr: "qr_r_raw",
    np.linalg.solve: "solve",
    np.linalg.inv: "inv",
    np.linalg.det: "det",
    np.linalg.slogdet: "slogdet",
    np.linalg.cholesky: "cholesky_lo",
    np.linalg.eigh: "eigh_lo",
    np.linalg.eigvalsh: "eigvalsh_lo",
    np.linalg.eig: "eig",
    np.linalg.eigvals: "eigvals",
}


def _gufunc(op: Any, array: np.ndarray[Any, Any]) -> np.ufunc | None:
    """Return the gufunc behind a function, for matrices such as these."""
    if isinstance(op, np.ufunc) and op.signature:
        return op
    if op not in _STACKED or array.ndim < 2:
        return None
    loops: Any = np.linalg._umath_linalg
    name, least = _STACKED[op], "m" if array.shape[-2] < array.shape[-1] else "n"
    old = {"svd_f": f"svd_{least}_f", "qr_r_raw": f"qr_r_raw_{least}"}.get(name, "")  # NumPy 1.26
    found: np.ufunc | None = getattr(loops, name, None) or getattr(loops, old, None)
    return found


def _core(
    ufunc: np.ufunc, arrays: Sequence[np.ndarray[Any, Any]]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the core dimensions, as the signature names them, and the shape of the stack."""
    sizes: dict[str, int] = {}
    stacks = []
    for part, array in zip(re.findall(r"\(([^)]*)\)", str(ufunc.signature)), arrays, strict=False):
        names = [name for name in part.split(",") if name]
        present = [n for n in names if array.ndim >= len(names) or not n.endswith("?")]
        for name in names:
            sizes.setdefault(name, 1)
        first = array.ndim - len(present)
        if first < 0 or any(
            sizes[name] not in (1, n) for name, n in zip(present, array.shape[first:], strict=True)
        ):
            raise ValueError(f"shapes {[a.shape for a in arrays]} do not fit {ufunc.signature}")
        sizes |= dict(zip(present, array.shape[first:], strict=True))
        stacks.append(array.shape[:first])
    return tuple(sizes.values()), np.broadcast_shapes(*stacks)


def _types(ufunc: np.ufunc, arrays: Sequence[np.ndarray[Any, Any]]) -> tuple[int, ...] | None:
    """Return the type numbers of the loop on one type of numbers that NumPy will take."""
    wanted = np.result_type(*arrays)
    for types in ufunc.types:
        inputs, outputs = types.split("->")
        if len(set(inputs)) == 1 and np.can_cast(wanted, inputs[0]):
            return tuple(np.dtype(char).num for char in inputs + outputs)
    return None


def _explain_stack(
    op: Any, arrays: Sequence[np.ndarray[Any, Any]], callers: int
) -> Explanation | None:
    """Explain a call on several matrices; None if each of them is a call of its own."""
    ufunc = _gufunc(op, arrays[0]) if arrays else None
    if ufunc is None or len(arrays) != ufunc.nin:
        return None
    core, stack = _core(ufunc, arrays)
    types = _types(ufunc, arrays)
    if types is None or math.prod(stack) < 2:
        return None
    decision = _treadle.explain_stack(ufunc, types, core, math.prod(stack), callers)
    if decision is None:
        return None
    if decision["wanted"] < 2:  # NumPy's loop calls BLAS for one matrix after the other
        decision |= {"backend": "numpy", "variant": ""}
    name = getattr(op, "__name__", str(op))
    return _explanation(f"{name} of a stack of {np.result_type(*arrays).name}", decision)


# ---- any call --------------------------------------------------------------------------------


def _called(name: str) -> Any:
    """Return what a program calls so: ``"add"``, ``"linalg.svd"``, ``"add.reduce"``; or None."""
    found: Any = np
    for part in name.removeprefix("np.").split("."):
        found = getattr(found, part, None)
    return found


def _is_operation(name: str) -> bool:
    """Return whether the library has an operation of this name, for `run`."""
    return any(name in backend["ops"] for backend in _treadle.backends())


def _explain_numpy(op: Any, arrays: _Arrays, axis: Any, callers: int) -> Explanation | None:
    """Explain a call of NumPy; None if it is not one that Treadle has a part in."""
    operands = [np.asarray(a) for a in arrays]
    if (stack := _explain_stack(op, operands, callers)) is not None:
        return stack
    if op in (np.matmul, np.dot):
        if len(operands) != 2:
            raise ValueError(f"{op.__name__} takes 2 arrays, not {len(operands)}")
        return _explain_routine(*_product(*operands), operands, callers)
    if isinstance(op, np.ufunc) and op.signature is None:
        return _explain_ufunc(op, arrays, callers)
    owner = getattr(op, "__self__", None)
    if isinstance(owner, np.ufunc) and op.__name__ == "reduce":
        return _explain_reduction(owner, arrays, 0 if axis is None else axis, callers)
    if op in _REDUCTIONS:
        if op in _AVERAGES and operands and operands[0].dtype.kind in "biu":
            operands[0] = np.broadcast_to(np.float64(), operands[0].shape)
        return _explain_reduction(_REDUCTIONS[op], operands, axis, callers)
    work = _linalg(op, operands) if operands and operands[0].ndim > 1 else None
    return _explain_routine(*work, operands, callers) if work else None


@overload
def explain() -> RecentCalls: ...
@overload
def explain(
    op: Any,
    *arrays: Any,
    axis: SupportsIndex | Sequence[SupportsIndex] | None = None,
    callers: int = 0,
    full_matrices: bool = False,
    upper: bool = False,
) -> Explanation: ...
def explain(
    op: Any = None,
    *arrays: Any,
    axis: SupportsIndex | Sequence[SupportsIndex] | None = None,
    callers: int = 0,
    full_matrices: bool = False,
    upper: bool = False,
) -> Explanation | RecentCalls:
    """Say what would be done with a call, and why, without doing it; or what was done lately.

    Parameters
    ----------
    op : str or callable, optional
        What a program calls: a ufunc (``np.exp``), a reduction (``np.sum``, ``np.add.reduce``), a
        product (``np.matmul``, ``np.dot``) or a function of ``np.linalg``; or its name (``"add"``,
        ``"linalg.svd"``). A name that is not NumPy's, and any name while Treadle is not installed,
        means an operation of the library, as for `run` (``"svd"``). Without `op` the last large
        calls of this process are returned, at most 256.
    *arrays : array_like
        What it would be called with. Only types and shapes matter.
    axis : int or sequence of int, optional
        For reductions.
    callers : int
        Large calls in flight to assume, this one included; 0 means as it is now.
    full_matrices, upper : bool
        As for `run`; for operations of the library.

    Returns
    -------
    Explanation or RecentCalls
        With ``backend``, ``granted``, ``reason`` and more as attributes; or as ``.rows``.

    Raises
    ------
    TypeError
        If `op` is nothing that Treadle has a part in.
    ValueError
        If the number of arrays, a shape or an axis is wrong.

    Notes
    -----
    A ufunc is explained as one call of its inner loop on all elements. Operands that are cast,
    broadcast or sliced make each element dearer, so that such a call goes to several threads at
    fewer elements. The size of a stack is its number of matrices; one that is not cut because its
    matrices are few and large, and threads of BLAS get further, is explained by one of them.
    """
    if op is None and not arrays:
        return RecentCalls(_treadle.recent_calls())
    installed = _hooks.is_installed()
    call = _called(op) if isinstance(op, str) else op
    explanation = None
    if installed and isinstance(call, Hashable):
        explanation = _explain_numpy(call, arrays, axis, callers)
    if explanation is not None:
        return explanation
    if isinstance(op, str) and (_is_operation(op) or not isinstance(call, np.ufunc)):
        args = library_call(op, arrays, None, axis, full_matrices, upper)
        return Explanation(op, **_treadle.explain(*args, callers))
    name = op if isinstance(op, str) else getattr(op, "__name__", repr(op))
    if installed:
        raise TypeError(f"op: Treadle has no part in {name}; it stays NumPy's own")
    size = max((np.size(a) for a in arrays), default=0)
    return _plain(name, size, "treadle.install() has not been called")
