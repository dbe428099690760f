import Conversation
import Glibc
import HTTPTransport
import JSON

/// Why one attempt gave no answer, and what may help.
struct AttemptFailure: Error {
  /// What may help.
  enum Remedy {
    /// Nothing.
    case none
    /// Waiting, as long as it takes.
    case backOff
    /// Connecting again.
    case reconnect
    /// Sending the same request again: its answer broke off.
    case resend
    /// Trying once more: what came made no sense.
    case repeatOnce
  }

  var kind: ModelError.Kind
  var message: String
  var status: Int?
  var requestID: String?
  var remedy: Remedy
  /// Seconds that the server asks to wait.
  var retryAfter: Double?
  /// The answer ended in order without a single byte: so some servers fail that cannot stream with tools.
  var isEmptyStream = false
  /// Seconds of silence that this attempt cost.
  var silence = 0.0
  /// The provider's error code and the request member that it complains of.
  var code: String?
  var parameter: String?

  init(_ kind: ModelError.Kind, _ message: String, _ remedy: Remedy) {
    self.kind = kind
    self.message = message
    self.remedy = remedy
  }

  /// A transport error.
  init(_ error: HTTPError, timeouts: HTTPTimeouts) {
    func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }
    self.init(.unavailable, error.message, .reconnect)
    switch error.kind {
    case .cancelled: (kind, remedy) = (.cancelled, .none)
    case .invalidRequest: (kind, remedy) = (.invalidRequest, .none)
    case .unavailable: remedy = .none
    // A certificate that is not trusted now will not be trusted in a second either.
    case .tls: remedy = .none
    case .resolve, .connect: remedy = .reconnect
    case .timeout(.connect): silence = seconds(timeouts.connect)
    case .timeout(.idle): (remedy, silence) = (.resend, seconds(timeouts.idle))
    case .timeout(.trickle): (remedy, silence) = (.resend, seconds(timeouts.trickle))
    case .timeout(.total): (remedy, silence) = (.resend, timeouts.total.map(seconds) ?? 0)
    case .reset: remedy = .resend
    case .malformed, .tooLarge: (kind, remedy) = (.malformedAnswer, .repeatOnce)
    }
  }

  /// An answer with a status that is not success.
  init(status: Int, headers: HTTPHeaders, body: [UInt8], endpoint: String) {
    var error = ProviderError(json: try? JSONValue(parsing: body), raw: body)
    // Amazon names the kind of error in a header, often with a URL behind a colon.
    if let type = headers["x-amzn-errortype"] { error.type = String(type.prefix { $0 != ":" }) }
    let text = error.message.isEmpty ? "" : ": \(error.message)"
    self.init(.invalidRequest, "\(endpoint) answered \(status)\(text)", .none)
    self.status = status
    requestID = Self.requestID(headers) ?? error.requestID
    code = error.code
    parameter = error.parameter
    switch status {
    case 401, 403: kind = .authentication
    case 402: kind = .rateLimited
    case 408, 409, 424, 500...: (kind, remedy) = (.unavailable, .backOff)
    case 429: (kind, remedy) = (.rateLimited, .backOff)
    case 300..<400:
      message = "\(endpoint) redirects elsewhere (\(status)); redirects are not followed: correct the base URL"
    default: break
    }
    retryAfter = Self.retryAfter(headers) ?? error.retryAfter
    if retryAfter == nil, status == 429 { retryAfter = Self.limitReset(headers) }
    if remedy == .backOff, headers["x-should-retry"] == "false" { remedy = .none }
    if remedy == .none, headers["x-should-retry"] == "true", kind != .authentication { remedy = .backOff }
    refine(error)
  }

  /// An error that the provider reports inside an answer that had begun well.
  init(inStream error: ProviderError, endpoint: String) {
    let text = error.message.isEmpty ? error.code ?? error.type ?? "no reason given" : error.message
    self.init(.unavailable, "\(endpoint) reported an error: \(text)", .resend)
    code = error.code
    parameter = error.parameter
    retryAfter = error.retryAfter
    if let status = error.status {
      let like = AttemptFailure(status: status, headers: [:], body: [], endpoint: endpoint)
      (kind, remedy, self.status) = (like.kind, like.remedy, status)
    }
    for word in [error.code, error.type].compactMap({ $0 }) {
      switch word {
      case "rate_limit_exceeded", "rate_limit_error", "slow_down": (kind, remedy) = (.rateLimited, .backOff)
      case "overloaded_error", "server_is_overloaded", "overloaded": remedy = .backOff
      case "invalid_request_error", "invalid_prompt", "bad_request", "BadRequestError":
        (kind, remedy) = (.invalidRequest, .none)
      case "throttlingException", "modelNotReadyException": (kind, remedy) = (.rateLimited, .backOff)
      case "internalServerException", "serviceUnavailableException", "modelTimeoutException": remedy = .backOff
      case "validationException": (kind, remedy) = (.invalidRequest, .none)
      case "accessDeniedException", "authentication_error", "invalid_api_key", "permission_error":
        (kind, remedy) = (.authentication, .none)
      case _ where word.hasSuffix("_policy_violation"): (kind, remedy) = (.invalidRequest, .none)
      default: break
      }
    }
    refine(error)
  }

  /// What code and text say overrides what the status says.
  private mutating func refine(_ error: ProviderError) {
    let codes = [error.code, error.type].compactMap { $0 }
    if codes.contains(where: Self.quotaCodes.contains) || error.message.contains("exceeded your current quota") {
      (kind, remedy) = (.rateLimited, .none)
    }
    if codes.contains(where: Self.contextCodes.contains) || Self.saysTooLong(error.message) || status == 413 {
      (kind, remedy) = (.contextTooLong, .none)
    }
  }

  private static let quotaCodes: Set<String> = [
    "insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error", "usage_not_included",
    "quota_exceeded", "ServiceQuotaExceededException",
  ]

  private static let contextCodes: Set<String> = [
    "context_length_exceeded", "context_window_exceeded", "exceed_context_size_error", "request_too_large",
    "model_context_window_exceeded",
  ]

  /// Servers without a code say it in words; these are the words of OpenAI, vLLM, llama.cpp, Anthropic and Bedrock.
  private static func saysTooLong(_ message: String) -> Bool {
    let message = message.lowercased()
    return [
      "maximum context length", "context length exceeded", "exceeds the context window",
      "exceeds the available context",
      "exceed context size", "prompt is too long", "input is too long", "request too large for",
      "too many input tokens", "exceed context limit",
      "exceeds the model's context", "maximum prompt length",
    ].contains { message.contains($0) }
  }

  /// The provider's id of a request, under any of its names.
  static func requestID(_ headers: HTTPHeaders) -> String? {
    headers["x-request-id"] ?? headers["request-id"] ?? headers["x-amzn-requestid"] ?? headers["apim-request-id"]
  }

  /// Seconds that the headers ask to wait.
  static func retryAfter(_ headers: HTTPHeaders) -> Double? {
    if let text = headers["retry-after-ms"], let milliseconds = Double(text), milliseconds.isFinite {
      return max(0, milliseconds / 1000)
    }
    guard let text = headers["retry-after"] else { return nil }
    if let seconds = Double(text) { return seconds.isFinite ? max(0, seconds) : nil }
    return httpDate(text).map { max(0, Double($0 - time(nil))) }
  }

  /// Seconds until a limit that is used up is filled again, where no header asks for a wait: OpenAI's
  /// `x-ratelimit-reset-tokens: 6m0s`, Anthropic's `anthropic-ratelimit-tokens-reset: 2026-01-27T14:00:05Z`. They name
  /// the time when all is free again, and some is free before: more than half a minute is not believed.
  static func limitReset(_ headers: HTTPHeaders) -> Double? {
    var longest: Double?
    for field in headers.fields {
      let name = field.name.lowercased()
      guard name.contains("ratelimit"), name.contains("remaining"), Double(field.value) == 0,
        let reset = headers[name.replacing("remaining", with: "reset")]
      else { continue }
      let seconds = span(reset) ?? Timestamp.seconds(reset).map { max(0, Double($0 - time(nil))) }
      if let seconds { longest = max(longest ?? 0, min(seconds, 30)) }
    }
    return longest
  }

  /// The seconds of `250ms`, `1.5s` or `1h6m0s`.
  private static func span(_ text: String) -> Double? {
    var rest = text[...]
    var sum = 0.0
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      guard let number = Double(digits) else { return nil }
      let unit = rest[digits.endIndex...].prefix { $0.isASCII && $0.isLetter }
      guard let seconds = ["ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400][unit] else { return nil }
      sum += number * seconds
      rest = rest[unit.endIndex...]
    }
    return text.isEmpty || !sum.isFinite ? nil : sum
  }

  /// The seconds since 1970 of an HTTP date (RFC 9110), such as "Fri, 31 Dec 1999 23:59:59 GMT".
  private static func httpDate(_ text: String) -> Int? {
    let words = text.split(separator: " ")
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard words.count == 6, words[5] == "GMT", let day = Int32(words[1]), let year = Int32(words[3]),
      let month = months.firstIndex(of: String(words[2]))
    else { return nil }
    let clock = words[4].split(separator: ":").compactMap { Int32($0) }
    guard clock.count == 3, (1...31).contains(day), (1970...9999).contains(year) else { return nil }
    var date = tm()
    (date.tm_year, date.tm_mon, date.tm_mday) = (year - 1900, Int32(month), day)
    (date.tm_hour, date.tm_min, date.tm_sec) = (clock[0], clock[1], clock[2])
    return timegm(&date)
  }
}

