# SPDX-License-Identifier: BSD-3-Clause
"""Which backend and how many threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from treadle import _treadle

_thread = threading.local()


def set_backend(spec: str | None = None) -> None:
    """Choose the backends of all threads.

    Parameters
    ----------
    spec : str or None
        ``"auto"``, a name (``"openmp"``), an ordered list (``"blis,openmp"``), or per operation
        (``"matmul=blis;add=openmp;auto"``). None goes back to ``TREADLE_BACKEND``.

    Raises
    ------
    ValueError
        If a name is unknown; the message lists what there is.
    """
    _treadle.set_backend(spec)


def get_backend() -> str:
    """Return the choice that holds for the calling thread."""
    return _treadle.get_backend()


@contextmanager
def using(spec: str) -> Iterator[None]:
    """Choose the backends of the calling thread for the length of a ``with`` block.

    Other threads keep theirs. Blocks nest, and the function works as a decorator.

    Parameters
    ----------
    spec : str
        As for `set_backend`.

    Examples
    --------
    >>> with treadle.using("serial"):
    ...     a + b
    """
    outer = getattr(_thread, "spec", None)
    _treadle.set_thread_backend(spec)
    _thread.spec = spec
    try:
        yield
    finally:
        _treadle.set_thread_backend(outer)
        _thread.spec = outer


def set_num_threads(threads: int = 0) -> None:
    """Limit the threads of one call; 0 goes back to the limit of machine and environment."""
    _treadle.set_num_threads(threads)


def get_num_threads() -> int:
    """Return the number of cores that calls may use now.

    It is the least of the affinity mask, the container's quota, ``TREADLE_NUM_THREADS``,
    ``OMP_NUM_THREADS`` and `set_num_threads`.
    """
    return _treadle.get_num_threads()


def set_min(elements: int = 0) -> None:
    """Set the number of elements below which a call stays on its thread; 0 lets the policy decide.

    1 makes every call parallel that can be: useful for tests only.
    """
    _treadle.set_min(elements)


def reload_env() -> None:
    """Read the ``TREADLE_`` and ``OMP_`` variables again.

    Raises
    ------
    ValueError
        If one has a wrong value; the message names it and what is allowed.
    """
    _treadle.reload_env()
