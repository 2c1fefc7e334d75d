#!/usr/bin/env python3
"""adb as far as edgewright uses it, with a folder as the phone: FAKE_ADB_ROOT stands for /data/local/tmp.

Files that it pushes are no programs, as some phones have it.  The phone's shell ends with this process: its standard
input does.  FAKE_ADB_STATE: unauthorized, offline, full; or nothing.
"""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

SERIAL = "FAKE123"
ROOT = os.environ.get("FAKE_ADB_ROOT", "")
STATE = os.environ.get("FAKE_ADB_STATE", "")
STATES = {
    "unauthorized": "error: device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set\nOtherwise check.",
    "offline": "error: device offline",
}


def main(arguments: list[str]) -> int:
    assert arguments[0] == "-s"
    serial, command = arguments[1:3]
    rest = [each.replace("/data/local/tmp", ROOT) for each in arguments[3:]]
    if serial != SERIAL:
        return fail(f"error: device '{serial}' not found")
    if STATE in STATES:
        return fail(STATES[STATE])
    return shell(" ".join(rest)) if command == "shell" else copy(command, Path(rest[0]), Path(rest[1]))


def copy(command: str, source: Path, target: Path) -> int:
    if command == "push" and STATE == "full":
        return fail(f"adb: error: failed to copy '{source}' to '{target}': remote No space left on device")
    if command == "push":
        shutil.copytree(source, target, dirs_exist_ok=True, copy_function=shutil.copyfile)
        return 0
    assert command == "pull"
    shutil.copytree(source, target / source.name)
    return 0


def shell(line: str) -> int:
    """All three streams pass through this process, so that they end with it."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(["sh", "-c", line], stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    assert process.stdin
    assert process.stdout
    assert process.stderr
    threading.Thread(target=relay, args=(0, process.stdin.fileno()), daemon=True).start()
    told = [
        threading.Thread(target=relay, args=(process.stdout.fileno(), 1)),
        threading.Thread(target=relay, args=(process.stderr.fileno(), 2)),
    ]
    for thread in told:
        thread.start()
    code = process.wait()
    for thread in told:
        thread.join()
    return code


def relay(source: int, target: int) -> None:
    while data := os.read(source, 65536):
        os.write(target, data)
    if target > 2:
        os.close(target)


def fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)
