"""Reports what pytest and unittest run, one JSON line an event, into the directory CODEAGENT_RESULTS.

Python 3.8 and later, pytest 6 and later. A line is written as soon as its test has ended, so that a run that dies
leaves what it saw; only a run that ends in order writes "end".
"""
import json
import os
import sys
import time

# What is used while tests run is held in one tuple: libraries that fake files or time replace module attributes.
_REAL = (os.open, os.write, os.close, os.getpid, json.dumps, time.perf_counter)
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
_MESSAGE = 6000
_FRAMES = 60


class Writer:
    """One result file of one process."""

    active = None
    # Where to write instead of a file of its own.
    descriptor = None

    def __init__(self, framework, version):
        self.pid = _REAL[3]()
        self.ended = True
        nonce = os.environ.get("CODEAGENT_NONCE", "")
        self.silent = "CODEAGENT_ACTIVE" in os.environ
        self.path = os.path.join(
            os.environ["CODEAGENT_RESULTS"], "%s-%d-%d.jsonl" % (framework, self.pid, int(time.time() * 1e9))
        )
        os.environ["CODEAGENT_ACTIVE"] = str(self.pid)
        self.put(
            "start",
            nonce=nonce,
            framework=framework,
            version=version,
            python=sys.version.split()[0],
            cwd=os.getcwd(),
            time=time.time(),
        )
        self.nonce = nonce

    def put(self, event, **fields):
        if self.silent or _REAL[3]() != self.pid:
            return
        fields = {"event": event, **{name: value for name, value in fields.items() if value not in (None, [])}}
        data = (_REAL[4](fields) + "\n").encode("ascii", "replace")
        if self.descriptor is not None:
            self.write(self.descriptor, data)
            return
        try:
            descriptor = _REAL[0](self.path, _FLAGS, 0o644)
        except OSError:
            return
        self.write(descriptor, data)
        _REAL[2](descriptor)

    @staticmethod
    def write(descriptor, data):
        try:
            while data:
                data = data[_REAL[1](descriptor, data):]
        except OSError:
            pass

    def end(self, status=None, result=None):
        """The run ended in order: with pytest's exit status, or unittest's result."""
        self.put("end", nonce=self.nonce, status=status)


class TestStopped(BaseException):
    """A test that took more processor time than it may."""

    __module__ = "builtins"


class Limit:
    """Ends a test that computes for too long, where CODEAGENT_TEST_SECONDS says how long is too long.

    The first one that is ended shows that there are such tests: each after it gets a tenth. Many times what the slowest
    test took that ended by itself is always allowed. A test of a program that uses the timer itself is left alone.
    """

    seconds = 0.0
    slowest = 0.0
    factor = 100
    began = None
    spent = None
    # Tests of which it is known that they do not end get a moment.
    slow = frozenset()

    @classmethod
    def install(cls):
        try:
            cls.seconds = float(os.environ.get("CODEAGENT_TEST_SECONDS", "0"))
        except ValueError:
            return
        if cls.seconds > 0:
            import signal

            cls.signal = signal

    @classmethod
    def start(cls, name=None):
        cls.spent = None
        if cls.seconds <= 0 or cls.began is not None:
            return
        signal = cls.signal
        try:
            if signal.getsignal(signal.SIGPROF) not in (signal.SIG_DFL, cls.stop_test):
                return
            signal.signal(signal.SIGPROF, cls.stop_test)
        except ValueError:
            # Only the main thread is told of signals.
            return
        cls.allowed = max(cls.seconds, cls.factor * cls.slowest)
        if name in cls.slow:
            cls.allowed = min(cls.allowed, 0.25)
        cls.is_over = False
        cls.began = time.process_time()
        # Again and again: what is raised may be caught within the loop.
        signal.setitimer(signal.ITIMER_PROF, cls.allowed, 0.2)

    @classmethod
    def stop(cls):
        if cls.began is None:
            return
        cls.signal.setitimer(cls.signal.ITIMER_PROF, 0)
        took, cls.began = time.process_time() - cls.began, None
        if cls.is_over:
            cls.spent = took
        else:
            cls.slowest = max(cls.slowest, took)

    @classmethod
    def stop_test(cls, number, frame):
        if cls.began is None:
            return
        cls.is_over = True
        text = "it did not end within %g s of processor time" % round(cls.allowed, 3)
        if cls.factor > 20:
            cls.factor, cls.seconds = 20, cls.seconds / 10
        raise TestStopped(text)


