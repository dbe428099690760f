"""Java: a makefile whose `test` runs a main that prints TAP; values as Java writes them."""
import re

from .running import built_lines, put

SHOW = '''
import java.util.*;
import java.util.stream.*;

class Show {
  interface Call {
    Object run() throws Exception;
  }

  static int first;

  static String text(Object value) {
    if (value instanceof String) {
      return '"' + value.toString().replace("\\\\", "\\\\\\\\").replace("\\"", "\\\\\\"").replace("\\n", "\\\\n") + '"';
    }
    if (value instanceof Long) return value + "L";
    if (value instanceof Character) return "'" + value + "'";
    if (value instanceof List) {
      return ((List<?>) value).stream().map(Show::text).collect(Collectors.joining(", ", "List.of(", ")"));
    }
    return String.valueOf(value);
  }

  static void show(int index, Call call) {
    if (index < first) return;
    String text;
    try {
      text = text(call.run());
    } catch (Throwable error) {
      text = "! " + error.getClass().getSimpleName();
    }
    System.out.println(index + " " + text);
    System.out.flush();
  }
HELPERS
  public static void main(String[] words) {
    first = Integer.parseInt(words[0]);
'''

HARNESS = '''  interface Call {
    Object run() throws Exception;
  }

  private static int number = 0;
  private static int failures = 0;

  private static void report(boolean isGood, String reason, Throwable error) {
    number++;
    System.out.println((isGood ? "ok " : "not ok ") + number + " - CLASS " + number);
    if (isGood) return;
    failures++;
    System.out.println("# " + reason);
    if (error == null) return;
    for (StackTraceElement frame : error.getStackTrace()) {
      if (frame.getClassName().startsWith("java.")) continue;
      String folder = frame.getFileName().equals("CLASSTest.java") ? "test/" : "src/";
      System.out.println("#   at " + folder + frame.getFileName() + ":" + frame.getLineNumber());
      if (frame.getMethodName().equals("main")) break;
    }
  }

  private static void check(Call call, Object expected) {
    try {
      Object actual = call.run();
      report(Objects.equals(actual, expected), "got " + actual + ", expected " + expected, null);
    } catch (Exception error) {
      report(false, "threw " + error, error);
    }
  }
'''

THROWS = '''
  private static void checkThrows(Call call, String name) {
    try {
      report(false, "got " + call.run() + ", expected " + name, null);
    } catch (Exception error) {
      report(error.getClass().getSimpleName().equals(name), "threw " + error + ", expected " + name, error);
    }
  }
'''


def indented(helpers):
    return '\n' + '\n'.join(f'  {line}' if line else '' for line in helpers.split('\n')) + '\n' if helpers else ''


def class_of(program):
    return re.search(r'^public (?:final |abstract )*(?:class|record|enum|interface) (\w+)', program, re.M).group(1)


def outcomes(program, helpers, calls):
    shows = [f'    show({i}, () -> {call});\n' for i, call in enumerate(calls)]
    files = {class_of(program) + '.java': program,
             'Show.java': SHOW.replace('HELPERS', indented(helpers)) + ''.join(shows) + '  }\n}\n'}
    return built_lines(len(calls), files, ['javac', '-nowarn', *files], ['java', '-XX:+UseSerialGC', '-cp', '@', 'Show'])


def write(directory, name, index, program, helpers, calls, expected):
    main = class_of(program)
    lines = [f'    checkThrows(() -> {call}, "{value[2:]}");' if value.startswith('! ') else f'    check(() -> {call}, {value});'
             for call, value in zip(calls, expected)]
    throws = THROWS if any(value.startswith('! ') for value in expected) else ''
    put(directory / 'test' / f'{main}Test.java',
        f'import java.util.*;\n\npublic class {main}Test {{\n' + HARNESS.replace('CLASS', main) + throws + indented(helpers)
        + f'\n  public static void main(String[] words) {{\n    System.out.println("1..{len(calls)}");\n'
        + '\n'.join(lines) + '\n    System.exit(failures > 0 ? 1 : 0);\n  }\n}\n')
    put(directory / '.gitignore', 'build/\n')
    put(directory / 'Makefile', f'''JAVAC = javac
JAVA = java

test:
	mkdir -p build
	$(JAVAC) -d build src/{main}.java test/{main}Test.java
	$(JAVA) -cp build {main}Test

clean:
	rm -rf build

.PHONY: test clean
''')
    return put(directory / 'src' / f'{main}.java', program), 'make'
