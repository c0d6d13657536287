# SPDX-License-Identifier: BSD-3-Clause
"""What one tiny call costs from each language, over the same call from C.

"over C" is the median of the differences in each round; "calm" compares the shortest runs of both,
which is what is left where other machines share the cores.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent / "call_cost"
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs/examples"
STAGE = ROOT / "build/stage"
LIBRARY = STAGE / "lib/libtreadle.so"
INCLUDE = f"-I{STAGE}/include"
LINK = [LIBRARY, f"-Wl,-rpath,{LIBRARY.parent}"]


JNA = Path("/usr/share/java/jna.jar")  # Debian's


def run(*command, folder=None, **environment):
    subprocess.run(command, check=True, cwd=folder, env=os.environ | environment)


def build_c(folder):
    run("gcc", "-O2", INCLUDE, HERE / "cost_c.c", "-o", folder / "c", *LINK)
    return folder / "c"


def build_cpp(folder):
    run("g++", "-O2", "-std=c++17", INCLUDE, HERE / "cost_cpp.cpp", "-o", folder / "cpp", *LINK)
    return [folder / "cpp"]


def build_fortran(folder):
    sources = STAGE / "share/treadle/fortran"
    shim = folder / "shim.o"
    run("gcc", "-O2", INCLUDE, "-c", sources / "treadle_fortran.c", "-o", shim)
    program = [sources / "treadle.f90", HERE / "cost_fortran.f90", shim]
    run("gfortran", "-O2", "-J", folder, *program, "-o", folder / "fortran", *LINK)
    return [folder / "fortran"]


def build_rust(folder):
    crates = ROOT / "host/rust"
    rustc = ["rustc", "--edition", "2021", "-O", "-A", "warnings", "-L", folder]
    sys_crate, crate = folder / "libtreadle_sys.rlib", folder / "libtreadle.rlib"
    lib = [*rustc, "--crate-type", "rlib", "-L", f"native={LIBRARY.parent}", "--crate-name"]
    features = ["--cfg", 'feature="link"', "-l", "dylib=treadle"]
    run(*lib, "treadle_sys", *features, crates / "treadle-sys/src/lib.rs", "-o", sys_crate)
    needs = ["--extern", f"treadle_sys={sys_crate}"]
    run(*lib, "treadle", *needs, crates / "treadle/src/lib.rs", "-o", crate)
    link = ["-L", f"native={LIBRARY.parent}", "-C", f"link-arg=-Wl,-rpath,{LIBRARY.parent}"]
    program = [HERE / "cost_rust.rs", "-o", folder / "rust"]
    run(*rustc, *link, *needs, "--extern", f"treadle={crate}", *program)
    return [folder / "rust"]


def build_jni(folder):
    home = Path(shutil.which("javac")).resolve().parents[1]
    includes = [INCLUDE, f"-I{home}/include", f"-I{home}/include/linux"]
    between = [EXAMPLES / "hello_jni.c", "-o", folder / "libhello_jni.so"]
    run("gcc", "-O2", "-shared", "-fPIC", *includes, *between, *LINK)
    run("javac", "-d", folder, EXAMPLES / "HelloJni.java", HERE / "CostJni.java")
    return ["java", f"-Djava.library.path={folder}", "-cp", folder, "CostJni"]


def build_jna(folder):
    run("javac", "-cp", JNA, "-d", folder, EXAMPLES / "Hello.java", HERE / "CostJna.java")
    return ["java", "-cp", f"{JNA}:{folder}", "CostJna"]


def build_cgo(folder):
    package = shutil.copytree(EXAMPLES / "cgo", folder / "cgo")
    shutil.copy(HERE / "cost_cgo.go", package)
    where = {"PKG_CONFIG_PATH": f"{LIBRARY.parent}/pkgconfig", "CGO_LDFLAGS": LINK[1]}
    run("go", "build", "-o", "cost", folder=package, **where)
    return [package / "cost"]


def build_r(folder):
    shutil.copy(EXAMPLES / "hello_r.c", folder)
    where = {"PKG_CPPFLAGS": INCLUDE, "PKG_LIBS": " ".join(map(str, LINK))}
    quiet = ["R", "CMD", "SHLIB", "--output=hello_r.so", "hello_r.c"]
    run("sh", "-c", '"$@" >/dev/null 2>&1', "-", *quiet, folder=folder, **where)
    return ["Rscript", "--vanilla", HERE / "cost_r.R", folder / "hello_r.so"]


def commands(folder):
    """Name and command of every program that can be built here."""
    c = build_c(folder)
    yield "C, structs", [c, "structs"]
    yield "C, flat", [c, "flat"]
    for name, tool, build in [
        ("C++", "g++", build_cpp),
        ("Fortran", "gfortran", build_fortran),
        ("Rust", "rustc", build_rust),
        ("Java, JNI", "javac", build_jni),
        ("Go, cgo", "go", build_cgo),
        ("R, .Call", "Rscript", build_r),
    ]:
        if shutil.which(tool):
            yield name, build(folder)
    if shutil.which("javac") and JNA.exists():
        yield "Java, JNA", build_jna(folder)
    if shutil.which("luajit"):
        cdef = STAGE / "include/treadle/treadle_cdef.h"
        yield "LuaJIT", ["luajit", HERE / "cost_luajit.lua", LIBRARY, cdef]
    package = ROOT / "build/node"  # made by ./dev test languages
    if shutil.which("node") and (package / "node_modules/koffi").is_dir():
        yield "Node, koffi", ["node", HERE / "cost_node.js", package]
    yield "Python ctypes", [sys.executable, "-B", HERE / "cost_ctypes.py", EXAMPLES]


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="runs of each, interleaved")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args(argv)
    environment = os.environ | {"TREADLE_PLUGIN_PATH": "", "TREADLE_LIBRARY": str(LIBRARY)}
    with tempfile.TemporaryDirectory() as name:
        programs = dict(commands(Path(name)))
        spent = {program: [] for program in programs}
        for _ in range(options.rounds):
            for program, command in programs.items():
                done = subprocess.run(
                    command, env=environment, capture_output=True, text=True, check=True
                )
                spent[program].append(float(done.stdout))
    base = spent["C, structs"]
    print(f"{'add of 8 doubles':18} {'ns':>7} {'over C':>7} {'calm':>7}")
    result = {}
    for program, times in spent.items():
        over = statistics.median(t - b for t, b in zip(times, base, strict=True))
        calm = min(times) - min(base)
        result[program] = {"ns": statistics.median(times), "over_c": over, "calm_over_c": calm}
        print(f"{program:18} {statistics.median(times):7.1f} {over:7.1f} {calm:7.1f}")
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
