import Glibc
import Sandbox
import TestSupport
import Testing

/// What builds and tests do every day has to work inside.
@Suite(.serialized) struct InsideTests {
  @Test func gitCommits() async throws {
    let scene = try Scene(["file": "one\n"])
    let result = try await scene.shell(
      """
      set -e; git init -q -b main .; git config user.name a; git config user.email a@b; git add .; git commit -qm first
      echo two >> file; git commit -qam second; git stash list; git branch other; git log --oneline | wc -l
      git gc -q; git fsck; git status --short
      """)
    #expect(result.succeeded, "\(result.text)")
    #expect(result.lines.last == "2")
    #expect(access("\(scene.checkout)/.git", F_OK) != 0)
  }

  @Test(.enabled(if: exists("/usr/bin/gcc") || exists("/usr/bin/cc"))) func cCompilesAndRuns() async throws {
    let scene = try Scene(["main.c": "#include <stdio.h>\nint main(void) { puts(\"compiled\"); return 7; }\n"])
    let result = try await scene.shell("cc -O1 -o main main.c && ./main")
    #expect(result.text == "compiled\n")
    #expect(result.status == .exited(7))
  }

  @Test func pythonTests() async throws {
    let scene = try Scene([
      "test_it.py": """
      import unittest, threading, multiprocessing, subprocess, tempfile, asyncio, queue
      def square(x): return x * x
      class T(unittest.TestCase):
        def test_threads(self):
          done = []
          threads = [threading.Thread(target=lambda i=i: done.append(i)) for i in range(20)]
          [t.start() for t in threads]; [t.join() for t in threads]
          self.assertEqual(len(done), 20)
        def test_pool(self):
          with multiprocessing.Pool(4) as pool: self.assertEqual(pool.map(square, range(10))[3], 9)
        def test_subprocess(self):
          self.assertEqual(subprocess.run(["sh", "-c", "echo x; exit 3"], capture_output=True).returncode, 3)
        def test_temporary(self):
          with tempfile.TemporaryDirectory() as d, tempfile.NamedTemporaryFile() as f: f.write(b"x")
        def test_asyncio(self):
          async def main():
            p = await asyncio.create_subprocess_exec("echo", "hi", stdout=asyncio.subprocess.PIPE)
            return (await p.communicate())[0]
          self.assertEqual(asyncio.run(main()), b"hi\\n")
        def test_shared_memory(self):
          from multiprocessing import shared_memory
          m = shared_memory.SharedMemory(create=True, size=1 << 20); m.buf[0] = 1; m.close(); m.unlink()
      """
    ])
    let result = try await scene.run(["/usr/bin/python3", "-m", "unittest", "-q"])
    #expect(result.succeeded, "\(result.text)")
    #expect(result.text.contains("Ran 6 tests"))
  }

  @Test func socketsInside() async throws {
    let scene = try Scene()
    let result = try await scene.python(
      """
      import socket, threading, os
      def echo(family, kind, address):
          server = socket.socket(family, kind); server.bind(address)
          if kind == socket.SOCK_STREAM:
              server.listen()
              threading.Thread(target=lambda: [c.sendall(c.recv(9)) for c in [server.accept()[0]]]).start()
          client = socket.socket(family, kind)
          if kind == socket.SOCK_STREAM:
              client.connect(server.getsockname()); client.sendall(b"ping"); return client.recv(9)
          client.sendto(b"ping", server.getsockname()); return server.recv(9)
      print(echo(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)))
      print(echo(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)))
      print(echo(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0)))
      print(echo(socket.AF_UNIX, socket.SOCK_STREAM, "/tmp/s"))
      print(echo(socket.AF_UNIX, socket.SOCK_STREAM, "\\0abstract"))
      print(socket.gethostbyname("localhost"), socket.gethostbyname(socket.gethostname()))
      """)
    #expect(result.lines == Array(repeating: "b'ping'", count: 5) + ["127.0.0.1 127.0.0.1"], "\(result.text)")
  }

