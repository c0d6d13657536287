#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Turn a text file into a C array with a final zero: embed.py INPUT OUTPUT NAME [PART...].

Where INPUT has @file.name@, the part of that name is put.
"""

import sys
from pathlib import Path

source, header, name, *parts = sys.argv[1:]
text = Path(source).read_text(encoding="utf-8")
for part in map(Path, parts):
    text = text.replace(f"@{part.name}@", part.read_text(encoding="utf-8").rstrip("\n"))
content = text.encode() + b"\0"
lines = [content[i : i + 16] for i in range(0, len(content), 16)]
rows = "\n".join("    " + " ".join(f"{byte}," for byte in line) for line in lines)
Path(header).write_text(f"static const unsigned char {name}[] = {{\n{rows}\n}};\n")
