# SPDX-License-Identifier: BSD-3-Clause
"""Random streams that several threads draw from: numbers and states are those of one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.random import MT19937, PCG64, PCG64DXSM, BitGenerator, Philox

from treadle import _treadle

_Array = np.ndarray[Any, Any]
_Places = Iterator[BitGenerator]

# MT19937 steps by 624 words, and takes two for a number.
_GRAIN = 312
_PHILOX_BLOCK = 4


def _by_steps(kind: Any, state: Any, begins: Sequence[int]) -> _Places:
    """Copy PCG64 or PCG64DXSM, which make a step for each number."""
    kept = {name: state[name] for name in ("has_uint32", "uinteger")}
    for begin in begins:
        copy = kind(0)
        copy.state = state
        copy.advance(begin)
        copy.state = copy.state | kept
        yield copy


def _by_blocks(kind: Any, state: Any, begins: Sequence[int]) -> _Places:
    """Copy Philox, which makes four numbers of each value of its counter."""
    words = state["state"]["counter"]
    counter = sum(int(word) << 64 * i for i, word in enumerate(words))
    left = _PHILOX_BLOCK - state["buffer_pos"]
    for begin in begins:
        copy = kind(0)
        if begin <= left:
            copy.state, drawn = state, begin
        else:
            blocks, place = divmod(begin - left - 1, _PHILOX_BLOCK)
            moved = [(counter + blocks) >> 64 * i & 2**64 - 1 for i in range(len(words))]
            inner = {**state["state"], "counter": np.array(moved, np.uint64)}
            copy.state = {**state, "state": inner, "buffer_pos": _PHILOX_BLOCK}
            drawn = place + 1
        copy.random_raw(drawn, output=False)
        yield copy


@lru_cache(maxsize=16)
def _polynomial(words: int) -> bytes:
    return _treadle.mt19937_polynomial(words)


def _by_polynomials(kind: Any, state: Any, begins: Sequence[int]) -> _Places:
    """Copy MT19937, which leaves its state in whole rounds of 624 words."""
    at, key = 0, state["state"]["key"]
    for begin in begins:
        if begin > at:
            key = _treadle.mt19937_jumped(key, _polynomial(2 * (begin - at)))
            at = begin
        copy = kind(0)
        copy.state = {**state, "state": {**state["state"], "key": key}}
        yield copy


# How to get copies that begin later in the stream, how many numbers pay for one, and how often the
# generator steps for a number.
_JUMPS: dict[type, tuple[Callable[[Any, Any, Sequence[int]], _Places], int, int]] = {
    PCG64: (_by_steps, 40_000, 1),
    PCG64DXSM: (_by_steps, 40_000, 1),
    Philox: (_by_blocks, 40_000, 1),
    MT19937: (_by_polynomials, 700_000, 2),
}


def fill(bit_generator: Any, out: _Array, forced: bool) -> bool:
    """Fill `out` as ``Generator(bit_generator).random(out=out)`` does; False: nothing was done.

    The generator goes behind all of these numbers before the first is drawn, unless somebody has
    drawn from it meanwhile: whatever threads or handlers of signals do, no number comes twice.
    """
    kind = type(bit_generator)
    jump, least, steps = _JUMPS.get(kind, (None, 1, 1))
    if jump is None:
        return False
    # The copy that becomes the end steps over a round: then MT19937 shows its true state.
    size = out.size - _GRAIN
    parts = min(_treadle.get_num_threads(), size // (_GRAIN if forced else least))
    if parts < 2:
        return False
    length = size // parts // _GRAIN * _GRAIN
    begins = [i * length for i in range(parts + 1)]
    first = bit_generator.state
    *copies, last = jump(kind, first, begins)
    last.random_raw(steps * (out.size - begins[-1]), output=False)
    ends = [*begins[1:-1], out.size]
    capsules = [copy.capsule for copy in copies]
    drawn = list(zip(capsules, ends, strict=True))
    return _treadle.draw_parts(out, drawn, bit_generator, first, last.state)
