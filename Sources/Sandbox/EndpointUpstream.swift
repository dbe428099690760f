import CLibcurl
import Glibc

/// The way to one endpoint's server for one client: TLS with its certificate verified, one request after another.
///
/// It connects only to addresses that were looked at, follows no redirect, uses no proxy, and keeps no cookie.
final class EndpointUpstream {
  /// What came of a request.
  struct Outcome {
    /// Why it has no answer, or the answer no end; nil when all went well.
    var failure: String?
    /// The address that was connected to.
    var address: String?
    var sentBytes = 0
    var receivedBytes = 0
  }

  /// Gets the next bytes of the request's body: their count, 0 at the end, -1 when there will be none.
  typealias Source = (UnsafeMutableRawBufferPointer) -> Int
  /// Takes the status and the fields of the answer; false to break off.
  typealias HeadSink = (Int, [(name: [UInt8], value: [UInt8])]) -> Bool
  /// Takes bytes of the answer's body; false to break off.
  typealias BodySink = (UnsafeRawBufferPointer) -> Bool

  private let endpoint: NetworkEndpoint
  private let stopping: Int32
  private let multi: UnsafeMutableRawPointer
  private let easy: UnsafeMutableRawPointer

  private var source: Source?
  private var takeHead: HeadSink?
  private var takeBody: BodySink?
  private var status = 0
  private var fields: [(name: [UInt8], value: [UInt8])] = []
  private var headBytes = 0
  private var hasHead = false
  private var outcome = Outcome()
  private var lastActivity = 0.0

  private static let connectSeconds = 15
  private static let idleSeconds = 120.0
  private static let headLimit = 64 << 10

