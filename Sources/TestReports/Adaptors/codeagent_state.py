"""What tests find and leave behind in the project's modules: kept as it was, and put back."""
import collections
import os
import sys
import threading
import types

# What the project's modules may hold: all of it is looked at after each patch.
_CONTAINERS = 20000
_ENTRIES = 40000


class Unfit(Exception):
    """Why patches cannot be tried in one process."""


class State:
    """The project's modules as tests find them."""

    _PLAIN = frozenset({
        int, float, complex, bool, str, bytes, type(None), type(Ellipsis), type(NotImplemented), range, slice, object,
        types.BuiltinFunctionType, types.CodeType, types.ModuleType, types.GetSetDescriptorType, types.MemberDescriptorType,
        type(str.join), type(object.__init__), type(object().__str__), type(dict.__dict__["fromkeys"]),
    })
    # Of such libraries objects are taken for values.
    _LIBRARIES = frozenset({
        "re", "datetime", "decimal", "fractions", "pathlib", "logging", "typing", "abc", "_abc", "enum", "operator",
        "functools", "types", "string", "ast", "unittest", "_pytest", "pytest", "pluggy", "importlib", "zoneinfo", "uuid",
        "_frozen_importlib", "_frozen_importlib_external", "ipaddress", "_struct", "numbers", "dataclasses", "__future__",
        "_sitebuiltins", "_thread", "threading", "_operator", "collections",
    })

    def __init__(self, root, more):
        self.kept = []
        self.entries = 0
        self.caches = []
        self.seen = set()
        self.waiting = []
        root = os.path.join(os.path.realpath(root), "")
        self.modules = set()
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if isinstance(module, types.ModuleType) and isinstance(path, str):
                path = os.path.realpath(path)
                if path.startswith(root) and "-packages" not in path:
                    self.modules.add(name)
        for name in self.modules:
            self.keep_names(sys.modules[name].__dict__)
        for value in more:
            self.waiting.append(value)
        self.waiting += [sys.path, os.environ._data]
        while self.waiting:
            self.look(self.waiting.pop())
            if len(self.kept) > _CONTAINERS:
                raise Unfit("the project's modules hold too much")
        self.waiting = self.seen = None
        self.numbers = sys.modules.get("random")
        self.random = self.numbers and self.numbers.getstate()
        self.depth = sys.getrecursionlimit()
        self.streams = sys.stdin, sys.stdout, sys.stderr
        self.here = os.getcwd()

    def keep_names(self, names):
        if id(names) not in self.seen:
            self.seen.add(id(names))
            self.keep(names, "names")
            self.waiting.extend(value for name, value in names.items() if name != "__builtins__")

    def keep(self, container, kind):
        if kind == "list":
            copy = list(container)
            ids = list(map(id, copy))
        elif kind == "bytes":
            copy = ids = bytes(container)
        elif kind == "set":
            copy = set(container)
            ids = set(map(id, copy))
        else:
            copy = dict(vars(container) if kind == "class" else container)
            ids = list(map(id, copy)), list(map(id, copy.values()))
        self.kept.append((kind, container, ids, copy))
        self.entries += len(copy)
        if self.entries > _ENTRIES:
            raise Unfit("the project's modules hold too much")

    def look(self, value):
        kind = type(value)
        if kind in self._PLAIN or id(value) in self.seen:
            return
        self.seen.add(id(value))
        if kind is types.FunctionType:
            if value.__module__ in self.modules:
                self.look_at_function(value)
        elif isinstance(value, type):
            if value.__module__ in self.modules:
                self.keep(value, "class")
                self.waiting.extend(vars(value).values())
                self.waiting.append(type(value))
        elif kind is tuple or kind is frozenset:
            self.waiting.extend(value)
        elif kind in (property, staticmethod, classmethod):
            inner = (value.fget, value.fset, value.fdel) if kind is property else (value.__func__,)
            self.waiting.extend(inner)
        elif kind is types.MethodType:
            self.waiting += [value.__self__, value.__func__]
        elif kind.__name__ == "_lru_cache_wrapper":
            if value.cache_info().currsize:
                raise Unfit("a cache is filled")
            self.caches.append(value)
            self.waiting.append(getattr(value, "__wrapped__", None))
        else:
            self.look_at_object(value, kind)

    def look_at_function(self, function):
        self.waiting += list(function.__defaults__ or ()) + list((function.__kwdefaults__ or {}).values())
        self.keep_names(function.__dict__)
        for cell in function.__closure__ or ():
            try:
                content = cell.cell_contents
            except ValueError:
                raise Unfit("a closure is empty") from None
            self.kept.append(("cell", cell, content, None))
            self.waiting.append(content)

    def look_at_object(self, value, kind):
        own = kind.__module__ in self.modules
        names = getattr(value, "__dict__", None)
        is_known = own or kind.__module__ in ("builtins", "collections", "types")
        if is_known and isinstance(value, dict):
            self.keep(value, "dict")
            self.waiting.extend(value)
            self.waiting.extend(value.values())
        elif is_known and isinstance(value, (list, collections.deque)):
            self.keep(value, "list")
            self.waiting.extend(value)
        elif is_known and isinstance(value, set):
            self.keep(value, "set")
            self.waiting.extend(value)
        elif kind is bytearray:
            self.keep(value, "bytes")
        elif isinstance(value, tuple) and own:
            self.waiting.extend(value)
        elif not own and kind is not types.SimpleNamespace and not (kind.__module__ == "collections" and names):
            if kind.__module__.split(".")[0] not in self._LIBRARIES or kind.__name__ in ("_local", "Generator"):
                raise Unfit("there is a %s.%s" % (kind.__module__, kind.__name__))
            return
        if type(names) is dict:
            self.keep_names(names)
        if own:
            slots = [name for base in kind.__mro__ for name in slots_of(base)]
            if slots:
                self.kept.append(("slots", value, slots, [getattr(value, name, Unfit) for name in slots]))
                self.waiting.extend(getattr(value, name) for name in slots if hasattr(value, name))

    def restore(self):
        """Puts everything back; false where it cannot be."""
        try:
            for kind, container, ids, copy in self.kept:
                if not is_same(kind, container, ids, copy):
                    put_back(kind, container, ids, copy)
                    if not is_same(kind, container, ids, copy):
                        return False
            for cache in self.caches:
                cache.cache_clear()
            if self.numbers:
                self.numbers.setstate(self.random)
            sys.stdin, sys.stdout, sys.stderr = self.streams
            if sys.getrecursionlimit() != self.depth:
                sys.setrecursionlimit(self.depth)
            if os.getcwd() != self.here:
                os.chdir(self.here)
        except Exception:
            return False
        return threading.active_count() == 1


