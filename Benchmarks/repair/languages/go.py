"""Go: a module and `go test ./...`; values as %#v writes them."""
import re

from .running import built_lines, put

SHOW = '''package main

import (
	"fmt"
	"os"
	"strconv"
)

var first int

func show(index int, call func() interface{}) {
	if index < first {
		return
	}
	defer func() {
		if recover() != nil {
			fmt.Println(index, "! panic")
		}
	}()
	fmt.Println(index, fmt.Sprintf("%#v", call()))
}

func main() {
	first, _ = strconv.Atoi(os.Args[1])
'''


def outcomes(program, helpers, calls):
    shows = [f'\tshow({i}, func() interface{{}} {{ return {call} }})\n' for i, call in enumerate(calls)]
    files = {'program.go': re.sub(r'^package \w+', 'package main', program, 1, re.M),
             'helpers.go': 'package main\n\n' + helpers + '\n', 'show.go': SHOW + ''.join(shows) + '}\n',
             'go.mod': 'module program\n\ngo 1.19\n'}
    return built_lines(len(calls), files, ['go', 'build', '-o', 'program', '.'], ['@/program'])


def write(directory, name, index, program, helpers, calls, expected):
    compares = any(not is_plain(value) for value in expected)
    imports = '\t"reflect"\n\t"testing"' if compares else '\t"testing"'
    lines = [f'package {name}', '', 'import (', imports, ')', '']
    if helpers:
        lines += [helpers, '']
    for i, (call, value) in enumerate(zip(calls, expected), 1):
        differs = 'got != want' if is_plain(value) else '!reflect.DeepEqual(got, want)'
        lines += [f'func Test{name.capitalize()}{i}(t *testing.T) {{', f'\tgot := {call}', f'\twant := {value}',
                  f'\tif {differs} {{', '\t\tt.Errorf("got %v, want %v", got, want)', '\t}', '}', '']
    put(directory / f'{name}_test.go', '\n'.join(lines))
    put(directory / 'go.mod', f'module example.com/{name}\n\ngo 1.19\n')
    return put(directory / f'{name}.go', program), 'go'


def is_plain(value):
    return bool(re.fullmatch(r'-?\d+(\.\d+)?|true|false|"([^"\\]|\\.)*"', value))
