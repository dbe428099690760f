'use strict';
// Tries many small patches in one run of the tests. The user's command has run once, and codeagent-node.cjs has noted which
// scripts it started; this program runs them again for every patch, each in a thread (worker_threads), with the patch
// written to disk and taken back afterwards. Node 14 and later.
//
// The first argument names a file of one JSON line: {"root", "patches": [[[path, start, end, text]...]...], "names", "stop",
// "cpu", "wall", "patience", "seconds"}. With names, a patch meets the scripts that hold those tests first, and all others
// where these pass. One line a trial is appended to "trials-node.jsonl" in CODEAGENT_RESULTS: {"event": "trial", "index",
// "all", "status", "timeout", "cpu", "lines": [one text a script]}; index -1 is the code as it is, tried first.
//
// A thread takes one patch after another where the project's modules can be loaded anew in it, and where the code as it is
// then fails as it does in a fresh thread. It ends with whatever ends it; the next patch gets another one.
const fs = require('fs');
const path = require('path');
const threads = require('worker_threads');

// The thread that runs scripts

function host() {
  const { job, root, commands, signal, port, adaptor, hasTests } = threads.workerData;
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
    const kept = { lines: keep(lines, trial), status, isAlive, usesTests, reusable: reusable && hasLoadedAnew() };
    lines = [];
    post(kept);
  }

  // Whether a file of the project came in by require, as the next run would load it again.
  function hasLoadedAnew() {
    return Object.keys(require.cache).some((name) => name.startsWith(clean) && !foreign.test(name));
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
    if (taken === 1 && !hasTests) {
      // The first run is like one of its own in every respect, its end included.
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

// The program that tries the patches

// Patches between two looks at a thread, and looks that may show it changed before every patch gets a fresh one.
const mostUnseen = 50;
const mostDoubts = 3;

async function serve() {
  const request = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
  const results = process.env.CODEAGENT_RESULTS;
  const nonce = process.env.CODEAGENT_NONCE || '';
  const record = path.join(results, 'trials-node.jsonl');
  const adaptor = path.join(__dirname, 'codeagent-node.cjs');
  const until = Date.now() + 1000 * request.seconds;
  const put = (event) => fs.appendFileSync(record, JSON.stringify(event) + '\n');
  const say = (reason) => { put({ event: 'refused', reason }); };

  // A program that was ended by a patch left what it had; the patch that it was trying is not tried again.
  const done = new Map();
  let begun = false;
  try {
    for (const line of fs.readFileSync(record, 'utf8').split('\n')) {
      if (!line) continue;
      const event = JSON.parse(line);
      begun = true;
      if (event.event === 'trying') done.set(event.index, false);
      if (event.event === 'trial') done.set(event.index, true);
    }
    for (const [index, isTold] of done) {
      if (!isTold) put({ event: 'trial', index, status: null, timeout: false, lines: [] });
    }
  } catch (error) { /* the first one */ }
  if (!begun) put({ event: 'start', nonce, framework: 'trials', time: Date.now() / 1000 });

  const jobs = fs.readdirSync(results).filter((name) => /^job-.*\.json$/.test(name)).map((name) => {
    try { return JSON.parse(fs.readFileSync(path.join(results, name), 'utf8')); } catch (error) { return null; }
  }).filter((job) => job && job.nonce === nonce).sort((a, b) => a.time - b.time);
  if (jobs.length === 0 || jobs.length > 400) return say(jobs.length ? 'too many scripts' : 'no script was started');
  const threadsOf = jobs.map((job) => new Thread(job, request.root, adaptor));

  const original = new Map();
  for (const patch of request.patches) {
    for (const [name] of patch) {
      if (!original.has(name)) original.set(name, fs.readFileSync(path.join(request.root, name)));
    }
  }
  let changed = new Set();
  function write(contents) {
    for (const name of changed) if (!contents.has(name)) fs.writeFileSync(path.join(request.root, name), original.get(name));
    for (const [name, content] of contents) fs.writeFileSync(path.join(request.root, name), content);
    changed = new Set(contents.keys());
  }

  async function attempt(which, bounds) {
    const before = process.cpuUsage();
    const started = Date.now();
    const trial = { lines: [], status: 0, timeout: false, statuses: [] };
    for (const thread of which) {
      const left = bounds && { cpu: bounds.cpu - cpuSince(before), wall: bounds.wall - (Date.now() - started) / 1000 };
      const result = await thread.run(left || { cpu: request.cpu, wall: request.wall });
      trial.lines.push(result.lines);
      trial.statuses.push(result.status);
      if (result.timeout) trial.timeout = true;
      if (!trial.status) trial.status = result.status;
      if (result.timeout) break;
    }
    trial.cpu = cpuSince(before);
    trial.wall = (Date.now() - started) / 1000;
    return trial;
  }

  // The code as it is, in fresh threads, and again in the same ones: who says the same goes on.
  const control = await attempt(threadsOf);
  if (!control.timeout) {
    for (const [index, thread] of threadsOf.entries()) await thread.rehearse(control.lines[index]);
  }
  const again = control.timeout ? control : await attempt(threadsOf);
  const isNarrow = Array.isArray(request.names);
  const wanted = new Set((request.names || []).map((name) => name.split('::')[0]));
  let first = !isNarrow ? threadsOf : threadsOf.filter((thread, index) => holds(thread.job, control.lines[index] || ''));
  if (first.length === 0) first = threadsOf;
  const others = threadsOf.filter((thread) => !first.includes(thread));

  function holds(job, lines) {
    const files = new Set([relative(job, job.script)]);
    for (const match of lines.matchAll(/"event":"test","file":("(?:[^"\\]|\\.)*")/g)) files.add(relative(job, JSON.parse(match[1])));
    if ([...files].some((name) => wanted.has(name) || wanted.has(JSON.stringify(name)))) return true;
    // What prepares the tests is run with every patch.
    return files.size === 1 && !/(^|[\/._-])(tests?|specs?|__tests__)([\/._-]|$)/i.test(relative(job, job.script));
  }
  function relative(job, name) {
    return path.relative(request.directory, path.resolve(job.cwd, name));
  }

  function part(trial, which) {
    const picked = { lines: [], status: 0 };
    which.forEach((thread) => {
      const index = threadsOf.indexOf(thread);
      picked.lines.push(trial.lines[index] || '');
      if (!picked.status && index < trial.statuses.length) picked.status = trial.statuses[index];
    });
    return Object.assign({}, trial, picked);
  }
  const patience = request.patience;
  const used = Math.min(control.cpu, again.cpu);
  const bounds = {
    cpu: Math.min(request.cpu, patience * (control.timeout ? 1 : Math.max(0.25, 6 * used + 0.1))),
    wall: Math.min(request.wall, control.timeout ? 5 : Math.max(5, 5 * control.wall + 2)),
  };
  if (!begun) {
    put(Object.assign({ event: 'trial', index: -1 }, part(control, first)));
    if (isNarrow) put(Object.assign({ event: 'trial', index: -1, all: true }, part(control, threadsOf)));
  }

  async function judge(index, contents) {
    write(contents);
    let trial = await attempt(first, bounds);
    put(Object.assign({ event: 'trial', index }, trial));
    if (trial.status !== 0 || trial.timeout || !isNarrow) return trial.status === 0 && !trial.timeout;
    const rest = await attempt(others, bounds);
    trial = { lines: trial.lines.concat(rest.lines), status: rest.status, timeout: rest.timeout, all: true };
    put(Object.assign({ event: 'trial', index }, trial));
    return trial.status === 0 && !trial.timeout;
  }

  // What a patch leaves in a thread may speak for those after it: where the code as it is does not fail there any more as it
  // did, those since the last look are tried again, each in a fresh thread. The later answer counts.
  let since = [];
  let doubts = 0;
  async function look() {
    const shared = first.filter((thread) => thread.isReusable);
    if (since.length > 0 && shared.length > 0) {
      write(new Map());
      const now = await attempt(shared, bounds);
      const same = !now.timeout && shared.every((thread, place) =>
        outcomes(now.lines[place]) === outcomes(control.lines[threadsOf.indexOf(thread)]));
      if (!same) {
        doubts += 1;
        for (const thread of shared) await thread.setReusable(false);
        for (const [index, contents] of since) if (Date.now() < until) await judge(index, contents);
        if (doubts < mostDoubts) for (const thread of shared) await thread.setReusable(true);
      }
    }
    since = [];
  }

  for (const [index, patch] of request.patches.entries()) {
    if (Date.now() > until) break;
    if (done.has(index)) continue;
    let contents;
    try {
      contents = applied(patch, original);
    } catch (error) {
      put({ event: 'trial', index, error: String(error.message) });
      continue;
    }
    put({ event: 'trying', index });
    if (await judge(index, contents) && request.stop) break;
    since.push([index, contents]);
    if (since.length >= mostUnseen) await look();
  }
  await look();
  write(new Map());
  put({ event: 'end' });
  process.exit(0);
}

function cpuSince(before) {
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1e6;
}

function applied(patch, original) {
  const edits = new Map();
  for (const [name, start, end, text] of patch) {
    if (!edits.has(name)) edits.set(name, []);
    edits.get(name).push([start, end, Buffer.from(text, 'utf8')]);
  }
  const contents = new Map();
  for (const [name, list] of edits) {
    const bytes = original.get(name);
    const parts = [];
    let position = 0;
    list.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    for (const [start, end, text] of list) {
      if (start < position || end > bytes.length) throw new Error('an edit of ' + name + ' is out of range or overlaps another');
      parts.push(bytes.subarray(position, start), text);
      position = end;
    }
    parts.push(bytes.subarray(position));
    contents.set(name, Buffer.concat(parts));
  }
  return contents;
}

// One script, and the thread that runs it.
class Thread {
  constructor(job, root, adaptor) {
    this.job = job;
    this.root = root;
    this.adaptor = adaptor;
    this.worker = null;
    this.isReusable = true;
    this.isSettled = false;
    this.hasTests = false;
  }

  begin() {
    const { job } = this;
    const channel = new threads.MessageChannel();
    this.signal = new Int32Array(new SharedArrayBuffer(8));
    this.commands = channel.port2;
    const answers = new threads.MessageChannel();
    const env = Object.assign({}, job.env);
    delete env.CODEAGENT_SCRIPTS;
    const options = {
      env, argv: [], execArgv: job.execArgv, stdout: true, stderr: true, stdin: true,
      workerData: {
        job, root: this.root, adaptor: this.adaptor, commands: channel.port1, signal: this.signal, port: answers.port1,
        hasTests: this.hasTests,
      },
      transferList: [channel.port1, answers.port1],
      resourceLimits: { maxOldGenerationSizeMb: 1024 }, trackUnmanagedFds: true,
    };
    this.answers = answers.port2;
    try {
      this.worker = new threads.Worker(__filename, options);
    } catch (error) {
      // Flags of the engine itself hold for all threads.
      const bad = /:\s(.*)$/.exec(error.message);
      const names = bad ? bad[1].split(/,\s*/) : [];
      require('v8').setFlagsFromString(names.join(' '));
      options.execArgv = job.execArgv.filter((word) => !names.includes(word));
      const again = new threads.MessageChannel();
      const others = new threads.MessageChannel();
      options.workerData.commands = again.port1;
      options.workerData.port = others.port1;
      options.transferList = [again.port1, others.port1];
      this.commands = again.port2;
      this.answers = others.port2;
      this.worker = new threads.Worker(__filename, options);
    }
    this.worker.stdin.end();
    for (const stream of [this.worker.stdout, this.worker.stderr]) {
      stream.on('error', () => {});
      stream.resume();
    }
    this.worker.on('error', (error) => { if (process.env.CODEAGENT_DEBUG) console.error(error); });
    this.sent = 0;
  }

  async run(bounds) {
    try { process.chdir(this.job.cwd); } catch (error) { /* a patch removed it */ }
    if (this.worker === null) this.begin();
    const worker = this.worker;
    const before = process.cpuUsage();
    const started = Date.now();
    let timer = null;
    const result = await new Promise((resolve) => {
      let message = null;
      this.answers.on('message', (value) => {
        if (value.chdir !== undefined) {
          let error = null;
          try { process.chdir(value.chdir); } catch (failure) { error = failure; }
          this.commands.postMessage(error ? { error: error.message, code: error.code } : {});
          Atomics.store(this.signal, 1, 1);
          Atomics.notify(this.signal, 1);
          return;
        }
        message = value;
        if (value.isAlive) resolve(value);
      });
      worker.on('exit', (code) => {
        // What was posted before the end may still be to be read.
        const last = threads.receiveMessageOnPort(this.answers);
        if (last && last.message.lines !== undefined) message = last.message;
        resolve(Object.assign({ lines: '' }, message, { status: message && message.status || code, isAlive: false }));
      });
      timer = setInterval(() => {
        if (cpuSince(before) < bounds.cpu && Date.now() - started < 1000 * bounds.wall) return;
        clearInterval(timer);
        resolve({ lines: '', status: null, timeout: true, isAlive: false });
      }, 25);
      this.commands.postMessage({ run: true });
      this.sent += 1;
      Atomics.store(this.signal, 0, this.sent);
      Atomics.notify(this.signal, 0);
    });
    clearInterval(timer);
    this.answers.removeAllListeners('message');
    worker.removeAllListeners('exit');
    if (!this.isSettled) {
      // A patch may keep anything from being loaded.
      if (result.reusable === false) this.isReusable = false;
      if (result.usesTests && this.isReusable) this.hasTests = true;
    }
    if (!result.isAlive || !this.isReusable) await this.end();
    endChildren();
    return { lines: result.lines, status: result.status, timeout: result.timeout === true };
  }

  async end() {
    const worker = this.worker;
    this.worker = null;
    const stuck = setTimeout(() => process.kill(process.pid, 'SIGKILL'), 5000);
    endChildren();
    await worker.terminate();
    clearTimeout(stuck);
    this.answers.close();
    this.commands.close();
  }

  async setReusable(value) {
    this.isReusable = value;
    if (this.worker !== null) await this.end();
  }

  // Whether a thread that has run the script once says the same when it runs it again.
  async rehearse(expected) {
    const wants = outcomes(expected);
    const bounds = { cpu: 20, wall: 20 };
    for (let round = 0; this.isReusable && round < 2; round += 1) {
      const result = await this.run(bounds);
      if (result.timeout || outcomes(result.lines) !== wants) {
        this.isReusable = false;
        this.hasTests = false;
        if (this.worker !== null) await this.end();
      }
    }
    this.isSettled = true;
  }
}

// What a script's tests said, in one text.
function outcomes(lines) {
  const found = [];
  for (const line of lines.split('\n')) {
    if (!line) continue;
    const event = JSON.parse(line);
    if (event.event === 'test') found.push(event.file + '\0' + (event.path || []).join('\0') + '\0' + event.result);
    else if (event.event === 'end') found.push('end ' + event.status);
    else if (event.event === 'output') found.push(...(event.text.match(/^\s*(not )?ok\b.*$/gm) || []));
  }
  return found.sort().join('\n');
}

// Ends what a script left behind.
function endChildren() {
  let tasks = [];
  try { tasks = fs.readdirSync('/proc/self/task'); } catch (error) { return; }
  for (const task of tasks) {
    let list = '';
    try { list = fs.readFileSync('/proc/self/task/' + task + '/children', 'utf8'); } catch (error) { continue; }
    for (const child of list.split(' ')) {
      if (child) try { process.kill(Number(child), 'SIGKILL'); } catch (error) { /* it has ended */ }
    }
  }
}

if (threads.isMainThread) serve().catch((error) => { console.error(error); process.exit(3); }); else host();
