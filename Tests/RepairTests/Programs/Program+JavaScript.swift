extension Program {
  static let versions = Program(
    name: "versions", runner: .node,
    files: [
      "package.json": #"{"name": "versions", "version": "1.0.0", "scripts": {"test": "node --test"}}"#,
      "lib/version.js": #"""
      'use strict';

      const PATTERN = /^v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?$/;

      function parse(text) {
        const match = PATTERN.exec(text.trim());
        if (!match) {
          return null;
        }
        return {
          major: Number(match[1]),
          minor: Number(match[2]),
          patch: Number(match[3]),
          tags: match[4] ? match[4].split('.') : [],
        };
      }

      function compareTags(left, right) {
        if (left.length === 0 && right.length === 0) return 0;
        if (left.length === 0) return 1;
        if (right.length === 0) return -1;
        const shared = Math.min(left.length, right.length);
        for (let i = 0; i < shared; i++) {
          const a = left[i];
          const b = right[i];
          if (a === b) continue;
          const aNumber = /^\d+$/.test(a);
          const bNumber = /^\d+$/.test(b);
          if (aNumber && bNumber) return Number(a) - Number(b);
          if (aNumber) return -1;
          if (bNumber) return 1;
          return a < b ? -1 : 1;
        }
        return left.length - right.length;
      }

      function compare(left, right) {
        const a = parse(left);
        const b = parse(right);
        if (!a || !b) throw new TypeError('not a version');
        return (
          a.major - b.major || a.minor - b.minor || a.patch - b.patch || compareTags(a.tags, b.tags)
        );
      }

      function satisfies(version, range) {
        const wanted = parse(range.replace(/^[\^~]/, ''));
        const actual = parse(version);
        if (!wanted || !actual) return false;
        if (compare(version, range.replace(/^[\^~]/, '')) < 0) return false;
        if (range.startsWith('^')) return actual.major === wanted.major;
        if (range.startsWith('~')) {
          return actual.major === wanted.major && actual.minor === wanted.minor;
        }
        return compare(version, range) === 0;
      }

      function latest(versions, { preview = false } = {}) {
        const usable = versions.filter((version) => preview || parse(version).tags.length === 0);
        return usable.sort(compare).pop();
      }

      module.exports = { parse, compare, satisfies, latest };
      """#,
      "test/version.test.js": #"""
      'use strict';
      const test = require('node:test');
      const assert = require('node:assert');
      const { parse, compare, satisfies, latest } = require('../lib/version.js');

      test('parses', () => {
        assert.deepStrictEqual(parse('v1.2.3'), { major: 1, minor: 2, patch: 3, tags: [] });
        assert.deepStrictEqual(parse('1.2.3-rc.1').tags, ['rc', '1']);
        assert.strictEqual(parse('1.2'), null);
      });

      test('orders by number', () => {
        assert.ok(compare('1.2.3', '1.2.10') < 0);
        assert.ok(compare('2.0.0', '1.9.9') > 0);
        assert.strictEqual(compare('1.0.0', 'v1.0.0'), 0);
      });

      test('previews come before the release', () => {
        assert.ok(compare('1.0.0-rc.1', '1.0.0') < 0);
        assert.ok(compare('1.0.0', '1.0.0-rc.1') > 0);
      });

      test('orders previews', () => {
        assert.ok(compare('1.0.0-rc.2', '1.0.0-rc.10') < 0);
        assert.ok(compare('1.0.0-alpha', '1.0.0-beta') < 0);
        assert.ok(compare('1.0.0-alpha', '1.0.0-alpha.1') < 0);
        assert.ok(compare('1.0.0-1', '1.0.0-alpha') < 0);
      });

      test('refuses nonsense', () => {
        assert.throws(() => compare('one', '1.0.0'), TypeError);
      });

      test('caret', () => {
        assert.ok(satisfies('1.9.0', '^1.2.3'));
        assert.ok(!satisfies('1.2.2', '^1.2.3'));
        assert.ok(!satisfies('2.0.0', '^1.2.3'));
      });

      test('tilde', () => {
        assert.ok(satisfies('1.2.9', '~1.2.3'));
        assert.ok(!satisfies('1.3.0', '~1.2.3'));
      });

      test('exact', () => {
        assert.ok(satisfies('1.2.3', '1.2.3'));
        assert.ok(!satisfies('1.2.4', '1.2.3'));
      });

      test('latest', () => {
        const all = ['1.2.0', '1.10.0', '1.9.0', '2.0.0-rc.1'];
        assert.strictEqual(latest(all), '1.10.0');
        assert.strictEqual(latest(all, { preview: true }), '2.0.0-rc.1');
      });
      """#,
    ],
    bugs: [
      Bug(
        name: "sorts as text", file: "lib/version.js", correct: "return usable.sort(compare).pop();",
        broken: "return usable.sort().pop();"),
      Bug(
        name: "numbers kept as text", file: "lib/version.js", correct: "return Number(a) - Number(b);",
        broken: "return a < b ? -1 : 1;"),
      Bug(
        name: "tags may be absent", file: "lib/version.js", correct: "match[4] ? match[4].split('.') : []",
        broken: "match[4].split('.')"),
      Bug(
        name: "tilde looks at major only", file: "lib/version.js",
        correct: "return actual.major === wanted.major && actual.minor === wanted.minor;",
        broken: "return actual.major === wanted.major;"),
    ])

  static let emitter = Program(
    name: "emitter", runner: .node,
    files: [
      "package.json": #"{"name": "emitter", "type": "module", "scripts": {"test": "node --test"}}"#,
      "src/emitter.mjs": #"""
      export class Emitter {
        constructor() {
          this.listeners = new Map();
        }

        on(name, listener) {
          if (!this.listeners.has(name)) {
            this.listeners.set(name, []);
          }
          this.listeners.get(name).push(listener);
          return () => this.off(name, listener);
        }

        once(name, listener) {
          const stop = this.on(name, (...values) => {
            stop();
            listener(...values);
          });
          return stop;
        }

        off(name, listener) {
          const list = this.listeners.get(name);
          if (!list) return false;
          const index = list.indexOf(listener);
          if (index < 0) return false;
          list.splice(index, 1);
          if (list.length === 0) {
            this.listeners.delete(name);
          }
          return true;
        }

        emit(name, ...values) {
          const list = this.listeners.get(name) ?? [];
          for (const listener of [...list]) {
            listener(...values);
          }
          return list.length > 0;
        }

        count(name) {
          return (this.listeners.get(name) ?? []).length;
        }
      }

      export function debounce(action, delay, timers) {
        let pending = null;
        return (...values) => {
          if (pending !== null) {
            timers.clear(pending);
          }
          pending = timers.set(() => {
            pending = null;
            action(...values);
          }, delay);
        };
      }
      """#,
      "test/emitter.test.mjs": #"""
      import test from 'node:test';
      import assert from 'node:assert';
      import { Emitter, debounce } from '../src/emitter.mjs';

      test('delivers values', () => {
        const seen = [];
        const emitter = new Emitter();
        emitter.on('a', (x, y) => seen.push(x + y));
        emitter.emit('a', 1, 2);
        assert.deepStrictEqual(seen, [3]);
      });

      test('says whether anyone listened', () => {
        const emitter = new Emitter();
        assert.strictEqual(emitter.emit('a'), false);
        emitter.on('a', () => {});
        assert.strictEqual(emitter.emit('a'), true);
      });

      test('off removes one', () => {
        const seen = [];
        const emitter = new Emitter();
        const first = () => seen.push(1);
        emitter.on('a', first);
        emitter.on('a', () => seen.push(2));
        assert.strictEqual(emitter.off('a', first), true);
        assert.strictEqual(emitter.off('a', first), false);
        emitter.emit('a');
        assert.deepStrictEqual(seen, [2]);
        assert.strictEqual(emitter.count('a'), 1);
      });

      test('off of a stranger', () => {
        const emitter = new Emitter();
        emitter.on('a', () => {});
        assert.strictEqual(emitter.off('a', () => {}), false);
        assert.strictEqual(emitter.count('a'), 1);
      });

      test('once', () => {
        const seen = [];
        const emitter = new Emitter();
        emitter.once('a', (x) => seen.push(x));
        emitter.emit('a', 1);
        emitter.emit('a', 2);
        assert.deepStrictEqual(seen, [1]);
      });

      test('once does not disturb its neighbours', () => {
        const seen = [];
        const emitter = new Emitter();
        emitter.once('a', () => seen.push('once'));
        emitter.on('a', () => seen.push('always'));
        emitter.emit('a');
        assert.deepStrictEqual(seen, ['once', 'always']);
      });

      test('debounce', () => {
        const queue = new Map();
        let next = 1;
        const timers = {
          set(action, delay) { queue.set(next, { action, delay }); return next++; },
          clear(id) { queue.delete(id); },
        };
        const seen = [];
        const push = debounce((x) => seen.push(x), 50, timers);
        push(1);
        push(2);
        assert.strictEqual(queue.size, 1);
        for (const { action } of [...queue.values()]) action();
        assert.deepStrictEqual(seen, [2]);
        push(3);
        assert.deepStrictEqual([...queue.values()].map((entry) => entry.delay), [50, 50]);
      });
      """#,
    ],
    bugs: [
      Bug(
        name: "list changes while it is walked", file: "src/emitter.mjs",
        correct: "for (const listener of [...list]) {", broken: "for (const listener of list) {"),
      Bug(
        name: "stranger removes the last", file: "src/emitter.mjs",
        correct: "            if (index < 0) return false;\n".trimmed, broken: ""),
      Bug(
        name: "removes too many", file: "src/emitter.mjs", correct: "list.splice(index, 1);",
        broken: "list.splice(index);"),
      Bug(
        name: "values are not spread", file: "src/emitter.mjs",
        correct: "for (const listener of [...list]) {\n      listener(...values);",
        broken: "for (const listener of [...list]) {\n      listener(values);"),
    ])

  static let csv = Program(
    name: "csv", runner: .node,
    files: [
      "package.json": #"{"name": "csv", "version": "0.1.0", "scripts": {"test": "node --test test"}}"#,
      "index.js": #"""
      const { quote } = require('./quote');

      function parse(text, separator = ',') {
        const rows = [];
        let row = [];
        let cell = '';
        let quoted = false;
        for (let i = 0; i < text.length; i++) {
          const c = text[i];
          if (quoted) {
            if (c === '"' && text[i + 1] === '"') {
              cell += '"';
              i++;
            } else if (c === '"') {
              quoted = false;
            } else {
              cell += c;
            }
          } else if (c === '"') {
            quoted = true;
          } else if (c === separator) {
            row.push(cell);
            cell = '';
          } else if (c === '\n') {
            row.push(cell);
            rows.push(row);
            row = [];
            cell = '';
          } else if (c !== '\r') {
            cell += c;
          }
        }
        if (cell !== '' || row.length > 0) {
          row.push(cell);
          rows.push(row);
        }
        return rows;
      }

      function objects(text, separator) {
        const [header, ...rows] = parse(text, separator);
        return rows.map((row) => {
          const entry = {};
          header.forEach((name, index) => {
            entry[name] = row[index] === undefined ? null : row[index];
          });
          return entry;
        });
      }

      function format(rows, separator = ',') {
        return rows.map((row) => row.map((cell) => quote(cell, separator)).join(separator) + '\n').join('');
      }

      module.exports = { parse, objects, format };
      """#,
      "quote.js": #"""
      function quote(value, separator) {
        const text = value === null || value === undefined ? '' : String(value);
        if (text.includes('"') || text.includes(separator) || text.includes('\n')) {
          return '"' + text.replaceAll('"', '""') + '"';
        }
        return text;
      }

      exports.quote = quote;
      """#,
      "test/csv.test.js": #"""
      const { test } = require('node:test');
      const assert = require('node:assert');
      const csv = require('..');

      test('plain rows', () => {
        assert.deepStrictEqual(csv.parse('a,b\n1,2\n'), [['a', 'b'], ['1', '2']]);
      });

      test('no newline at the end', () => {
        assert.deepStrictEqual(csv.parse('a,b\n1,2'), [['a', 'b'], ['1', '2']]);
        assert.deepStrictEqual(csv.parse('a,'), [['a', '']]);
      });

      test('windows lines', () => {
        assert.deepStrictEqual(csv.parse('a\r\nb\r\n'), [['a'], ['b']]);
      });

      test('quotes', () => {
        assert.deepStrictEqual(csv.parse('"a,b","c""d"\n'), [['a,b', 'c"d']]);
        assert.deepStrictEqual(csv.parse('"x\ny",z\n'), [['x\ny', 'z']]);
      });

      test('other separator', () => {
        assert.deepStrictEqual(csv.parse('a;b,c\n', ';'), [['a', 'b,c']]);
      });

      test('objects', () => {
        assert.deepStrictEqual(csv.objects('a,b\n1,2\n3\n'), [{ a: '1', b: '2' }, { a: '3', b: null }]);
        assert.deepStrictEqual(csv.objects('a;b\n1;2\n', ';'), [{ a: '1', b: '2' }]);
      });

      test('format', () => {
        assert.strictEqual(csv.format([['a', 'b,c'], [1, null]]), 'a,"b,c"\n1,\n');
        assert.strictEqual(csv.format([['x"y"z']]), '"x""y""z"\n');
        assert.strictEqual(csv.format([['a;b', 'c,d']], ';'), '"a;b";c,d\n');
      });

      test('round trip', () => {
        const rows = [['a', 'b "c"'], ['d\ne', '']];
        assert.deepStrictEqual(csv.parse(csv.format(rows)), rows);
      });
      """#,
    ],
    bugs: [
      Bug(
        name: "doubled quote read twice", file: "index.js", correct: "cell += '\"';\n        i++;\n",
        broken: "cell += '\"';\n"),
      Bug(
        name: "only the first quote", file: "quote.js", correct: "text.replaceAll('\"', '\"\"')",
        broken: "text.replace('\"', '\"\"')"),
      Bug(
        name: "separator not handed on", file: "index.js", correct: "parse(text, separator);",
        broken: "parse(text);"),
      Bug(
        name: "empty last cell", file: "index.js", correct: "if (cell !== '' || row.length > 0) {",
        broken: "if (cell !== '') {"),
    ])
}

extension String {
  /// This text without its leading white space.
  fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
