#!/usr/bin/env python3
"""Prints the licences of everything that is linked into the program, as their authors want them passed on.

Usage: packaging/notices.py [TARGET]
"""

import json
import subprocess
import sys
from pathlib import Path

LICENCE_FILES = ("LICEN", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")
# libdbus-sys brings the C library whose licence its own metadata do not name.
VENDORED = {"libdbus-sys": ["vendor/dbus/COPYING"]}
# What is in the program and no package: its name, its licence, its text.
EMBEDDED = [("uPlot 1.6.32", "MIT", "src/plugins/console/page/uplot.LICENSE")]


def linked(metadata):
    """The packages that end up in the program: not what only builds or tests it."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    found, waiting = set(), [metadata["resolve"]["root"]]
    while waiting:
        node = nodes[waiting.pop()]
        for dependency in node["deps"]:
            normal = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if normal and dependency["pkg"] not in found:
                found.add(dependency["pkg"])
                waiting.append(dependency["pkg"])
    return sorted(
        (package for package in metadata["packages"] if package["id"] in found),
        key=lambda package: (package["name"], package["version"]),
    )


def texts(package):
    folder = Path(package["manifest_path"]).parent
    named = [folder / name for name in VENDORED.get(package["name"], [])]
    own = [
        file
        for file in sorted(folder.iterdir())
        if file.is_file() and file.name.upper().startswith(LICENCE_FILES)
    ]
    return [(file.relative_to(folder), file) for file in own + named]


def main(target="x86_64-unknown-linux-gnu"):
    command = ["cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={target}"]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = linked(metadata)
    print("# What is linked into bemo-sync\n")
    by_text = {}
    for package in packages:
        authors = ", ".join(author.split(" <")[0] for author in package["authors"])
        print(f"- {package['name']} {package['version']}: {package['license']}" + (f"; {authors}" if authors else ""))
        for name, file in texts(package):
            text = file.read_text(encoding="utf-8", errors="replace").strip()
            by_text.setdefault(text, []).append(f"{package['name']} {package['version']}, {name}")
    for name, licence, file in EMBEDDED:
        path = Path(__file__).resolve().parent.parent / file
        print(f"- {name}: {licence}")
        by_text.setdefault(path.read_text(encoding="utf-8").strip(), []).append(f"{name}, {path.name}")
    for text, places in by_text.items():
        print(f"\n## {'; '.join(places)}\n\n```\n{text}\n```")


if __name__ == "__main__":
    main(*sys.argv[1:])
