#!/usr/bin/env python3
"""Builds one function, runs it on cargo-lambda's Runtime API, invokes it with an event and prints the response.

  invoke.py receiver|processor|admin EVENT.json

Run by `make invoke`, with the Python of an environment that has cargo-lambda. There is no AWS: what needs it fails.
"""

import json
import pathlib
import subprocess
import sys
import time

import runtime_api

ROOT = runtime_api.ROOT
LIMIT = 60  # seconds
NOTES = {
    "processor": "cargo-lambda sends a deadline in 1970, so the processor returns every message as about to time out.",
    "admin": "admin needs the settings of a deployment. With a local stack: `make up`, then `make plan`.",
    "recovery": "recovery needs a deployment to work on. With a local stack: `make up`, then `make backfill`.",
}


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in runtime_api.SETTINGS:
        sys.exit(f"invoke: expected FUNCTION={'|'.join(runtime_api.SETTINGS)} and EVENT=, a file of events/")
    function, event = sys.argv[1], pathlib.Path(sys.argv[2])
    if not event.is_file():
        folder = {"receiver": "api-gateway", "processor": "sqs", "admin": "admin", "recovery": "recovery"}[function]
        files = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "events" / folder).glob("*.json"))
        sys.exit(f"invoke: there is no file {event}; for {function} there are\n  " + "\n  ".join(files))
    binary = build(function)
    logs = ROOT / "target/invoke"
    with runtime_api.runtime_api(logs / "runtime-api.log") as port, runtime_api.running(binary, function, port, logs / f"{function}.log") as process:
        status = invoke(function, event, port, process)
    log = [without_metrics(line) for line in (logs / f"{function}.log").read_text().splitlines()]
    if log:
        print(f"\nlog of {function}:", *log, sep="\n", file=sys.stderr)
    if function in NOTES:
        print(f"\n{NOTES[function]}", file=sys.stderr)
    sys.exit(status)


def without_metrics(line):
    try:
        fields = json.loads(line)
        fields.pop("_aws", None)
        return json.dumps(fields)
    except (ValueError, AttributeError):
        return line


def build(function):
    """The path of its executable."""
    command = ["cargo", "build", "--quiet", "-p", function, "--bin", function, "--message-format=json-render-diagnostics"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"invoke: {function} could not be built, see above")
    messages = map(json.loads, done.stdout.splitlines())
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == function)


def invoke(function, event, port, process):
    command = ["cargo", "lambda", "invoke", function, "--data-file", str(event), "--invoke-address", "127.0.0.1", "--invoke-port", str(port)]
    print("   ", " ".join(command), file=sys.stderr, flush=True)
    invocation = subprocess.Popen(command, cwd=pathlib.Path.cwd(), env=runtime_api.with_cargo_lambda(), stdout=subprocess.PIPE, text=True)
    with runtime_api.ended(invocation):
        deadline = time.monotonic() + LIMIT
        while invocation.poll() is None:
            if process.poll() is not None:
                # Nothing would ever take the invocation.
                print(f"invoke: {function} ended with status {process.returncode}", file=sys.stderr)
                return 1
            if time.monotonic() > deadline:
                print(f"invoke: no response within {LIMIT} s", file=sys.stderr)
                return 1
            time.sleep(0.05)
        output = invocation.stdout.read().strip()
    try:
        print(json.dumps(json.loads(output), indent=2))
    except ValueError:
        print(output)
    return invocation.returncode


if __name__ == "__main__":
    main()
