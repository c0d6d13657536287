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


class Loader:
    """Stand in a spec for a module's own loader, which is put back before the module runs.

    That loader itself stays as it is: others may share it, as the modules of a zip file do.
    """

    def __init__(self, spec: ModuleSpec) -> None:
        own: Any = spec.loader
        stand_in: Any = self
        self._spec, self._own = spec, own
        spec.loader = stand_in

    @property  # type: ignore[misc]
    def __class__(self) -> type:  # for isinstance
        return type(self._own)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._own.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        self._spec.loader = self._own
        if getattr(module, "__loader__", None) is self:
            module.__loader__ = self._own
        self._own.exec_module(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


class _Loader(Loader):
    def __init__(self, spec: ModuleSpec, watcher: _Watcher) -> None:
        super().__init__(spec)
        self._watcher = watcher

    def exec_module(self, module: ModuleType) -> None:
        self._watcher.watch(super().exec_module, module)


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
        if spec is not None and hasattr(spec.loader, "exec_module"):
            _Loader(spec, self)
        return spec

    def watch(self, execute: Callable[[ModuleType], None], module: ModuleType) -> None:
        if self.around:
            with self.around:
                execute(module)
        else:
            execute(module)
        if self in sys.meta_path:
            sys.meta_path.remove(self)
            _attempt(self.action)


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
