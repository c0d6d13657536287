# SPDX-License-Identifier: BSD-3-Clause
"""Do something as soon as a module is imported, without importing it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def find_next(
    after: Any, name: str, path: Sequence[str] | None, target: ModuleType | None
) -> ModuleSpec | None:
    """Ask the finders that come after this one, as the import system would."""
    finders = list(sys.meta_path)
    for finder in finders[finders.index(after) + 1 :] if after in finders else ():
        find = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find(name, path, target) if find else None
        if spec is not None:
            return spec
    return None


class _Watcher:
    """A finder that finds nothing itself: it asks those that come next, and watches the loading.

    Looking for a module is not importing it (``importlib.util.find_spec``), so the watcher stays
    until the module has been executed.
    """

    def __init__(self, name: str, action: Callable[[], object], around: Any) -> None:
        self.name = name
        self.action = action
        self.around = around

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.name:
            return None
        spec = find_next(self, name, path, target)
        if spec is not None:
            self.watch(spec)
        return spec

    def watch(self, spec: ModuleSpec) -> None:
        loader: Any = spec.loader
        if not hasattr(loader, "exec_module") or not hasattr(loader, "__dict__"):
            return
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            del loader.exec_module
            if self.around:
                with self.around:
                    execute(module)
            else:
                execute(module)
            if self in sys.meta_path:
                sys.meta_path.remove(self)
                _attempt(self.action)

        loader.exec_module = exec_module


def _attempt(action: Callable[[], object]) -> None:
    """The import that it follows must not fail because of it."""
    try:
        action()
    except Exception as error:
        from treadle._warning import TreadleWarning

        warnings.warn(f"treadle: {error}", TreadleWarning, stacklevel=2)


def after_import(name: str, action: Callable[[], object], around: Any = None) -> Any:
    """Call `action` once the module `name` has been imported: now, if it is there already.

    `around` is a context manager for the import itself. Returns what `forget` takes.
    Errors of `action` become a `TreadleWarning`.
    """
    if name in sys.modules:
        _attempt(action)
        return None
    watcher: Any = _Watcher(name, action, around)
    sys.meta_path.insert(0, watcher)
    return watcher


def forget(watcher: Any) -> None:
    """Do nothing once that module is imported."""
    if watcher in sys.meta_path:
        sys.meta_path.remove(watcher)
