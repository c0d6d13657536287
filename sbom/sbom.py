#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write a bill of materials (CycloneDX 1.5) of what a build installs.

Each library or program of ours is listed with what it has inside (``linkage`` is ``static``), and
with the shared libraries that it asks for by name. This is known from Meson's introspection, from
the link lines in build.ninja, and from Debian's package database. There is no time and no path of
the build in it: two builds of one source write the same bytes.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

# By the name of the file, without lib and suffix. A name that is not here gets no licence.
LICENCES = {
    "blis": "BSD-3-Clause",
    "jansson": "MIT",
    "lapack_pic": "BSD-3-Clause",
    "omp": "Apache-2.0 WITH LLVM-exception",
}


def introspected(build, what):
    return json.loads((build / f"meson-info/intro-{what}.json").read_text())


def link_lines(build):
    """Return the words of each link line of build.ninja, by the file that it makes."""
    text = (build / "build.ninja").read_text().replace("$\n", "")
    blocks = re.findall(r"^build (\S+?)(?: \|.*?)?: c_LINKER.*\n((?: .*\n)*)", text, re.MULTILINE)
    return {made: " ".join(re.findall(r"LINK_ARGS = (.*)", rest)).split() for made, rest in blocks}


def needed(path):
    dynamic = subprocess.run(
        ["readelf", "-dW", path], capture_output=True, text=True, check=True, env={"LC_ALL": "C"}
    ).stdout
    return re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)


def package_of(path):
    """Return Debian's package of a file and its version; Nones if there is none."""
    try:
        for name in (path, path.resolve()):
            owner = subprocess.run(["dpkg-query", "-S", name], capture_output=True, text=True)
            if owner.returncode == 0:
                package = owner.stdout.split(": ")[0]
                shown = ["dpkg-query", "-W", "-f", "${binary:Package}\n${Version}", package]
                both = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
                return both.split("\n")
    except FileNotFoundError:
        pass
    return None, None


def component(ref, name, **more):
    return {"type": "library", "bom-ref": ref, "name": name, **more}


def foreign(path):
    """Describe a file of another project that is shipped inside ours."""
    name = re.sub(r"^lib|\.(a|so.*)$", "", path.name)
    package, version = package_of(path)
    found = component(f"inside/{path.name}", name)
    if version:
        package = package.split(":")[0]
        found |= {"version": version, "purl": f"pkg:deb/debian/{package}@{version}"}
    if name in LICENCES:
        found["licenses"] = [{"expression": LICENCES[name]}]
    found["properties"] = [
        {"name": "linkage", "value": "static" if path.suffix == ".a" else "copied"}
    ]
    return found


def shared(name):
    return component(f"shared/{name}", name, properties=[{"name": "linkage", "value": "shared"}])


def own(name, version):
    return component(
        f"treadle/{name}", name, version=version, licenses=[{"expression": "BSD-3-Clause"}]
    )


def copied_libraries(build, source):
    """Return shared libraries of the system that a wheel carries."""
    files = (Path(path) for path in introspected(build, "installed") if path.startswith("/"))
    return [f for f in files if ".so" in f.name and not {source, build} & set(f.parents)]


def binaries(build):
    """Return the programs and libraries that are installed, from the build folder on."""
    kinds = ("executable", "shared library", "shared module")
    return sorted(
        Path(file).relative_to(build)
        for target in introspected(build, "targets")
        if target["installed"] and target["type"] in kinds
        for file in target["filename"]
    )


def parts_of(build, file, link_line, of_ours):
    """Describe what one of our binaries has inside, and what it asks for."""
    archives = (Path(word) for word in link_line if word.startswith("/") and word.endswith(".a"))
    yield from map(foreign, archives)
    for name in needed(build / file):
        yield of_ours(name) or shared(name)


def bill(build, source):
    version = introspected(build, "projectinfo")["version"]
    files = binaries(build)
    lines = link_lines(build)
    components = {}
    depends = {"treadle": []}

    def of_ours(soname):
        names = (file.name for file in files)
        return next(
            (own(n, version) for n in names if n == soname or n.startswith(soname + ".")), None
        )

    def add(to, found):
        components[found["bom-ref"]] = found
        depends.setdefault(to, []).append(found["bom-ref"])

    for file in files:
        add("treadle", own(file.name, version))
        for part in parts_of(build, file, lines[str(file)], of_ours):
            add(f"treadle/{file.name}", part)
    for file in copied_libraries(build, source):
        add("treadle", foreign(file))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": own("treadle", version) | {"bom-ref": "treadle"}},
        "components": [components[ref] for ref in sorted(components)],
        "dependencies": [
            {"ref": ref, "dependsOn": sorted(set(depends[ref]))} for ref in sorted(depends)
        ],
    }


def main():
    build, source, output = map(Path, sys.argv[1:])
    output.write_text(json.dumps(bill(build.resolve(), source.resolve()), indent=1) + "\n")


if __name__ == "__main__":
    main()
