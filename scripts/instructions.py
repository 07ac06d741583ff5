"""Counts the instructions of fixed work, and compares them with benches/instructions.json.

Time tells little on a machine that others share; the instructions of the same work are the same wherever it is
done. They are counted by valgrind, since virtual machines have no counters of their own (`perf stat` says so), in
the profile in which tests are built: what is watched is how much work a request is, not how well it is compiled.

    instructions.py PROGRAM            fails when a request has become more work
    instructions.py PROGRAM --write    writes what is counted now
"""

import concurrent.futures
import ctypes
import json
import pathlib
import platform
import struct
import subprocess
import sys
import tempfile

HELD = pathlib.Path(__file__).parent.parent / "benches" / "instructions.json"
# How often each is asked for.
WORK = {"key": 300, "contact": 300, "list": 30, "create": 300}
# What a request may grow by. Counting twice differs by 1 %; what falls is to be written down, so that it stays so.
TOLERANCE = 0.20


def hide_auxiliary_vector():
    """Lets the kernel's own copy of it be asked for no more, here and in what is started from here.

    rustix reads it by prctl(PR_GET_AUXV), follows it to the vDSO, and that is not mapped under valgrind, which
    shows an auxiliary vector without it in /proc. That one is read when prctl fails.
    """
    number = {"x86_64": 157, "aarch64": 167}[platform.machine()]
    invalid_argument = 22
    rules = [
        (0x20, 0, 0, 0),  # The number of the system call.
        (0x15, 0, 3, number),
        (0x20, 0, 0, 16),  # Its first argument.
        (0x15, 0, 1, 0x41555856),  # PR_GET_AUXV
        (0x06, 0, 0, 0x00050000 | invalid_argument),
        (0x06, 0, 0, 0x7FFF0000),  # Everything else is allowed.
    ]
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("rules", ctypes.c_void_p)]

    program = Program(len(rules), ctypes.cast(text, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, seccomp, by_filter = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(seccomp, by_filter, ctypes.byref(program), 0, 0):
        sys.exit(f"keyward: seccomp is not to be had here: error {ctypes.get_errno()}")


def counted(program, what, times):
    # On a busy machine a deadline may pass under valgrind, which is slow: that says nothing about the work.
    for _ in range(3):
        with tempfile.NamedTemporaryFile("r", errors="replace") as lines:
            valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={lines.name}"]
            ended = subprocess.run([*valgrind, program, "count", what, str(times)], capture_output=True, text=True)
            if ended.returncode == 0:
                return summed(lines)
    raise SystemExit(f"keyward: counting {what} failed:\n{ended.stdout}\n{ended.stderr}")


def summed(lines):
    """The instructions of all source files, but not those that collect randomness for aws-lc's generators.

    They measure the jitter of the machine until they have enough, which is as often as chance has it: 400 million
    instructions, or twice that.
    """
    total, taken = 0, True
    for line in lines:
        if line.startswith(("fl=", "fi=", "fe=")):
            taken = "/jitterentropy" not in line
        elif taken and line[0].isdigit():
            total += int(line.split()[1])
    return total


def main():
    program, write = sys.argv[1], "--write" in sys.argv[2:]
    hide_auxiliary_vector()
    held = json.loads(HELD.read_text()) if HELD.exists() else {}
    now, wrong = {}, []
    # The start, which all have in common, is the one without a request.
    runs = [("contact", 0), *WORK.items()]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        start, *totals = pool.map(lambda run: counted(program, *run), runs)
    for (what, times), total in zip(WORK.items(), totals):
        now[what] = (total - start) // times
        before = held.get(what)
        if before and now[what] > before * (1 + TOLERANCE):
            # Chance only adds, as work that time brings: what is more both times is more.
            now[what] = min(now[what], (counted(program, what, times) - start) // times)
        change = f"{(now[what] / before - 1) * 100:+.1f} %" if before else "new"
        print(f"{what:10} {now[what]:>12,} instructions a request, {change}")
        if not before or now[what] > before * (1 + TOLERANCE):
            wrong.append(f"{what} has become more work")
    if write:
        HELD.write_text(json.dumps(now, indent=4) + "\n")
    elif wrong:
        sys.exit(f"keyward: {'; '.join(wrong)}. If it is to be so: scripts/instructions.sh --write")


main()
