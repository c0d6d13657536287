# SPDX-License-Identifier: BSD-3-Clause
"""Operations of the library on NumPy arrays, without NumPy in front: for tests and comparisons."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np

from treadle import _treadle

_Array = np.ndarray[Any, Any]
_Arguments = tuple[str, tuple[_Array, ...], int, int | None, int]

_REDUCTIONS = ("sum", "prod", "min", "max", "mean")
_FULL_MATRICES = 1
_UPPER = 2


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    try:
        axes: tuple[int, ...] = (operator.index(axis),)
    except TypeError:
        axes = tuple(map(operator.index, axis))
    for i in axes:
        if not -ndim <= i < ndim:
            raise ValueError(f"axis {i} is out of bounds for an array of dimension {ndim}")
    return tuple(i % ndim for i in axes)


def _matmul_shape(x: _Array, y: _Array) -> tuple[int, ...]:
    if x.ndim < 2 or y.ndim < 2:
        raise ValueError("matmul takes arrays of at least two dimensions; dot takes vectors")
    return (*np.broadcast_shapes(x.shape[:-2], y.shape[:-2]), x.shape[-2], y.shape[-1])


def _linalg_shapes(op: str, inputs: Sequence[_Array], full: bool) -> list[tuple[int, ...]]:
    if inputs[0].ndim < 2:
        raise ValueError(f"{op} takes arrays of at least two dimensions")
    *stack, m, n = inputs[0].shape
    k = min(m, n)
    shapes = {
        "svd": [(m, m if full else k), (k,), (n if full else k, n)],
        "qr": [(m, m if full else k), (m if full else k, n)],
        "eigh": [(n,), (n, n)],
        "solve": [inputs[-1].shape[len(stack) :]],
        "cholesky": [(n, n)],
        "inv": [(n, n)],
    }[op]
    return [(*stack, *shape) for shape in shapes]


def _outputs(op: str, inputs: Sequence[_Array], axis: Any, full: bool) -> list[_Array]:
    """Make the outputs that NumPy's function of that name would return."""
    x = inputs[0]
    if op in _REDUCTIONS:
        reduced = axes_of(axis, x.ndim)
        shape = tuple(1 if i in reduced else n for i, n in enumerate(x.shape))
        dtype = np.dtype("f8") if op == "mean" and x.dtype.kind in "iu" else x.dtype
        return [np.empty(shape, dtype)]
    if op == "dot":
        return [np.empty((), x.dtype)]
    if op == "matmul":
        return [np.empty(_matmul_shape(*inputs), x.dtype)]
    if op in ("svd", "qr", "eigh", "solve", "cholesky", "inv"):
        return [np.empty(shape, x.dtype) for shape in _linalg_shapes(op, inputs, full)]
    return [np.empty(np.broadcast_shapes(*(i.shape for i in inputs)), x.dtype)]


def _call(
    op: str,
    arrays: Sequence[Any],
    out: Any,
    axis: Any,
    full_matrices: bool,
    upper: bool,
) -> tuple[tuple[_Array, ...], _Arguments]:
    """Return the outputs and the arguments for the extension."""
    if not arrays:
        raise ValueError(f"{op} needs at least one array")
    inputs = [np.asarray(a) for a in arrays]
    if out is None:
        outputs = _outputs(op, inputs, axis, full_matrices)
    else:
        outputs = list(out) if isinstance(out, tuple) else [out]
    bits = None
    if op in _REDUCTIONS:
        bits = sum(1 << i for i in set(axes_of(axis, inputs[0].ndim)))
    flags = _FULL_MATRICES * full_matrices + _UPPER * upper
    return tuple(outputs), (op, (*inputs, *outputs), len(inputs), bits, flags)


def run(
    op: str,
    *arrays: Any,
    out: Any = None,
    axis: SupportsIndex | Sequence[SupportsIndex] | None = None,
    full_matrices: bool = False,
    upper: bool = False,
    used: dict[str, Any] | None = None,
) -> Any:
    """Run one operation of the library on arrays.

    Parameters
    ----------
    op : str
        ``"add"``, ``"sum"``, ``"matmul"``, ``"svd"``, ...; see `backends`.
    *arrays : array_like
        The inputs, all of one dtype.
    out : array or tuple of arrays, optional
        Where the results go. Made if not given.
    axis : int or sequence of int, optional
        For reductions; all axes if not given.
    full_matrices, upper : bool
        For ``svd`` and ``qr``: square factors. For ``eigh``: read the upper triangle.
    used : dict, optional
        Filled in with ``backend``, ``variant``, ``threads``, ``fallbacks``.

    Returns
    -------
    array, or tuple of arrays if the operation has several results
        Reductions keep no reduced axes unless `out` has them.

    Raises
    ------
    ValueError, TypeError, MemoryError, numpy.linalg.LinAlgError
        With a sentence that names the argument.
    """
    outputs, args = _call(op, arrays, out, axis, full_matrices, upper)
    served = _treadle.run(*args)
    if used is not None:
        used.update(served)
    if out is None and op in _REDUCTIONS:
        reduced = axes_of(axis, args[1][0].ndim)
        return outputs[0].squeeze(reduced)[()]
    return outputs[0] if len(outputs) == 1 else outputs


def library_call(
    op: str, arrays: Sequence[Any], out: Any, axis: Any, full_matrices: bool, upper: bool
) -> _Arguments:
    """Return the arguments for the extension."""
    return _call(op, arrays, out, axis, full_matrices, upper)[1]
