'use strict';
// Loaded by codeagent-node.cjs where CODEAGENT_COVERAGE names the project's root: notes which lines each test runs, by V8's
// block counts (inspector, Profiler.takePreciseCoverage), one JSON line a test, into the directory CODEAGENT_RESULTS.
const fs = require('fs');
const path = require('path');

const mostBytes = 16 << 20;
const mostTests = 5000;
const mostFiles = 500;

exports.start = function () {
  const { appendFileSync, readFileSync, realpathSync } = fs;
  const stringify = JSON.stringify;
  const root = path.join(process.env.CODEAGENT_COVERAGE, '/');
  const file = path.join(process.env.CODEAGENT_RESULTS, 'coverage-' + process.pid + '-' + process.hrtime().join('') + '.jsonl');
  let left = mostBytes;
  let tests = mostTests;
  let isStarted = false;
  const sources = new Map();
  let session = null;
  try {
    const inspector = require('inspector');
    session = new inspector.Session();
    session.connect();
    session.post('Profiler.enable');
    session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  } catch (error) {
    return null;
  }

  function put(event) {
    let text = stringify(event) + '\n';
    if (!isStarted) {
      text = stringify({ event: 'start', nonce: process.env.CODEAGENT_NONCE || '', framework: 'coverage',
        time: Date.now() / 1000 - process.uptime() }) + '\n' + text;
    }
    if (text.length > left) return;
    left -= text.length;
    try { appendFileSync(file, text); } catch (error) { left = 0; }
    isStarted = true;
  }

  // A file's first and last word of each line: where it is looked up whether the line ran. Null for what is not the
  // project's, or not what the engine was given.
  function source(url) {
    if (sources.has(url)) return sources.get(url);
    let found = null;
    if (url.startsWith('file://') && /\.[cm]?js$/.test(url) && sources.size < 20 * mostFiles) {
      try {
        const name = realpathSync(decodeURIComponent(url.slice(7)));
        if (name.startsWith(root) && !/[\\/]node_modules[\\/]/.test(name)) {
          found = { name: name.slice(root.length), marks: marks(readFileSync(name, 'utf8')) };
        }
      } catch (error) { /* what is not there any more */ }
    }
    sources.set(url, found);
    return found;
  }

  function marks(text) {
    const found = [];
    let start = 0;
    let number = 1;
    for (const line of text.split('\n')) {
      const first = line.search(/[\w$'"`]/);
      if (first >= 0) {
        found.push([start + first, number]);
        const last = /[\w$'"`](?=[^\w$'"`]*$)/.exec(line);
        if (last && last.index > first) found.push([start + last.index, number]);
      }
      start += line.length + 1;
      number += 1;
    }
    return found;
  }

  // The lines of which a word lies in a block that ran: the innermost block around it counts.
  function lines(functions, marks) {
    const blocks = [];
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) blocks.push([startOffset, endOffset, count]);
    }
    blocks.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
    const open = [];
    const found = [];
    let next = 0;
    for (const [offset, number] of marks) {
      while (next < blocks.length && blocks[next][0] <= offset) {
        open.push(blocks[next]);
        next += 1;
      }
      while (open.length && open[open.length - 1][1] <= offset) open.pop();
      for (let depth = open.length - 2; depth >= 0; depth -= 1) if (open[depth][1] <= offset) open.splice(depth, 1);
      if (!open.length || !open[open.length - 1][2]) continue;
      const last = found[found.length - 1];
      if (last && last[1] >= number - 1) last[1] = number; else found.push([number, number]);
    }
    return found;
  }

  function take() {
    let scripts = [];
    // In the same thread the answer is there when this returns.
    session.post('Profiler.takePreciseCoverage', (error, answer) => { if (!error) scripts = answer.result; });
    return scripts;
  }

  return {
    // Forgets what ran so far.
    drop() { if (tests > 0) take(); },
    // What ran since the last call is a test's.
    note(fields) {
      if (tests <= 0) return null;
      tests -= 1;
      const files = {};
      let count = 0;
      for (const script of take()) {
        if (!script.functions.some((one) => one.ranges[0].count > 0)) continue;
        const own = source(script.url);
        if (own === null || count >= mostFiles) continue;
        const found = lines(script.functions, own.marks);
        if (found.length === 0) continue;
        files[own.name] = found;
        count += 1;
      }
      if (count > 0 && fields) put(Object.assign({ event: 'lines', files }, fields));
      return files;
    },
    put,
  };
};
