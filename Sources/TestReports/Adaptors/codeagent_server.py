"""Tries many small patches in one run of the tests: forks where the first patched file is about to be imported.

CODEAGENT_TRIALS names a file of one JSON line: {"root", "patches": [[[path, start, end, text]...]...], "names", "slow", "stop",
"cpu", "wall", "patience", "seconds"}. Each patch is written to disk, tried in a child that goes on with the run, and taken
back. With names, children run those tests only, and a patch with which they pass is tried in another child with all. One
line a trial is appended to "trials-….jsonl" in CODEAGENT_RESULTS: {"event": "trial", "index", "all", "status", "signal",
"timeout", "cpu", "lines"}; index -1 is the code as it is, tried first. Python 3.8 and later, Linux.

A second process waits where the tests are collected and none has run. Children of it take a patch that changes nothing but the
inside of functions that nobody has called so far, by giving those functions their new code: nothing is imported again.
"""
import gc
import json
import os
import select
import signal
import socket
import sys
import time

_KEPT = 200000
_MEMORY = 2 << 30
_real_open, _real_write, _real_close, _real_file = os.open, os.write, os.close, open
_FUNCTION = type(lambda: None)
_OPTIMIZED = 1
# Patches that are tried in one process before those among them that pass are tried by themselves.
_SCREENED = 64


class Server:
    def __init__(self, path):
        with open(path, "rb") as file:
            request = json.loads(file.read().decode("utf-8"))
        self.root = request["root"]
        self.patches = request["patches"]
        self.names = frozenset(request["names"]) if request.get("names") else None
        self.slow = frozenset(request.get("slow") or ())
        self.stop = request["stop"]
        self.cpu = request["cpu"]
        self.wall = request["wall"]
        self.patience = request["patience"]
        self.until = time.monotonic() + request.get("seconds", 86400)
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
        self.descriptor = None
        self.served = False
        self.collected = None
        # What the tests say of the code as it is, and what they usually take.
        self.said = None
        self.usual = request.get("usual", 0.0)
        # Processor and wall seconds of a patch, with all tests and without.
        self.bounds = {}
        self.path = os.path.join(self.results, "trials-%d-%d.jsonl" % (self.pid, time.time_ns()))
        self.put({
            "event": "start", "nonce": os.environ.get("CODEAGENT_NONCE", ""), "framework": "trials",
            "time": time.time(),
        })

    def put(self, event):
        data = (json.dumps(event) + "\n").encode("ascii", "replace")
        if self.descriptor is None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self.descriptor = _real_open(self.path, flags, 0o644)
        while data:
            data = data[_real_write(self.descriptor, data):]

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

    # The process that forks

    def serve(self):
        """Tries all patches and ends the process; returns in children, which go on with the run."""
        # What children would load each by itself, mostly to tell of a failure.
        for name in ("atexit", "difflib", "inspect", "linecache", "pprint", "resource", "traceback", "unittest.util"):
            __import__(name)
        trash = os.path.join("/tmp", "codeagent-trial-%d" % self.pid)
        os.mkdir(trash)
        os.environ["CODEAGENT_RESULTS"] = trash
        self.prepare_to_fork()
        # The code as it is says what a patch may take, and whether this run serves at all.
        if not self.control(self.names):
            return
        self.collected = Collected.start(self)
        if self.collected is not None and self.collected.is_here:
            return
        screened = set()
        for index, patch in enumerate(self.patches):
            if time.monotonic() > self.until:
                break
            if index % _SCREENED == 0 and self.collected is not None:
                screened = self.collected.screened(range(index, min(index + _SCREENED, len(self.patches))))
            if index in screened:
                continue
            try:
                contents = self.applied(patch)
            except ValueError as error:
                self.put({"event": "trial", "index": index, "error": str(error)})
                continue
            self.write(contents)
            trial = None
            if self.collected is not None:
                trial = self.collected.ask(index)
                if trial is None and self.collected.is_dead:
                    self.collected = None
            if trial is None:
                trial = self.try_in_child(index, self.names, *self.bounds[self.names is None])
                if trial is None:
                    return
            self.put(trial)
            if passes(trial) and self.names is not None:
                if True not in self.bounds:
                    self.write({})
                    if not self.control(None):
                        return
                    self.write(contents)
                trial = self.try_in_child(index, None, *self.bounds[True])
                if trial is None:
                    return
                self.put(trial)
            if passes(trial) and self.stop:
                break
        self.finish()

    def finish(self):
        self.write({})
        if self.collected is not None:
            self.collected.end()
        self.put({"event": "end"})
        os._exit(0)

    @staticmethod
    def prepare_to_fork():
        # What is there already is left out of children's collections, and its pages stay shared.
        sys.stdout.flush()
        sys.stderr.flush()
        gc.collect()
        gc.freeze()

    def control(self, names):
        """Tries the code as it is; false in the child.

        What it takes says when a patch has gone astray; not what its endless tests took.
        """
        control = self.try_in_child(-1, names, self.cpu, self.wall)
        if control is None:
            return False
        self.put(control)
        if self.said is None:
            self.said = {} if control["timeout"] else outcomes(control["lines"])
        timeout = control["timeout"]
        used = max(0.0, control["cpu"] - self.stopped(control["lines"]))
        cpu = min(self.cpu, self.patience * (1.0 if timeout else max(0.08, 6 * used + 0.05)))
        wall = min(self.wall, 5.0 if timeout else max(5.0, 5 * control["wall"] + 2))
        self.bounds[names is None] = (cpu, wall)
        return True

    def try_in_child(self, index, names, cpu, wall, change=None):
        """One trial: what came of it; None in the child, which goes on with the run."""
        lines = os.memfd_create("codeagent-trial") if hasattr(os, "memfd_create") else _memory_file()
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            become_child(lines, index, cpu, self.slow)
            if change is not None:
                change()
            else:
                narrow(names, self.slow)
            if index >= 0 and names is not None:
                spare(self.slow)
            return None
        status, usage, timeout = wait(child, started + wall)
        ended = os.WIFEXITED(status)
        number = None if ended else os.WTERMSIG(status)
        trial = {
            "event": "trial", "index": index, "timeout": timeout or number in (signal.SIGPROF, signal.SIGXCPU),
            "cpu": usage.ru_utime + usage.ru_stime, "wall": round(time.monotonic() - started, 6),
            "status": os.WEXITSTATUS(status) if ended else None, "signal": number, "lines": collect(lines),
        }
        if names is None and self.names is not None:
            trial["all"] = True
        return trial

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


