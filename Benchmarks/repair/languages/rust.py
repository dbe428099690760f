"""Rust: a crate without dependencies and `cargo test`; values as Debug prints them."""
import re

from .running import built_lines, put

SHOW = '''
fn show<T: std::fmt::Debug>(index: usize, call: impl FnOnce() -> T + std::panic::UnwindSafe) {
    match std::panic::catch_unwind(call) {
        Ok(value) => println!("{index} {value:?}"),
        Err(_) => println!("{index} ! panic"),
    }
}

fn main() {
    let first: usize = std::env::args().nth(1).unwrap().parse().unwrap();
'''


def outcomes(program, helpers, calls):
    shows = [f'    if first <= {i} {{ show({i}, || {call}); }}\n' for i, call in enumerate(calls)]
    return built_lines(len(calls), {'main.rs': '\n'.join([program, helpers, SHOW + ''.join(shows) + '}\n'])},
                       ['rustc', '--edition', '2021', '-A', 'warnings', '-o', 'main', 'main.rs'], ['@/main'])


def check(call, value):
    if value.startswith('! '):
        return f'{call};'
    if value in ('true', 'false'):
        return f'assert!({call});' if value == 'true' else f'assert!(!{call});'
    if re.fullmatch(r'-?\d+|"([^"\\]|\\.)*"', value):
        return f'assert_eq!({call}, {value});'
    if re.fullmatch(r'\[-?\d+(, -?\d+)*\]', value):
        return f'assert_eq!({call}, vec!{value});'
    text = value.replace('\\', '\\\\').replace('"', '\\"')
    return f'assert_eq!(format!("{{:?}}", {call}), "{text}");'


def write(directory, name, index, program, helpers, calls, expected):
    lines = [f'use {name}::*;', '']
    if helpers:
        lines += [helpers, '']
    for i, (call, value) in enumerate(zip(calls, expected), 1):
        lines += ['#[test]'] + (['#[should_panic]'] if value.startswith('! ') else [])
        lines += [f'fn {name}_{i}() {{', f'    {check(call, value)}', '}', '']
    put(directory / 'tests' / f'{name}.rs', '\n'.join(lines))
    put(directory / '.gitignore', 'target/\n')
    put(directory / 'Cargo.toml', f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n')
    put(directory / 'Cargo.lock', 'version = 3\n\n[[package]]\n' f'name = "{name}"\nversion = "0.1.0"\n')
    return put(directory / 'src' / 'lib.rs', program), 'cargo'
