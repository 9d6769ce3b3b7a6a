#!/usr/bin/env python3
"""Builds the functions for Lambda and packs them: target/package/ARCH/{receiver,processor,admin}.zip.

  package.py arm64|x86_64

Run by `make package`, with the Python of an environment that has cargo-lambda.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import plain_template

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
GLIBC = "2.34"  # Amazon Linux 2023's
# Built in two groups: admin and recovery need features of shared crates that the others must not get.
FUNCTIONS = [["receiver", "processor"], ["admin", "recovery"]]
# The earliest time that a zip file can hold, so that the same binary makes the same package.
EPOCH = (1980, 1, 1, 0, 0, 0)


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in TARGETS:
        sys.exit("package: ARCH is missing: ARCH=arm64 or ARCH=x86_64")
    arch = sys.argv[1]
    require_target(TARGETS[arch])
    out = ROOT / "target/package" / arch
    # First, so that flags() finds the sources.
    run(["cargo", "fetch", "--locked", "--target", TARGETS[arch]], "the dependencies could not be fetched")
    for together in FUNCTIONS:
        build(together, TARGETS[arch], out / "build")
    for function in sum(FUNCTIONS, []):
        pack(out / "build" / function / "bootstrap", out / f"{function}.zip")
    write_template(arch, out)


def require_target(target):
    """Checked before the build, which would fail a minute later with a worse message."""
    sysroot = subprocess.run(["rustc", "--print", "sysroot"], cwd=ROOT, check=True, capture_output=True, text=True)
    if not pathlib.Path(sysroot.stdout.strip(), "lib/rustlib", target, "lib").is_dir():
        sys.exit(f"package: Rust's standard library for {target} is not installed. Install it with\n"
                 f"    rustup target add {target}\n"
                 "or build for the other architecture, with ARCH=" + next(a for a, t in TARGETS.items() if t != target))


def build(functions, target, to):
    command = ["cargo", "lambda", "build", "--release", "--locked", "--target", f"{target}.{GLIBC}", "--lambda-dir", str(to)]
    for function in functions:
        command += ["-p", function, "--bin", function]
    run(command, f"{' and '.join(functions)} could not be built", RUSTFLAGS=flags())


def run(command, otherwise, **variables):
    print("   ", " ".join(command), flush=True)
    tools = pathlib.Path(sys.executable).parent
    env = dict(os.environ, PATH=f"{tools}{os.pathsep}{os.environ['PATH']}", **variables)
    if subprocess.run(command, cwd=ROOT, env=env).returncode:
        sys.exit(f"package: {otherwise}, see above")


def flags():
    """Makes the source paths in panic messages the same on every machine, without its directories."""
    home = os.environ.get("CARGO_HOME", pathlib.Path.home() / ".cargo")
    sources = sorted(pathlib.Path(home, "registry/src").glob("*"))
    remap = [f"--remap-path-prefix={path}=" for path in sources] + [f"--remap-path-prefix={ROOT}="]
    return " ".join([os.environ.get("RUSTFLAGS", ""), *remap]).strip()


def pack(binary, package):
    entry = zipfile.ZipInfo("bootstrap", EPOCH)
    entry.create_system = 3  # Unix: otherwise the mode is ignored
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr(entry, binary.read_bytes(), compresslevel=9)
    mib = 1 << 20
    print(f"{package.relative_to(ROOT)}  {package.stat().st_size / mib:.2f} MiB, unpacked {binary.stat().st_size / mib:.2f} MiB")


def write_template(arch, out):
    """template.yaml without aliases, with the zip files beside it as its code."""
    text = plain_template.written_out((ROOT / "template.yaml").read_text())
    for function in sum(FUNCTIONS, []):
        text = replaced(text, f"CodeUri: crates/{function}/\n", f"CodeUri: {function}.zip\n")
        # The code is built.
        build = f"    Metadata: {{ BuildMethod: rust-cargolambda, BuildProperties: {{ Binary: {function} }} }}\n"
        text = replaced(text, build, "")
    if arch == "x86_64":
        text = replaced(text, "    Default: arm64\n", "    Default: x86_64\n")
    # Publishing requires these two, which are beside this template only.
    text = replaced(text, "    SpdxLicenseId: Apache-2.0\n",
                    "    SpdxLicenseId: Apache-2.0\n    LicenseUrl: LICENSE\n    ReadmeUrl: README.md\n")
    (out / "template.yaml").write_text(text)
    for name in ("LICENSE", "README.md"):
        shutil.copyfile(ROOT / name, out / name)


def replaced(text, old, new):
    if text.count(old) != 1:
        sys.exit(f"package: template.yaml should have one line {old.strip()!r}, and has {text.count(old)}")
    return text.replace(old, new)


if __name__ == "__main__":
    main()