def outcomes(lines):
    """How each test ended, by its name."""
    found = {}
    for line in lines.split("\n"):
        if '"event": "test"' in line:
            try:
                event = json.loads(line)
                found[event["name"]] = event["result"]
            except (ValueError, KeyError):
                pass
    return found


def passes(trial):
    return trial["status"] == 0 and not trial["timeout"]


def _memory_file():
    import tempfile

    descriptor, name = tempfile.mkstemp(dir="/tmp")
    os.unlink(name)
    return descriptor


def wait(child, deadline):
    """Waits for a child, for a bounded time, and ends what it left in its process group."""
    timeout = False
    if hasattr(os, "pidfd_open"):
        descriptor = os.pidfd_open(child)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if not poll.poll(max(1, 1000 * (deadline - time.monotonic()))):
            timeout = True
            kill(child)
        _real_close(descriptor)
        _, status, usage = os.wait4(child, 0)
    else:
        pause = 0.0005
        while True:
            pid, status, usage = os.wait4(child, os.WNOHANG)
            if pid:
                break
            if not timeout and time.monotonic() > deadline:
                timeout = True
                kill(child)
            time.sleep(pause)
            pause = min(pause * 1.2, 0.005)
    kill(child, reaped=True)
    return status, usage, timeout


def kill(child, reaped=False):
    for end in (os.killpg,) if reaped else (os.killpg, os.kill):
        try:
            end(child, signal.SIGKILL)
        except OSError:
            pass


def collect(descriptor):
    """The lines that reporters wrote in a child, bounded; the tests that failed are kept before others."""
    try:
        data = os.pread(descriptor, 4 * _KEPT, 0)
    except OSError:
        data = b""
    _real_close(descriptor)
    text = data.decode("ascii", "replace")
    if len(text) > _KEPT:
        lines = text.split("\n")
        text = "\n".join(line for line in lines if line and '"event": "begin"' not in line)[:_KEPT]
    return text


# What children do