/// An error as providers write it, in any of their shapes.
struct ProviderError {
  var message = ""
  var code: String?
  var type: String?
  var parameter: String?
  var status: Int?
  var requestID: String?

  init() {}

  /// Reads `{"error": {…}}`, `{"error": "…"}`, `{"message": …}`, `{"detail": …}`; a text that is none of them is quoted,
  /// shortened.
  init(json: JSONValue?, raw: [UInt8] = []) {
    requestID = json?["request_id"]?.string
    var error = json
    if let inner = json?["error"], !inner.isNull { error = inner }
    if let text = error?.string {
      message = text
    } else if let error, error.object != nil {
      message = error["message"]?.string ?? error["detail"]?.string ?? error["detail"]?.text ?? ""
      code = error["code"]?.string
      status = error["code"]?.int ?? error["status"]?.int
      type = error["type"]?.string
      parameter = error["param"]?.string
    } else {
      let text = String(decoding: raw.prefix(200), as: UTF8.self)
      message = text.contains("<html") || text.contains("<!DOCTYPE") ? "(a web page)" : text
    }
    if message.unicodeScalars.count > 1000 { message = String(message.unicodeScalars.prefix(1000)) + "…" }
    message = String(
      String.UnicodeScalarView(message.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : $0 }))
    if let status, !(100..<600).contains(status) { self.status = nil }
  }

  /// The wait of "Please try again in 1.5s" or "in 20ms".
  var retryAfter: Double? {
    let text = message.lowercased()
    guard let range = text.firstRange(of: "try again in ") else { return nil }
    let rest = text[range.upperBound...]
    let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let number = Double(digits) else { return nil }
    let unit = rest[digits.endIndex...].drop { $0 == " " }
    if unit.hasPrefix("ms") || unit.hasPrefix("milli") { return number / 1000 }
    if unit.hasPrefix("m") { return number * 60 }
    return unit.hasPrefix("s") ? number : nil
  }
}
