"""Tries patches one after another in one process: most of them fail, and need no process of their own to be found failing.

A child of the process that waits where tests are collected gives functions the code of one patch after the other, and runs the
tests that failed. What they leave behind in the project's modules is put back; where that cannot be done a fresh child goes on.
Only what fails is believed: what passes, and what cannot be told here, is tried in a process of its own.

Lines of the answer: {"runner": pid}; {"fit": ...} once, of the code as it is; for each patch a trial or {"again": index};
{"doubt": indices} at the end, of patches to be tried by themselves after all. Or {"unfit": reason}, where the tests say
otherwise here than they do by themselves.
"""
import gc
import os
import signal
import sys
import time
import types

# Seconds of processor time: the least that a patch gets, and how many times what tests take.
_LEAST, _FACTOR, _USUAL = 0.03, 10, 3
# Flags of generators and coroutines.
_GENERATORS = 0x20 | 0x80 | 0x100 | 0x200

_state = sys.modules["codeagent_server"].beside("codeagent_state")
Unfit = _state.Unfit


class Unknown(BaseException):
    """What a test did is told by a process of its own only."""


# The tests


class PytestTests:
    """Plain functions and methods of unittest among pytest's items; everything else is unfit."""

    # The exit status where a file cannot be imported.
    broken = 2
    # What these do concerns tests with fixtures or marks, the clock or reports.
    plugins = frozenset({
        "_pytest", "codeagent_report", "codeagent_server", "anyio", "pytest_asyncio", "pytest_benchmark", "pytest_cov",
        "_hypothesis_pytestplugin", "pytest_html", "pytest_metadata", "pytest_mock", "pytest_rerunfailures", "pytest_subtests", "pytest_timeout", "xdist",
    })
    marks = ("skip", "skipif", "xfail", "usefixtures", "filterwarnings", "flaky")
    hooks = ("protocol", "setup", "call", "teardown", "makereport", "logstart", "logreport", "logfinish")

    def __init__(self, items, reporter):
        config = items[0].config
        python, outcomes = sys.modules["_pytest.python"], sys.modules["_pytest.outcomes"]
        cases = sys.modules.get("_pytest.unittest")
        for name in ["runtest_" + hook for hook in self.hooks] + ["pyfunc_call"]:
            for hook in getattr(config.hook, "pytest_" + name).get_hookimpls():
                module = getattr(hook.function, "__module__", None) or ""
                if module.split(".")[0] not in self.plugins:
                    raise Unfit("a plugin takes part in tests: %s" % module)
        filters = list(config.getini("filterwarnings")) + list(config.getoption("pythonwarnings", None) or ())
        if any(one.startswith("error") for one in filters):
            raise Unfit("warnings are errors")
        self.failed, self.other = outcomes.fail.Exception, outcomes.OutcomeException
        self.state = []
        self.all = []
        for item in items:
            name = reporter.name(item.nodeid)
            if any(mark.name in self.marks for mark in item.iter_markers()):
                raise Unfit("a test is marked")
            if type(item) is python.Function:
                self.all.append((name, self.function(item)))
            elif cases and type(item) is cases.TestCaseFunction:
                if [one for one in item.fixturenames if "unittest_" not in one]:
                    raise Unfit("a test has fixtures")
                self.all.append((name, case_of(item.cls, item.originalname or item.name)))
            else:
                raise Unfit("tests are of a kind of their own")

    def function(self, item):
        names, values = item._fixtureinfo.argnames, {}
        call = getattr(item, "callspec", None)
        given = dict(call.params, **getattr(call, "funcargs", {})) if call else {}
        for name in names:
            kinds = item._fixtureinfo.name2fixturedefs.get(name)
            if name not in given or kinds and kinds[-1].func.__name__ != "get_direct_param_fixture_func":
                raise Unfit("a test has fixtures")
            values[name] = given[name]
        if set(item.fixturenames).difference(given):
            raise Unfit("tests have fixtures")
        function = item.function
        is_plain = isinstance(function, types.FunctionType) and not function.__code__.co_flags & _GENERATORS
        if not is_plain or hasattr(function, "is_hypothesis_test"):
            raise Unfit("a test is no plain function")
        self.state.append(values)
        if item.cls is None:
            return lambda: function(**values)
        return lambda: getattr(item.cls(), item.originalname)(**values)

    def run(self, test):
        """How a test ended, and what it said."""
        if isinstance(test, CaseTest):
            result, error = test.run()
            return "failed" if error else result, error
        try:
            test()
        except self.failed as error:
            return "failed", error
        except (self.other, KeyboardInterrupt):
            raise Unknown() from None
        except BaseException as error:
            return "failed", error
        return "passed", None


