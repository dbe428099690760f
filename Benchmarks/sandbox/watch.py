#!/usr/bin/env python3
"""What the watch of programs costs on a parallel C build: processor time of the same sandboxed build, by turns unwatched,
watched, and with a rule that is asked about each exec.

    watch.py /path/to/codeagent [FILES] [ROUNDS]
"""
import os
import resource
import subprocess
import sys
import tempfile
import time


def write_project(place, files):
    for index in range(files):
        functions = (
            f'int f{index}_{k}(int x) {{ char b[64]; snprintf(b, 64, "%d", x); return b[0] + x * {k}; }}\n'
            for k in range(40))
        with open(f"{place}/f{index}.c", "w") as source:
            source.write("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n" + "".join(functions))
    with open(f"{place}/Makefile", "w") as makefile:
        makefile.write("all: " + " ".join(f"f{index}.o" for index in range(files)) + "\n")
        makefile.write("%.o: %.c\n\t$(CC) -O1 -c $< -o $@\n")


def build(codeagent, place, state, options):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        [codeagent, "sandbox", "run", "--cwd", place, *options, "--", "sh", "-c", "rm -f *.o; make -s -j2 all"],
        env=dict(os.environ, XDG_STATE_HOME=state), check=True, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - start


def main():
    codeagent = sys.argv[1]
    files = int(sys.argv[2]) if len(sys.argv) > 2 else 150
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    ways = {"unwatched": [], "watched": ["--watch"], "asked": ["--forbid", "no-such-program"]}
    times = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as state:
        write_project(place, files)
        for _ in range(rounds):
            for way, options in ways.items():
                times[way].append(build(codeagent, place, state, options))
    for way, values in times.items():
        cpu, wall = sorted(value[0] for value in values), sorted(value[1] for value in values)
        middle = len(values) // 2
        print(f"{way:10} cpu least {cpu[0]:.2f} median {cpu[middle]:.2f} s   "
              f"wall least {wall[0]:.2f} median {wall[middle]:.2f} s")


if __name__ == "__main__":
    main()
