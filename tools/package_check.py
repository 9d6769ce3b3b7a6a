#!/usr/bin/env python3
"""Runs the packages of `make package` as Lambda does, and invokes each: they start and respond.

  package_check.py arm64|x86_64

Run by `make package-check`, with the Python of an environment that has cargo-lambda.
"""

import contextlib
import json
import pathlib
import platform
import re
import sys
import time
import urllib.error
import urllib.request
import zipfile

import runtime_api

ROOT = runtime_api.ROOT
MACHINES = {"arm64": ("aarch64", "arm64"), "x86_64": ("x86_64", "AMD64")}
GLIBC = (2, 34)  # Amazon Linux 2023's


def event(name):
    return json.loads((ROOT / "events" / name).read_text())


# name, invocation, whether it is an error, what the response has to contain
FUNCTIONS = [
    ("receiver", event("api-gateway/options.json"), False, lambda response: response["statusCode"] == 204),
    ("processor", {"Records": []}, False, lambda response: response["batchItemFailures"] == []),
    # Without its settings it has to start all the same, and to report which are missing.
    ("admin", {"action": "plan"}, True, lambda response: "API_URL" in response["errorMessage"]),
    ("recovery", {"action": "sing"}, True, lambda response: "sing" in response["errorMessage"]),
]


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in MACHINES:
        sys.exit("package-check: ARCH is missing: ARCH=arm64 or ARCH=x86_64")
    arch = sys.argv[1]
    if platform.machine() not in MACHINES[arch]:
        sys.exit(f"package-check: this machine is {platform.machine()} and cannot run packages for {arch}")
    packages = ROOT / "target/package" / arch
    with runtime_api.runtime_api(ROOT / "target/package/runtime-api.log") as port:
        problems = [problem for function in FUNCTIONS for problem in check(packages, port, *function)]
    if problems:
        sys.exit("package-check: " + "\npackage-check: ".join(problems))
    print(f"package-check: ok, {len(FUNCTIONS)} packages for {arch} start and respond")


def check(packages, port, name, invocation, error_expected, is_right):
    """What is wrong with a package, a line each."""
    bootstrap = unpack(packages / f"{name}.zip", packages / "run" / name)
    newest = max(tuple(map(int, found)) for found in re.findall(rb"GLIBC_(\d+)\.(\d+)", bootstrap.read_bytes()))
    if newest > GLIBC:
        yield f"{name} needs glibc {newest}, and Lambda has {GLIBC}"
    with runtime_api.running(bootstrap, name, port, bootstrap.parent / "log") as process:
        since = time.monotonic()
        response, failed = invoke(f"http://127.0.0.1:{port}/2015-03-31/functions/{name}/invocations", invocation)
        took = (time.monotonic() - since) * 1000
        # The error of admin is the expected one: it has no settings here.
        kind = "expected error" if failed and error_expected else "error" if failed else "response"
        print(f"{name:10} {kind} in {took:.0f} ms, glibc {newest[0]}.{newest[1]}: {json.dumps(response)[:300]}")
        try:
            right = failed == error_expected and is_right(response)
        except (KeyError, TypeError):
            right = False
        if not right:
            yield f"{name} did not respond as expected; its log is {bootstrap.parent / 'log'}"
        if process.poll() is not None:
            yield f"{name} ended with status {process.returncode}"


def unpack(package, to):
    """As Lambda does, with the mode in the zip file."""
    if not package.exists():
        sys.exit(f"package-check: there is no {package.relative_to(ROOT)}: make package first")
    with zipfile.ZipFile(package) as archive:
        entry = archive.getinfo("bootstrap")
        path = pathlib.Path(archive.extract(entry, to))
    path.chmod(entry.external_attr >> 16 & 0o777)
    return path


def invoke(url, invocation):
    """The response, and whether it is an error."""
    request = urllib.request.Request(url, json.dumps(invocation).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response), "x-amz-function-error" in response.headers
    except urllib.error.HTTPError as error:
        body = error.read().decode()
        with contextlib.suppress(ValueError):
            body = json.loads(body)
        return body, True
    except OSError as error:
        return f"no response: {error}", True


if __name__ == "__main__":
    main()
