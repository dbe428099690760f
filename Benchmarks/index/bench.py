#!/usr/bin/env python3
"""What the index costs, beside csearch, ripgrep and ctags on the same tree in the same run (see README.md)."""
import argparse
import json
import os
import pathlib
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
GOALS = {
    "index CPU, of cindex's": 1.5,
    "index size, of the tree": 0.35,
    "index memory, MB": 500,
    "regex, of csearch's": 1.0,
    "ranked query, ms": 50,
    "opening, ms": 10,
    "commit of 10 files, ms": 100,
    "300 files, s": 0.3,
}


def spend(command, env=None, stdin=None, into=None):
    """Runs a command to its end: output (none when it goes into a file), wall seconds, CPU seconds of it and its children,
    largest memory in MB. That is never less than what this program has: large outputs go into files."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=into or subprocess.PIPE, stderr=subprocess.PIPE,
                               stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, env=env)
    if stdin is not None:
        process.stdin.write(stdin)
        process.stdin.close()
    out = b"" if into else process.stdout.read()
    error = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)}: {error.decode(errors='replace')[-500:]}")
    return out, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def tree_size(tree):
    files = size = 0
    for directory, names, entries in os.walk(tree):
        names[:] = [name for name in names if name != ".git"]
        for entry in entries:
            path = os.path.join(directory, entry)
            if os.path.isfile(path) and not os.path.islink(path):
                files += 1
                size += os.path.getsize(path)
    return files, size


def directory_size(path):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(path) for f in fs)


def median(values):
    return statistics.median(values)


class Bench:
    def __init__(self, options):
        self.program = os.path.abspath(options.codeagent)
        self.tree = os.path.abspath(options.tree)
        self.rounds = options.rounds
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="index-bench."))
        self.numbers = {}
        self.env = dict(os.environ, XDG_CACHE_HOME=str(self.scratch / "cache"), HOME=str(self.scratch),
                        CSEARCHINDEX=str(self.scratch / "csearchindex"))

    def note(self, name, value, beside=""):
        self.numbers[name] = value
        shown = f"{value:.3f}" if isinstance(value, float) and value < 10 else f"{value:.1f}" if isinstance(
            value, float) else str(value)
        goal = GOALS.get(name)
        mark = "" if goal is None else ("  ✓" if value <= goal else f"  ✗ goal {goal}")
        print(f"  {name:<34}{shown:>10}  {beside}{mark}", flush=True)

    def codeagent(self, *arguments, stdin=None, into=None):
        return spend([self.program, *arguments], self.env, stdin, into)

    def lines(self, *command):
        """Runs a command that prints lines: CPU and wall seconds, and how many lines."""
        with open(self.scratch / "lines", "wb+") as found:
            _, wall, cpu, _ = spend(command, self.env, into=found)
            found.seek(0)
            return cpu, wall, sum(block.count(b"\n") for block in iter(lambda: found.read(1 << 20), b""))

    def index(self):
        files, size = tree_size(self.tree)
        print(f"{self.tree}: {files} files, {size / 1e6:.1f} MB")
        spend(["sh", "-c", f"find '{self.tree}' -type f -print0 | xargs -0 cat > /dev/null"])  # the disk's part
        ours, theirs = [], []
        for _ in range(self.rounds):
            shutil.rmtree(self.scratch / "cache", ignore_errors=True)
            out, wall, cpu, memory = self.codeagent("index", self.tree, "--json")
            ours.append((cpu, wall, memory))
            if os.path.exists(self.env["CSEARCHINDEX"]):
                os.unlink(self.env["CSEARCHINDEX"])
            theirs.append(spend(["cindex", self.tree], self.env)[1:3][::-1])
        kept = directory_size(self.scratch / "cache")
        csize = os.path.getsize(self.env["CSEARCHINDEX"])
        self.note("index, CPU s", median([o[0] for o in ours]), f"wall {median([o[1] for o in ours]):.2f} s")
        self.note("cindex, CPU s", median([t[0] for t in theirs]), f"wall {median([t[1] for t in theirs]):.2f} s")
        self.note("index CPU, of cindex's", median([o[0] / t[0] for o, t in zip(ours, theirs)]))
        self.note("index size, of the tree", kept / size, f"cindex {csize / size:.3f}")
        self.note("index memory, MB", max(o[2] for o in ours))
        if shutil.which("ctags"):
            # It cannot shorten /dev/null, and gives up when it is to write there.
            with open(os.devnull, "wb") as nowhere:
                cpu = spend(["ctags", "-R", "-f", "-", "--output-format=json", "--fields=+neKSrs", self.tree],
                            into=nowhere)[2]
            self.note("ctags alone, CPU s", cpu)

    def words(self):
        """Identifiers of the tree, frequent and rare, for patterns and questions."""
        generator = random.Random(7)
        paths = []
        for directory, names, entries in os.walk(self.tree):
            names[:] = sorted(name for name in names if name != ".git")
            paths += [os.path.join(directory, entry) for entry in sorted(entries)]
        found = []
        for path in generator.sample(paths, min(400, len(paths))):
            try:
                text = open(path, "rb").read(100_000)
            except OSError:
                continue
            found += re.findall(rb"[A-Za-z_][A-Za-z0-9_]{5,24}", text)
        return [word.decode() for word in generator.sample(found, min(400, len(found)))]

    def regexes(self):
        words = self.words()
        patterns = words[:6] + [f"{words[6]}|{words[7]}", f"{words[8][:5]}\\w+\\(", f"^#?\\s*{words[9][:6]}.*;",
                                f"[a-z]+{words[10][2:8]}", f"\\b{words[11]}\\b", f"return {words[12][:3]}"]
        ours, theirs, scan = [], [], []
        for pattern in patterns:
            for _ in range(self.rounds):
                ours.append(self.lines(self.program, "search", "--regex", "--repo", self.tree, "--limit", "1000000", "--",
                                       pattern))
                theirs.append(self.lines("csearch", "-n", pattern))
            scan.append(spend(["rg", "-uu", "-n", "-g", "!.git", pattern, self.tree])[1])
        self.note("regex, CPU ms", median([o[0] for o in ours]) * 1000, f"wall {median([o[1] for o in ours]) * 1e3:.1f} ms, "
                  f"{sum(o[2] for o in ours)} lines; process start and a look for changes included")
        self.note("csearch, CPU ms", median([t[0] for t in theirs]) * 1000,
                  f"wall {median([t[1] for t in theirs]) * 1e3:.1f} ms, {sum(t[2] for t in theirs)} lines")
        self.note("rg, wall ms", median(scan) * 1000)
        # One process for all, as a run has it: what a question costs once the index is open.
        queries = [json.dumps({"id": i, "query": p, "mode": "regex"}) for i, p in enumerate(patterns * 3)]
        with open(self.scratch / "answers", "wb+") as answers:
            self.codeagent("search", "--batch", "--repo", self.tree, "--limit", "1000000",
                           stdin="\n".join(queries).encode(), into=answers)
            answers.seek(0)
            inside = [float(re.search(rb'"ms":([0-9.]+)', line[-200:])[1]) for line in answers][1:]
        alone = [t[1] * 1000 for t in theirs]
        self.note("regex, open index, ms", median(inside))
        self.note("regex, of csearch's", sum(inside) / len(inside) / (sum(alone) / len(alone)), "open index, mean of all")

    def ranked(self):
        generator = random.Random(3)
        words = self.words()
        queries = [{"id": i, "query": " ".join(generator.sample(words, 6)) + " is wrong when the size changes"}
                   for i in range(40)]
        out, _, _, memory = self.codeagent("search", "--batch", "--repo", self.tree,
                                           stdin="\n".join(map(json.dumps, queries)).encode())
        times = sorted(json.loads(line)["ms"] for line in out.splitlines())[:-1]
        self.note("ranked query, ms", median(times), f"p95 {times[int(len(times) * .95)]:.1f} ms, memory {memory:.0f} MB")
        self.note("search memory, MB", memory)

    def updates(self):
        """A repository of the tree; a commit of ten files; how long until a question about it is answered."""
        repository = self.scratch / "repository"
        shutil.copytree(self.tree, repository, symlinks=True, ignore=shutil.ignore_patterns(".git"))
        git = ["git", "-C", str(repository), "-c", "user.name=b", "-c", "user.email=b@b", "-c", "core.fsync=none",
               "-c", "gc.auto=0"]
        subprocess.run(git + ["init", "-q"], check=True)
        subprocess.run(git + ["add", "-A", "-f"], check=True)
        subprocess.run(git + ["commit", "-q", "-m", "all"], check=True)
        self.codeagent("index", str(repository), "--rev", "HEAD")
        files = [p for p in repository.rglob("*.[ch]*") if p.is_file() and not p.is_symlink() and ".git" not in p.parts]
        files = files or [p for p in repository.rglob("*.*") if p.is_file() and ".git" not in p.parts]
        walls, cpus, opens = [], [], []
        for step in range(max(3, self.rounds)):
            for path in random.Random(step).sample(files, min(10, len(files))):
                with open(path, "ab") as out:
                    out.write(b"/* changed %d */\n" % step)
            subprocess.run(git + ["commit", "-q", "-a", "-m", f"change {step}"], check=True)
            out, wall, cpu, _ = self.codeagent("index", str(repository), "--rev", "HEAD", "--json")
            walls.append(json.loads(out)["milliseconds"])
            cpus.append(cpu * 1000)
            out, _, _, _ = self.codeagent("index", "status", str(repository), "--rev", "HEAD", "--json")
            opens.append(json.loads(out).get("open_milliseconds", 0))
        self.note("commit of 10 files, ms", median(walls), f"CPU of the process {median(cpus):.0f} ms")
        self.note("opening, ms", median(opens))

    def small(self):
        """300 files of the tree, as a repository of their own."""
        target = self.scratch / "small"
        target.mkdir()
        count = 0
        for path in sorted(pathlib.Path(self.tree).rglob("*.[chpgtjrs]*")):
            if count == 300:
                break
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 60_000 and ".git" not in path.parts:
                shutil.copy(path, target / f"{count}-{path.name}")
                count += 1
        walls = []
        for _ in range(max(3, self.rounds)):
            shutil.rmtree(self.scratch / "cache", ignore_errors=True)
            walls.append(self.codeagent("index", str(target))[1])
        self.note("300 files, s", median(walls), f"{directory_size(target) / 1e6:.1f} MB, process start included")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tree", nargs="?", default="/usr/include")
    parser.add_argument("--codeagent", default=str(HERE.parent.parent / ".build/release/codeagent"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="comma-separated: index, regexes, ranked, updates, small")
    parser.add_argument("--json", help="write all numbers here")
    parser.add_argument("--check", action="store_true", help="exit 1 when a goal is not met")
    options = parser.parse_args()
    for tool in ("cindex", "csearch", "rg"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not on PATH: apt install codesearch ripgrep universal-ctags")
    bench = Bench(options)
    try:
        parts = options.only.split(",") if options.only else ["index", "regexes", "ranked", "updates", "small"]
        if "index" not in parts:
            bench.codeagent("index", bench.tree)
            spend(["cindex", bench.tree], bench.env)
        for part in parts:
            getattr(bench, part)()
    finally:
        shutil.rmtree(bench.scratch, ignore_errors=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(bench.numbers, indent=1))
    missed = [name for name, goal in GOALS.items() if bench.numbers.get(name, 0) > goal]
    if options.check and missed:
        sys.exit("not met: " + ", ".join(missed))


if __name__ == "__main__":
    main()
