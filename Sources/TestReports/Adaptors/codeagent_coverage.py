"""Notes which lines of the project each test runs, one JSON line a test, into the directory CODEAGENT_RESULTS.

CODEAGENT_COVERAGE names the project's root. Python 3.8 and later; from 3.12 on by sys.monitoring, which costs next to
nothing. Programs in Python that a test starts are noted for that test, which they know by CODEAGENT_TEST.
"""
import atexit
import json
import os
import sys
import threading
import time

# Held here, because tests may fake files and time by replacing attributes of modules.
_REAL = (os.open, os.write, os.close, os.stat, json.dumps, os.environ)
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
# Bounds: bytes of a process's file, files and lines of a test, events of a test (half a second of tracing), jumps of one.
_BYTES = 16 << 20
_FILES = 500
_LINES = 40000
_EVENTS = 2000000
_JUMPS = 1000000
_FOREIGN = {
    "site-packages", "dist-packages", "node_modules", ".venv", "venv", ".tox", ".nox", ".git", ".eggs", "__pycache__"
}


class Notes:
    """The lines of the test that runs, and the file in which tests are noted."""

    def __init__(self, root):
        real = os.path.realpath(root)
        self.roots = tuple({os.path.join(root, ""), os.path.join(real, "")})
        self.here = os.getcwd()
        self.path = os.path.join(
            os.environ["CODEAGENT_RESULTS"], "coverage-%d-%d.jsonl" % (os.getpid(), time.time_ns())
        )
        self.left = _BYTES
        self.start = {
            "event": "start",
            "nonce": os.environ.get("CODEAGENT_NONCE", ""),
            "framework": "coverage",
            "time": time.time(),
        }
        self.names = {}
        self.test = None
        self.seen = {}
        self.tracer = _Monitoring(self) if hasattr(sys, "monitoring") else _Tracing(self)

    def begin(self, test):
        self.end()
        self.test = test
        self.seen = {}
        try:
            _REAL[5]["CODEAGENT_TEST"] = test
        except (ValueError, OSError):
            pass
        self.tracer.start()

    def end(self):
        if self.test is None:
            return
        self.tracer.stop()
        self.flush()
        _REAL[5].pop("CODEAGENT_TEST", None)
        self.test = None

    def lines(self, name):
        """The set for the lines of a file, by the name that code has; None for what is not the project's."""
        try:
            path = self.names[name]
        except KeyError:
            path = self.names[name] = self.project_path(name)
        found = set() if path is not None and len(self.seen) < 8 * _FILES else None
        self.seen[name] = found
        return found

    def project_path(self, name):
        if not name or name[0] == "<":
            return None
        path = name if name[0] == "/" else self.here + "/" + name
        for root in self.roots:
            if path.startswith(root):
                relative = path[len(root):]
                try:
                    relative.encode("utf-8")
                    _REAL[3](path)
                except (OSError, ValueError):
                    return None
                return None if _FOREIGN.intersection(relative.split("/")) else relative
        return None

    def flush(self):
        files = {}
        count = 0
        for name, found in list(self.seen.items()):
            if not found or len(files) >= _FILES or count > _LINES:
                continue
            count += len(found)
            files[self.names[name]] = ranges(found)
        if files:
            self.put({"event": "lines", "name": self.test, "files": files})

    def put(self, event):
        text = _REAL[4](event) + "\n"
        if self.start is not None:
            text = _REAL[4](self.start) + "\n" + text
        if len(text) > self.left:
            return
        try:
            descriptor = _REAL[0](self.path, _FLAGS, 0o644)
        except OSError:
            return
        self.start = None
        self.left -= len(text)
        data = text.encode("ascii", "replace")
        try:
            while data:
                data = data[_REAL[1](descriptor, data):]
        except OSError:
            pass
        finally:
            _REAL[2](descriptor)


def ranges(lines):
    found = []
    for line in sorted(line for line in list(lines) if line):
        if found and found[-1][1] == line - 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return found


class _Tracing:
    """Lines by sys.settrace."""

    def __init__(self, notes):
        self.notes = notes
        self.previous = (None, None)
        self.trace = None

    def start(self):
        notes = self.notes
        locals_ = {}
        left = [_EVENTS]

        def follow(found):
            def line(frame, event, argument):
                if event == "line":
                    found.add(frame.f_lineno)
                    left[0] -= 1
                    if left[0] <= 0:
                        frame.f_trace = None
                        if left[0] == 0:
                            # A test that runs long, or for ever: what it ran so far is noted now.
                            sys.settrace(None)
                            notes.flush()
                        return None
                return line

            return line

        def trace(frame, event, argument):
            if left[0] <= 0:
                return None
            name = frame.f_code.co_filename
            try:
                return locals_[name]
            except KeyError:
                found = notes.lines(name)
                local = locals_[name] = None if found is None else follow(found)
                return local

        self.trace = trace
        self.previous = (sys.gettrace(), getattr(threading, "_trace_hook", None))
        threading.settrace(trace)
        sys.settrace(trace)

    def stop(self):
        if sys.gettrace() in (self.trace, None):
            sys.settrace(self.previous[0])
        threading.settrace(self.previous[1])


class _Monitoring:
    """Lines by sys.monitoring: each place is reported once a test."""

    def __init__(self, notes):
        self.notes = notes
        self.identifier = None
        monitoring = sys.monitoring
        disable = monitoring.DISABLE

        def line(code, number):
            seen = notes.seen
            name = code.co_filename
            found = seen[name] if name in seen else notes.lines(name)
            if found is not None:
                found.add(number)
            return disable

        for identifier in (4, 3, 2, 5):
            try:
                monitoring.use_tool_id(identifier, "codeagent")
            except ValueError:
                continue
            self.identifier = identifier
            monitoring.register_callback(identifier, monitoring.events.LINE, line)
            break

    def start(self):
        if self.identifier is None:
            return
        monitoring = sys.monitoring
        events = monitoring.events
        left = [_JUMPS]

        def jump(code, start, end):
            left[0] -= 1
            if left[0] == 0:
                # A test that runs long, or for ever: what it ran so far is noted now.
                monitoring.set_events(self.identifier, events.LINE)
                self.notes.flush()

        monitoring.register_callback(self.identifier, events.JUMP, jump)
        monitoring.set_events(self.identifier, events.LINE | events.JUMP)
        monitoring.restart_events()

    def stop(self):
        if self.identifier is not None:
            sys.monitoring.set_events(self.identifier, 0)


def watch(reporter):
    """Follows the reporter: a test's lines are those between its "begin" and its "test"."""
    if os.environ.get("CODEAGENT_TEST"):
        return
    notes = Notes(os.environ["CODEAGENT_COVERAGE"])
    put = reporter.Writer.put

    def put_and_note(self, event, **fields):
        if event == "test" or event == "end":
            notes.end()
        put(self, event, **fields)
        if event == "begin":
            notes.begin(fields["name"])

    reporter.Writer.put = put_and_note


def continue_test(test):
    """Notes this whole process for a test of another one."""
    notes = Notes(os.environ["CODEAGENT_COVERAGE"])
    notes.begin(test)
    atexit.register(notes.end)
