#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The layout of all public structs, and every public number and signature, against layout.lock.

    layout.py [--extend | --cdef FILE] COMPILER...

Fails if a line of the lock is no longer true, or if something public is not in the lock. With
--extend new lines are added; a line is never changed or removed, because binaries rely on it.
With --cdef the declarations come from FILE alone, which must say the same as the lock.
Members are found by reading the headers, so that none can be forgotten.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
INCLUDES = [ROOT / "abi", ROOT / "host/include"]
LOCK = HERE / "layout.lock"


def read_headers():
    """The text of all public headers without comments, and the macros that name numbers or texts.

    Not the minor: it counts the additions.
    """
    text, macros = "", []
    for header in sorted(path for folder in INCLUDES for path in folder.glob("treadle/*.h")):
        code = re.sub(r"/\*.*?\*/", " ", header.read_text(), flags=re.S)
        macros += re.findall(r'^#define (TREADLE_\w+) (\d+u?|"[^"]*")$', code, flags=re.M)
        text += re.sub(r"\\\n", " ", code)
    text = re.sub(r"^#.*$", "", text, flags=re.M).replace('extern "C" {', "")
    return text, macros


def squeeze(declaration):
    """One spelling for one declaration, whatever the line breaks and parameter names."""

    def nameless(match):
        parameters = [
            re.sub(r"(?<=[\w*] )\w+$|(?<=\*)\w+$", "", p.strip()) for p in match[1].split(",")
        ]
        return "(" + ", ".join(p.strip() for p in parameters) + ")"

    declaration = " ".join(declaration.split())
    return re.sub(r"\(([^()*][^()]*)\)", nameless, declaration)


def member_name(declaration):
    pointer = re.search(r"\(\*(\w+)\)", declaration)
    return pointer[1] if pointer else re.search(r"(\w+)(\[\w+\])?$", declaration)[1]


def split_members(body):
    """`int a, *b` declares two members; a comma inside parentheses separates parameters."""
    for declaration in filter(None, (part.strip() for part in body.split(";"))):
        if "(" in declaration or "," not in declaration:
            yield squeeze(declaration)
            continue
        first, *others = declaration.split(",")
        base = re.match(r"(.*?)\**\w+(\[\w+\])?$", " ".join(first.split()))[1]
        yield squeeze(first)
        yield from (squeeze(base + other) for other in others)


def describe(text, macros):
    """C statements that print the lines of the lock."""
    for name, body in re.findall(r"\bstruct (treadle_\w+) \{(.*?)\n\};", text, flags=re.S):
        members = list(split_members(body))
        for declaration in members:
            member = member_name(declaration)
            yield (
                f'printf("struct {name} . {member} at %zu, %zu bytes: {declaration}\\n", '
                f"offsetof(struct {name}, {member}), sizeof(((struct {name} *)0)->{member}));"
            )
        if member_name(members[0]) != "struct_size":
            yield f'printf("struct {name} cannot grow, %zu bytes\\n", sizeof(struct {name}));'
    for body in re.findall(r"\benum(?: \w+)? \{(.*?)\}", text, flags=re.S):
        for name in re.findall(r"\b(TREADLE_\w+)", body):
            yield f'printf("enum {name} = %lld\\n", (long long){name});'
    for name, value in macros:
        if name == "TREADLE_ABI_MINOR":
            continue
        shown = value.replace('"', '\\"')
        yield f'printf("macro {name} = {shown}\\n");'
    outside = re.sub(r"\{.*?\n?\}", "", text, flags=re.S)
    for statement in outside.split(";"):
        if "(" in statement and "sizeof" not in statement:
            yield f'printf("function {squeeze(statement)}\\n");'


def lines_of(compiler, include, text, macros=()):
    """What a program that includes `include` finds of the declarations in `text`."""
    statements = "\n".join(describe(text, macros))
    source = f"#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include {include}\n"
    source += f"int main(void)\n{{\n{statements}\n}}\n"
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder, "layout")
        command = [*compiler, "-x", "c", "-", "-o", program, *(f"-I{path}" for path in INCLUDES)]
        subprocess.run(command, input=source, text=True, check=True)
        return subprocess.run(
            [program], capture_output=True, text=True, check=True
        ).stdout.splitlines()


def check_cdef(path, compiler, locked):
    """A text without preprocessor has no macros: numbers are enumerators, texts are left out."""
    text = re.sub(r"/\*.*?\*/", " ", pathlib.Path(path).read_text(), flags=re.S)
    lines = lines_of(compiler, f'"{pathlib.Path(path).resolve()}"', text)
    found = {line for line in lines if not line.startswith("enum TREADLE_ABI_MINOR ")}
    expected = {
        re.sub(r"^macro (\w+ = \d+)u?$", r"enum \1", line)
        for line in locked
        if not (line.startswith("macro") and '"' in line)
    }
    for line in sorted(found ^ expected):
        print("in the lock only:" if line in expected else "not in the lock:", line)
    if found != expected or "#" in text:
        sys.exit(f"{path}: says something else than the headers")


def main():
    arguments = sys.argv[1:]
    locked = LOCK.read_text().splitlines() if LOCK.exists() else []
    if arguments[:1] == ["--cdef"]:
        check_cdef(arguments[1], arguments[2:], locked)
        return
    extend = arguments[:1] == ["--extend"]
    lines = lines_of(arguments[extend:] or ["cc"], "<treadle/treadle.h>", *read_headers())
    broken = [line for line in locked if line not in lines]
    new = [line for line in lines if line not in locked]
    for line in broken:
        print("no longer true:", line)
    if broken:
        sys.exit("layout.lock: binaries that were built before would break")
    if extend:
        LOCK.write_text("".join(line + "\n" for line in [*locked, *new]))
        print(f"{len(new)} lines added")
        return
    for line in new:
        print("not in the lock:", line)
    if new:
        sys.exit("layout.lock: run tests/abi/layout.py --extend and commit the new lines")


if __name__ == "__main__":
    main()
