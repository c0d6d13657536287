#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""All public declarations as one text without preprocessor, for foreign function interfaces.

    generate.py HEADER...

The headers are given in the order in which they need each other. What they say beyond plain C
declarations is left out: comments, directives, C++, visibility; a macro that names a number
becomes an enumerator. The text uses intN_t and uintN_t, which every interface predefines.
"""

import pathlib
import re
import sys

TITLE = """\
/* SPDX-License-Identifier: BSD-3-Clause */
/* Made from the headers of Treadle: their declarations, for cdef() of LuaJIT, cffi, PHP and others.
   The contracts stand in <treadle/treadle.h>. */
"""


def declarations(text):
    """What a compiler is left with after preprocessing for C, less what only it needs."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r"\\\n", " ", text)
    text = re.sub(r"^#ifdef __cplusplus\n.*?^#endif\n", "", text, flags=re.S | re.M)
    numbers = re.findall(r"^#define (TREADLE_\w+) (\d+)u?$", text, flags=re.M)
    text = re.sub(r"^#.*\n", "", text, flags=re.M)
    text = re.sub(r"^typedef char treadle_needs_\w+\[.*?\];\n", "", text, flags=re.M)
    text += "".join(f"enum {{ {name} = {value} }};\n" for name, value in numbers)
    return re.sub(r"[ \t]+$|\n(?=\s*\n)", "", text, flags=re.M).strip()


def main(paths):
    parts = [declarations(pathlib.Path(path).read_text()) for path in paths]
    print(TITLE + "\n".join(parts))


if __name__ == "__main__":
    main(sys.argv[1:])
