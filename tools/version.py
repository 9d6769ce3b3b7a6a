#!/usr/bin/env python3
"""Checks that the template, the changelog and a release's tag have the version of Cargo.toml.

  version.py [--template FILE] [--changelog FILE] [--tag vX.Y.Z]
"""

import argparse
import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def only(pattern, path):
    """The pattern's first match in that file, its group; None without a match."""
    match = re.search(pattern, path.read_text(), re.MULTILINE)
    return match and match[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--template", type=pathlib.Path, default=ROOT / "template.yaml")
    parser.add_argument("--changelog", type=pathlib.Path, default=ROOT / "CHANGELOG.md")
    parser.add_argument("--tag", help="a release's tag, which has to match as well")
    given = parser.parse_args()

    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    found = {
        f"SemanticVersion in {given.template.name}": only(r"^ +SemanticVersion: (\S+)$", given.template),
        f"the newest heading of {given.changelog.name}": only(r"^## \[(.+?)\]", given.changelog),
    }
    if given.tag is not None:
        found["the tag"] = given.tag.removeprefix("v")
    wrong = [f"{where} is {what}" for where, what in found.items() if what != version]
    if wrong:
        sys.exit(f"version: Cargo.toml has {version}, but " + ", and ".join(wrong))
    print(f"version: {version} everywhere")


if __name__ == "__main__":
    main()
