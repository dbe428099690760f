import CLibcurl
import Glibc

/// One request with its libcurl handle, on the transfer thread.
final class Transfer {
  let easy: UnsafeMutableRawPointer
  let mailbox: Mailbox
  private let origin: String
  private let timeouts: HTTPTimeouts
  private let maximumBytes: Int
  private var headerList: UnsafeMutablePointer<curl_slist>?
  private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

  // What is sent, and how far it is.
  private let body: [[UInt8]]
  private let bodyLength: Int
  private var piece = 0
  private var offset = 0

  // What has come.
  private var head: ResponseHead?
  private var isHeadDelivered = false
  private var headBytes = 0
  /// Why a callback made libcurl give up.
  private var failure: HTTPError?

  // Times, in nanoseconds of the monotonic clock.
  private let started = Clock.now()
  private var lastActivity: Int64
  private var uploaded: curl_off_t = 0
  private var limit: Int64?
  private var isPaused = false

  /// Body bytes that came and were not laid ready for the reader; nil before and after the transfer.
  private var incoming: UnsafeMutablePointer<Incoming>?
  /// Something came since the clock was last read.
  private var isActive = false
  /// Bytes have come since the reader was last woken.
  private var hasNews = false
  private var lastFlush: Int64 = 0
  /// Waking a reader costs more than reading a small event: in a dense stream it is done no more often than this.
  private static let flushInterval: Int64 = 16_000_000
  /// When the count of bytes that a body has to bring in a while began, and how many came since.
  private var trickleStart: Int64?
  private var trickled = 0
  /// Body bytes that had come when this was last asked.
  private var seenBytes = 0

  /// The most bytes of all header fields together.
  private static let maximumHeadBytes = 256 << 10

  /// Sets a transfer up; nil when libcurl has no memory.
  init?(request: HTTPRequest, mailbox: Mailbox, configuration: HTTPClient.Configuration) {
    guard let easy = ccurl_easy_init() else { return nil }
    self.easy = easy
    self.mailbox = mailbox
    origin = HTTPRequest.origin(of: request.url)
    timeouts = request.timeouts
    maximumBytes = request.maximumResponseBytes
    body = request.body
    bodyLength = request.body.reduce(0) { $0 + $1.count }
    lastActivity = started
    errorText[0] = 0
    let incoming = Incoming.make(for: self)
    incoming.pointee.drain(allowing: maximumBytes) { _ in }
    self.incoming = incoming
    configure(request, configuration)
    ccurl_set_pointer(easy, CURLOPT_WRITEDATA, incoming)
  }

  /// Gives everything back to libcurl. The handle must have left the multi handle.
  func free() {
    ccurl_easy_cleanup(easy)
    handOver()
    incoming?.pointee.free()
    incoming?.deallocate()
    incoming = nil
    ccurl_list_free(headerList)
    errorText.deallocate()
  }

