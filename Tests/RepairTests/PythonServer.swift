import Foundation
import Synchronization
import TestSupport

/// A Python interpreter that has loaded what tests need and forks for each run: a run costs milliseconds, not the start
/// of an interpreter. One caller at a time.
final class PythonServer: Sendable {
  private let process: Process
  private let input: FileHandle
  private let output: FileHandle
  private let lock = Mutex(())

  /// The interpreter itself: what lies on PATH is often a script that looks for it.
  static let interpreter: String = {
    let result = try? runProcess(["python3", "-c", "import sys; print(sys.executable)"])
    return result?.out.trimmingCharacters(in: .whitespacesAndNewlines) ?? "python3"
  }()

  init(script: String) throws {
    process = Process()
    process.executableURL = URL(fileURLWithPath: Self.interpreter)
    process.arguments = [script]
    let toServer = Pipe()
    let fromServer = Pipe()
    process.standardInput = toServer
    process.standardOutput = fromServer
    process.environment = ["PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "0"]
    try process.run()
    input = toServer.fileHandleForWriting
    output = fromServer.fileHandleForReading
  }

  deinit {
    try? input.close()
    process.waitUntilExit()
  }

  /// Runs the tests in a directory; true when they ran out of time.
  func run(_ directory: String, results: String, names: [String], timeout: Double, coverage: Bool, pytest: String)
    throws -> (
      status: Int32, timedOut: Bool
    )
  {
    try lock.withLock { _ in
      let request: [String: Any] = [
        "directory": directory, "results": results, "names": names, "timeout": timeout, "coverage": coverage,
        "pytest": pytest,
      ]
      try input.write(contentsOf: JSONSerialization.data(withJSONObject: request) + [0x0a])
      var line = Data()
      while let byte = try output.read(upToCount: 1), let value = byte.first, value != 0x0a { line.append(value) }
      let answer = try JSONSerialization.jsonObject(with: line) as? [String: Any]
      return (Int32(answer?["status"] as? Int ?? -1), answer?["timedOut"] as? Bool ?? false)
    }
  }

  static let source = #"""
    import collections, copy, functools, heapq, itertools, json, math, os, re, select, signal, string, sys, time, traceback, unittest
    import resource

    def child(request):
        root = request["directory"]
        os.chdir(root)
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        quiet = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2): os.dup2(quiet, number)
        sys.path.insert(0, root)
        if request["pytest"]: return with_pytest(request, root)
        start = "tests" if os.path.isdir("tests") and not os.path.exists("tests/__init__.py") else "."
        lines = []
        covered = []
        def trace(seen):
            def local(frame, event, argument):
                if event == "line": seen.setdefault(frame.f_code.co_filename, set()).add(frame.f_lineno)
                return local
            return lambda frame, event, argument: local if frame.f_code.co_filename.startswith(root) else None
        class Result(unittest.TestResult):
            def note(self, test, result, err=None):
                entry = {"name": test.id(), "result": result}
                if err:
                    frames = [(os.path.relpath(f.filename, root), f.lineno) for f in traceback.extract_tb(err[2])
                              if os.path.abspath(f.filename).startswith(root + os.sep)]
                    entry["message"] = "".join(traceback.TracebackException(err[0], err[1], err[2]).format_exception_only()).strip()
                    entry["trace"] = [{"path": p, "line": n} for p, n in frames]
                    tests = [f for f in frames if os.path.basename(f[0]).startswith("test_")]
                    where = tests[-1] if tests else (frames[-1] if frames else None)
                    if where: entry["location"] = {"path": where[0], "line": where[1]}
                lines.append(entry)
            def startTest(self, test):
                if request["coverage"]:
                    self.seen = {}
                    sys.settrace(trace(self.seen))
            def stopTest(self, test):
                if request["coverage"]:
                    sys.settrace(None)
                    files = {os.path.relpath(n, root): [[l, l] for l in sorted(ls)] for n, ls in self.seen.items()}
                    covered.append({"name": test.id(), "files": files})
            def addSuccess(self, test): self.note(test, "passed")
            def addFailure(self, test, err): self.note(test, "failed", err)
            def addError(self, test, err): self.note(test, "errored", err)
            def addSkip(self, test, reason): self.note(test, "skipped")
        def walk(suite):
            for item in suite:
                if isinstance(item, unittest.TestSuite): yield from walk(item)
                else: yield item
        wanted = set(request["names"])
        suite = unittest.defaultTestLoader.discover(start, top_level_dir=start if start != "." else None)
        chosen = unittest.TestSuite(t for t in walk(suite) if not wanted or t.id() in wanted)
        chosen.run(Result())
        with open(request["results"], "w") as out: json.dump({"tests": lines, "coverage": {"tests": covered}}, out)
        return 0 if all(l["result"] in ("passed", "skipped") for l in lines) and lines else 1

    def with_pytest(request, root):
        import pytest
        lines, covered = {}, []
        class Collector:
            @pytest.hookimpl(hookwrapper=True)
            def pytest_runtest_protocol(self, item):
                seen = {}
                def local(frame, event, argument):
                    if event == "line": seen.setdefault(frame.f_code.co_filename, set()).add(frame.f_lineno)
                    return local
                if request["coverage"]: sys.settrace(lambda f, e, a: local if f.f_code.co_filename.startswith(root) else None)
                yield
                sys.settrace(None)
                covered.append({"name": item.nodeid, "files": {os.path.relpath(n, root): [[l, l] for l in sorted(ls)] for n, ls in seen.items()}})
            def pytest_runtest_logreport(self, report):
                entry = lines.setdefault(report.nodeid, {"name": report.nodeid, "result": "passed"})
                if report.skipped: entry["result"] = "skipped"
                if not report.failed: return
                entry["result"] = "failed" if report.when == "call" else "errored"
                text = report.longreprtext
                entry["message"] = "\n".join(l[1:].strip() for l in text.splitlines() if l.startswith("E"))[:4000]
                frames = []
                for part in getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", []):
                    where = getattr(part, "reprfileloc", None)
                    path = where and os.path.relpath(os.path.join(root, where.path), root)
                    if path and not path.startswith(".."): frames.append({"path": path, "line": where.lineno})
                entry["trace"] = frames
                tests = [f for f in frames if "test" in f["path"]]
                if tests: entry["location"] = tests[-1]
        arguments = request["names"] or request["pytest"].split()
        code = pytest.main(["-q", "-p", "no:cacheprovider", "--tb=long"] + arguments, plugins=[Collector()])
        with open(request["results"], "w") as out: json.dump({"tests": list(lines.values()), "coverage": {"tests": covered}}, out)
        return int(code)

    def serve():
        for line in sys.stdin:
            request = json.loads(line)
            pid = os.fork()
            if pid == 0:
                status = 70
                try:
                    os.setpgid(0, 0)
                    status = child(request)
                except BaseException: pass
                os._exit(status)
            deadline = time.monotonic() + request["timeout"]
            late = False
            pause = 0.001
            while True:
                done, raw = os.waitpid(pid, os.WNOHANG)
                if done: break
                if time.monotonic() > deadline:
                    late = True
                    try: os.killpg(pid, signal.SIGKILL)
                    except OSError: os.kill(pid, signal.SIGKILL)
                    _, raw = os.waitpid(pid, 0)
                    break
                time.sleep(pause)
                pause = min(0.01, pause * 1.3)
            status = os.WEXITSTATUS(raw) if os.WIFEXITED(raw) else 128 + os.WTERMSIG(raw)
            sys.stdout.write(json.dumps({"status": status, "timedOut": late}) + "\n")
            sys.stdout.flush()
    serve()
    """#
}
