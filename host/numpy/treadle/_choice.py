# SPDX-License-Identifier: BSD-3-Clause
"""Which backend and how many threads."""

from __future__ import annotations

import threading
from contextlib import ContextDecorator

from treadle import _treadle


class _Thread(threading.local):
    """The choices of the `using` blocks that a thread is in, outermost first."""

    def __init__(self) -> None:
        self.specs: list[str] = []


_thread = _Thread()


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


class using(ContextDecorator):
    """Choose the backends of the calling thread for the length of a ``with`` block.

    Other threads keep theirs. Blocks nest, one object may be entered any number of times and by
    any number of threads, and it works as a decorator.

    Parameters
    ----------
    spec : str
        As for `set_backend`.

    Raises
    ------
    ValueError
        On entering, if a name is unknown.

    Examples
    --------
    >>> with treadle.using("serial"):
    ...     a + b
    """

    def __init__(self, spec: str) -> None:
        self.spec = spec

    def __enter__(self) -> None:
        _treadle.set_thread_backend(self.spec)
        _thread.specs.append(self.spec)

    def __exit__(self, *error: object) -> None:
        _thread.specs.pop()
        _treadle.set_thread_backend(_thread.specs[-1] if _thread.specs else None)

    def __repr__(self) -> str:
        return f"treadle.using({self.spec!r})"


def set_num_threads(threads: int = 0) -> None:
    """Limit the threads of one call.

    Parameters
    ----------
    threads : int
        At least 1; or 0, which goes back to the limit of machine and environment.
    """
    _treadle.set_num_threads(threads)


def get_num_threads() -> int:
    """Return the number of cores that calls may use now.

    It is the least of the affinity mask, the container's quota, ``TREADLE_NUM_THREADS``,
    ``OMP_NUM_THREADS`` and `set_num_threads`.
    """
    return _treadle.get_num_threads()


def set_budget(mode: str | None = None) -> None:
    """Choose among whom the cores are shared.

    Parameters
    ----------
    mode : str or None
        ``"machine"``: with the calls of all processes of this user. ``"process"``: among the calls
        of this process. ``"off"``: not at all; each call gets what it wants, up to the cores.
        None goes back to ``TREADLE_BUDGET``.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    _treadle.set_budget(mode)


def get_budget() -> str:
    """Return the mode that holds: ``"process"``, too, if the machine's can't be had."""
    return _treadle.get_budget()


def set_min(elements: int = 0) -> None:
    """Set the number of elements below which a call stays on its thread.

    Parameters
    ----------
    elements : int
        0 lets the policy decide. 1 makes every call parallel that can be: useful for tests only.
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
