#!/usr/bin/env python3
"""Breaks the code on purpose, one promise at a time, and expects the test that keeps it to fail.

  breaks.py run [WORD…]   apply each break (whose promise or test has one of the words) in a scratch copy of HEAD
  breaks.py check         every break still finds its line, every test still exists, docs/testing.md is current
  breaks.py write         write the table of docs/testing.md
"""

import os
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
BREAKS = tomllib.loads((ROOT / "tools/breaks.toml").read_text())["break"]
DOC = ROOT / "docs/testing.md"
BEGIN, END = "<!-- table: make breaks-table -->\n", "<!-- end of table -->\n"


def is_end_to_end(test):
    return any(re.search(rf"fn {test}\b", path.read_text()) for path in (ROOT / "tests/e2e").glob("*.rs"))


def table():
    rows = ["| promise | test | break that makes it fail |", "|---|---|---|"]
    for b in BREAKS:
        package, test = b["test"].split()
        where = "end to end" if is_end_to_end(test) else package
        rows.append(f"| {b['promise']} | `{test}` ({where}) | {b['break']} |")
    return "\n".join(rows) + "\n"


def document():
    text = DOC.read_text()
    head, rest = text.split(BEGIN)
    return text, head + BEGIN + table() + END + rest.split(END)[1]


def check():
    wrong = []
    for b in BREAKS:
        count = (ROOT / b["file"]).read_text().count(b["find"])
        if count != 1:
            wrong.append(f"{b['promise']}: its line stands {count} times in {b['file']}")
        package, test = b["test"].split()
        folder = ROOT / ("tests" if package == "tests" else f"crates/{package}")
        sources = (path.read_text() for path in folder.rglob("*.rs"))
        if not any(re.search(rf"fn {test}\b", source) for source in sources):
            wrong.append(f"{b['promise']}: there is no test {test} in {package}")
    now, wanted = document()
    if now != wanted:
        wrong.append("docs/testing.md is not current: run `make breaks-table`")
    if wrong:
        sys.exit("breaks: " + "\nbreaks: ".join(wrong))
    print(f"breaks: {len(BREAKS)} promises, each with a test and a break that still applies")


def command(package, test):
    cargo = ["cargo", "test", "-q", "-p", package, *(["--features", "api"] if package == "heygen" else [])]
    if is_end_to_end(test):
        local = ["cargo", "run", "-q", "-p", "local", "--", "with", "--"]
        return local + cargo + ["--features", "e2e", "--test", "e2e", test]
    return cargo + [test]


def fails(output, test):
    """Whether the test itself failed: code that does not compile proves nothing."""
    return re.search(rf"^test \S*{test}( - .*)? \.\.\. FAILED|^---- \S*{test}\b", output, re.M) is not None


def scratch():
    """A worktree of HEAD that stays, with what was built in it."""
    tree = ROOT / "target/breaks"
    if (tree / ".git").exists():
        subprocess.run(["git", "checkout", "--quiet", "--force", "--detach", git("rev-parse", "HEAD")], cwd=tree, check=True)
    else:
        git("worktree", "prune")
        git("worktree", "add", "--force", "--detach", str(tree), "HEAD")
    return tree


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def run(words):
    chosen = [b for b in BREAKS if not words or any(w in b["promise"] + b["test"] for w in words)]
    tree = scratch()
    # A target directory of its own: the programs in the common one are in use.
    env = {**os.environ, "CARGO_TARGET_DIR": str(tree / "target"), "CARGO_TERM_COLOR": "never"}
    unnoticed = 0
    for number, b in enumerate(chosen, 1):
        file = tree / b["file"]
        sound = file.read_text()
        if sound.count(b["find"]) != 1:
            sys.exit(f"{b['promise']}: its line does not stand once in {b['file']}")
        file.write_text(sound.replace(b["find"], b["replace"]))
        package, test = b["test"].split()
        done = subprocess.run(command(package, test), cwd=tree, env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        file.write_text(sound)
        noticed = fails(done.stdout, test)
        unnoticed += not noticed
        print(f"[{number}/{len(chosen)}] {'noticed ' if noticed else 'UNNOTICED'} {b['break']}: {test}", flush=True)
        if not noticed:
            print("    " + "\n    ".join(done.stdout.strip().splitlines()[-25:]), flush=True)
    print(f"breaks: {len(chosen) - unnoticed} of {len(chosen)} were noticed")
    sys.exit(unnoticed != 0)


if __name__ == "__main__":
    action, words = (sys.argv[1:2] or ["check"])[0], sys.argv[2:]
    if action == "run":
        run(words)
    elif action == "write":
        DOC.write_text(document()[1])
    elif action == "check":
        check()
    else:
        sys.exit(__doc__)
