# SPDX-License-Identifier: BSD-3-Clause
"""``python -m treadle script.py [args]``: run a program as Python would, with Treadle installed."""

from __future__ import annotations

import atexit
import builtins
import io
import linecache
import os
import pkgutil
import runpy
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import BuiltinImporter, SourceFileLoader

USAGE = """\
usage: python -m treadle [--backend SPEC] (SCRIPT | -m MODULE | -c CODE | -) [ARG ...]
       python -m treadle --doctor

Run a Python program with NumPy's large calls in parallel.

  SCRIPT        a file, or a directory or zip file with a __main__.py
  -m MODULE     a module, as python -m
  -c CODE       a program text, as python -c
  -             read the program from standard input
  --backend S   auto, a backend's name, or a list such as blis,openmp (default: TREADLE_BACKEND)
  --doctor      say what of NumPy goes through Treadle here, and what does not, and why

With TREADLE_VERBOSE=1 a table of the large calls goes to standard error at the end.
"""


# What ``python -m`` itself calls.
run_as_main: Callable[..., object] = vars(runpy)["_run_module_as_main"]


def fail(message: str) -> None:
    sys.stderr.write(f"{sys.orig_argv[0]}: {message}\n")
    sys.exit(2)


def new_main(**names: object) -> types.ModuleType:
    """Put an empty module in the place of this one, as the program's __main__."""
    main = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, **names)
    if sys.version_info < (3, 14):
        main.__dict__.update({"__annotations__": {}})
    sys.modules["__main__"] = main
    return main


def hide_own_frames(error: BaseException) -> None:
    """Let a traceback begin where the program begins, or where runpy does if that starts it."""
    own = (__file__, runpy.__file__, "<frozen runpy>")
    trace = begin = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename in own:
        if trace.tb_frame.f_code.co_filename == __file__:
            begin = trace.tb_next
        trace = trace.tb_next
    error.__traceback__ = begin


@contextmanager
def shown_as_own() -> Iterator[None]:
    """Show the errors of a program as Python shows those of a program of its own."""
    try:
        yield
    except SystemExit:
        raise
    except BaseException:
        hook = sys.excepthook

        def show(
            kind: type[BaseException], error: BaseException, trace: types.TracebackType | None
        ) -> None:
            hide_own_frames(error)
            hook(kind, error, error.__traceback__)

        sys.excepthook = show
        raise


def run_text(source: str | bytes, name: str, main: types.ModuleType) -> None:
    with shown_as_own():
        code = compile(source, name, "exec", dont_inherit=True)
        exec(code, main.__dict__)


def set_first_path(entry: str) -> None:
    """Replace what ``python -m`` put in front of sys.path; safe_path puts nothing there."""
    if not sys.flags.safe_path:
        sys.path[0] = entry


def run_script(path: str) -> None:
    path = os.path.join(os.getcwd(), path)  # stays valid if the program changes its folder
    if pkgutil.get_importer(path) is not None:  # a folder or a zip file
        new_main()
        if sys.flags.safe_path:
            sys.path.insert(0, path)
        set_first_path(path)
        with shown_as_own():
            run_as_main("__main__", alter_argv=False)
        return
    try:
        with io.open_code(path) as file:
            source = file.read()
    except OSError as error:
        fail(f"can't open file {path!r}: [Errno {error.errno}] {error.strerror}")
    set_first_path(os.path.dirname(os.path.realpath(path)))
    loader = SourceFileLoader("__main__", path)
    run_text(source, path, new_main(__file__=path, __cached__=None, __loader__=loader))


def run_module(name: str) -> None:
    new_main()
    with shown_as_own():
        run_as_main(name)


def run_command(code: str) -> None:
    set_first_path("")
    if sys.version_info >= (3, 13):  # tracebacks have its lines from then on
        lines = [f"{line}\n" for line in code.splitlines()]
        linecache.cache["<string>"] = (len(code), None, lines, "<string>")
    run_text(code, "<string>", new_main(__loader__=BuiltinImporter))


def run_stdin() -> None:
    set_first_path("")
    main = new_main(__file__="<stdin>", __cached__=None, __loader__=BuiltinImporter)
    run_text(sys.stdin.read(), "<stdin>", main)


def print_report() -> None:
    import treadle

    sys.stderr.write(f"{treadle.report()}\n")


def print_doctor() -> None:
    """Install, look, and fail if nothing is active."""
    import treadle

    treadle.install()
    sys.stdout.write(f"{treadle.doctor()}\n")
    sys.exit(0 if treadle.installed else 1)


def take_value(args: list[str]) -> str:
    option = args.pop(0)
    if not args:
        sys.stderr.write(USAGE)
        fail(f"{option} needs a value")
    return args.pop(0)


def install(backend: str | None) -> None:
    import treadle

    try:
        treadle.install(backend)
    except ValueError as error:
        fail(str(error))
    if os.environ.get("TREADLE_VERBOSE", "0") not in ("", "0"):
        atexit.register(print_report)


def main() -> None:
    args = sys.argv[1:]
    backend = None
    while args and args[0].startswith("--"):
        if args[0] == "--help":
            sys.stdout.write(USAGE)
            return
        if args[0] == "--doctor":
            print_doctor()
        if args[0] != "--backend":
            sys.stderr.write(USAGE)
            fail(f"unknown option {args[0]}")
        backend = take_value(args)
    if not args or args[0] == "-h":
        (sys.stdout if args else sys.stderr).write(USAGE)
        sys.exit(0 if args else 2)
    if args[0] in ("-m", "-c"):
        start = run_module if args[0] == "-m" else run_command
        sys.argv[:] = [args[0]]
        target = take_value(args)
        sys.argv += args
    else:
        target = args[0]
        start = {"-": lambda _: run_stdin()}.get(target, run_script)
        sys.argv[:] = args
    install(backend)
    start(target)


if __name__ == "__main__":
    main()
