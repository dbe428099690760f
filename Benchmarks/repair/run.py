#!/usr/bin/env python3
"""Repairs small programs with one seeded bug each and says how many came out right.

usage: run.py [--agent PATH] [--language LANGUAGE] [--timeout 60s] [--keep DIRECTORY] [NAME…]

LANGUAGE/NAME.txt is a program, then `---`, calls that the engine may see as tests, `---`, calls that judge its patch.
Lines that begin with `R|` are in the right program only, with `B|` in the broken one only; `>` begins lines that the
tests need. What a call gives in the right program is what a test expects. Time is processor time of all processes.
Candidates a second, and the ratio of that to runs of the tests one by one, are by wall time, starts of the tests included;
those a second of processor time are of the whole run, and say more on a machine that does other work.
"""
import argparse
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import time

import languages

HERE = pathlib.Path(__file__).resolve().parent
ENDS = ('! never ends', '! dies', '! does not build')


def read(path):
    program, shown, hidden = path.read_text().split('\n---\n')
    lines = program.split('\n')
    right = '\n'.join(line[2:] if line.startswith('R|') else line for line in lines if not line.startswith('B|'))
    wrong = '\n'.join(line[2:] if line.startswith('B|') else line for line in lines if not line.startswith('R|'))
    helpers = '\n'.join(line[2:] for line in shown.split('\n') if line.startswith('>'))
    shown = [line for line in shown.split('\n') if line and not line.startswith('>')]
    return right + '\n', wrong + '\n', helpers, shown, [line for line in hidden.split('\n') if line]


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
    parser.add_argument('--language', default='python', choices=list(languages.ALL))
    parser.add_argument('--timeout', default='60s')
    parser.add_argument('--keep')
    parser.add_argument('--check', action='store_true', help='only that the right programs pass and the broken ones fail')
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    root = pathlib.Path(options.keep or tempfile.mkdtemp(prefix='repair-'))
    language = languages.ALL[options.language]
    paths = sorted((HERE / options.language).glob('*.txt'))
    totals = {'found': 0, 'right': 0, 'verified': 0, 'verified right': 0, 'fast': 0, 'all': 0}
    speeds = {}
    print(f'{"program":16} {"label":12} {"right":6} {"CPU s":>6} {"wall s":>6} {"tried":>6} {"a s":>5} {"ratio":>5}  summary')
    for index, path in enumerate(paths):
        name = path.stem
        if options.names and name not in options.names:
            continue
        right, wrong, helpers, shown, hidden = read(path)

        def results(text):
            return language.outcomes(text, helpers, shown + hidden)

        expected = results(right)
        actual = results(wrong)
        failing = sum(a != b for a, b in zip(actual[:len(shown)], expected))
        if not failing or any(value in ENDS for value in expected) or '! does not build' in actual:
            print(f'{name:16} unusable: {failing} of {len(shown)} tests fail', expected if not failing else '')
            continue
        if options.check:
            print(f'{name:16} {failing} of {len(shown)} shown, '
                  f'{sum(a != b for a, b in zip(actual[len(shown):], expected[len(shown):]))} of {len(hidden)} hidden',
                  [a for a, b in zip(actual, expected) if a != b and a.startswith('!')])
            continue
        directory = root / name
        directory.mkdir(parents=True, exist_ok=True)
        source, style = language.write(directory, name, index, wrong, helpers, shown, expected)
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
        total = speeds.setdefault(style, ([0, 0.0], [0, 0.0], [0, 0.0]))
        for sum_, part in zip(total, (patches, runs, (patches[0], spent))):
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
              f' {(last.get("summary") or last.get("reason") or "-").splitlines()[0]}', flush=True)
    if options.check:
        return
    print(', '.join(f'{value} {key}' for key, value in totals.items()))
    for style, (patches, runs, processor) in sorted(speeds.items()):
        speed, cold = per_second(*patches), per_second(*runs)
        print(f'{style}: {speed:.1f} candidates a second, {per_second(*processor):.1f} a second of processor time, '
              f'{cold:.2f} runs of the tests a second one by one'
              + (f', ratio {speed / cold:.0f}' if cold else ''))


if __name__ == '__main__':
    main()