def become_child(lines, index, cpu, slow):
    import resource

    report = sys.modules.get("codeagent_report")
    if index < 0 and report and report.Limit.seconds > 0:
        # The code as it is has each test ended that does not end by itself; of some that is known.
        report.Limit.slow = slow
    else:
        if report:
            report.Limit.seconds = 0
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, cpu)
        # A child lives for milliseconds: to look for cycles costs more than they hold.
        if gc.get_threshold()[0] < 50000:
            gc.set_threshold(50000, 20, 20)
    with open("/proc/self/statm", "rb") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    for limit, value in ((resource.RLIMIT_CPU, int(cpu) + 2), (resource.RLIMIT_AS, size + _MEMORY)):
        try:
            resource.setrlimit(limit, (value, value))
        except (OSError, ValueError):
            # A lower one holds already.
            pass
    if report:
        follow(report, lines)


def narrow(names, slow=frozenset()):
    """Has this process do nothing that nobody sees, and run no other tests."""
    report = sys.modules.get("codeagent_report")
    if report and report.manager is not None:
        narrow_pytest(report, names, slow)
    if names is not None:
        narrow_unittest(names)


def follow(report, lines):
    """Has the reporter write for this child, and ends the child with its test session: the rest is of no interest."""
    child = os.getpid()
    report.Writer.descriptor = lines
    writer = report.Writer.active
    if writer:
        writer.pid = child
        writer.put(
            "start", nonce=writer.nonce, framework="pytest", python=sys.version.split()[0], cwd=os.getcwd(),
            time=time.time(),
        )
    end = report.Writer.end
    is_module = getattr(getattr(sys.modules.get("__main__"), "__spec__", None), "name", "") == "unittest.__main__"

    def end_at_once(self, status=None, result=None):
        end(self, status, result)
        if is_module and result is not None and result.testsRun:
            status = 0 if result.wasSuccessful() else 1
        if status is not None and os.getpid() == child:
            os._exit(status)

    report.Writer.end = end_at_once


def narrow_pytest(report, names, slow):
    import pluggy

    hookimpl = pluggy.HookimplMarker("pytest")
    manager, reporter = report.manager, report.reporter
    files = names and {name.split("::")[0] for name in names}
    functions = names and {name.split("::")[-1].split("[")[0] for name in names}
    nodes = sys.modules.get("_pytest.nodes")
    if nodes:
        # How a failure is shown takes longer than most tests.
        nodes.Node._repr_failure_py = lambda node, excinfo, style=None: excinfo.typename
        sys.modules["_pytest._code"].ExceptionInfo.getrepr = lambda self, *arguments, **named: self.exconly()
    terminal = manager.get_plugin("terminalreporter")
    for hook in ("runtest_logstart", "runtest_logreport", "runtest_logfinish", "collectreport"):
        try:
            getattr(manager.hook, "pytest_" + hook)._remove_plugin(terminal)
        except (AttributeError, ValueError):
            pass

    class Ending:
        @hookimpl(tryfirst=True)
        def pytest_sessionfinish(self, exitstatus):
            reporter.pytest_sessionfinish(exitstatus)

    class Narrow:
        @hookimpl(tryfirst=True)
        def pytest_make_collect_report(self, collector):
            python = sys.modules["_pytest.python"]
            if isinstance(collector, python.Module) and reporter.name(collector.nodeid) not in files:
                from _pytest.reports import CollectReport

                return CollectReport(collector.nodeid, "passed", None, [])

        @hookimpl(tryfirst=True)
        def pytest_pycollect_makeitem(self, name, obj):
            return [] if type(obj) is _FUNCTION and name not in functions else None

        @hookimpl(tryfirst=True)
        def pytest_collection_modifyitems(self, items):
            items[:] = [item for item in items if reporter.name(item.nodeid) in names]
            items.sort(key=lambda item: reporter.name(item.nodeid) in slow)

    manager.register(Ending(), "codeagent-ending")
    if names is not None and reporter.config is not None:
        manager.register(Narrow(), "codeagent-narrow")


def spare(slow):
    """Has pytest count tests that never ended before as failed, and not run them, once another has failed."""
    report = sys.modules.get("codeagent_report")
    if not slow or not report or report.manager is None:
        return
    import pluggy

    hookimpl = pluggy.HookimplMarker("pytest")

    class Sparing:
        failed = False

        @hookimpl
        def pytest_runtest_logreport(self, report):
            self.failed = self.failed or report.failed

        @hookimpl(tryfirst=True)
        def pytest_runtest_protocol(self, item):
            name = report.reporter.name(item.nodeid)
            if not self.failed or name not in slow or report.Writer.active is None:
                return None
            report.Writer.active.put("test", name=name, result="failed", message="it was not tried, because others fail")
            return True

    report.manager.register(Sparing(), "codeagent-sparing")


