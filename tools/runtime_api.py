"""cargo-lambda's Lambda Runtime API, and a function that runs on it. Used by invoke.py and package_check.py.

Nothing but the Runtime API is there: a function that calls AWS gets no response.
"""

import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = pathlib.Path(sys.executable).parent
NOWHERE = "http://127.0.0.1:1"
# Just enough for each function to start. admin has no settings: it reports which are missing.
SETTINGS = {
    "receiver": {"ENDPOINTS": "main", "SECRET_PREFIX": "local/endpoints/", "QUEUE_URL": f"{NOWHERE}/queue"},
    "processor": {"TABLE_NAME": "local", "QUEUE_URL": f"{NOWHERE}/queue", "DEAD_LETTER_QUEUE_URL": f"{NOWHERE}/dead-letters"},
    "admin": {},
    "recovery": {
        "TABLE_NAME": "local", "QUEUE_URL": f"{NOWHERE}/queue", "DEAD_LETTER_QUEUE_URL": f"{NOWHERE}/dead-letters", "UNDELIVERED_QUEUE_URL": f"{NOWHERE}/undelivered",
    },
}


@contextlib.contextmanager
def runtime_api(log):
    """Starts it on loopback; yields its port. Ended with the block."""
    port = free_port()
    command = [TOOLS / "cargo-lambda", "lambda", "watch", "--only-lambda-apis", "--invoke-address", "127.0.0.1", "--invoke-port", str(port)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output, ended(subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)) as process:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                yield port
                return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        sys.exit(f"cargo-lambda's Runtime API does not respond; see {log}")


@contextlib.contextmanager
def running(bootstrap, name, port, log):
    """Starts a function with the environment that Lambda gives it; yields its process. Ended with the block."""
    env = {
        "AWS_LAMBDA_RUNTIME_API": f"http://127.0.0.1:{port}/.rt/{name}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL": NOWHERE,
        **SETTINGS[name],
    }
    with log.open("w") as output, ended(subprocess.Popen([bootstrap], env=env, stdout=output, stderr=output)) as process:
        yield process


@contextlib.contextmanager
def ended(process):
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def with_cargo_lambda():
    """An environment in which cargo finds the subcommand `lambda`, and the linker that it uses."""
    return dict(os.environ, PATH=f"{TOOLS}{os.pathsep}{os.environ['PATH']}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