class UnittestTests:
    """Methods of test cases."""

    state = ()
    broken = 1

    def __init__(self, suite):
        self.all = []
        case = sys.modules["unittest.case"]
        waiting = [suite]
        while waiting:
            test = waiting.pop()
            if isinstance(test, sys.modules["unittest.suite"].BaseTestSuite):
                waiting.extend(reversed(list(test)))
            elif isinstance(test, case.TestCase) and hasattr(test, test._testMethodName):
                self.all.append((test.id(), case_of(type(test), test._testMethodName)))
            else:
                raise Unfit("tests are of a kind of their own")

    @staticmethod
    def run(test):
        return test.run()


def case_of(kind, name):
    case = sys.modules["unittest.case"]
    if any(getattr(kind, one) is not getattr(case.TestCase, one) for one in ("__init__", "__call__", "run")):
        raise Unfit("test cases are of a kind of their own")
    for function in ("setUpModule", "tearDownModule"):
        if hasattr(sys.modules.get(kind.__module__), function):
            raise Unfit("modules of tests are set up")
    for function in ("setUpClass", "tearDownClass"):
        if getattr(getattr(kind, function), "__func__", None) is not getattr(case.TestCase, function).__func__:
            raise Unfit("classes of tests are set up")
    return CaseTest(kind, name)


class CaseTest:
    """A method of a test case, in an instance of its own each time."""

    def __init__(self, kind, name):
        self.kind = kind
        self.name = name

    def run(self):
        notes = CaseNotes()
        self.kind(self.name).run(notes)
        return notes.result, notes.error


class CaseNotes:
    """What unittest tells of one test."""

    shouldStop = failfast = buffer = tb_locals = False
    result, error = "passed", None

    def startTest(self, test):
        pass

    stopTest = startTestRun = stopTestRun = addSuccess = startTest

    def addDuration(self, test, seconds):
        pass

    def addFailure(self, test, error):
        if self.result != "errored":
            self.result = "failed"
        self.error = self.error or error[1]

    def addError(self, test, error):
        self.result = "errored"
        self.error = self.error or error[1]

    def addSubTest(self, test, subtest, error):
        if error is not None:
            (self.addFailure if issubclass(error[0], test.failureException) else self.addError)(test, error)

    def addSkip(self, test, reason):
        raise Unknown()

    addExpectedFailure = addSkip

    def addUnexpectedSuccess(self, test):
        raise Unknown()


# The process that tries