  /// nil where libcurl cannot be used.
  init?(_ endpoint: NetworkEndpoint, stopping: Int32) {
    guard ccurl_load() == nil, let multi = ccurl_multi_init() else { return nil }
    guard let easy = ccurl_easy_init() else {
      ccurl_multi_cleanup(multi)
      return nil
    }
    self.endpoint = endpoint
    self.stopping = stopping
    self.multi = multi
    self.easy = easy
    let context = Unmanaged.passUnretained(self).toOpaque()
    ccurl_restrict(easy)
    ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1)
    ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0)
    ccurl_set_long(easy, CURLOPT_PATH_AS_IS, 1)
    ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
    ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT, Self.connectSeconds)
    ccurl_set_long(easy, CURLOPT_SSL_VERIFYPEER, 1)
    ccurl_set_long(easy, CURLOPT_SSL_VERIFYHOST, 2)
    ccurl_set_string(easy, CURLOPT_PROXY, "")
    if let file = endpoint.certificateFile { ccurl_set_string(easy, CURLOPT_CAINFO, file) }
    ccurl_set_write(easy, Self.write, Self.header, context)
    ccurl_set_read(easy, Self.read, Self.seek, context)
  }

  deinit {
    ccurl_easy_cleanup(easy)
    ccurl_multi_cleanup(multi)
  }

  /// Sends a request and hands its answer on as it comes.
  func send(
    _ request: EndpointHead, to addresses: [NetworkAddress], body: @escaping Source, head: @escaping HeadSink,
    data: @escaping BodySink
  ) -> Outcome {
    (source, takeHead, takeBody) = (body, head, data)
    defer { (source, takeHead, takeBody) = (nil, nil, nil) }
    (status, fields, headBytes, hasHead, outcome) = (0, [], 0, false, Outcome())
    lastActivity = monotonicSeconds()

    var lists: [UnsafeMutablePointer<curl_slist>?] = [nil, nil]
    func append(_ line: String, to list: Int) { lists[list] = ccurl_list_append(lists[list], line) ?? lists[list] }
    defer { for list in lists { ccurl_list_free(list) } }
    // What was looked up is what is connected to: a second answer could be another one.
    append("\(endpoint.host):\(endpoint.port):\(addresses.map(\.text).joined(separator: ","))", to: 0)
    ccurl_set_list(easy, CURLOPT_RESOLVE, lists[0])
    let query = request.target.query.map { "?" + String(decoding: $0, as: UTF8.self) } ?? ""
    ccurl_set_string(
      easy, CURLOPT_URL, endpoint.origin + String(decoding: request.target.path, as: UTF8.self) + query)
    for field in request.fields {
      append(field.value.isEmpty ? "\(field.name);" : "\(field.name): \(field.value)", to: 1)
    }
    // Nothing is compressed on the way: what is passed on can be looked at.
    append("Accept-Encoding: identity", to: 1)
    for name in ["Expect", "Accept", "Content-Type"] where request.field(name.lowercased()) == nil {
      append("\(name):", to: 1)
    }
    if let credential = endpoint.credential { append("\(credential.header): \(credential.value)", to: 1) }
    setMethod(request) { append($0, to: 1) }
    ccurl_set_list(easy, CURLOPT_HTTPHEADER, lists[1])

    guard ccurl_multi_add(multi, easy) == CURLM_OK else { return failed("libcurl has no memory") }
    let code = transfer()
    count()
    ccurl_multi_remove(multi, easy)
    ccurl_set_list(easy, CURLOPT_HTTPHEADER, nil)
    if let code, code != CURLE_OK, outcome.failure == nil {
      outcome.failure = String(cString: ccurl_easy_strerror(code))
    }
    return outcome
  }

  private func failed(_ why: String) -> Outcome {
    outcome.failure = outcome.failure ?? why
    return outcome
  }

  private func setMethod(_ request: EndpointHead, _ append: (String) -> Void) {
    ccurl_set_long(easy, CURLOPT_HTTPGET, 1)
    ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, nil)
    ccurl_set_long(easy, CURLOPT_NOBODY, 0)
    ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, 0)
    switch request.method {
    case "GET": break
    case "HEAD": ccurl_set_long(easy, CURLOPT_NOBODY, 1)
    default:
      ccurl_set_long(easy, CURLOPT_POST, 1)
      // Once: what was read from the client cannot be sent again over another connection.
      ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, 1)
      switch request.body {
      case .none: ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, 0)
      case .length(let length): ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(length))
      case .chunks:
        ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, -1)
        append("Transfer-Encoding: chunked")
      }
      if request.method != "POST" { ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, request.method) }
    }
  }

  private func transfer() -> CURLcode? {
    while true {
      var running: Int32 = 0
      guard ccurl_multi_perform(multi, &running) == CURLM_OK else {
        _ = failed("libcurl failed")
        return nil
      }
      var code = CURLE_OK
      if ccurl_multi_finished(multi, &code) != nil { return code }
      guard running > 0 else { return CURLE_OK }
      var isStopped: Int32 = 0
      ccurl_multi_poll_with(multi, stopping, 1000, &isStopped)
      if isStopped != 0 {
        _ = failed("the command ended")
        return nil
      }
      if monotonicSeconds() > lastActivity + Self.idleSeconds {
        _ = failed("no byte for \(Int(Self.idleSeconds)) s")
        return nil
      }
    }
  }

  private func count() {
    var size = 0
    var body: curl_off_t = 0
    ccurl_get_long(easy, CURLINFO_REQUEST_SIZE, &size)
    ccurl_get_offset(easy, CURLINFO_SIZE_UPLOAD_T, &body)
    outcome.sentBytes = size + Int(body)
    ccurl_get_long(easy, CURLINFO_HEADER_SIZE, &size)
    ccurl_get_offset(easy, CURLINFO_SIZE_DOWNLOAD_T, &body)
    outcome.receivedBytes = size + Int(body)
    var text: UnsafePointer<CChar>?
    ccurl_get_string(easy, CURLINFO_PRIMARY_IP, &text)
    outcome.address = text.map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  // MARK: Callbacks, from within libcurl

  private static func of(_ context: UnsafeMutableRawPointer?) -> EndpointUpstream? {
    context.map { Unmanaged<EndpointUpstream>.fromOpaque($0).takeUnretainedValue() }
  }

  private static let write: ccurl_write_function = { bytes, size, count, context in
    guard let self = of(context) else { return 0 }
    let isTaken = self.takeBody?(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? false
    self.lastActivity = monotonicSeconds()
    if !isTaken { self.outcome.failure = "the client went away" }
    return isTaken ? size * count : 0
  }

  private static let header: ccurl_write_function = { bytes, size, count, context in
    guard let self = of(context) else { return 0 }
    self.lastActivity = monotonicSeconds()
    return self.take(header: UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
  }

  private static let read: ccurl_read_function = { bytes, size, count, context in
    guard let self = of(context), let bytes else { return 0 }
    let given = self.source?(UnsafeMutableRawBufferPointer(start: bytes, count: size * count)) ?? -1
    self.lastActivity = monotonicSeconds()
    if given >= 0 { return given }
    self.outcome.failure = "the request's body has no end"
    return Int(CURL_READFUNC_ABORT)
  }

  private static let seek: ccurl_seek_function = { _, _, _ in Int32(CURL_SEEKFUNC_FAIL) }

  private func take(header line: UnsafeRawBufferPointer) -> Bool {
    // Trailers are nobody's.
    if hasHead { return true }
    headBytes += line.count
    guard headBytes <= Self.headLimit else {
      outcome.failure = "the head of the answer is too large"
      return false
    }
    let text = Array(line.prefix { $0 != 0x0d && $0 != 0x0a })
    if text.isEmpty {
      guard status >= 200 else { return true }
      hasHead = true
      guard takeHead?(status, fields) == true else {
        outcome.failure = "the client went away"
        return false
      }
    } else if text.starts(with: "HTTP/".utf8) {
      let words = text.split(separator: 0x20, maxSplits: 2)
      status = words.count > 1 ? Int(String(decoding: words[1], as: UTF8.self)) ?? 0 : 0
      fields = []
    } else if let colon = text.firstIndex(of: 0x3a) {
      fields.append((Array(text[..<colon]), Array(EndpointHead.trimmed(text[(colon + 1)...]))))
    }
    return true
  }
}
