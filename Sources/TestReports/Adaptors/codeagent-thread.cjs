'use strict';
// The thread in which codeagent-trials.cjs runs one script, for one patch after another: each time the project's modules are
// loaded anew, and the script has ended when nothing is left to do. Tests of node:test run within a test of this thread's
// own, because their root ends but once. Whatever ends the thread ends what is tried in it, and no more.
const fs = require('fs');
const path = require('path');
const threads = require('worker_threads');

host();

function host() {
  const { job, root, commands, signal, port, adaptor, hasTests, isOwn } = threads.workerData;
  const Module = require('module');
  const post = port.postMessage.bind(port);
  const receive = threads.receiveMessageOnPort;
  const clean = path.join(root, '/');
  const program = fs.realpathSync(job.script);
  const foreign = /[\\/]node_modules[\\/](?!tape[\\/])/;
  const wait = Atomics.wait;
  const load = Atomics.load;
  const store = Atomics.store;
  let lines = [];
  let size = 0;
  let isOpen = false;
  let usesTests = false;
  let reusable = true;
  let taken = 0;
  const trial = {
    script: job.script, tests: 0, failed: 0,
    put(line) {
      size += line.length;
      if (size < 8 << 20) lines.push(line);
    },
    loaded(name, exported) {
      // mocha imports what can be required: a module that was imported cannot be loaded anew.
      if (!/[\\/]mocha[\\/]lib[\\/](nodejs[\\/])?esm-utils\.js$/.test(name) || !exported.requireOrImport) return;
      const original = exported.requireOrImport;
      exported.requireOrImport = async (file, ...rest) => {
        try {
          if (path.extname(file) !== '.mjs') return require(path.resolve(file));
        } catch (error) {
          if (error.code !== 'ERR_REQUIRE_ESM' && error.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
        }
        reusable = false;
        return original(file, ...rest);
      };
    },
  };

  // What a program of its own has, and a thread has not.
  threads.isMainThread = true;
  threads.parentPort = null;
  threads.workerData = null;
  process.argv = [job.execPath, job.script].concat(job.argv);
  process.chdir = (directory) => {
    store(signal, 1, 0);
    post({ chdir: String(directory) });
    wait(signal, 1, 0, 5000);
    const answer = receive(commands);
    if (answer && answer.message.error) throw Object.assign(new Error(answer.message.error), { code: answer.message.code });
  };
  threads.codeagentTrial = trial;
  delete require.cache[adaptor];
  require(adaptor);
  const emit = process.emit;
  delete threads.codeagentTrial;
  delete require.cache[adaptor];
  delete require.cache[__filename];
  try { Module.syncBuiltinESMExports(); } catch (error) { /* before Node 12.12 */ }

  const requested = Module._load;
  Module._load = function (request) {
    if (request === 'node:test' || request === 'test') usesTests = true;
    return requested.apply(this, arguments);
  };

  let inTests = null;
  let finish = null;
  let hasEmitted = false;
  let isDone = true;

  function answer(status, isAlive) {
    if (!isOpen) return;
    isOpen = false;
    const loaded = Object.keys(require.cache).filter((name) => name.startsWith(clean) && !foreign.test(name));
    const kept = { lines: keep(lines, trial), status, isAlive, usesTests, loaded, reusable: reusable && loaded.length > 0 };
    lines = [];
    post(kept);
  }

  const listeners = new Map();
  const noted = () => {
    for (const type of process.eventNames()) listeners.set(type, process.rawListeners(type));
  };
  const restored = () => {
    for (const type of process.eventNames()) {
      const kept = listeners.get(type) || [];
      for (const listener of process.rawListeners(type)) {
        if (!kept.includes(listener)) process.removeListener(type, listener);
      }
    }
  };
  const resources = () => process.getActiveResourcesInfo ? process.getActiveResourcesInfo().filter((name) =>
    name !== 'Immediate' && name !== 'MessagePort').length : 0;
  let atRest = 0;

  // Waits for the next patch.
  function next() {
    for (;;) {
      wait(signal, 0, taken);
      if (load(signal, 0) !== taken) break;
    }
    taken += 1;
    const message = receive(commands);
    if (!message || message.message.stop) return;
    start();
    // The loop goes round once more at least, and says then that nothing is left to do.
    setImmediate(() => {});
  }

  function start() {
    for (const name of Object.keys(require.cache)) {
      if (name === program || name.startsWith(clean) && !foreign.test(name)) delete require.cache[name];
    }
    lines = [];
    size = 0;
    trial.tests = trial.failed = 0;
    hasEmitted = false;
    isOpen = true;
    process.exitCode = undefined;
    trial.begin(hasTests ? 2 : 0);
    if (!hasTests) {
      run();
      return;
    }
    isDone = false;
    inTests.test('patch', () => {
      run();
      return new Promise((done) => { finish = done; });
    }).then(() => { isDone = true; }, () => { isDone = true; });
  }

  function run() {
    if (isOwn && !hasTests) {
      Module.runMain(job.script);
      return;
    }
    try {
      Module._load(job.script, null, true);
    } catch (error) {
      if (process.listenerCount('uncaughtException') > (listeners.get('uncaughtException') || []).length) throw error;
      trial.threw(error);
      process.exitCode = 1;
    }
  }

  process.emit = function (type) {
    if (type === 'exit') {
      const value = emit.apply(this, arguments);
      const code = process.exitCode === undefined ? arguments[1] : process.exitCode;
      answer(Number(code), false);
      return value;
    }
    if (type !== 'beforeExit') return emit.apply(this, arguments);
    if (!isOpen) return next();
    if (finish) {
      finish();
      finish = null;
      setImmediate(() => {});
      return true;
    }
    if (hasTests && !isDone) {
      setImmediate(() => {});
      return true;
    }
    if (!hasEmitted && process.listenerCount('beforeExit') > 0) {
      hasEmitted = true;
      emit.call(process, 'beforeExit', process.exitCode || 0);
      setImmediate(() => {});
      return true;
    }
    return end();
  };

  function end() {
    const status = Number(process.exitCode || 0);
    if (hasTests && trial.failed && !status) process.exitCode = 1;
    // A listener that exits has the last word.
    const exit = process.exit;
    const stop = {};
    process.exit = (code) => {
      if (code !== undefined) process.exitCode = code;
      throw stop;
    };
    process.emit = emit;
    try {
      emit.call(process, 'exit', process.exitCode || 0);
    } catch (error) {
      if (error !== stop) {
        trial.threw(error);
        process.exitCode = process.exitCode || 1;
      }
      trial.ended(Number(process.exitCode || 0));
    } finally {
      process.emit = own;
      process.exit = exit;
    }
    const code = Number(process.exitCode || 0);
    // A root of tests that has ended takes no others.
    const isAlive = !(usesTests && !hasTests) && resources() <= atRest;
    restored();
    answer(code, isAlive);
    return isAlive ? next() : true;
  }
  const own = process.emit;
  const reallyExit = process.reallyExit;
  process.reallyExit = function (code) {
    if (isOpen) {
      trial.ended(Number(code || 0));
      answer(Number(code || 0), false);
    }
    return reallyExit.apply(this, arguments);
  };

  if (hasTests) {
    const test = require('node:test');
    test('patches', (context) => {
      inTests = context;
      // Would end all tests when nothing is left to do.
      process.removeAllListeners('beforeExit');
      process.removeAllListeners('exit');
      noted();
      return new Promise(() => {});
    });
  } else {
    noted();
  }
  atRest = resources();
  setImmediate(() => {});
}

// Lines of one script, bounded; tests that failed are kept before others.
function keep(lines, trial) {
  const most = 200000;
  let size = 0;
  for (const line of lines) size += line.length + 1;
  if (size <= most) return lines.join('\n');
  const kept = [];
  size = 0;
  const isBad = (line) => /"result":"(failed|errored)"|"event":"(start|script|uncaught|end)"/.test(line);
  for (const line of lines.filter(isBad).concat(lines.filter((line) => !isBad(line)))) {
    size += line.length + 1;
    if (size > most) continue;
    kept.push(line);
  }
  return kept.join('\n');
}
