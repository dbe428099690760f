#!/usr/bin/env python3
"""Repairs small programs with one seeded bug each and says how many came out right.

usage: run.py [--agent PATH] [--language python|javascript] [--timeout 60s] [--keep DIRECTORY] [NAME…]

LANGUAGE/NAME.txt is a program, then `---`, calls that the engine may see as tests, `---`, calls that judge its patch.
Lines that begin with `R|` are in the right program only, with `B|` in the broken one only; `>` begins lines that the
tests need. What a call gives in the right program is what a test expects. Time is processor time of all processes.
Candidates a second, and the ratio of that to runs of the tests one by one, are by wall time, starts of the tests included.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
LIMIT = 10


def read(path):
    program, shown, hidden = path.read_text().split('\n---\n')
    lines = program.split('\n')
    right = '\n'.join(line[2:] if line.startswith('R|') else line for line in lines if not line.startswith('B|'))
    wrong = '\n'.join(line[2:] if line.startswith('B|') else line for line in lines if not line.startswith('R|'))
    helpers = '\n'.join(line[2:] for line in shown.split('\n') if line.startswith('>'))
    shown = [line for line in shown.split('\n') if line and not line.startswith('>')]
    return right + '\n', wrong + '\n', helpers, shown, [line for line in hidden.split('\n') if line]


def outcomes(program, helpers, calls):
    """What each call gives in a program, as text; a call that takes too long or raises says so."""
    lines = [program, helpers, 'import sys as _sys', 'def _show(index, call):',
             '    try:', '        text = repr(call())',
             '    except RecursionError:', '        text = "! RecursionError"',
             '    except Exception as error:', '        text = "! " + type(error).__name__',
             '    print(index, text, flush=True)']
    return shown_lines([sys.executable, '-c'], lines, [f'_show({i}, lambda: {call})' for i, call in enumerate(calls)],
                       lambda: resource.setrlimit(resource.RLIMIT_AS, (2 << 30,) * 2))


def node_outcomes(program, calls):
    """The same for JavaScript: values as JSON."""
    lines = [program, 'function show(index, call) { let text;',
             "try { text = JSON.stringify(call()) ?? 'undefined'; } catch (error) { text = '! ' + error.constructor.name; }",
             "require('fs').writeSync(1, index + ' ' + text + '\\n'); }"]
    return shown_lines(['node', '-e'], lines, [f'show({i}, () => {call});' for i, call in enumerate(calls)])


def shown_lines(argv, lines, calls, prepare=None):
    """What each call prints behind its number; goes on behind a call that never ends."""
    found = {}
    first = 0
    while first < len(calls):
        try:
            out = subprocess.run(argv + ['\n'.join(lines + calls[first:])], capture_output=True, text=True,
                                 timeout=LIMIT, preexec_fn=prepare).stdout
        except subprocess.TimeoutExpired as error:
            out = (error.stdout or b'').decode()
        for line in out.splitlines():
            index, _, text = line.partition(' ')
            if index.isdigit():
                found[int(index)] = text
        first = max(found, default=-1) + 1
        if first < len(calls):
            found[first] = '! never ends'
            first += 1
    return [found[i] for i in range(len(calls))]


def node_tests(name, program, calls, expected):
    names = ', '.join(line.split('(')[0].split()[1] for line in program.split('\n') if line.startswith('function '))
    lines = ["const test = require('node:test');", "const assert = require('node:assert');",
             f"const {{ {names} }} = require('../{name}.js');", '']
    for i, (call, value) in enumerate(zip(calls, expected), 1):
        check = (f'assert.throws(() => {call});' if value.startswith('! ')
                 else f'assert.deepStrictEqual({call}, {value});')
        lines.append(f"test('{name} {i}', () => {{ {check} }});")
    return f'module.exports = {{ {names} }};\n', '\n'.join(lines) + '\n'


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


def repair(agent, directory, state, timeout):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    environment = dict(os.environ, XDG_STATE_HOME=state, XDG_DATA_HOME=state, XDG_CACHE_HOME=state + '/cache')
    run = subprocess.run([agent, 'fix', '--json', '--timeout', timeout, directory], capture_output=True,
                         env=environment, stdin=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    last = {}
    for line in run.stdout.decode(errors='replace').splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get('type') == 'run.ended':
            last = event
    return run, last, spent, time.monotonic() - began


def rates(agent, state):
    """Candidates a second of the last run, and how many runs of the tests alone take a second, as its record says."""
    environment = dict(os.environ, XDG_STATE_HOME=state, XDG_DATA_HOME=state, XDG_CACHE_HOME=state + '/cache')
    log = subprocess.run([agent, 'audit', 'log', 'last', '--json'], capture_output=True, env=environment).stdout
    began, counts = {}, ('passed', 'failed', 'broken', 'timeout')
    spent = {'tryPatches': [0, 0.0], 'execute': [0, 0.0]}
    for line in log.decode(errors='replace').splitlines():
        event = json.loads(line)
        fields = event.get('fields', {})
        if event.get('kind') == 'effect.intent':
            began[event['seq']] = (event['mono_ns'], fields.get('effect'), fields.get('purpose'))
        elif event.get('kind') == 'effect.outcome' and fields.get('intent') in began:
            at, effect, purpose = began[fields['intent']]
            if effect == 'execute' and purpose not in ('baseline', 'verification') or effect not in spent:
                continue
            spent[effect][0] += 1 if effect == 'execute' else sum(fields.get(name) or 0 for name in counts)
            spent[effect][1] += (event['mono_ns'] - at) / 1e9
    return spent['tryPatches'], spent['execute']


def per_second(count, seconds):
    return count / seconds if seconds else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--agent', default=str(HERE.parents[1] / '.build/release/codeagent'))
    parser.add_argument('--language', default='python', choices=['python', 'javascript'])
    parser.add_argument('--timeout', default='60s')
    parser.add_argument('--keep')
    parser.add_argument('--check', action='store_true', help='only that the right programs pass and the broken ones fail')
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    root = pathlib.Path(options.keep or tempfile.mkdtemp(prefix='repair-'))
    paths = sorted((HERE / options.language).glob('*.txt'))
    totals = {'found': 0, 'right': 0, 'verified': 0, 'verified right': 0, 'fast': 0, 'all': 0}
    speeds = {}
    print(f'{"program":16} {"label":12} {"right":6} {"CPU s":>6} {"wall s":>6} {"tried":>6} {"a s":>5} {"ratio":>5}  summary')
    for index, path in enumerate(paths):
        name = path.stem
        if options.names and name not in options.names:
            continue
        right, wrong, helpers, shown, hidden = read(path)
        is_node = options.language == 'javascript'

        def results(text):
            return node_outcomes(text, shown + hidden) if is_node else outcomes(text, helpers, shown + hidden)

        expected = results(right)
        actual = results(wrong)
        failing = sum(a != b for a, b in zip(actual[:len(shown)], expected))
        if not failing or any(value == '! never ends' for value in expected):
            print(f'{name:16} unusable: {failing} of {len(shown)} tests fail', expected if not failing else '')
            continue
        if options.check:
            print(f'{name:16} {failing} of {len(shown)} shown, '
                  f'{sum(a != b for a, b in zip(actual[len(shown):], expected[len(shown):]))} of {len(hidden)} hidden',
                  [a for a, b in zip(actual, expected) if a != b and a.startswith('!')])
            continue
        directory = root / name
        directory.mkdir(parents=True, exist_ok=True)
        source = directory / (f'{name}.js' if is_node else f'{name}.py')
        style = 'node' if is_node else 'unittest' if index % 6 == 5 else 'pytest'
        if is_node:
            exports, text = node_tests(name, wrong, shown, expected)
            source.write_text(wrong + exports)
            (directory / 'test').mkdir(exist_ok=True)
            (directory / 'test' / f'{name}.test.js').write_text(text)
            (directory / 'package.json').write_text(json.dumps({'name': name, 'scripts': {'test': 'node --test'}}) + '\n')
        else:
            source.write_text(wrong)
            (directory / f'test_{name}.py').write_text(tests(name, helpers, shown, expected, style))
        run, last, spent, wall = repair(options.agent, str(directory), str(root / 'state'), options.timeout)
        (root / f'{name}.json').write_bytes(run.stdout)
        (root / f'{name}.err').write_bytes(run.stderr)
        # What the tests leave behind is in the patch of a run that found none.
        patch = last.get('patch', '') if run.returncode in (0, 9) else ''
        label = {0: 'verified', 9: 'unconfirmed', 1: '-'}.get(run.returncode, f'exit {run.returncode}')
        good = False
        if patch:
            (root / f'{name}.patch').write_text(patch)
            subprocess.run(['patch', '-p1', '-s', '-d', str(directory)], input=patch.encode(), check=False)
            good = results(source.read_text()) == expected
        tried = next((w for w, n in zip(last.get('summary', '').split(), last.get('summary', '').split()[1:])
                      if n in ('patches', 'candidates')), '')
        totals['all'] += 1
        patches, runs = rates(options.agent, str(root / 'state'))
        total = speeds.setdefault(style, ([0, 0.0], [0, 0.0]))
        for sum_, part in zip(total, (patches, runs)):
            sum_[0] += part[0]
            sum_[1] += part[1]
        speed, cold = per_second(*patches), per_second(*runs)
        totals['found'] += bool(patch)
        totals['right'] += good
        totals['fast'] += good and spent <= 10
        totals['verified'] += label == 'verified'
        totals['verified right'] += label == 'verified' and good
        print(f'{name:16} {label:12} {"right" if good else "wrong" if patch else "":6} {spent:6.1f} {wall:6.1f} {tried:>6} '
              f'{speed:5.0f} {speed / cold if cold else 0:5.0f} '
              f' {last.get("summary") or last.get("reason", "")}', flush=True)
    print(', '.join(f'{value} {key}' for key, value in totals.items()))
    for style, (patches, runs) in sorted(speeds.items()):
        speed, cold = per_second(*patches), per_second(*runs)
        print(f'{style}: {speed:.0f} candidates a second, {cold:.2f} runs of the tests a second one by one'
              + (f', ratio {speed / cold:.0f}' if cold else ''))


if __name__ == '__main__':
    main()
