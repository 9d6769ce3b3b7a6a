#!/usr/bin/env python3
"""Prints template.yaml as `sam build` needs it: with the crates as code, and SAM's own way to build them.

template.yaml itself names built functions, so that it can be deployed without the SAM CLI. SAM builds each
function in its crate's folder, so that the others do not get admin's features; all three share one target
directory, so that common code is compiled once.

The template is for target/sam: paths in it are relative to that.
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    text = (ROOT / "template.yaml").read_text()
    # The linters read template.yaml, so their metadata is removed here.
    text = replaced(text, "    Metadata: &not-for-these-functions\n", "    Metadata: *not-for-these-functions\n")
    text = without_linters(text)
    for function in ("receiver", "processor", "admin"):
        head = f"  {function.capitalize()}:\n    Type: AWS::Serverless::Function\n    Metadata: "
        build = f"{{ BuildMethod: rust-cargolambda, BuildProperties: {{ Binary: {function} }} }}"
        text = replaced(text, head + "*not-for-these-functions\n", head + build + "\n")
        text = replaced(text, f"CodeUri: target/lambda/{function}/\n", f"CodeUri: ../../crates/{function}/\n")
    print(text, end="")


def without_linters(text):
    """Without what follows Receiver's Metadata, up to its properties."""
    start = text.index("    Metadata: *not-for-these-functions\n") + len("    Metadata: *not-for-these-functions\n")
    return text[:start] + text[text.index("    Properties:\n", start):]


def replaced(text, old, new):
    if text.count(old) != 1:
        sys.exit(f"sam_template: template.yaml should have this line once, and has it {text.count(old)} times: {old.strip()}")
    return text.replace(old, new)


if __name__ == "__main__":
    main()
