#!/usr/bin/env python3
"""The version stands in Cargo.toml; the template and the changelog have to say the same.

  version.py [--template FILE] [--changelog FILE] [--tag vX.Y.Z]
"""

import argparse
import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def only(pattern, path):
    """What the pattern's group is in that file, where it first stands; None if it does not."""
    found = re.search(pattern, path.read_text(), re.MULTILINE)
    return found and found[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--template", type=pathlib.Path, default=ROOT / "template.yaml")
    parser.add_argument("--changelog", type=pathlib.Path, default=ROOT / "CHANGELOG.md")
    parser.add_argument("--tag", help="also this, a release's tag, has to fit")
    given = parser.parse_args()

    version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    said = {
        f"SemanticVersion in {given.template.name}": only(r"^ +SemanticVersion: (\S+)$", given.template),
        f"the newest heading of {given.changelog.name}": only(r"^## \[(.+?)\]", given.changelog),
    }
    if given.tag is not None:
        said["the tag"] = given.tag.removeprefix("v")
    wrong = [f"{where} is {what}" for where, what in said.items() if what != version]
    if wrong:
        sys.exit(f"version: Cargo.toml says {version}, but " + ", and ".join(wrong))
    print(f"version: {version} everywhere")


if __name__ == "__main__":
    main()