  @Test func pipesAndSignals() async throws {
    let scene = try Scene()
    let result = try await scene.shell(
      """
      seq 1000 | sort -rn | head -1; trap 'echo caught' USR1; kill -USR1 $$; sleep 100 & kill $!; wait $!; echo $?
      (exit 5); echo $?; yes | head -3 | wc -l; timeout 0.1 sleep 5; echo $?; nohup true; setsid true && echo session
      """)
    #expect(
      result.lines.filter { !$0.hasPrefix("Terminated") } == ["1000", "caught", "143", "5", "3", "124", "session"],
      "\(result.text)")
  }

  @Test func terminals() async throws {
    let scene = try Scene()
    let result = try await scene.python(
      "import pty, os; print(pty.spawn(['sh', '-c', 'tty; test -t 1 && echo terminal; exit 4']) >> 8)")
    #expect(result.text.contains("/dev/pts/"), "\(result.text)")
    #expect(result.text.contains("terminal"))
    #expect(result.text.hasSuffix("4\n"))
  }

  @Test func twoHundredProcesses() async throws {
    let scene = try Scene()
    let result = try await scene.shell("for i in $(seq 200); do sleep 0.2 & done; wait; echo done")
    #expect(result.text == "done\n")
  }

  @Test func sqliteWithAWriteAheadLog() async throws {
    let scene = try Scene()
    let result = try await scene.python(
      """
      import sqlite3
      for path in ("data.db", "/tmp/data.db"):
          a, b = sqlite3.connect(path), sqlite3.connect(path)
          print(a.execute("pragma journal_mode=wal").fetchone()[0])
          a.execute("create table t(x)"); a.execute("insert into t values (1)"); a.commit()
          print(b.execute("select count(*) from t").fetchone()[0])
      """)
    #expect(result.lines == ["wal", "1", "wal", "1"], "\(result.text)")
  }

  @Test func filesOfEveryKind() async throws {
    let scene = try Scene(["a": "1\n", "d/b": "2\n"])
    let result = try await scene.python(
      #"""
      import os, mmap, fcntl
      os.link("a", "hard"); os.symlink("a", "soft"); os.rename("d/b", "moved"); os.chmod("a", 0o755); os.utime("a", (1, 1))
      os.truncate("moved", 0); os.makedirs("x/y/z"); os.removedirs("x/y/z"); os.mkfifo("fifo")
      open(b"\xff\xfe\n", "w").write("odd"); print(os.listdir(b"."))
      f = open("map", "w+b"); f.truncate(4096); m = mmap.mmap(f.fileno(), 4096); m[0:2] = b"hi"; m.flush(); os.fsync(f)
      fcntl.lockf(f, fcntl.LOCK_EX); fcntl.flock(f, fcntl.LOCK_EX)
      os.setxattr("a", "user.note", b"x"); print(os.getxattr("a", "user.note"))
      os.rmdir("d"); os.mkdir("d"); print(os.listdir("d")); os.copy_file_range
      print(os.stat("a").st_uid == os.getuid(), os.getlogin if 0 else os.path.expanduser("~"))
      """#)
    #expect(result.succeeded, "\(result.text)")
    #expect(result.text.contains(#"b'\xff\xfe\n'"#))
    #expect(result.lines.last == "True /home/agent")
  }

  @Test func standardStreamsCanBeOpenedAgain() async throws {
    let scene = try Scene()
    let result = try await scene.shell(
      "echo a > /dev/stdout; echo b > /dev/stderr; echo c | tee /dev/stderr; cat /dev/stdin", input: "d\n")
    #expect(result.text == "a\nb\nc\nc\nd\n")
    let empty = try await scene.shell("cat /dev/stdin && cat < /proc/self/fd/0 && test -c /dev/stdin && echo empty")
    #expect(empty.text == "empty\n", "\(empty.text)")
  }

  @Test func accountsAndTime() async throws {
    let scene = try Scene()
    let result = try await scene.shell(
      "whoami; id -gn; getent passwd 1000; hostname; date +%Z >/dev/null; nproc >/dev/null; uname -n")
    #expect(
      result.lines == ["agent", "agent", "agent:x:1000:1000:agent:/home/agent:/bin/sh", "sandbox", "sandbox"],
      "\(result.text)")
  }

  @Test func aDebuggerInside() async throws {
    let scene = try Scene()
    let result = try await scene.python(
      """
      import ctypes, os, signal
      child = os.fork()
      if child == 0:
          ctypes.CDLL(None).ptrace(0, 0, 0, 0); os.kill(os.getpid(), signal.SIGSTOP); os._exit(3)
      print(os.WIFSTOPPED(os.waitpid(child, 0)[1])); ctypes.CDLL(None).ptrace(7, child, 0, 0)
      print(os.waitpid(child, 0)[1] >> 8)
      """)
    #expect(result.lines == ["True", "3"], "\(result.text)")
  }

  @Test(.enabled(if: exists("/usr/bin/gcc"))) func aLeakCheckerInside() async throws {
    let leak = "#include <stdlib.h>\nint main(void) { void *volatile p = malloc(100); p = 0; return 0; }\n"
    let scene = try Scene(["leak.c": leak])
    let result = try await scene.shell("cc -fsanitize=address -g -o leak leak.c && ./leak")
    #expect(result.text.contains("detected memory leaks"), "\(result.text)")
  }

  @Test func whatProgramsShareInside() async throws {
    let scene = try Scene()
    let result = try await scene.python(
      """
      import ctypes, fcntl, mmap, os, select, socket, subprocess, time
      libc = ctypes.CDLL(None, use_errno=True)
      queue = libc.mq_open(b"/q", os.O_CREAT | os.O_RDWR, 0o600, None)
      buffer = ctypes.create_string_buffer(8192)
      assert libc.mq_send(queue, b"hi", 2, 1) == 0 and libc.mq_receive(queue, buffer, 8192, None) == 2
      assert os.listdir("/dev/mqueue") == ["q"] and libc.mq_unlink(b"/q") == 0
      assert min(libc.shmget(0, 4096, 0o1600), libc.msgget(0, 0o1600), libc.semget(0, 2, 0o1600)) >= 0
      lock = open("lock", "w"); fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
      watch = libc.inotify_init(); assert libc.inotify_add_watch(watch, b".", 0x100) >= 0
      open("new", "w").close(); assert os.read(watch, 100)
      code = mmap.mmap(-1, 4096, prot=7); code.write(bytes.fromhex("c3"))
      one, other = socket.socketpair(); socket.send_fds(one, [b"x"], [0]); assert socket.recv_fds(other, 1, 1)[1]
      memory = os.memfd_create("m"); os.write(memory, b"abc")
      os.open(".", os.O_TMPFILE | os.O_RDWR)
      pid = os.fork()
      if pid == 0: os.setsid(); time.sleep(60)
      time.sleep(0.05); os.kill(pid, 19); os.waitpid(pid, os.WUNTRACED); os.kill(pid, 9); os.waitpid(pid, 0)
      subprocess.run(["true"], preexec_fn=os.setsid, check=True)
      print("all")
      """)
    #expect(result.text == "all\n", "\(result.text)")
  }

  @Test func aGigabyteOfMemory() async throws {
    let scene = try Scene()
    let result = try await scene.python("b = bytearray(1 << 30); b[::4096] = b'x' * len(b[::4096]); print(len(b))")
    #expect(result.text == "1073741824\n")
  }

  @Test(.enabled(if: exists("/usr/bin/node"))) func node() async throws {
    let scene = try Scene([
      "a.test.js": """
      const test = require('node:test'), assert = require('node:assert'), fs = require('fs'), http = require('http');
      test('files', () => { fs.writeFileSync('x', 'y'); assert.equal(fs.readFileSync('x', 'utf8'), 'y'); });
      test('http', (t, done) => { const s = http.createServer((q, r) => r.end('ok')).listen(0, '127.0.0.1', () =>
        http.get({port: s.address().port, host: '127.0.0.1'}, r => { assert.equal(r.statusCode, 200); s.close(); r.destroy(); done(); })); });
      test('workers', (t, done) => { const {Worker} = require('worker_threads'); new Worker('1', {eval: true}).on('exit', () => done()); });
      """
    ])
    let result = try await scene.run(["node", "--test"])
    #expect(result.succeeded, "\(result.text)")
  }
}

private func exists(_ path: String) -> Bool { access(path, X_OK) == 0 }
