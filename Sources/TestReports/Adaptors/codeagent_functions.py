"""What a patch changes of functions that are there already: their new code, with nothing imported again."""
import ast
import gc
import os
import warnings

_FUNCTION = type(lambda: None)
_CODE = type((lambda: None).__code__)
_OPTIMIZED = 1


class Functions:
    """The functions of the files that patches change."""

    def __init__(self, server, called):
        self.server = server
        self.called = called
        self.live = {}
        for value in gc.get_objects():
            if type(value) is _FUNCTION and value.__code__.co_filename in server.suspects:
                self.live.setdefault(key(value.__code__), []).append(value)
        self.files = {name: File(name, content, self.live) for name, content in server.original.items()}
        # Those that have the code which is in the file; asked now, because code that ran compares as another.
        self.known = set()
        for file in self.files.values():
            for code in file.all:
                self.known.update(one for one in self.live.get(key(code), ()) if one.__code__ == code)

    def changes(self, index):
        """The functions with the code that they get by a patch; None when more than the inside of functions changes.

        Raises SyntaxError where the patch has none to give.
        """
        found = []
        edits = {}
        for path, start, end, text in self.server.patches[index]:
            edits.setdefault(os.path.join(self.server.root, path), []).append((start, end, text.encode("utf-8")))
        for name, list_ in edits.items():
            file = self.files[name]
            if file.path is None:
                return None
            pairs = []
            try:
                if not differences(*file.compiled(sorted(list_)), pairs):
                    return None
            except (ValueError, RecursionError, MemoryError, OverflowError):
                return None
            for old, new in pairs:
                functions = self.live.get(key(old))
                if not functions or key(old) in self.called or old.co_freevars != new.co_freevars:
                    return None
                if not all(function in self.known for function in functions):
                    return None
                found += [(function, new) for function in functions]
        return found


class File:
    """A file that patches change: of most, one definition of it is compiled anew, at the lines where it is."""

    def __init__(self, name, content, live):
        self.content = content
        self.flags = 0
        # By the name that functions have their code under.
        real = os.path.realpath(name)
        self.path = next((entry[0] for entry in live if os.path.realpath(entry[0]) == real), None)
        self.parts = []
        self.codes = {}
        self.all = []
        if self.path is None:
            return
        self.all.append(self.made([], 0, len(content), 1))
        self.flags = self.all[0].co_flags & _FUTURE
        for code in self.all:
            self.all += [one for one in code.co_consts if type(one) is _CODE]
        if content.startswith(b"\xef\xbb\xbf") or b"\r" in content.replace(b"\r\n", b"") or b"\f" in content:
            return
        if any(b"coding" in line for line in content.split(b"\n", 2)[:2]):
            return
        starts = [0]
        for line in content.splitlines(True):
            starts.append(starts[-1] + len(line))
        body = ast.parse(content).body
        firsts = [
            min([node.lineno] + [one.lineno for one in getattr(node, "decorator_list", ())]) for node in body
        ]
        for position, node in enumerate(body):
            end = starts[firsts[position + 1] - 1] if position + 1 < len(body) else len(content)
            is_definition = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            # Two statements on one line are left alone.
            if is_definition and starts[firsts[position] - 1] < end:
                self.parts.append((starts[firsts[position] - 1], end, firsts[position]))

    def compiled(self, edits):
        """The code as it is and as the edits make it, of the whole file or of one definition."""
        for start, end, line in self.parts:
            if start <= edits[0][0] and max(edit[1] for edit in edits) <= end:
                # What stands before the definition belongs to another.
                if edits[0][0] > start or edits[0][1] > start:
                    return self.code(start, end, line), self.made(edits, start, end, line)
        return self.code(0, len(self.content), 1), self.made(edits, 0, len(self.content), 1)

    def code(self, start, end, line):
        if (start, end) not in self.codes:
            self.codes[start, end] = self.made([], start, end, line)
        return self.codes[start, end]

    def made(self, edits, start, end, line):
        parts, position = [b"\n" * (line - 1)], start
        for first, last, text in edits:
            if first < position or last > end:
                raise ValueError("an edit is out of range or overlaps another")
            parts += [self.content[position:first], text]
            position = last
        parts.append(self.content[position:end])
        with warnings.catch_warnings():
            # To show one the file would be read.
            warnings.simplefilter("ignore")
            return compile(b"".join(parts), self.path, "exec", flags=self.flags, dont_inherit=True)


def _future():
    import __future__

    flags = 0
    for name in __future__.all_feature_names:
        flags |= getattr(__future__, name).compiler_flag
    return flags


_FUTURE = _future()


def key(code):
    return code.co_filename, code.co_name, code.co_firstlineno


def differences(old, new, pairs):
    """Notes the functions that differ between two modules or classes; false when something else does."""
    if old.co_code != new.co_code or old.co_names != new.co_names or len(old.co_consts) != len(new.co_consts):
        return False
    if old.co_varnames != new.co_varnames or old.co_freevars != new.co_freevars or old.co_cellvars != new.co_cellvars:
        return False
    for one, other in zip(old.co_consts, new.co_consts):
        if type(one) is not type(other):
            return False
        if type(one) is _CODE:
            if one == other:
                continue
            if one.co_name != other.co_name or (one.co_flags ^ other.co_flags) & _OPTIMIZED:
                return False
            if one.co_flags & _OPTIMIZED:
                pairs.append((one, other))
            elif not differences(one, other, pairs):
                return False
        elif repr(one) != repr(other):
            return False
    return True

