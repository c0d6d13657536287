# SPDX-License-Identifier: BSD-3-Clause
"""See SciPy's extension modules as they are imported: their BLAS calls can be routed only then."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from types import ModuleType
from typing import Any

from treadle._later import Loader, find_next

_PACKAGE = "scipy."


class _Loader(Loader):
    """Load a module by its own loader, and tell when its file is in memory."""

    def __init__(self, spec: ModuleSpec, loaded: Callable[[], Any]) -> None:
        super().__init__(spec)
        self._loaded = loaded

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        spec.loader = self._own  # the module never sees this one
        module = super().create_module(spec)
        self._loaded()
        return module


class _Finder:
    """Ask the finders that come next, and put a loader of ours before an extension module's."""

    def __init__(self, loaded: Callable[[], Any]) -> None:
        self._loaded = loaded

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith(_PACKAGE):
            return None
        spec = find_next(self, name, path, target)
        if spec is not None and isinstance(spec.loader, ExtensionFileLoader):
            _Loader(spec, self._loaded)
        return spec


_finder: _Finder | None = None


def watch(loaded: Callable[[], Any]) -> None:
    """Call `loaded` after each extension module of SciPy that is loaded from now on."""
    global _finder
    unwatch()
    _finder = _Finder(loaded)
    sys.meta_path.insert(0, _finder)


def unwatch() -> None:
    """Leave imports alone again."""
    global _finder
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    _finder = None
