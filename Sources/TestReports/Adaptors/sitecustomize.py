"""Loaded by every Python of a test run (its directory is on PYTHONPATH): watches for pytest and unittest.

Nothing is imported here but what the interpreter has loaded anyway; the reporter itself loads with the runner.
"""
import os
import sys


def _install():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if not entry or os.path.abspath(entry) != here]
    wanted = {"_pytest.config": "watch_pytest", "unittest.result": "watch_unittest"}

    def load(name):
        path = os.path.join(here, name + ".py")
        module = type(sys)(name)
        module.__file__ = path
        sys.modules[name] = module
        with open(path, "rb") as source:
            exec(compile(source.read(), path, "exec"), module.__dict__)
        return module

    def reporter():
        module = sys.modules.get("codeagent_report")
        if module is None:
            module = load("codeagent_report")
            if os.environ.get("CODEAGENT_COVERAGE"):
                load("codeagent_coverage").watch(module)
            if os.environ.get("CODEAGENT_TRIALS"):
                load("codeagent_server")
        return module

    class Watcher:
        def find_spec(self, name, path=None, target=None):
            if name not in wanted:
                return None
            for finder in list(sys.meta_path):
                find = None if finder is self else getattr(finder, "find_spec", None)
                spec = find(name, path, target) if find else None
                if spec is None:
                    continue
                loader = spec.loader
                execute = getattr(loader, "exec_module", None)
                if execute is None or isinstance(loader, type):
                    return spec

                def exec_module(module):
                    execute(module)
                    if module.__name__ == name:
                        try:
                            getattr(reporter(), wanted[name])(module)
                        except Exception as error:
                            sys.stderr.write("codeagent: no test reporter: %r\n" % (error,))

                try:
                    loader.exec_module = exec_module
                except AttributeError:
                    pass
                return spec
            return None

    if os.environ.get("CODEAGENT_RESULTS"):
        sys.meta_path.insert(0, Watcher())
        # A program that a test started, in a run that notes the lines of each test.
        if os.environ.get("CODEAGENT_COVERAGE") and os.environ.get("CODEAGENT_TEST"):
            load("codeagent_coverage").continue_test(os.environ["CODEAGENT_TEST"])
    return here


def _chain(here):
    """Runs the sitecustomize that this one hides."""
    from importlib.machinery import PathFinder

    entries = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    spec = PathFinder.find_spec("sitecustomize", entries)
    if spec is None or spec.loader is None:
        return
    module = type(sys)("sitecustomize")
    module.__spec__ = spec
    module.__file__ = spec.origin
    module.__loader__ = spec.loader
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


# Older Pythons find modules in another way: they run without a reporter.
if sys.version_info >= (3, 6):
    _chain(_install())