class Screen:
    def __init__(self, waiting, tests):
        self.waiting = waiting
        self.server = waiting.server
        self.tests = tests
        self.slow = self.server.slow
        tests.all.sort(key=lambda test: test[0] in self.slow)
        plainly()
        self.state = _state.State(self.server.root, [value for values in tests.state for value in values.values()])
        self.reached_out = False

    def serve(self, indices, patience, fitness):
        """Tries those patches in their order, and ends the process."""
        say = self.waiting.send
        say({"runner": os.getpid()})
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        sys.stdin = open(os.devnull)
        sys.stdout = sys.stderr = open(os.devnull, "w")
        self.state.streams = sys.stdin, sys.stdout, sys.stderr
        gc.set_threshold(50000, 20, 20)
        limit_memory()
        sys.addaudithook(self.audit)
        try:
            if fitness is None:
                fitness = self.fitness()
                say({"fit": fitness})
            self.took, self.usual = fitness
            say({"doubt": self.go_through(indices, patience)})
        except Unfit as error:
            say({"unfit": str(error)})
        except Unknown:
            say({"unfit": "a test was skipped"})
        finally:
            os._exit(0)

    def audit(self, event, arguments):
        if event in _OUTSIDE or event == "open" and arguments[0] in self.server.suspects:
            self.reached_out = True

    def fitness(self):
        """What the tests take, and what they say of the code as it is."""
        signal.setitimer(signal.ITIMER_PROF, self.server.cpu)
        for _ in range(2):
            began = time.process_time()
            results = self.results()
            took = time.process_time() - began
            if not self.state.restore():
                raise Unfit("what tests leave behind cannot be put back")
        signal.setitimer(signal.ITIMER_PROF, 0)
        for name, (result, _) in results.items():
            if name not in self.slow and self.server.said.get(name) != result:
                raise Unfit("%s says otherwise" % name)
        if self.reached_out:
            raise Unfit("tests start programs or read the code")
        return took, {name: result for name, (result, _) in results.items()}

    def results(self, with_slow=False):
        """How each test ended, and what it said."""
        found, failed = {}, False
        for name, test in self.tests.all:
            if name in self.slow and (failed or not with_slow):
                found[name] = "failed", "it was not tried, because others fail"
                continue
            result, error = self.tests.run(test)
            found[name] = result, None if error is None else said(error)
            failed = failed or result != "passed"
        return found

    def go_through(self, indices, patience):
        """Tries patches until this process should end; those of which it is not certain."""
        cpu = patience * max(_LEAST, _FACTOR * self.took, _USUAL * self.server.usual)
        since = []
        for index in indices:
            if time.monotonic() > self.server.until:
                break
            answer = self.answer(index, cpu)
            is_clean = self.state.restore()
            if answer is not None:
                since.append(index)
            self.waiting.send(answer or {"again": index})
            if self.reached_out:
                return since
            if not is_clean:
                # Each began with what tests are used to find.
                return []
        return [] if not since or self.is_steady() else since

    def is_steady(self):
        """Whether the code as it is says what it said before."""
        try:
            signal.setitimer(signal.ITIMER_PROF, self.server.cpu)
            now = {name: result for name, (result, _) in self.results().items()}
            signal.setitimer(signal.ITIMER_PROF, 0)
        except Unknown:
            return False
        return self.state.restore() and now == self.usual

    def answer(self, index, cpu):
        """What the tests say of a patch that they refuse; None when it has to be tried by itself."""
        try:
            changes = self.waiting.functions.changes(index)
        except SyntaxError as error:
            # Its words are in the file, which was read for them.
            self.reached_out = False
            return self.trial(index, {"": ("error", said(error))}, 0.0)
        if changes is None:
            return None
        old = [(function, function.__code__) for function, _ in changes]
        began = time.process_time()
        try:
            for function, code in changes:
                function.__code__ = code
            signal.setitimer(signal.ITIMER_PROF, cpu)
            results = self.results(with_slow=True)
        except Unknown:
            results = None
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            for function, code in old:
                function.__code__ = code
        if results is None or all(result == "passed" for result, _ in results.values()):
            return None
        return self.trial(index, results, time.process_time() - began)

    def trial(self, index, results, took):
        report = sys.modules["codeagent_report"]
        events = [{
            "event": "start", "nonce": os.environ.get("CODEAGENT_NONCE", ""), "framework": "pytest", "time": time.time()
        }]
        for name, (result, message) in results.items():
            events.append({"event": "test", "name": name, "result": result} if name else {"event": "error"})
            if message is not None:
                events[-1]["message"] = message
        events.append({"event": "end", "nonce": events[0]["nonce"], "status": self.tests.broken if "" in results else 1})
        encode = report._REAL[4]
        return {
            "event": "trial", "index": index, "timeout": False, "cpu": round(took, 6), "status": events[-1]["status"],
            "signal": None, "lines": "\n".join(map(encode, events)), "screened": True,
        }


def said(error):
    return sys.modules["codeagent_report"].described(error, None)[0]


def limit_memory():
    import resource

    server = sys.modules["codeagent_server"]
    with open("/proc/self/statm", "rb") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    try:
        resource.setrlimit(resource.RLIMIT_AS, (size + server._MEMORY,) * 2)
    except (OSError, ValueError):
        # A lower one holds already.
        pass


_OUTSIDE = frozenset({
    "subprocess.Popen", "os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.system", "os.kill", "os.killpg",
})


def plainly():
    """Has unittest say that two things differ without working out where."""
    case = sys.modules.get("unittest.case")
    if case:
        case.difflib = types.SimpleNamespace(
            ndiff=lambda *arguments, **named: [], unified_diff=lambda *arguments, **named: []
        )
        case.pprint = types.SimpleNamespace(pformat=lambda *arguments, **named: "")
