"""Python: pytest, every sixth program unittest."""
import resource
import sys

from .running import put, shown_lines


def outcomes(program, helpers, calls):
    lines = [program, helpers, 'import sys as _sys', 'def _show(index, call):',
             '    try:', '        text = repr(call())',
             '    except RecursionError:', '        text = "! RecursionError"',
             '    except Exception as error:', '        text = "! " + type(error).__name__',
             '    print(index, text, flush=True)']
    shows = [f'_show({i}, lambda: {call})' for i, call in enumerate(calls)]
    return shown_lines(len(calls), lambda first: [sys.executable, '-c', '\n'.join(lines + shows[first:])],
                       lambda: resource.setrlimit(resource.RLIMIT_AS, (2 << 30,) * 2))


def write(directory, name, index, program, helpers, calls, expected):
    style = 'unittest' if index % 6 == 5 else 'pytest'
    put(directory / f'test_{name}.py', tests(name, helpers, calls, expected, style))
    return put(directory / f'{name}.py', program), style


def tests(name, helpers, calls, expected, style):
    lines = []
    raising = any(value.startswith('! ') for value in expected)
    if style == 'unittest':
        lines += ['import unittest', f'from {name} import *', '']
    else:
        lines += (['import pytest', ''] if raising else []) + [f'from {name} import *', '']
    if helpers:
        lines += ['', helpers, '']
    lines.append('')
    if style == 'unittest':
        lines.append('class Tests(unittest.TestCase):')
    for i, (call, value) in enumerate(zip(calls, expected), 1):
        indent = '    ' if style == 'unittest' else ''
        lines.append(f'{indent}def test_{i}({"self" if style == "unittest" else ""}):')
        if value.startswith('! '):
            guard = 'self.assertRaises' if style == 'unittest' else 'pytest.raises'
            lines += [f'{indent}    with {guard}({value[2:]}):', f'{indent}        {call}']
        elif style == 'unittest':
            lines.append(f'{indent}    self.assertEqual({call}, {value})')
        else:
            lines.append(f'{indent}    assert {call} == {value}')
        lines.append('')
    return '\n'.join(lines)
