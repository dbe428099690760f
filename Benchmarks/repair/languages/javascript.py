"""JavaScript: a module and `node --test`; values as JSON."""
import json
import re

from .running import put, shown_lines


def outcomes(program, helpers, calls):
    lines = [program, helpers, 'function show(index, call) { let text;',
             "try { text = JSON.stringify(call()) ?? 'undefined'; } catch (error) { text = '! ' + error.constructor.name; }",
             "require('fs').writeSync(1, index + ' ' + text + '\\n'); }"]
    shows = [f'show({i}, () => {call});' for i, call in enumerate(calls)]
    return shown_lines(len(calls), lambda first: ['node', '-e', '\n'.join(lines + shows[first:])])


def write(directory, name, index, program, helpers, calls, expected):
    names = ', '.join(re.findall(r'^(?:function|class) (\w+)', program, re.M))
    lines = ["const test = require('node:test');", "const assert = require('node:assert');",
             f"const {{ {names} }} = require('../{name}.js');", ''] + ([helpers, ''] if helpers else [])
    for i, (call, value) in enumerate(zip(calls, expected), 1):
        check = (f'assert.throws(() => {call});' if value.startswith('! ')
                 else f'assert.deepStrictEqual({call}, {value});')
        lines.append(f"test('{name} {i}', () => {{ {check} }});")
    put(directory / 'test' / f'{name}.test.js', '\n'.join(lines) + '\n')
    put(directory / 'package.json', json.dumps({'name': name, 'scripts': {'test': 'node --test'}}) + '\n')
    return put(directory / f'{name}.js', program + f'module.exports = {{ {names} }};\n'), 'node'
