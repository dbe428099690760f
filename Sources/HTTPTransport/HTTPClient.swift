import CLibcurl

/// Sends HTTP requests over libcurl, on one thread of its own that starts with the first request. Connections are kept
/// and used again. Releasing the client, once no body is being read any more, closes them.
///
/// Proxies come from the environment by curl's rules (`https_proxy`, `http_proxy`, `all_proxy`, `no_proxy`); servers
/// must show a certificate that the system (or `SSL_CERT_FILE`, `SSL_CERT_DIR`) trusts.
public final class HTTPClient: Sendable {
  /// What all requests of a client share.
  public struct Configuration: Sendable {
    /// A file of PEM certificates to trust instead of the system's.
    public var certificateFile: String?
    /// A directory of hashed certificates to trust.
    public var certificateDirectory: String?
    /// The URL of a proxy; nil takes the environment's, the empty string none.
    public var proxy: String?

    /// What all requests of a client share.
    public init(certificateFile: String? = nil, certificateDirectory: String? = nil, proxy: String? = nil) {
      self.certificateFile = certificateFile
      self.certificateDirectory = certificateDirectory
      self.proxy = proxy
    }

    /// Certificates as `SSL_CERT_FILE` and `SSL_CERT_DIR` of an environment name them.
    public init(environment: [String: String]) {
      func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
      self.init(
        certificateFile: value("SSL_CERT_FILE") ?? value("CURL_CA_BUNDLE"),
        certificateDirectory: value("SSL_CERT_DIR"))
    }
  }

  private let thread: TransferThread

  /// A client. Nothing is loaded and no thread started before ``prepare()`` or the first request.
  public init(configuration: Configuration = Configuration()) {
    thread = TransferThread(configuration: configuration)
  }

  deinit { thread.post(.stop) }

  /// Loads what the first request needs, in the background: about 5 ms that other work can hide.
  public func prepare() { thread.post(.prepare) }

  /// The versions of libcurl and the libraries beneath it, such as `libcurl/7.88.1 OpenSSL/3.0.19 nghttp2/1.52.0`. Loads
  /// libcurl.
  /// - Throws: ``HTTPError`` of kind `unavailable`, with the reason.
  public static func libraryVersion() throws(HTTPError) -> String {
    if let reason = ccurl_load() { throw HTTPError(kind: .unavailable, message: String(cString: reason)) }
    return String(cString: ccurl_version())
  }

  /// Sends a request and waits for the head of the answer, whatever its status.
  ///
  /// Cancelling the task ends the request at once, while the head is awaited and while the body is read.
  /// - Throws: ``HTTPError``.
  public func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    for field in request.headers.fields {
      if let fault = HTTPHeaders.fault(field) { throw HTTPError(kind: .invalidRequest, message: fault) }
    }
    let transfer = TransferHandle(client: self, thread: thread, origin: HTTPRequest.origin(of: request.url))
    thread.post(.start(request, transfer.mailbox))
    let head = try await transfer.head()
    return HTTPResponse(status: head.status, headers: head.headers, body: HTTPBody(transfer: transfer))
  }
}

/// The reader's end of one transfer; letting go of it ends the transfer.
final class TransferHandle: Sendable {
  let mailbox = Mailbox()
  let origin: String
  private let thread: TransferThread
  /// Keeps the thread alive while a body is being read.
  private let client: HTTPClient

  init(client: HTTPClient, thread: TransferThread, origin: String) {
    self.client = client
    self.thread = thread
    self.origin = origin
  }

  deinit { cancel() }

  func head() async throws(HTTPError) -> ResponseHead {
    let result = await withTaskCancellationHandler {
      await mailbox.head()
    } onCancel: {
      cancel()
    }
    return try result.get()
  }

  func next() async throws(HTTPError) -> [UInt8]? {
    let result = await withTaskCancellationHandler {
      let result = await mailbox.next()
      if mailbox.takePause() { thread.post(.resume(mailbox)) }
      return result
    } onCancel: {
      cancel()
    }
    return try result.get()
  }

  func limit(to duration: Duration) { thread.post(.limit(mailbox, duration)) }

  private func cancel() {
    if mailbox.cancel(HTTPError(kind: .cancelled, message: "the request to \(origin) was cancelled")) {
      thread.post(.cancel(mailbox))
    }
  }
}
