"""Swift: a package and `swift test` with Swift Testing; values as String(reflecting:) writes them."""
import re

from .running import built_lines, put

SHOW = '''
#if canImport(Glibc)
import Glibc
#endif

func show<T>(_ index: Int, _ first: Int, _ call: () throws -> T) {
  if index < first { return }
  do {
    print(index, String(reflecting: try call()))
  } catch {
    print(index, "!", type(of: error))
  }
  fflush(nil)
}

@main
struct Calls {
  static func main() {
    let first = Int(CommandLine.arguments[1]) ?? 0
'''


def outcomes(program, helpers, calls):
    shows = [f'    show({i}, first) {{ {call} }}\n' for i, call in enumerate(calls)]
    files = {'program.swift': program, 'calls.swift': helpers + '\n' + SHOW + ''.join(shows) + '  }\n}\n'}
    return built_lines(len(calls), files, ['swiftc', '-suppress-warnings', '-parse-as-library', '-o', 'program', *files],
                       ['@/program'])


def check(call, value):
    if value.startswith('! '):
        return f'#expect(throws: {value[2:]}.self) {{ _ = {call} }}'
    if value in ('true', 'false'):
        return f'#expect({"" if value == "true" else "!"}{call})'
    return f'#expect({call} == {re.sub(r"^Optional[(](.*)[)]$", lambda found: found[1], value)})'


def write(directory, name, index, program, helpers, calls, expected):
    main = name[0].upper() + name[1:]
    lines = [f'@Test func {name}{i}(){" throws" if call.startswith("try ") else ""} {{\n  {check(call, value)}\n}}\n'
             for i, (call, value) in enumerate(zip(calls, expected), 1)]
    put(directory / 'Tests' / f'{main}Tests' / f'{main}Tests.swift',
        f'import Testing\n\n@testable import {main}\n\n' + (helpers + '\n\n' if helpers else '') + '\n'.join(lines))
    put(directory / '.gitignore', '.build/\n')
    put(directory / 'Package.swift', f'''// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "{main}",
  targets: [
    .target(name: "{main}"),
    .testTarget(name: "{main}Tests", dependencies: ["{main}"]),
  ])
''')
    return put(directory / 'Sources' / main / f'{main}.swift', program), 'swift'