  private func configure(_ request: HTTPRequest, _ configuration: HTTPClient.Configuration) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    ccurl_restrict(easy)
    ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
    // Cancelling during a slow name look-up must not wait for it.
    ccurl_set_long(easy, CURLOPT_QUICK_EXIT, 1)
    ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
    ccurl_set_string(easy, CURLOPT_URL, request.url)
    ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
    ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
    ccurl_set_long(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    ccurl_set_long(easy, CURLOPT_TCP_KEEPALIVE, 1)
    ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, Int(Clock.nanoseconds(timeouts.connect) / 1_000_000))
    ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1)
    ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2)
    if let file = configuration.certificateFile { ccurl_set_string(easy, CURLOPT_CAINFO, file) }
    if let directory = configuration.certificateDirectory { ccurl_set_string(easy, CURLOPT_CAPATH, directory) }
    if let proxy = configuration.proxy { ccurl_set_string(easy, CURLOPT_PROXY, proxy) }
    ccurl_set_write(easy, Self.write, Self.header, context)

    for field in request.headers.fields {
      // A value that is empty needs curl's own notation: "Name:" alone would remove the field.
      append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)")
    }
    // Nothing that the caller did not ask for: no waiting for "100 Continue", no form type.
    append("Expect:")
    if request.headers["Content-Type"] == nil { append("Content-Type:") }
    if let headerList { ccurl_set_list(easy, CURLOPT_HTTPHEADER, headerList) }

    let hasBody = bodyLength > 0 || ["POST", "PUT", "PATCH"].contains(request.method)
    if hasBody {
      ccurl_set_long(easy, CURLOPT_POST, 1)
      ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bodyLength))
      ccurl_set_read(easy, Self.read, Self.seek, context)
    } else if request.method == "HEAD" {
      ccurl_set_long(easy, CURLOPT_NOBODY, 1)
    }
    if request.method != (hasBody ? "POST" : "GET"), request.method != "HEAD" {
      ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method)
    }
  }

  private func append(_ line: String) { headerList = ccurl_list_append(headerList, line) ?? headerList }

  /// The body bytes that came since this was last called.
  func takeNewBytes(_ now: Int64) -> Int {
    let total = incoming?.pointee.total ?? seenBytes
    let new = total - seenBytes
    seenBytes = total
    if new > 0 || isActive { lastActivity = now }
    if new > 0 { hasNews = true }
    isActive = false
    trickled += new
    if isHeadDelivered, trickleStart == nil || trickled >= HTTPTimeouts.leastBytes {
      trickleStart = now
      trickled = 0
    }
    return new
  }

  /// Lays everything ready for the reader.
  private func handOver() { incoming?.pointee.drain(allowing: maximumBytes) { mailbox.deliver($0) } }

  // MARK: Time

  /// When this transfer needs to be looked at again.
  var nextDeadline: Int64 { hasNews ? min(endDeadline, lastFlush + Self.flushInterval) : endDeadline }

  /// When the first of its times is up.
  private var endDeadline: Int64 {
    var next = isPaused ? Int64.max : lastActivity + Clock.nanoseconds(timeouts.idle)
    if let trickleStart, !isPaused { next = min(next, trickleStart + Clock.nanoseconds(timeouts.trickle)) }
    if let limit { next = min(next, limit) }
    if let total = timeouts.total { next = min(next, started + Clock.nanoseconds(total)) }
    return next
  }

  /// Wakes the reader: at once after a quiet moment, else when the interval is over.
  func flush(_ now: Int64) {
    guard hasNews, now >= lastFlush + Self.flushInterval else { return }
    hasNews = false
    lastFlush = now
    handOver()
    mailbox.flush()
  }

  /// Why the transfer's time is up; nil while it is not.
  func overdue(_ now: Int64) -> HTTPError? {
    guard now >= endDeadline else { return nil }
    if let total = timeouts.total, now >= started + Clock.nanoseconds(total) {
      return HTTPError(kind: .timeout(.total), message: "\(origin) did not finish its answer within \(text(total))")
    }
    if let limit, now >= limit {
      return HTTPError(kind: .timeout(.total), message: "\(origin) did not end its answer in time")
    }
    if let trickleStart, !isPaused, now >= trickleStart + Clock.nanoseconds(timeouts.trickle) {
      return HTTPError(
        kind: .timeout(.trickle), message: "next to nothing came from \(origin) for \(text(timeouts.trickle))")
    }
    // libcurl tells of bytes received by itself, of bytes sent only when asked.
    var sent: curl_off_t = 0
    ccurl_get_offset(easy, CURLINFO_SIZE_UPLOAD_T, &sent)
    if sent > uploaded {
      uploaded = sent
      lastActivity = now
      return nil
    }
    return HTTPError(kind: .timeout(.idle), message: "no byte from \(origin) for \(text(timeouts.idle))")
  }

  /// Goes on after a pause.
  func resume() {
    isPaused = false
    lastActivity = Clock.now()
    if trickleStart != nil { trickleStart = lastActivity }
    ccurl_easy_pause(easy, CURLPAUSE_CONT)
  }

  /// Ends the transfer at the latest after so long.
  func limit(to duration: Duration) { limit = Clock.now() + Clock.nanoseconds(duration) }

  private func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    return attoseconds == 0 ? "\(seconds) s" : "\(Clock.nanoseconds(duration) / 1_000_000) ms"
  }

  // MARK: Callbacks, on this thread, from within libcurl

  private static func of(_ context: UnsafeMutableRawPointer?) -> Transfer? {
    context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
  }

  private static let write: ccurl_write_function = { bytes, size, count, context in
    Incoming.receive(context, bytes, size * count)
  }

  private static let header: ccurl_write_function = { bytes, size, count, context in
    guard let transfer = of(context) else { return 0 }
    return transfer.receivedHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
  }

  private static let read: ccurl_read_function = { bytes, size, count, context in
    guard let transfer = of(context), let bytes else { return 0 }
    return transfer.send(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
  }

  private static let seek: ccurl_seek_function = { context, offset, origin in
    guard let transfer = of(context), origin == SEEK_SET else { return Int32(CURL_SEEKFUNC_FAIL) }
    return transfer.rewind(to: Int(offset)) ? Int32(CURL_SEEKFUNC_OK) : Int32(CURL_SEEKFUNC_FAIL)
  }

  /// Takes what did not simply fit.
  func received(_ bytes: UnsafeRawBufferPointer) -> Int {
    isActive = true
    guard let incoming, incoming.pointee.total + bytes.count <= maximumBytes else {
      failure = HTTPError(kind: .tooLarge, message: "the answer of \(origin) is larger than \(maximumBytes) bytes")
      return 0
    }
    handOver()
    if mailbox.pauseIfFull() {
      isPaused = true
      mailbox.flush()
      return Int(CURL_WRITEFUNC_PAUSE)
    }
    // libcurl never hands over more than fits into empty memory.
    return incoming.pointee.take(bytes) ? bytes.count : 0
  }

  private func receivedHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
    isActive = true
    if isHeadDelivered { return bytes.count }  // Trailers.
    headBytes += bytes.count
    guard headBytes <= Self.maximumHeadBytes else {
      failure = HTTPError(kind: .tooLarge, message: "the header fields of \(origin) are too large")
      return 0
    }
    let line = bytes.prefix { $0 != 0x0d && $0 != 0x0a }
    if line.isEmpty {
      if let head, head.status >= 200 {
        isHeadDelivered = true
        mailbox.deliver(head)
      }
    } else if line.starts(with: "HTTP/".utf8) {
      let words = line.split(separator: 0x20, maxSplits: 2)
      let status = words.count > 1 ? Int(String(decoding: words[1], as: UTF8.self)) : nil
      head = ResponseHead(status: status ?? 0, headers: HTTPHeaders())
    } else if let colon = line.firstIndex(of: 0x3a) {
      var value = line[(colon + 1)...]
      while let first = value.first, first == 0x20 || first == 0x09 { value.removeFirst() }
      while let last = value.last, last == 0x20 || last == 0x09 { value.removeLast() }
      head?.headers.fields.append(
        HTTPHeaders.Field(
          name: String(decoding: line[..<colon], as: UTF8.self), value: String(decoding: value, as: UTF8.self)))
    }
    return bytes.count
  }

  private func send(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    isActive = true
    var filled = 0
    while filled < buffer.count, piece < body.count {
      let count = min(buffer.count - filled, body[piece].count - offset)
      body[piece].withUnsafeBytes { bytes in
        UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
      }
      filled += count
      offset += count
      if offset == body[piece].count {
        piece += 1
        offset = 0
      }
    }
    return filled
  }

  /// A connection that was kept may turn out to be closed: libcurl then sends all again over another.
  private func rewind(to position: Int) -> Bool {
    guard position >= 0, position <= bodyLength else { return false }
    piece = 0
    offset = position
    while piece < body.count, offset >= body[piece].count {
      offset -= body[piece].count
      piece += 1
    }
    return true
  }

  // MARK: The end

  /// What libcurl's result means.
  func outcome(_ code: CURLcode) -> Result<Void, HTTPError> {
    if code == CURLE_OK { return .success(()) }
    if let failure { return .failure(failure) }
    return .failure(HTTPError(kind: kind(of: code), message: "\(origin): \(reason(code))"))
  }

  private func reason(_ code: CURLcode) -> String {
    let text = String(cString: errorText)
    return text.isEmpty ? String(cString: ccurl_easy_strerror(code)) : text
  }

  private func kind(of code: CURLcode) -> HTTPError.Kind {
    var proxyStatus = 0
    ccurl_get_long(easy, CURLINFO_HTTP_CONNECTCODE, &proxyStatus)
    switch code {
    case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT: return .invalidRequest
    case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: return .resolve
    case CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED, CURLE_PROXY: return .connect
    case CURLE_OPERATION_TIMEDOUT: return .timeout(.connect)
    // The peer went away during the handshake, which says nothing of its certificate.
    case CURLE_SSL_CONNECT_ERROR where reason(code).contains("SSL_connect: "): return .connect
    case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
      CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
      CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED,
      CURLE_SSL_ENGINE_INITFAILED, CURLE_USE_SSL_FAILED:
      return .tls
    case CURLE_RECV_ERROR where proxyStatus >= 300: return .connect
    case CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_HTTP2, CURLE_HTTP2_STREAM,
      CURLE_SSL_SHUTDOWN_FAILED, CURLE_SEND_FAIL_REWIND:
      return .reset
    case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING: return .malformed
    case CURLE_FILESIZE_EXCEEDED: return .tooLarge
    default: return .unavailable
    }
  }
}