def narrow_unittest(names):
    """Has unittest load and run no tests but those, and what stands for those that could not be loaded."""
    suite, loader = sys.modules.get("unittest.suite"), sys.modules.get("unittest.loader")
    if not suite or not loader:
        return
    modules = {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 1)}
    original, load = suite.BaseTestSuite.__iter__, loader.TestLoader._get_module_from_name

    def wanted(self):
        for test in original(self):
            if isinstance(test, suite.BaseTestSuite) or type(test).__name__ == "_FailedTest" or test.id() in names:
                yield test

    def module(self, name):
        if name not in modules:
            raise sys.modules["unittest.case"].SkipTest("none of the tests that failed is in it")
        return load(self, name)

    suite.BaseTestSuite.__iter__ = wanted
    suite.TestSuite._cleanup = False
    loader.TestLoader._get_module_from_name = module


# The process that waits where tests are collected


class Collected:
    """The other end of the process that waits where the tests are collected; in that process, the process itself."""

    def __init__(self, server, connection):
        self.server = server
        self.connection = connection
        self.buffer = b""
        self.is_here = False
        self.is_dead = False
        # What makes out whether patches can be tried in one process: nothing yet, false, or what tests say and take.
        self.fitness = None
        self.screening = None

    @classmethod
    def start(cls, server):
        """Starts it; in the new process the result says that it is here. None where there is none."""
        if sys.getprofile() is not None:
            return None
        ours, theirs = socket.socketpair()
        child = os.fork()
        if child == 0:
            ours.close()
            os.setpgid(0, 0)
            waiting = cls(server, theirs)
            waiting.is_here = True
            waiting.go_on()
            return waiting
        theirs.close()
        waiting = cls(server, ours)
        waiting.child = child
        if waiting.receive(min(server.wall, max(1.0, server.until - time.monotonic()))) is None:
            waiting.end()
            return None
        return waiting

    def end(self):
        self.is_dead = True
        kill(self.child)
        try:
            os.waitpid(self.child, 0)
        except OSError:
            pass

    def receive(self, seconds=None):
        """The next thing it says; None when it has ended or says nothing for so long."""
        try:
            while b"\n" not in self.buffer:
                if seconds is not None and not select.select([self.connection], [], [], seconds)[0]:
                    return None
                data = self.connection.recv(1 << 16)
                if not data:
                    return None
                self.buffer += data
            line, self.buffer = self.buffer.split(b"\n", 1)
            return json.loads(line.decode("utf-8"))
        except (OSError, ValueError):
            return None

    def send(self, value):
        self.connection.sendall((json.dumps(value) + "\n").encode("ascii"))

    def ask(self, index):
        """What came of a patch; None when it cannot be told there."""
        cpu, wall = self.server.bounds[self.server.names is None]
        try:
            self.send([index, cpu, wall])
            trial = self.receive(wall + 5)
        except OSError:
            trial = None
        if trial is None:
            self.end()
        return trial or None

    def screened(self, indices):
        """Has patches tried one after another in one process; those that were found failing, their trials being put."""
        left, found, server = list(indices), set(), self.server
        starts = 0
        while left and self.fitness is not False and not self.is_dead and time.monotonic() < server.until:
            starts += 1
            # Where every other patch needs a fresh process, each may have its own.
            if starts > 4 + len(indices) // 2:
                self.fitness = False
                break
            try:
                self.send({"indices": left, "patience": server.patience, "fitness": self.fitness})
                left = self.take(left, found)
            except OSError:
                self.end()
        return found

    def take(self, left, found):
        """Reads what comes of those patches; what is left of them."""
        runner, is_in_order, wall = None, False, self.server.bounds[self.server.names is None][1]
        is_late = False
        while True:
            answer = self.receive(wall)
            if answer is None:
                # It neither computes nor says anything, or has ended all that it could reach.
                if runner is None or is_late:
                    self.end()
                    return []
                kill(runner)
                is_late = True
            elif "event" in answer:
                found.add(answer["index"])
                left = left[1:]
                self.server.put(answer)
            elif "again" in answer:
                left = left[1:]
            elif "runner" in answer:
                runner = answer["runner"]
            elif "fit" in answer:
                self.fitness = answer["fit"]
            elif "doubt" in answer:
                found.difference_update(answer["doubt"])
                is_in_order = True
            elif "unfit" in answer:
                self.fitness = False
                self.server.put({"event": "unscreened", "reason": answer["unfit"]})
            elif "ended" in answer:
                break
        number = answer["ended"]
        if is_in_order or self.fitness is False or not left:
            return left
        if self.fitness is None:
            self.fitness = False
            return left
        if number == signal.SIGPROF or is_late:
            found.add(left[0])
            self.server.put({
                "event": "trial", "index": left[0], "timeout": True, "status": None, "signal": number, "cpu": 0.0,
                "lines": "", "screened": True,
            })
        return left[1:]

    # Over there

    def screen(self, tests, indices, patience, fitness):
        """Answers for several patches by one process; tells how it ended."""
        screen = beside("codeagent_screen")
        if self.screening is None:
            try:
                self.screening = screen.Screen(self, tests())
            except screen.Unfit as error:
                self.send({"unfit": str(error)})
                self.send({"ended": None})
                return
            except Exception as error:
                self.send({"unfit": "%s: %s" % (type(error).__name__, error)})
                self.send({"ended": None})
                return
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            self.screening.serve(indices, patience, fitness)
        status = wait(child, self.server.until + 1)[0]
        self.send({"ended": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None})

    def go_on(self):
        """On the way from the first import to where the tests are collected: what is called is noted."""
        suspects, self.called, functions = self.server.suspects, set(), beside("codeagent_functions")

        def profile(frame, event, argument):
            code = frame.f_code
            if event == "call" and code.co_flags & _OPTIMIZED and code.co_filename in suspects:
                self.called.add(functions.key(code))

        report = sys.modules["codeagent_report"]
        # Nothing of what is reported on the way is of interest.
        report.Writer.descriptor = _real_open(os.devnull, os.O_WRONLY)
        if report.Writer.active:
            report.Writer.active.pid = os.getpid()
        if report.manager is not None:
            import pluggy

            waiting, hookimpl = self, pluggy.HookimplMarker("pytest")

            class Loop:
                @hookimpl(tryfirst=True)
                def pytest_runtestloop(self, session):
                    waiting.serve_pytest(session, report.reporter)

            report.manager.register(Loop(), "codeagent-loop")
        runner = sys.modules.get("unittest.runner")
        if runner:
            run = runner.TextTestRunner.run

            def run_when_asked(tests_runner, test):
                if not hasattr(self, "functions"):
                    self.serve(lambda: None, lambda: beside("codeagent_screen").UnittestTests(test))
                return run(tests_runner, test)

            runner.TextTestRunner.run = run_when_asked
        sys.setprofile(profile)

    def serve_pytest(self, session, reporter):
        if hasattr(self, "functions"):
            return
        names, items = self.server.names, session.items
        if names is not None:
            items = [item for item in items if reporter.name(item.nodeid) in names]
            items.sort(key=lambda item: reporter.name(item.nodeid) in self.server.slow)
        if session.testsfailed or not items or names is not None and len(items) != len(names):
            os._exit(0)

        def enter():
            session.items[:] = items

        self.serve(enter, lambda: beside("codeagent_screen").PytestTests(items, reporter))

    def serve(self, enter, tests):
        """Answers for one patch after another; returns in children, which run the tests."""
        sys.setprofile(None)
        narrow(self.server.names, self.server.slow)
        if len(os.listdir("/proc/self/task")) != 1:
            os._exit(0)
        server = self.server
        self.functions = sys.modules["codeagent_functions"].Functions(server, self.called)
        server.prepare_to_fork()
        self.send(True)
        while True:
            request = self.receive()
            if request is None:
                os._exit(0)
            if isinstance(request, dict):
                self.screen(tests, **request)
                continue
            index, cpu, wall = request
            try:
                changes = self.functions.changes(index)
            except SyntaxError:
                changes = None
            if changes is None:
                self.send(False)
                continue

            def change():
                for function, code in changes:
                    function.__code__ = code
                enter()

            trial = server.try_in_child(index, server.names, cpu, wall, change)
            if trial is None:
                return
            trial["late"] = True
            self.send(trial)


def beside(name):
    """The module of that name that lies beside this one."""
    if name not in sys.modules:
        module = type(sys)(name)
        module.__file__ = os.path.join(os.path.dirname(__file__), name + ".py")
        with _real_file(module.__file__, "rb") as source:
            exec(compile(source.read(), module.__file__, "exec"), module.__dict__)
        sys.modules[name] = module
    return sys.modules[name]


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
            server.suspects.add(path)
            # Never from the cache: patches may be of one size and of one second.
            return self.source_to_code(self.get_data(path), path)
        return inherited(self, fullname)

    loader.get_code = get_code


install()
