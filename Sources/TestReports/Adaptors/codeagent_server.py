"""Tries many small patches in one run of the tests: forks where the first patched file is about to be imported.

CODEAGENT_TRIALS names a file of one JSON line: {"root", "patches": [[[path, start, end, text]...]...], "stop", "cpu",
"wall", "patience"}. Each patch is written to disk, tried in a child that goes on with the run, and taken back. One line a patch is
appended to "trials-….jsonl" in CODEAGENT_RESULTS: {"event": "trial", "index", "status", "signal", "timeout", "cpu",
"lines"}; index -1 is the code as it is, tried first. Python 3.8 and later, Linux.
"""
import gc
import json
import os
import signal
import sys
import time

_KEPT = 200000
_MEMORY = 2 << 30
_real_open, _real_write, _real_close = os.open, os.write, os.close


class Server:
    def __init__(self, path):
        with open(path, "rb") as file:
            request = json.loads(file.read().decode("utf-8"))
        self.root = request["root"]
        self.patches = request["patches"]
        self.stop = request["stop"]
        self.cpu = request["cpu"]
        self.wall = request["wall"]
        self.patience = request["patience"]
        self.results = os.environ["CODEAGENT_RESULTS"]
        self.pid = os.getpid()
        self.original = {}
        for patch in self.patches:
            for edit in patch:
                name = os.path.join(self.root, edit[0])
                if name not in self.original:
                    with open(name, "rb") as file:
                        self.original[name] = file.read()
        self.suspects = set(self.original) | {os.path.realpath(name) for name in self.original}
        self.changed = set()
        self.served = False
        self.path = os.path.join(self.results, "trials-%d-%d.jsonl" % (self.pid, time.time_ns()))
        self.put({
            "event": "start", "nonce": os.environ.get("CODEAGENT_NONCE", ""), "framework": "trials",
            "time": time.time(),
        })

    def put(self, event):
        data = (json.dumps(event) + "\n").encode("ascii", "replace")
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = _real_open(self.path, flags, 0o644)
        try:
            while data:
                data = data[_real_write(descriptor, data):]
        finally:
            _real_close(descriptor)

    def reached(self, path):
        """Called before a file is compiled; in the process that runs the tests, not in one that it forked before."""
        if self.served or os.getpid() != self.pid or not self.is_suspect(path):
            return
        self.served = True
        if len(os.listdir("/proc/self/task")) != 1:
            self.put({"event": "refused", "reason": "threads are running where the first patched file is imported"})
            os._exit(3)
        self.serve()

    def is_suspect(self, path):
        return path in self.suspects or os.path.realpath(path) in self.suspects

    def serve(self):
        # What children would load each by itself, mostly to tell of a failure.
        for name in ("atexit", "difflib", "inspect", "linecache", "pprint", "resource", "traceback", "unittest.util"):
            __import__(name)
        cpu, wall = self.cpu, self.wall
        # What is there already is left out of children's collections, and its pages stay shared.
        gc.collect()
        gc.freeze()
        for index in range(-1, len(self.patches)):
            try:
                self.write({} if index < 0 else self.applied(self.patches[index]))
            except ValueError as error:
                self.put({"event": "trial", "index": index, "error": str(error)})
                continue
            directory = os.path.join("/tmp", "codeagent-trial-%d-%d" % (self.pid, index + 1))
            os.mkdir(directory)
            sys.stdout.flush()
            sys.stderr.flush()
            started = time.monotonic()
            child = os.fork()
            if child == 0:
                self.become_child(directory, cpu, index)
                return
            status, usage, timeout = self.wait(child, started + wall)
            used = usage.ru_utime + usage.ru_stime
            lines = self.collect(directory)
            ended = os.WIFEXITED(status)
            timeout = timeout or not ended and os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGXCPU)
            self.put({
                "event": "trial", "index": index, "timeout": timeout, "cpu": used,
                "status": os.WEXITSTATUS(status) if ended else None,
                "signal": None if ended else os.WTERMSIG(status), "lines": lines,
            })
            if index < 0:
                # What the code takes as it is says when a patch has gone astray; not what its endless tests took.
                used = max(0.0, used - self.stopped(lines))
                cpu = min(cpu, self.patience * (1.0 if timeout else max(0.12, 6 * used + 0.06)))
                wall = min(wall, 5.0 if timeout else max(5.0, 5 * (time.monotonic() - started) + 2))
            elif self.stop and ended and os.WEXITSTATUS(status) == 0:
                break
        self.write({})
        self.put({"event": "end"})
        os._exit(0)

    @staticmethod
    def stopped(lines):
        """The seconds of tests that were ended because they took too long."""
        seconds = 0.0
        for line in lines.split("\n"):
            if "TestStopped" in line:
                try:
                    seconds += json.loads(line).get("cpu", 0.0)
                except ValueError:
                    pass
        return seconds

    def applied(self, patch):
        edits = {}
        for path, start, end, text in patch:
            edits.setdefault(os.path.join(self.root, path), []).append((start, end, text.encode("utf-8")))
        contents = {}
        for name, list_ in edits.items():
            original, position, parts = self.original[name], 0, []
            for start, end, text in sorted(list_):
                if start < position or end > len(original):
                    raise ValueError("an edit of %s is out of range or overlaps another" % name)
                parts += [original[position:start], text]
                position = end
            contents[name] = b"".join(parts) + original[position:]
        return contents

    def write(self, contents):
        for name in self.changed.difference(contents):
            with open(name, "wb") as file:
                file.write(self.original[name])
        for name, content in contents.items():
            with open(name, "wb") as file:
                file.write(content)
        self.changed = set(contents)

    def wait(self, child, deadline):
        """Waits for a child, for a bounded time, and ends what it left in its process group."""
        pause, timeout = 0.0005, False
        while True:
            pid, status, usage = os.wait4(child, os.WNOHANG)
            if pid:
                break
            if not timeout and time.monotonic() > deadline:
                timeout = True
                self.kill(child)
            time.sleep(pause)
            pause = min(pause * 1.2, 0.005)
        self.kill(child)
        return status, usage, timeout

    @staticmethod
    def kill(child):
        for end in (os.killpg, os.kill):
            try:
                end(child, signal.SIGKILL)
            except OSError:
                pass

    def collect(self, directory):
        """The lines that reporters wrote in a child, bounded; the tests that failed are kept before others."""
        lines = []
        try:
            for name in sorted(os.listdir(directory)):
                with open(os.path.join(directory, name), "rb") as file:
                    lines += file.read(4 * _KEPT).decode("ascii", "replace").split("\n")
                os.unlink(os.path.join(directory, name))
            os.rmdir(directory)
        except OSError:
            pass
        text = "\n".join(line for line in lines if line)
        if len(text) > _KEPT:
            text = "\n".join(line for line in lines if line and '"event": "begin"' not in line)[:_KEPT]
        return text

    def become_child(self, directory, cpu, index):
        import resource

        os.setpgid(0, 0)
        os.environ["CODEAGENT_RESULTS"] = directory
        report = sys.modules.get("codeagent_report")
        if index < 0 and report and report.Limit.seconds > 0:
            # The code as it is has each test ended that does not end by itself.
            pass
        else:
            if report:
                report.Limit.seconds = 0
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_PROF, cpu)
        with open("/proc/self/statm", "rb") as file:
            size = int(file.read().split()[0]) * resource.getpagesize()
        for limit, value in ((resource.RLIMIT_CPU, int(cpu) + 2), (resource.RLIMIT_AS, size + _MEMORY)):
            try:
                resource.setrlimit(limit, (value, value))
            except (OSError, ValueError):
                # A lower one holds already.
                pass
        nodes = sys.modules.get("_pytest.nodes")
        if nodes:
            # Nobody reads how pytest shows a failure, which takes longer than most tests.
            nodes.Node._repr_failure_py = lambda node, excinfo, style=None: excinfo.typename
        self.follow(report, directory)

    @staticmethod
    def follow(report, directory):
        """Has the reporter write for this child, and ends the child with its test session: the rest is of no interest."""
        writer = report and report.Writer.active
        if writer:
            writer.pid = os.getpid()
            writer.path = os.path.join(directory, os.path.basename(writer.path))
            writer.put(
                "start", nonce=writer.nonce, framework="pytest", python=sys.version.split()[0], cwd=os.getcwd(),
                time=time.time(),
            )
        if report:
            child = os.getpid()
            end = report.Writer.end
            is_module = getattr(getattr(sys.modules.get("__main__"), "__spec__", None), "name", "") == "unittest.__main__"

            def end_at_once(self, status=None, result=None):
                end(self, status, result)
                if is_module and result is not None and result.testsRun:
                    status = 0 if result.wasSuccessful() else 1
                if status is not None and os.getpid() == child:
                    os._exit(status)

            report.Writer.end = end_at_once


def install():
    import importlib.machinery as machinery

    server = Server(os.environ.pop("CODEAGENT_TRIALS"))
    # Nothing that is printed here is read.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)
    sys.dont_write_bytecode = True
    loader = machinery.SourceFileLoader
    inherited = loader.get_code

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        server.reached(path)
        if server.is_suspect(path):
            # Never from the cache: patches may be of one size and of one second.
            return self.source_to_code(self.get_data(path), path)
        return inherited(self, fullname)

    loader.get_code = get_code


install()
