import Glibc
import JSON

/// An HTTPS server with a certificate of its own authority that plays a package index, a registry and a host of git
/// repositories, below one credential. What it is asked is written down.
public final class SecureServer: Sendable {
  /// The credential: `Bearer`, or the password of the user `ci`.
  public static let token = "tok-4f1c9e77aa/+=zz"

  /// The port that it listens on.
  public let port: Int
  private let directory: TemporaryDirectory
  private let process: RunningProcess

  /// A file with the certificate of its authority.
  public var authority: String { directory.path("ca.pem") }
  /// The address, such as `https://localhost:40001`.
  public var url: String { "https://localhost:\(port)" }

  /// A request that came: method, target, headers in lower case.
  public struct Request: Sendable {
    /// The method.
    public var method: String
    /// The path with its query, as sent.
    public var target: String
    /// The headers, names in lower case.
    public var headers: [String: String]
  }

  /// Makes certificates, and listens until it is released.
  /// - Throws: ``POSIXFailure``.
  public init() throws {
    directory = try TemporaryDirectory()
    try directory.write("server.py", Self.program)
    let certificates = try runProcess(
      [
        "sh", "-ec",
        """
        new="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        openssl req -x509 $new -keyout ca.key -out ca.pem -days 2 -subj /CN=ca -addext basicConstraints=critical,CA:TRUE
        openssl req $new -keyout key.pem -out request -subj /CN=localhost
        echo subjectAltName=DNS:localhost > names
        openssl x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out cert.pem -extfile names
        git init -q --bare repositories/team.git
        """,
      ], cwd: directory.path)
    guard certificates.status == 0 else { throw POSIXFailure("openssl", certificates.err, code: ENOENT) }
    process = try RunningProcess(["/usr/bin/python3", "server.py", Self.token], environment: [:], cwd: directory.path)
    for _ in 0..<1000 {
      if directory.text("port") != nil { break }
      usleep(10_000)
    }
    guard let port = directory.text("port").flatMap({ Int($0) }) else {
      throw POSIXFailure("python3", "server.py", code: ETIMEDOUT)
    }
    self.port = port
  }

  deinit {
    process.signal(SIGKILL)
    _ = process.finish(timeout: 10)
  }

  /// All requests so far, in order of arrival.
  public var requests: [Request] {
    (directory.text("log") ?? "").split(separator: "\n").compactMap { line in
      guard let entry = try? JSONValue(parsing: String(line)).array, let method = entry[0].string,
        let target = entry[1].string, let fields = entry[2].object
      else { return nil }
      let headers = fields.members.map { ($0.name.lowercased(), $0.value.string ?? "") }
      return Request(method: method, target: target, headers: Dictionary(headers) { $0 + ", " + $1 })
    }
  }

