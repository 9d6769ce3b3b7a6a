#!/usr/bin/env python3
"""Breaks the code on purpose, one promise at a time, and expects the test that keeps it to fail.

  breaks.py run [--from N] [WORD…]   apply each break (whose promise, test or file contains one of the words) in a
                                     scratch copy of HEAD, one after the other; from the Nth on, to resume a run
  breaks.py list                     the numbers and the order of `run`
  breaks.py check                    every break still finds its line, every test exists, docs/testing.md is current
  breaks.py write                    write the table in docs/testing.md

The order saves compile time: unit tests first, then end-to-end tests, each by the file that is broken. Every break is
tried alone: an end-to-end test gets a fresh stack, which takes 5 s to start, little more than updating one.
"""

import argparse
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
BREAKS = tomllib.loads((ROOT / "tools/breaks.toml").read_text())["break"]
DOC = ROOT / "docs/testing.md"
BEGIN, END = "<!-- table: make breaks-table -->\n", "<!-- end of table -->\n"


@functools.cache
def is_end_to_end(package, test):
    return package == "tests" and any(re.search(rf"fn {test}\b", path.read_text()) for path in (ROOT / "tests/e2e").glob("*.rs"))


def table():
    rows = ["| promise | test | break that makes it fail |", "|---|---|---|"]
    for b in BREAKS:
        package, test = b["test"].split()
        where = "end to end" if is_end_to_end(package, test) else package
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
            wrong.append(f"{b['promise']}: its line occurs {count} times in {b['file']}, not once")
        package, test = b["test"].split()
        folder = ROOT / ("tests" if package == "tests" else f"crates/{package}")
        sources = (path.read_text() for path in folder.rglob("*.rs"))
        if not any(re.search(rf"fn {test}\b", source) for source in sources):
            wrong.append(f"{b['promise']}: there is no test {test} in {package}")
    now, expected = document()
    if now != expected:
        wrong.append("docs/testing.md is out of date: run `make breaks-table`")
    if wrong:
        sys.exit("breaks: " + "\nbreaks: ".join(wrong))
    print(f"breaks: {len(BREAKS)} promises, each with a test and a break that still applies")


def ordered():
    return sorted(BREAKS, key=lambda b: (is_end_to_end(*b["test"].split()), b["file"], b["test"]))


def command(package, test, runner):
    # --tests: without the documentation's examples, which would be compiled anew each time.
    cargo = ["cargo", "test", "-q", "-p", package, *(["--features", "api"] if package == "heygen" else [])]
    if is_end_to_end(package, test):
        return [str(runner), "with", "--", *cargo, "--features", "e2e", "--test", "e2e", test]
    return [*cargo, "--tests", test]


def build_runner(tree, env):
    """The command `local` from sound code, where no later build replaces it: it does not have to be rebuilt for breaks
    in what it depends on, since it builds the functions itself."""
    subprocess.run(["cargo", "build", "-q", "-p", "local"], cwd=tree, env=env, check=True)
    runner = tree / "target/local-for-breaks"
    shutil.copy2(tree / "target/debug/local", runner)
    return runner


def is_part_of_runner(b):
    return b["file"].startswith(("crates/local/", "crates/simulator/"))


def fails(output, test):
    """Whether the test itself failed: code that does not compile proves nothing."""
    return re.search(rf"^test \S*{test}( - .*)? \.\.\. FAILED|^---- \S*{test}\b", output, re.M) is not None


def scratch():
    """A worktree of HEAD, kept for the next run with what was built in it."""
    tree = ROOT / "target/breaks"
    if (tree / ".git").exists():
        subprocess.run(["git", "checkout", "--quiet", "--force", "--detach", git("rev-parse", "HEAD")], cwd=tree, check=True)
    else:
        git("worktree", "prune")
        git("worktree", "add", "--force", "--detach", str(tree), "HEAD")
    return tree


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def select(words):
    chosen = enumerate(ordered(), 1)
    return [(n, b) for n, b in chosen if not words or any(w in b["promise"] + b["test"] + b["file"] for w in words)]


def run(first, words):
    chosen = [(number, b) for number, b in select(words) if number >= first]
    tree = scratch()
    # A target directory of its own: the programs in the common one are in use.
    env = {**os.environ, "CARGO_TARGET_DIR": str(tree / "target"), "CARGO_TERM_COLOR": "never"}
    sound_runner, results = None, []
    for number, b in chosen:
        since = time.monotonic()
        if sound_runner is None and is_end_to_end(*b["test"].split()):
            sound_runner = build_runner(tree, env)
        noticed, output = attempt(tree, env, b, sound_runner)
        results.append((number, b, noticed, time.monotonic() - since))
        print(line(*results[-1]), flush=True)
        if not noticed:
            print("    " + "\n    ".join(output.strip().splitlines()[-25:]), flush=True)
    summarise(results)
    sys.exit(not all(noticed for _, _, noticed, _ in results))


def attempt(tree, env, b, runner):
    """Whether the test noticed the break, and what it printed."""
    file = tree / b["file"]
    sound = file.read_text()
    if sound.count(b["find"]) != 1:
        sys.exit(f"{b['promise']}: its line does not occur once in {b['file']}")
    package, test = b["test"].split()
    try:
        file.write_text(sound.replace(b["find"], b["replace"]))
        if runner and is_part_of_runner(b):
            runner = build_runner(tree, env)
        done = subprocess.run(command(package, test, runner), cwd=tree, env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    finally:
        file.write_text(sound)
    return fails(done.stdout, test), done.stdout


def line(number, b, noticed, seconds):
    return f"{number:3} of {len(BREAKS)}  {'noticed' if noticed else 'MISSED':8}{seconds:5.0f} s  {b['test']}: {b['break']}"


def summarise(results):
    print()
    for kind in ("unit", "end to end"):
        of_kind = [r for r in results if is_end_to_end(*r[1]["test"].split()) == (kind == "end to end")]
        if of_kind:
            total = sum(seconds for *_, seconds in of_kind)
            print(f"{kind:12}{sum(noticed for _, _, noticed, _ in of_kind):3} of {len(of_kind):3} noticed, {total / 60:.1f} min")
    missed = [result for result in results if not result[2]]
    for result in missed:
        print(line(*result))
    print(f"breaks: {len(results) - len(missed)} of {len(results)} were noticed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["run", "list", "check", "write"], nargs="?", default="check")
    parser.add_argument("--from", dest="first", type=int, default=1, metavar="N")
    parser.add_argument("words", nargs="*")
    given = parser.parse_intermixed_args()
    if given.action == "run":
        run(given.first, given.words)
    elif given.action == "list":
        for number, b in select(given.words):
            print(f"{number:3}  {b['file']}: {b['break']}\n     {b['test']}")
    elif given.action == "write":
        DOC.write_text(document()[1])
    else:
        check()


if __name__ == "__main__":
    main()
