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

// The program that tries the patches

// Patches between two looks at a thread, and looks that may show it changed before every patch gets a fresh one.
const mostUnseen = 50;
const mostDoubts = 3;
// Files of which it is seen that a thread loads them anew, and what they are given for that.
const mostRehearsed = 12;
const spoilt = 'codeagent looks whether this file is loaded anew';
const spoiler = Buffer.from("\nthrow new Error('" + spoilt + "');\n");

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

  // Files as they were before any patch.
  const original = new Map();
  const kept = path.join(results, 'originals.json');
  const uses = new Map();
  if (begun && fs.existsSync(kept)) {
    for (const [name, text] of JSON.parse(fs.readFileSync(kept, 'utf8'))) original.set(name, Buffer.from(text, 'base64'));
  }
  for (const patch of request.patches) {
    for (const [name] of patch) {
      uses.set(name, (uses.get(name) || 0) + 1);
      if (!original.has(name)) original.set(name, fs.readFileSync(path.join(request.root, name)));
    }
  }
  fs.writeFileSync(kept, JSON.stringify([...original].map(([name, bytes]) => [name, bytes.toString('base64')])));
  let changed = new Set(original.keys());
  function write(contents) {
    for (const name of changed) if (!contents.has(name)) fs.writeFileSync(path.join(request.root, name), original.get(name));
    for (const [name, content] of contents) fs.writeFileSync(path.join(request.root, name), content);
    changed = new Set(contents.keys());
  }
  write(new Map());

  async function attempt(which, bounds) {
    const before = process.cpuUsage();
    const started = Date.now();
    const trial = { lines: [], status: 0, timeout: false };
    for (const thread of which) {
      const left = bounds && { cpu: bounds.cpu - cpuSince(before), wall: bounds.wall - (Date.now() - started) / 1000 };
      const result = await thread.run(left || { cpu: request.cpu, wall: request.wall });
      trial.lines.push(result.lines);
      if (result.timeout) trial.timeout = true;
      if (!trial.status) trial.status = result.status;
      if (result.timeout) break;
    }
    trial.cpu = cpuSince(before);
    trial.wall = (Date.now() - started) / 1000;
    return trial;
  }

  // Scripts that hold the tests named, and those that prepare them, come first.
  const isNarrow = Array.isArray(request.names);
  const wanted = new Set((request.names || []).map((name) => name.split('::')[0]));
  function isFirst(thread) {
    const name = path.relative(request.directory, path.resolve(thread.job.cwd, thread.job.script));
    if (wanted.has(name) || wanted.has(JSON.stringify(name))) return true;
    return /[\\/]node_modules[\\/]/.test(thread.job.script)
      || !/(^|[\/._-])(tests?|specs?|__tests__)([\/._-]|$)/i.test(name);
  }
  let first = isNarrow ? threadsOf.filter(isFirst) : threadsOf;
  if (first.length === 0) first = threadsOf;
  const others = threadsOf.filter((thread) => !first.includes(thread));
  for (const thread of others) thread.isReusable = false;

  // The code as it is, in fresh threads, and again in the same ones: who says the same goes on.
  const control = await attempt(first);
  if (!begun) put(Object.assign({ event: 'trial', index: -1 }, control));
  let used = control.cpu;
  if (!control.timeout) {
    for (const [place, thread] of first.entries()) {
      await thread.rehearse(control.lines[place], [...original.keys()].sort((a, b) => uses.get(b) - uses.get(a)), write, original);
    }
    used = Math.min(used, (await attempt(first)).cpu);
  }
  const patience = request.patience;
  const bounds = {
    cpu: Math.min(request.cpu, patience * (control.timeout ? 1 : Math.max(0.25, 6 * used + 0.1))),
    wall: Math.min(request.wall, control.timeout ? 5 : Math.max(5, 5 * control.wall + 2)),
  };
  let whole = null;

  async function judge(index, contents) {
    write(contents);
    let trial = await attempt(first, bounds);
    put(Object.assign({ event: 'trial', index }, trial));
    if (trial.status !== 0 || trial.timeout || !isNarrow) return trial.status === 0 && !trial.timeout;
    if (whole === null) {
      write(new Map());
      const rest = await attempt(others);
      whole = { cpu: Math.max(1, 6 * rest.cpu), wall: Math.max(5, 5 * rest.wall + 2) };
      put({ event: 'trial', index: -1, all: true, lines: control.lines.concat(rest.lines),
        status: control.status || rest.status, timeout: control.timeout || rest.timeout });
      write(contents);
    }
    const rest = await attempt(others, whole);
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
        outcomes(now.lines[place]) === outcomes(control.lines[first.indexOf(thread)]));
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
    this.hasRun = false;
    this.freshCPU = 0;
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
        // A run like one of its own in every respect, its end included.
        isOwn: !this.hasRun || !this.isReusable,
      },
      transferList: [channel.port1, answers.port1],
      resourceLimits: { maxOldGenerationSizeMb: 1024 }, trackUnmanagedFds: true,
    };
    this.answers = answers.port2;
    try {
      this.worker = new threads.Worker(path.join(__dirname, 'codeagent-thread.cjs'), options);
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
      this.worker = new threads.Worker(path.join(__dirname, 'codeagent-thread.cjs'), options);
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
    const isFresh = this.worker === null;
    if (isFresh) this.begin();
    // What a thread's start takes comes on top.
    const cpu = bounds.cpu + (isFresh ? 3 * this.freshCPU : 0);
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
        if (cpuSince(before) < cpu && Date.now() - started < 1000 * bounds.wall) return;
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
    this.hasRun = true;
    if (!this.isSettled) {
      if (isFresh) this.freshCPU = Math.max(this.freshCPU, cpuSince(before));
      // A patch may keep anything from being loaded.
      if (result.reusable === false) this.isReusable = false;
      if (result.usesTests && this.isReusable) this.hasTests = true;
    }
    if (!result.isAlive || !this.isReusable) await this.end();
    endChildren();
    return { lines: result.lines, status: result.status, timeout: result.timeout === true, loaded: result.loaded };
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

  // Whether a thread that has run the script says the same when it runs it again, and notices what changes in its files: what
  // was imported, or kept elsewhere, is not loaded anew.
  async rehearse(expected, names, write, original) {
    const wants = outcomes(expected);
    const bounds = { cpu: 20, wall: 20 };
    let loaded = [];
    for (let round = 0; this.isReusable && round < 2; round += 1) {
      const result = await this.run(bounds);
      if (result.timeout || outcomes(result.lines) !== wants) await this.giveUp();
      loaded = result.loaded || [];
    }
    this.isSettled = true;
    const known = new Set(loaded);
    const isLoaded = (name) => known.has(path.resolve(this.root, name)) || known.has(realpath(path.resolve(this.root, name)));
    const spoil = (list) => new Map(list.map((name) => [name, Buffer.concat([original.get(name), spoiler])]));
    for (const name of names.filter(isLoaded).slice(0, mostRehearsed)) {
      if (!this.isReusable) break;
      write(spoil([name]));
      // A run before it, so that a thread that a spoilt file ended is no fresh one.
      const result = await this.run(bounds);
      if (!notices(result, wants) && await this.noticesFresh(bounds, wants)) await this.giveUp();
      write(new Map());
      if (this.isReusable && this.worker === null) await this.run(bounds);
    }
    const rest = names.filter((name) => !isLoaded(name));
    if (this.isReusable && rest.length > 0) {
      write(spoil(rest));
      if (await this.noticesFresh(bounds, wants)) await this.giveUp();
      write(new Map());
    }
    if (this.isReusable && this.worker === null) await this.run(bounds);
  }

  async noticesFresh(bounds, wants) {
    if (this.worker !== null) await this.end();
    const result = await this.run(bounds);
    if (this.worker !== null) await this.end();
    return notices(result, wants);
  }

  async giveUp() {
    this.hasTests = false;
    await this.setReusable(false);
  }
}

// Whether a script met a spoilt file.
function notices(result, wants) {
  return result.lines.includes(spoilt) || outcomes(result.lines) !== wants;
}

function realpath(name) {
  try { return fs.realpathSync(name); } catch (error) { return name; }
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

serve().catch((error) => {
  console.error(error);
  process.exit(3);
});