  private static let program = #"""
    import base64, hashlib, http.server, io, json, os, ssl, subprocess, sys, tarfile, threading, time, zipfile
    TOKEN = sys.argv[1]
    BASIC = 'Basic ' + base64.b64encode(b'ci:' + TOKEN.encode()).decode()
    lock = threading.Lock()
    def wheel():
        data, info = io.BytesIO(), 'greet-1.0.dist-info/'
        with zipfile.ZipFile(data, 'w') as z:
            z.writestr('greet/__init__.py', 'word = "hello"\n')
            z.writestr(info + 'METADATA', 'Metadata-Version: 2.1\nName: greet\nVersion: 1.0\n')
            z.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
            z.writestr(info + 'RECORD', '')
        return data.getvalue()
    def package():
        data = io.BytesIO()
        files = {'package.json': '{"name":"@corp/greet","version":"1.0.0","main":"index.js"}',
                 'index.js': 'module.exports = "hello"\n'}
        with tarfile.open(fileobj=data, mode='w:gz') as t:
            for name, text in files.items():
                info = tarfile.TarInfo('package/' + name); info.size = len(text)
                t.addfile(info, io.BytesIO(text.encode()))
        return data.getvalue()
    WHEEL, PACKAGE = wheel(), package()
    WHEEL_NAME = 'greet-1.0-py3-none-any.whl'

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'
        def log_message(self, *a): pass
        def say(self, status, body=b'', **headers):
            self.send_response(status)
            for k, v in headers.items(): self.send_header(k.replace('_', '-'), v)
            self.send_header('Content-Length', str(len(body))); self.end_headers()
            if self.command != 'HEAD': self.wfile.write(body)
        def body(self):
            if 'chunked' not in self.headers.get('Transfer-Encoding', ''):
                return self.rfile.read(int(self.headers.get('Content-Length', 0)))
            data = b''
            while True:
                n = int(self.rfile.readline(), 16)
                data += self.rfile.read(n); self.rfile.readline()
                if n == 0: return data
        def any(self):
            with lock, open('log', 'a') as f:
                f.write(json.dumps([self.command, self.path, dict(self.headers)]) + '\n')
            data = self.body()
            path, _, query = self.path.partition('?')
            auth = self.headers.get('Authorization', '')
            own = 'https://localhost:%d' % PORT
            if auth not in ('Bearer ' + TOKEN, BASIC):
                return self.say(401, b'who? ' + auth.encode(), WWW_Authenticate='Basic realm="x"')
            if path == '/pypi/simple/greet/':
                link = '<a href="%s/pypi/files/%s#sha256=%s">%s</a>' % (
                    own, WHEEL_NAME, hashlib.sha256(WHEEL).hexdigest(), WHEEL_NAME)
                return self.say(200, link.encode(), Content_Type='text/html')
            if path == '/pypi/files/' + WHEEL_NAME: return self.say(302, Location=own + '/pypi/store/' + WHEEL_NAME)
            if path == '/pypi/store/' + WHEEL_NAME: return self.say(200, WHEEL)
            if path == '/npm/@corp%2fgreet':
                dist = {'tarball': own + '/npm/@corp/greet/-/greet-1.0.0.tgz',
                        'integrity': 'sha512-' + base64.b64encode(hashlib.sha512(PACKAGE).digest()).decode()}
                version = {'name': '@corp/greet', 'version': '1.0.0', 'dist': dist}
                page = {'name': '@corp/greet', 'dist-tags': {'latest': '1.0.0'}, 'versions': {'1.0.0': version}}
                return self.say(200, json.dumps(page).encode(), Content_Type='application/json')
            if path == '/npm/@corp/greet/-/greet-1.0.0.tgz': return self.say(200, PACKAGE)
            if path.startswith('/git/'): return self.git(path, query, data)
            if path == '/pypi/echo': return self.echo(own, auth)
            if path == '/pypi/away': return self.say(302, Location='https://away.invalid/x')
            if path == '/pypi/head': return self.say(200, **{'X-%d' % i: 'a' * 4000 for i in range(40)})
            if path == '/pypi/fields': return self.say(200, b'ok', X_A='a\rSet-Cookie: b', X_B='b')
            if path == '/pypi/hang': time.sleep(600)
            if path == '/pypi/short':
                self.send_response(200); self.send_header('Content-Length', '100'); self.end_headers()
                self.wfile.write(b'abc'); self.close_connection = True
                return
            if path == '/pypi/big':
                self.send_response(200); self.send_header('Content-Length', query); self.end_headers()
                for _ in range(int(query) >> 16): self.wfile.write(bytes(1 << 16))
                return
            if self.command in ('PUT', 'POST'): return self.say(201, b'stored ' + data)
            self.say(404, b'none')
        def echo(self, own, auth):
            self.send_response(200)
            for k, v in {'X-Echo': auth, 'Set-Cookie': 'session=' + TOKEN, 'Content-Type': 'text/html; charset=utf-8',
                         'Transfer-Encoding': 'chunked', 'Link': '<%s/pypi/n>; rel=next' % own}.items():
                self.send_header(k, v)
            self.end_headers()
            text = '\n'.join('%s: %s' % kv for kv in self.headers.items())
            text += ' [%s/pypi/x] https://localhost.evil/ ' % own + json.dumps([auth, TOKEN, own + '/y']).replace('/', '\\/')
            text += ' ' + TOKEN.replace('/', '%2F').replace('+', '%2B').replace('=', '%3D') + ' tok-4f1'
            # Byte by byte: what is looked for is cut everywhere.
            for byte in text.encode(): self.wfile.write(b'1\r\n%c\r\n' % byte)
            self.wfile.write(b'0\r\n\r\n')
        def git(self, path, query, data):
            env = {'PATH': '/usr/bin:/bin', 'GIT_PROJECT_ROOT': os.getcwd() + '/repositories', 'GIT_HTTP_EXPORT_ALL': '1',
                   'PATH_INFO': path[4:], 'QUERY_STRING': query, 'REQUEST_METHOD': self.command, 'REMOTE_USER': 'ci',
                   'CONTENT_TYPE': self.headers.get('Content-Type', ''), 'CONTENT_LENGTH': str(len(data)),
                   'HTTP_CONTENT_ENCODING': self.headers.get('Content-Encoding', ''), 'GIT_CONFIG_COUNT': '1',
                   'GIT_PROTOCOL': self.headers.get('Git-Protocol', ''), 'GIT_CONFIG_KEY_0': 'safe.directory',
                   'GIT_CONFIG_VALUE_0': '*'}
            out = subprocess.run(['git', 'http-backend'], input=data, env=env, stdout=subprocess.PIPE).stdout
            head, _, rest = out.partition(b'\r\n\r\n')
            fields = dict(line.split(': ', 1) for line in head.decode().split('\r\n') if ': ' in line)
            status = int(fields.pop('Status', '200 OK').split()[0])
            self.say(status, rest, **{k: v for k, v in fields.items() if k != 'Content-Length'})
        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_PATCH = any

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        def handle_error(self, *a): pass
    server = Server(('127.0.0.1', 0), Handler); PORT = server.server_port
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain('cert.pem', 'key.pem')
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open('port.new', 'w') as f: f.write(str(PORT))
    os.rename('port.new', 'port'); server.serve_forever()

    """#
}
