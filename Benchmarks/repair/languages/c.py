"""C: a makefile whose `test` builds a program that prints TAP; calls give numbers or texts."""
from .running import built_lines, put

SHOW = r'''
#include <stdio.h>
#include <stdlib.h>

static void show_number(long value) { printf("%ld\n", value); }

static void show_text(const char *text) {
  if (!text) {
    puts("NULL");
    return;
  }
  putchar('"');
  for (; *text; text++) {
    unsigned char byte = (unsigned char)*text;
    if (byte == '"' || byte == '\\') printf("\\%c", byte);
    else if (byte < 32 || byte > 126) printf("\\%03o", byte);
    else putchar(byte);
  }
  puts("\"");
}

#define SHOW(value) _Generic((value), char *: show_text, const char *: show_text, default: show_number)(value)

int main(int count, char **words) {
  int first = count > 1 ? atoi(words[1]) : 0;
  setvbuf(stdout, NULL, _IONBF, 0);
'''

EQUALS = r'''
static void equals(int line, long actual, long expected) {
  report(actual == expected);
  if (actual != expected) printf("# tests/test_NAME.c:%d: got %ld, expected %ld\n", line, actual, expected);
}
'''

SAME = r'''
static void same(int line, const char *actual, const char *expected) {
  int is_same = actual && expected ? strcmp(actual, expected) == 0 : actual == expected;
  report(is_same);
  if (!is_same) printf("# tests/test_NAME.c:%d: got %s, expected %s\n", line, actual ? actual : "NULL", expected ? expected : "NULL");
}
'''

REPORT = r'''
static int number = 0;
static int failures = 0;

static void report(int is_good) {
  number++;
  failures += !is_good;
  printf("%sok %d - NAME %d\n", is_good ? "" : "not ", number, number);
  fflush(stdout);
}
'''


def outcomes(program, helpers, calls):
    shows = [f'  if (first <= {i}) {{ printf("{i} "); SHOW({call}); }}\n' for i, call in enumerate(calls)]
    text = program + helpers + SHOW + ''.join(shows) + '  return 0;\n}\n'
    return built_lines(len(calls), {'main.c': text}, ['gcc', '-std=c11', '-g', '-O1', '-w', 'main.c', '-o', 'main', '-lm'],
                       ['@/main'])


def write(directory, name, index, program, helpers, calls, expected):
    lines = []
    kinds = set()
    for call, value in zip(calls, expected):
        kind = 'same' if value[0] in '"N' else 'equals'
        kinds.add(kind)
        lines.append(f'  {kind}(__LINE__, {call}, {value});')
    checks = REPORT + (EQUALS if 'equals' in kinds else '') + (SAME if 'same' in kinds else '')
    text = (f'#include <stdio.h>\n#include <string.h>\n\n#include "../src/{name}.c"\n' + checks.replace('NAME', name)
            + (f'\n{helpers}\n' if helpers else '') + f'\nint main(void) {{\n  printf("1..{len(calls)}\\n");\n'
            + '\n'.join(lines) + '\n  return failures > 0;\n}\n')
    put(directory / 'tests' / f'test_{name}.c', text)
    put(directory / '.gitignore', 'build/\n')
    put(directory / 'Makefile', f'''CC = gcc
CFLAGS = -std=c11 -g -O1 -Wall

test: build/test_{name}
	./build/test_{name}

build/test_{name}: tests/test_{name}.c src/{name}.c
	mkdir -p build
	$(CC) $(CFLAGS) -o $@ $< -lm

clean:
	rm -rf build

.PHONY: test clean
''')
    return put(directory / 'src' / f'{name}.c', program), 'make'
