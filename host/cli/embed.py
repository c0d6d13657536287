#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Turn a text file into a C array with a final zero: embed.py INPUT OUTPUT NAME."""

import sys
from pathlib import Path

source, header, name = sys.argv[1:]
content = Path(source).read_bytes() + b"\0"
lines = [content[i : i + 16] for i in range(0, len(content), 16)]
rows = "\n".join("    " + " ".join(f"{byte}," for byte in line) for line in lines)
Path(header).write_text(f"static const unsigned char {name}[] = {{\n{rows}\n}};\n")