def cut(text):
    text = text if isinstance(text, str) else str(text)
    if len(text) <= _MESSAGE:
        return text
    return text[: _MESSAGE * 2 // 3] + "\n[...]\n" + text[-_MESSAGE // 3:]


def frames(traceback):
    found = []
    while traceback is not None:
        found.append([traceback.tb_frame.f_code.co_filename, traceback.tb_lineno])
        if len(found) > 4 * _FRAMES:
            del found[_FRAMES: 2 * _FRAMES]
        traceback = traceback.tb_next
    if len(found) > _FRAMES:
        found = found[: _FRAMES // 6] + found[-(_FRAMES - _FRAMES // 6):]
    return found


def described(error, traceback):
    """Message and frames of an exception; its own words may fail."""
    import traceback as formatter

    try:
        message = "".join(formatter.format_exception_only(type(error), error)).strip()
    except Exception:
        message = type(error).__name__
    trace = frames(traceback)
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        trace.append([str(error.filename), int(error.lineno)])
    return cut(message), trace


def missing_module(error):
    """The top-level module that an import did not find, when nothing of the project has that name."""
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, ModuleNotFoundError) and error.name:
            name = error.name.split(".")[0]
            return None if name in sys.modules or in_project(name) else name
        error = error.__cause__ or error.__context__
    return None


def in_project(name, limit=4000):
    """Whether a directory or file below here could be the module: a walk, bounded, past installed packages."""
    skipped = {"node_modules", "site-packages", ".git", ".tox", ".nox", ".venv", "venv", "__pycache__", "build", "dist"}
    for _, directories, files in os.walk(os.getcwd()):
        directories[:] = [entry for entry in directories if entry not in skipped]
        if name in directories or any(file.split(".")[0] == name and not file.endswith(".pyc") for file in files):
            return True
        limit -= 1 + len(files) // 50
        if limit < 0:
            return True
    return False


# pytest

# The plugin manager of the session, and the plugin that reports.
manager = reporter = None


def watch_pytest(config_module):
    manager_class = config_module.PytestPluginManager
    consider_env = manager_class.consider_env

    def consider_env_and_report(self):
        consider_env(self)
        if Writer.active is None:
            import pluggy

            global manager, reporter
            manager, reporter = self, pytest_reporter(pluggy.HookimplMarker("pytest"))
            self.register(reporter, "codeagent-report")

    manager_class.consider_env = consider_env_and_report


def pytest_reporter(hookimpl):
    class Reporter:
        def __init__(self):
            self.writer = None
            self.states = {}
            self.config = None

        def open(self):
            if self.writer is None and Writer.active is None:
                import pytest

                self.writer = Writer.active = Writer("pytest", pytest.__version__)
            return self.writer

        def name(self, nodeid):
            try:
                return self.config.cwd_relative_nodeid(nodeid)
            except Exception:
                return nodeid

        @hookimpl(hookwrapper=True)
        def pytest_load_initial_conftests(self):
            outcome = yield
            if outcome.excinfo:
                error = outcome.excinfo[1]
                inner = getattr(error, "cause", None) or (getattr(error, "excinfo", None) or (None, None))[1]
                traceback = getattr(inner, "__traceback__", None) or outcome.excinfo[2]
                message, trace = described(inner or error, traceback)
                if self.open():
                    self.writer.put("error", message=message, trace=trace, missing=missing_module(inner or error))

        @hookimpl(tryfirst=True)
        def pytest_configure(self, config):
            self.config = config
            self.open()

        @hookimpl(trylast=True)
        def pytest_unconfigure(self, config):
            if self.writer is not None and config is self.config:
                Writer.active = None
                if not self.writer.silent:
                    os.environ.pop("CODEAGENT_ACTIVE", None)
                self.writer = None

        @hookimpl(hookwrapper=True)
        def pytest_make_collect_report(self, collector):
            outcome = yield
            report = outcome.get_result()
            call = getattr(report, "call", None)
            excinfo = getattr(call, "excinfo", None)
            if report.outcome == "failed" and excinfo is not None:
                # pytest wraps what an import raised in an error of its own, with the text only.
                error = excinfo.value
                inner = error.__cause__ or error.__context__ or error
                message, trace = described(inner, inner.__traceback__)
                report.codeagent = [message, trace, missing_module(inner)]

        def pytest_collectreport(self, report):
            if report.outcome != "failed" or self.writer is None:
                return
            message, trace, missing = getattr(report, "codeagent", None) or [cut(str(report.longrepr)), [], None]
            name = self.name(report.nodeid)
            self.writer.put("error", name=name, message=message, trace=trace, missing=missing)

        def pytest_collection_finish(self, session):
            if self.writer is not None and not self.config.pluginmanager.hasplugin("dsession"):
                self.writer.put("collected", count=len(session.items))

        @hookimpl(hookwrapper=True, trylast=True)
        def pytest_runtest_call(self, item):
            Limit.start(self.name(item.nodeid))
            yield
            Limit.stop()

        @hookimpl(hookwrapper=True)
        def pytest_runtest_makereport(self, item, call):
            outcome = yield
            if call.excinfo is not None:
                report = outcome.get_result()
                message, trace = described(call.excinfo.value, call.excinfo.tb)
                report.codeagent = [message, trace]

        def pytest_runtest_logstart(self, nodeid):
            if self.writer is not None:
                self.states.setdefault(nodeid, {"result": None, "duration": 0.0, "message": None, "trace": []})
                self.writer.put("begin", name=self.name(nodeid))

        def pytest_runtest_logreport(self, report):
            state = self.states.setdefault(
                report.nodeid, {"result": None, "duration": 0.0, "message": None, "trace": []}
            )
            outcome = report.outcome
            if outcome == "rerun":
                state.update(result=None, message=None, trace=[])
                return
            if not hasattr(report, "context"):
                state["duration"] += getattr(report, "duration", 0.0) or 0.0
            result = None
            if outcome == "failed":
                result = "failed" if report.when == "call" else "errored"
            elif outcome == "skipped":
                result = "skipped"
            elif report.when == "call" and outcome == "passed":
                result = "passed"
            if result is None:
                return
            rank = {None: 0, "passed": 1, "skipped": 2, "failed": 3, "errored": 4}
            if hasattr(report, "context") and result in ("passed", "skipped"):
                return
            if rank[result] <= rank[state["result"]]:
                return
            state["result"] = result
            message, trace = (getattr(report, "codeagent", None) or [None, []])[:2]
            if result in ("failed", "errored"):
                if message is None:
                    message = cut(getattr(report, "longreprtext", "") or str(report.longrepr))
                if state["message"] is None:
                    context = getattr(report, "context", None)
                    if context is not None:
                        words = [getattr(context, "msg", None)]
                        words += ["%s=%r" % pair for pair in sorted(getattr(context, "kwargs", {}).items())]
                        message = "[%s] %s" % (", ".join(str(word) for word in words if word), message)
                    state.update(message=cut(message), trace=trace)
            elif result == "skipped":
                reason = getattr(report, "wasxfail", None)
                if reason is not None:
                    state["message"] = "expected failure: " + cut(reason) if reason else "expected failure"
                elif isinstance(report.longrepr, tuple):
                    state["message"] = cut(report.longrepr[2])

        def pytest_runtest_logfinish(self, nodeid):
            state = self.states.pop(nodeid, None)
            if self.writer is not None and state is not None and state["result"] is not None:
                self.writer.put("test", name=self.name(nodeid), cpu=Limit.spent, **state)

        def pytest_internalerror(self, excrepr):
            if self.writer is not None:
                self.writer.put("error", message=cut(str(excrepr)))

        @hookimpl(trylast=True)
        def pytest_sessionfinish(self, exitstatus):
            if self.writer is not None:
                for nodeid in list(self.states):
                    self.pytest_runtest_logfinish(nodeid)
                self.writer.end(int(exitstatus))

    return Reporter()


# unittest


def watch_unittest(result_module):
    base = result_module.TestResult
    runs = _UnittestRun()

    def wrap(name, after):
        original = getattr(base, name, None)
        if original is None:
            return

        def method(self, *arguments, **named):
            if name == "startTest":
                runs.start(self, *arguments)
            value = original(self, *arguments, **named)
            if after is not None:
                after(self, *arguments, **named)
            return value

        method.__name__ = name
        method.__qualname__ = getattr(original, "__qualname__", name)
        method.__doc__ = original.__doc__
        setattr(base, name, method)

    wrap("startTest", None)
    wrap("stopTest", runs.stop)
    wrap("addSuccess", lambda result, test: runs.note(result, test, "passed"))
    wrap("addFailure", lambda result, test, error: runs.note(result, test, "failed", error))
    wrap("addError", lambda result, test, error: runs.note(result, test, "errored", error))
    wrap("addSkip", lambda result, test, reason: runs.note(result, test, "skipped", text=reason))
    wrap("addExpectedFailure", lambda result, test, error: runs.note(result, test, "skipped", text="expected failure"))
    wrap(
        "addUnexpectedSuccess",
        lambda result, test: runs.note(result, test, "failed", text="unexpected success of an expected failure"),
    )
    wrap("addSubTest", runs.subtest)
    wrap("startTestRun", runs.start_run)
    wrap("stopTestRun", runs.stop_run)


class _UnittestRun:
    """The tests of one process, as the outermost results saw them."""

    def __init__(self):
        self.writer = None
        self.current = None
        self.result = None
        self.states = {}
        self.ended = False

    def open(self):
        if self.writer is None:
            if Writer.active is not None:
                return None
            import atexit

            self.writer = Writer.active = Writer("unittest", "")
            atexit.register(self.exit)
        self.ended = False
        return self.writer

    def is_nested(self, result):
        return self.current is not None and self.result is not result

    def start_run(self, result):
        if not self.is_nested(result):
            self.open()

    def stop_run(self, result):
        if self.writer is not None and not self.is_nested(result):
            self.ended = True
            self.writer.end(result=result)

    def exit(self):
        if not self.ended and self.current is None:
            self.writer.end()

    def start(self, result, test):
        if self.is_nested(result) or self.open() is None:
            return
        self.current, self.result = test, result
        self.states[id(test)] = {"result": None, "message": None, "trace": [], "start": _REAL[5](), "missing": None}
        name = identity(test)
        self.writer.put("begin", name=name)
        Limit.start(name)

    def stop(self, result, test):
        Limit.stop()
        if self.is_nested(result) or self.writer is None:
            return
        state = self.states.pop(id(test), None)
        self.current = self.result = None
        if state is None:
            return
        name = identity(test)
        if type(test).__name__ in ("_FailedTest", "ModuleImportFailure", "LoadTestsFailure"):
            module = name.split("_FailedTest.")[-1]
            self.writer.put(
                "error", name=module, message=state["message"], trace=state["trace"], missing=state["missing"]
            )
            return
        self.writer.put(
            "test",
            name=name,
            result=state["result"] or "passed",
            duration=round(_REAL[5]() - state["start"], 6),
            cpu=Limit.spent,
            message=state["message"],
            trace=state["trace"],
        )

    def note(self, result, test, outcome, error=None, text=None):
        if self.is_nested(result):
            return
        test = getattr(test, "test_case", test)
        state = self.states.get(id(test))
        if state is None:
            # Not a test: the setUp or tearDown of a class or module, which hides the tests below it.
            if outcome == "errored" and self.open() is not None:
                message, trace = described(error[1], error[2])
                self.writer.put("error", name=identity(test), message=message, trace=trace)
            return
        rank = {None: 0, "passed": 1, "skipped": 2, "failed": 3, "errored": 4}
        if rank[outcome] <= rank[state["result"]]:
            return
        state["result"] = outcome
        if error is not None:
            # An import that failed while tests were looked for arrives as the text of another exception.
            value = error[1]
            message, trace = described(value, error[2])
            state.update(message=message, trace=trace, missing=self.missing(value))
        elif text is not None:
            state["message"] = cut(text)

    @staticmethod
    def missing(error):
        direct = missing_module(error)
        if direct is not None or not isinstance(error, ImportError):
            return direct
        marker = "ModuleNotFoundError: No module named '"
        text = str(error)
        if marker not in text:
            return None
        name = text.rsplit(marker, 1)[1].split("'")[0].split(".")[0]
        return None if in_project(name) else name

    def subtest(self, result, test, subtest, error):
        if error is None or self.is_nested(result):
            return
        failure = getattr(test, "failureException", AssertionError)
        outcome = "failed" if issubclass(error[0], failure) else "errored"
        state = self.states.get(id(test))
        before = state and state["result"]
        self.note(result, test, outcome, error)
        if state is not None and before not in ("failed", "errored"):
            try:
                description = subtest._subDescription()
            except Exception:
                description = "subTest"
            state["message"] = cut("%s %s" % (description, state["message"]))


def identity(test):
    try:
        return test.id()
    except Exception:
        return str(test)


Limit.install()
