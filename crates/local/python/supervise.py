"""Runs a program, and makes sure that no process of it is left behind.

Started in a process group of its own. It ends the whole group, the program's children included, when the
program ends, on SIGTERM, and (without --stay) when its standard input closes: then the process at the other
end has ended, for whatever reason. It reads these lines from standard input:

    watch PID      send SIGTERM to that process too, at the end
    unwatch PID    no longer

The lock file is held as long as this runs, and contains the id of the process group.
"""

import argparse
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

BUSY = 3


def die_with_parent():
    """In case this process is killed itself. Linux only."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lock", required=True, help="lock file")
    parser.add_argument("--stay", action="store_true", help="outlive the process that started this")
    parser.add_argument("--remove", action="append", default=[], help="file or directory to remove at the end")
    parser.add_argument("--stop", action="append", default=[], help="a word of the command to run at the end")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()

    lock = open(options.lock, "a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(BUSY)
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()

    ending = threading.Lock()
    watched = set()
    # A closed terminal is no reason to end, and the program inherits this.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    program = None

    def end(*_):
        if not ending.acquire(blocking=False):
            return
        for pid in watched:
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        if program:
            program.kill()
            program.wait()
        if options.stop:
            subprocess.run(options.stop, stdin=subprocess.DEVNULL, timeout=20, check=False)
        for path in options.remove:
            if os.path.isdir(path):
                shutil.rmtree(path, ignore_errors=True)
            elif os.path.exists(path):
                os.remove(path)
        os.killpg(0, signal.SIGKILL)

    # Before the program is there, so that there is no moment in which it could be orphaned.
    signal.signal(signal.SIGTERM, end)
    program = subprocess.Popen(options.program, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)

    def until_program_ends():
        code = program.wait()
        print(f"ended with status {code}", flush=True)
        end()

    threading.Thread(target=until_program_ends, daemon=True).start()
    if not options.stay:
        for line in sys.stdin:
            word, _, pid = line.partition(" ")
            (watched.add if word == "watch" else watched.discard)(int(pid))
        end()
    while True:
        # Not pause(): a signal that comes just before it would wait for the next one.
        time.sleep(1)


main()
