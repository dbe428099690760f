'use strict';
// Loaded by every Node of a test run (NODE_OPTIONS=--require): reports what node:test, mocha and jest run, and what a
// script that is run by itself prints, one JSON line an event, into the directory CODEAGENT_RESULTS. Node 12 and later.
//
// In a run that tries patches (CODEAGENT_SCRIPTS) it notes only which scripts the command starts; codeagent-trials.cjs then
// runs those for each patch, in threads, and has this file report there.
(function () {
  const results = process.env.CODEAGENT_RESULTS;
  let main = true;
  let trial = null;
  try {
    const threads = require('worker_threads');
    trial = threads.codeagentTrial;
    main = threads.isMainThread && !trial;
  } catch (error) { /* before Node 12 */ }
  if (!results || !main && !trial) return;

  const fs = require('fs');
  const path = require('path');
  const appendFileSync = fs.appendFileSync;
  const stringify = JSON.stringify;
  const nonce = process.env.CODEAGENT_NONCE || '';
  const script = trial ? trial.script : process.argv[1] || '';
  const isRunner = !trial && process.execArgv.indexOf('--test') >= 0;
  const isOfRunner = /^child/.test(process.env.NODE_TEST_CONTEXT || '');
  // Where patches are tried nobody else reads what a child of Node's runner says.
  const isChild = isOfRunner && !trial;
  const isTool = /[\\/](node_modules|nodejs|npm|yarn|pnpm|corepack)[\\/]/.test(real(script)) || !script;
  const isNested = !trial && 'CODEAGENT_ACTIVE' in process.env;
  const limit = 6000;

  if (main && process.env.CODEAGENT_SCRIPTS) {
    if (!isRunner && !isNested) note();
    return;
  }

  // What starts others, and runs no test itself.
  function isWrapper(name) {
    return !name || /[\\/]\.yarn[\\/]releases[\\/]/.test(name)
      || /[\\/](node_modules|nodejs)[\\/](npm|npx|yarn|yarnpkg|pnpm|corepack|c8|nyc|cross-env|env-cmd|dotenv-cli|npm-run-all2?|concurrently|nx|lerna|turbo|wireit)[\\/]/.test(name);
  }

  function note() {
    if (isWrapper(real(script))) return;
    process.env.CODEAGENT_ACTIVE = String(process.pid);
    const job = { nonce: nonce, script: script, argv: process.argv.slice(2), execArgv: process.execArgv,
      execPath: process.execPath, cwd: process.cwd(), time: Date.now() / 1000 - process.uptime(),
      isOfRunner: isOfRunner, env: Object.assign({}, process.env) };
    try {
      appendFileSync(path.join(results, 'job-' + process.pid + '-' + process.hrtime().join('') + '.json'), stringify(job));
      appendFileSync(path.join(results, 'node'), process.execPath + '\n');
    } catch (error) { /* then it is not run again */ }
  }

  function real(name) {
    try { return fs.realpathSync(name); } catch (error) { return name; }
  }

  let file = null;
  let broken = false;

  function put(fields) {
    if (broken) return;
    try {
      if (trial) {
        if (file === null) {
          file = '';
          put({ event: 'start', nonce: nonce, framework: 'node', version: process.version, script: script,
            cwd: process.cwd(), time: 0 });
        }
        trial.put(stringify(fields));
        return;
      }
      if (file === null) {
        file = path.join(results, 'node-' + process.pid + '-' + process.hrtime().join('') + '.jsonl');
        put({ event: 'start', nonce: nonce, framework: isChild ? 'node-child' : 'node', version: process.version,
          script: script, cwd: process.cwd(), time: Date.now() / 1000 - process.uptime() });
      }
      appendFileSync(file, stringify(fields) + '\n');
    } catch (error) { broken = true; }
  }

  const cut = (text) => {
    text = String(text);
    return text.length <= limit ? text : text.slice(0, limit * 2 / 3) + '\n[...]\n' + text.slice(-limit / 3);
  };

  // Frames of a stack text, outermost first.
  function frames(stack) {
    const found = [];
    for (const line of String(stack || '').split('\n').slice(0, 200)) {
      const match = /(?:\(|at |^\s*)(?:async )?((?:file:\/\/)?\/[^()]*?):(\d+)(?::\d+)?\)?\s*$/.exec(line);
      if (match) found.push([decode(match[1]), Number(match[2])]);
    }
    return found.slice(0, 60).reverse();
  }

  function decode(name) {
    if (name.indexOf('file://') !== 0) return name;
    try { return decodeURIComponent(name.slice(7)); } catch (error) { return name.slice(7); }
  }

  function described(error) {
    try {
      if (error === null || typeof error !== 'object') return { message: cut(error), trace: [] };
      const name = error.name || 'Error';
      let message = String(error.message === undefined ? error : error.message);
      if (message.indexOf(name) !== 0) message = name + ': ' + message;
      return { message: cut(message), trace: frames(error.stack) };
    } catch (failure) {
      return { message: 'an error that cannot be described', trace: [] };
    }
  }

  // node:test: whatever reporter is chosen, its stream emits these events.

  const starts = new Map();
  const printed = new Map();
  const pending = new Map();
  // Levels of tests around those of the script, where patches are tried.
  let outer = 0;

  function onTestEvent(type, data) {
    const owner = data.file || script;
    const nesting = data.nesting - outer;
    if (nesting < 0) return;
    if (coverage && !isRunner) coverTest(type, data);
    if (isChild) {
      const key = nesting + '\0' + data.name + '\0' + data.line + '\0' + data.column;
      if (type === 'test:dequeue' || type === 'test:enqueue') pending.set(key, data.name);
      if (type === 'test:pass' || type === 'test:fail' || type === 'test:complete') pending.delete(key);
      return;
    }
    if (type === 'test:stderr') {
      printed.set(owner, ((printed.get(owner) || '') + data.message).slice(-8000));
      return;
    }
    const names = starts.get(owner) || [];
    starts.set(owner, names);
    if (type === 'test:start') {
      names.length = nesting;
      names[nesting] = data.name;
    }
    if (type !== 'test:pass' && type !== 'test:fail') return;
    const details = data.details || {};
    const error = details.error;
    const kind = error && error.failureType;
    if (details.type === 'suite' && (type === 'test:pass' || kind === 'subtestsFailed')) return;
    const ancestors = names.slice(0, nesting).filter((name) => name !== undefined);
    const isFile = nesting === 0 && (data.name === owner || path.resolve(String(data.name)) === owner);
    if (ancestors[0] === owner || (ancestors[0] && path.resolve(ancestors[0]) === owner)) ancestors.shift();
    const fields = { event: 'test', file: owner, isFile: isFile, path: ancestors.concat([data.name]),
      line: data.line, duration: (details.duration_ms || 0) / 1000, result: 'passed' };
    if (data.skip !== undefined && data.skip !== false) {
      fields.result = 'skipped';
      if (typeof data.skip === 'string') fields.message = cut(data.skip);
    } else if (type === 'test:fail') {
      fields.result = data.todo !== undefined && data.todo !== false ? 'skipped'
        : kind === 'testCodeFailure' || kind === 'subtestsFailed' ? 'failed' : 'errored';
      const cause = error && error.cause && typeof error.cause === 'object' ? error.cause : error;
      Object.assign(fields, described(cause));
      if (isFile) {
        if (kind === 'subtestsFailed' && !printed.has(owner)) return;
        const text = printed.get(owner) || '';
        Object.assign(fields, { message: cut(text || fields.message), trace: frames(text), isLoad: true });
      }
    }
    if (trial) {
      trial.tests += 1;
      if (fields.result === 'failed' || fields.result === 'errored') trial.failed += 1;
    }
    put(fields);
  }

  // Which lines tests run: of node:test and mocha each test, of a script each point of TAP and the whole.

  let coverage = null;
  let hasTests = false;
  const covered = new Map();
  const titles = [];
  if (main && !isNested && !isRunner && process.env.CODEAGENT_COVERAGE) {
    try { coverage = require('./codeagent-coverage.cjs').start(); } catch (error) { /* a Node without an inspector */ }
  }

  function coverTest(type, data) {
    if (type === 'test:dequeue' && !hasTests) {
      // What loading the files ran is no test's.
      coverage.drop();
      hasTests = true;
    }
    if (type === 'test:start') {
      titles.length = data.nesting;
      titles[data.nesting] = data.name;
    }
    if (type !== 'test:pass' && type !== 'test:fail' || (data.details || {}).type === 'suite') return;
    hasTests = true;
    coverage.note({ file: data.file || script, path: titles.slice(0, data.nesting).concat([data.name]) });
  }

  function coverPoint(text) {
    for (const line of text.split('\n')) {
      if (/^TAP version/.test(line)) unite(coverage.note(null));
      if (/^(not )?ok\b/.test(line)) unite(coverage.note({ file: script, point: line.slice(0, limit) }));
    }
  }

  function unite(files) {
    for (const name of Object.keys(files || {})) {
      covered.set(name, (covered.get(name) || []).concat(files[name]).slice(-2000));
    }
  }

  const Readable = require('stream').Readable;
  const emit = Readable.prototype.emit;
  Readable.prototype.emit = function (type, data) {
    if (typeof type === 'string' && type.startsWith('test:') && data && this.constructor.name === 'TestsStream') {
      try { onTestEvent(type, data); } catch (error) { broken = true; }
    }
    return emit.apply(this, arguments);
  };

  // mocha and jest, wherever they are loaded from.

  function watch(name, exported) {
    if (/[\\/]mocha[\\/]lib[\\/]runner\.js$/.test(name) && exported.prototype) {
      const original = exported.prototype.emit;
      exported.prototype.emit = function (type, test, error) {
        if (coverage && type === 'test') coverage.drop();
        if (coverage && test && test.type === 'test' && (type === 'pass' || type === 'fail')) {
          hasTests = true;
          coverage.note({ file: test.file || script, path: test.titlePath() });
        }
        if (type === 'pass' || type === 'pending' || type === 'fail') {
          const titles = typeof test.titlePath === 'function' ? test.titlePath() : [test.title];
          put(Object.assign(
            { event: 'test', file: test.file || script, path: titles, duration: (test.duration || 0) / 1000 },
            type === 'fail' ? described(error) : {},
            { result: { pass: 'passed', pending: 'skipped', fail: test.type === 'hook' ? 'errored' : 'failed' }[type] }));
        } else if (type === 'end') {
          put({ event: 'end', nonce: nonce });
        }
        return original.apply(this, arguments);
      };
    }
    const summary = /[\\/]@jest[\\/]reporters[\\/]build[\\/](SummaryReporter|index)\.js$/.test(name)
      ? exported.SummaryReporter || exported.default : null;
    if (summary && summary.prototype && summary.prototype.onRunComplete && !summary.codeagent) {
      summary.codeagent = true;
      const original = summary.prototype.onRunComplete;
      summary.prototype.onRunComplete = function (contexts, aggregated) {
        for (const suite of (aggregated && aggregated.testResults) || []) {
          const failure = suite.testExecError || (suite.testResults.length === 0 && suite.failureMessage);
          if (failure) {
            const text = suite.failureMessage || failure.stack || failure.message || String(failure);
            put({ event: 'test', file: suite.testFilePath, isFile: true, isLoad: true, path: [], result: 'errored',
              message: cut(text), trace: frames(text) });
          }
          for (const test of suite.testResults) {
            const text = (test.failureMessages || []).join('\n').replace(/\x1b\[[0-9;]*m/g, '');
            put({ event: 'test', file: suite.testFilePath, path: test.ancestorTitles.concat([test.title]),
              duration: (test.duration || 0) / 1000, message: text ? cut(text.split(/\n\s+at /)[0]) : undefined,
              trace: frames(text),
              result: { passed: 'passed', failed: 'failed' }[test.status] || 'skipped' });
          }
        }
        put({ event: 'end', nonce: nonce });
        return original.apply(this, arguments);
      };
    }
  }

  const Module = require('module');
  const load = Module.prototype.load;
  Module.prototype.load = function (name) {
    const value = load.apply(this, arguments);
    if (/mocha|jest/.test(name)) {
      try {
        watch(name, this.exports);
        if (trial) trial.loaded(name, this.exports);
      } catch (error) { /* another layout than the known ones */ }
    }
    return value;
  };

  // A script run by itself: its output is kept beside its name, since many scripts share one standard output.

  if (isNested) { broken = true; return; }
  const isScript = !isTool && !isRunner && !isOfRunner;
  const mostOutput = 16 << 20;
  let left = mostOutput;
  let uncaught = null;

  function begin() {
    if (!isScript) return;
    put({ event: 'script' });
  }

  function said(chunk) {
    if (isScript && left > 0 && (typeof chunk === 'string' || Buffer.isBuffer(chunk))) {
      const text = typeof chunk === 'string' ? chunk : chunk.toString('utf8');
      left -= text.length;
      if (coverage && !hasTests) coverPoint(text);
      put({ event: 'output', text: text });
    }
  }

  function threw(error) {
    uncaught = described(error);
    if (trial && isOfRunner) printed.set(script, (printed.get(script) || '') + (error && error.stack || uncaught.message));
    if (isScript) put(Object.assign({ event: 'uncaught' }, uncaught));
  }

  if (isScript || trial) {
    if (main) process.env.CODEAGENT_ACTIVE = String(process.pid);
    begin();
    const stdout = process.stdout;
    const write = stdout.write;
    stdout.write = function (chunk, encoding, done) {
      said(chunk);
      if (!trial) return write.apply(this, arguments);
      const after = typeof encoding === 'function' ? encoding : done;
      if (typeof after === 'function') process.nextTick(after);
      return true;
    };
    process.on('uncaughtExceptionMonitor', threw);
  }
  // The status is final only after every exit listener; one of them may exit once more.
  function ended(status) {
    if (isChild && pending.size > 0) {
      for (const name of pending.values()) put({ event: 'unfinished', name: name });
      pending.clear();
    }
    if (trial && isOfRunner) putFile(status);
    if (coverage && !hasTests && (isScript || isOfRunner)) {
      unite(coverage.note(null));
      const files = {};
      for (const entry of covered) files[entry[0]] = entry[1];
      coverage.put({ event: 'lines', file: script, path: [], files: files });
    }
    coverage = null;
    if (file !== null) put({ event: 'end', nonce: nonce, status: status });
  }
  const processEmit = process.emit;
  process.emit = function (type, code) {
    const value = processEmit.apply(this, arguments);
    if (type === 'exit') ended(process.exitCode === undefined ? code : Number(process.exitCode));
    return value;
  };
  const reallyExit = process.reallyExit;
  process.reallyExit = function (code) {
    ended(code === undefined ? 0 : Number(code));
    return reallyExit.apply(this, arguments);
  };

  // What Node's runner says of a file as a whole.
  function putFile(status) {
    const text = printed.get(script) || '';
    if (status !== 0 && (uncaught || !trial.failed || text)) {
      put(Object.assign({ event: 'test', file: script, isFile: true, path: [script], result: 'failed', isLoad: true },
        { message: cut(text || 'It exited with status ' + status + '.'), trace: frames(text) }));
    } else if (status === 0 && !trial.tests) {
      put({ event: 'test', file: script, isFile: true, path: [script], result: 'passed' });
    }
  }

  if (trial) {
    process.stderr.write = function (chunk, encoding, done) {
      if (isOfRunner) printed.set(script, ((printed.get(script) || '') + chunk).slice(-8000));
      const after = typeof encoding === 'function' ? encoding : done;
      if (typeof after === 'function') process.nextTick(after);
      return true;
    };
    trial.threw = threw;
    trial.ended = ended;
    // The next run of the same script in the same thread.
    trial.begin = function (levels) {
      file = null;
      broken = false;
      left = mostOutput;
      uncaught = null;
      outer = levels;
      for (const map of [starts, printed, pending]) map.clear();
      begin();
    };
  }
})();
