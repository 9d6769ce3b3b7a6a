#!/usr/bin/env python3
"""Runs the packages of `make package` as Lambda would, and invokes each: they start, and answer.

  package_check.py arm64|x86_64

cargo-lambda serves the Lambda Runtime API; nothing else is there, so whoever calls AWS gets no answer.
"""

import contextlib
import json
import pathlib
import platform
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MACHINES = {"arm64": ("aarch64", "arm64"), "x86_64": ("x86_64", "AMD64")}
GLIBC = (2, 34)  # Amazon Linux 2023's
NOWHERE = "http://127.0.0.1:1"


def event(name):
    return json.loads((ROOT / "events" / name).read_text())


# name, environment, invocation, whether it is an error, what the answer has to say
FUNCTIONS = [
    ("receiver",
     {"ENDPOINTS": "main", "SECRET_PREFIX": "check/endpoints/", "QUEUE_URL": f"{NOWHERE}/queue"},
     event("api-gateway/options.json"), False, lambda answer: answer["statusCode"] == 204),
    ("processor",
     {"TABLE_NAME": "check", "DEAD_LETTER_QUEUE_URL": f"{NOWHERE}/dead-letters"},
     {"Records": []}, False, lambda answer: answer["batchItemFailures"] == []),
    # Without its settings: it has to start all the same, and to say which of them is missing.
    ("admin", {}, {"action": "plan"}, True, lambda answer: "API_URL" in answer["errorMessage"]),
]


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in MACHINES:
        sys.exit("package-check: say which architecture: ARCH=arm64 or ARCH=x86_64")
    arch = sys.argv[1]
    if platform.machine() not in MACHINES[arch]:
        sys.exit(f"package-check: this machine is {platform.machine()} and cannot run packages for {arch}")
    packages = ROOT / "target/package" / arch
    with runtime_api() as url:
        wrong = [problem for function in FUNCTIONS for problem in check(packages, url, *function)]
    if wrong:
        sys.exit("package-check: " + "\npackage-check: ".join(wrong))


def check(packages, url, name, settings, invocation, error_wanted, fits):
    """What is wrong with it."""
    bootstrap = unpack(packages / f"{name}.zip", packages / "run" / name)
    newest = max(tuple(map(int, found)) for found in re.findall(rb"GLIBC_(\d+)\.(\d+)", bootstrap.read_bytes()))
    if newest > GLIBC:
        yield f"{name} wants glibc {newest}, and Lambda has {GLIBC}"
    with running(bootstrap, name, url, settings) as process:
        since = time.monotonic()
        answer, failed = invoke(f"{url}/2015-03-31/functions/{name}/invocations", invocation)
        took = (time.monotonic() - since) * 1000
        print(f"{name:10}{'error' if failed else 'answer'} in {took:.0f} ms, glibc {newest[0]}.{newest[1]}: {json.dumps(answer)[:300]}")
        try:
            as_wanted = failed == error_wanted and fits(answer)
        except (KeyError, TypeError):
            as_wanted = False
        if not as_wanted:
            yield f"{name} did not answer as it should"
        if process.poll() is not None:
            yield f"{name} ended with status {process.returncode}"


def unpack(package, to):
    """As Lambda does, with the mode that the zip file says."""
    if not package.exists():
        sys.exit(f"package-check: there is no {package.relative_to(ROOT)}: make package first")
    with zipfile.ZipFile(package) as archive:
        entry = archive.getinfo("bootstrap")
        path = pathlib.Path(archive.extract(entry, to))
    path.chmod(entry.external_attr >> 16 & 0o777)
    return path


@contextlib.contextmanager
def runtime_api():
    """cargo-lambda's, until the end of the block; its URL."""
    port = free_port()
    tools = pathlib.Path(sys.executable).parent
    command = [tools / "cargo-lambda", "lambda", "watch", "--only-lambda-apis", "--invoke-address", "127.0.0.1", "--invoke-port", str(port)]
    with (ROOT / "target/package/runtime-api.log").open("w") as log, ended(subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)) as process:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                yield f"http://127.0.0.1:{port}"
                return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        sys.exit(f"package-check: cargo-lambda's Runtime API does not answer; see {log.name}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(bootstrap, name, url, settings):
    """The function, with the environment that Lambda gives, until the end of the block."""
    env = {
        "AWS_LAMBDA_RUNTIME_API": f"{url}/.rt/{name}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "check",
        "AWS_SECRET_ACCESS_KEY": "check",
        "AWS_ENDPOINT_URL": NOWHERE,
        **settings,
    }
    with (bootstrap.parent / "log").open("w") as log, ended(subprocess.Popen([bootstrap], env=env, stdout=log, stderr=log)) as process:
        yield process


@contextlib.contextmanager
def ended(process):
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def invoke(url, invocation):
    """The answer, and whether it is an error."""
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
        return f"no answer: {error}", True


if __name__ == "__main__":
    main()