def slots_of(kind):
    names = kind.__dict__.get("__slots__", ())
    names = (names,) if isinstance(names, str) else names
    hidden = "_" + kind.__name__.lstrip("_")
    return [
        hidden + name if name.startswith("__") and not name.endswith("__") else name
        for name in names if name not in ("__dict__", "__weakref__")
    ]


def is_same(kind, container, ids, copy):
    if kind == "names" or kind == "dict":
        return list(map(id, dict.values(container))) == ids[1] and list(map(id, dict.keys(container))) == ids[0]
    if kind == "list":
        return list(map(id, container)) == ids
    if kind == "class":
        names = vars(container)
        return list(map(id, names.values())) == ids[1] and list(map(id, names)) == ids[0]
    if kind == "cell":
        return container.cell_contents is ids
    if kind == "slots":
        return all(getattr(container, name, Unfit) is value for name, value in zip(ids, copy))
    if kind == "set":
        return set(map(id, container)) == ids
    return container == ids


def put_back(kind, container, ids, copy):
    if kind == "names" or kind == "dict":
        dict.clear(container)
        dict.update(container, copy)
    elif kind == "list":
        container.clear()
        container.extend(copy)
    elif kind == "set":
        set.clear(container)
        set.update(container, copy)
    elif kind == "bytes":
        container[:] = copy
    elif kind == "cell":
        container.cell_contents = ids
    elif kind == "slots":
        for name, value in zip(ids, copy):
            if value is not Unfit:
                setattr(container, name, value)
            elif hasattr(container, name):
                delattr(container, name)
    elif kind == "class":
        for name in set(vars(container)).difference(copy):
            delattr(container, name)
        for name, value in copy.items():
            if vars(container).get(name, Unfit) is not value:
                setattr(container, name, value)
