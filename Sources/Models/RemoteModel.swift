public import Conversation
public import HTTPTransport
import JSON
import Synchronization

/// A provider's model over HTTP: streams answers, waits and tries again within bounds, and sends each turn only what is
/// new to serialise.
///
/// Requests are append-only: fixed members first, items last, and the items of one request are a byte prefix of the
/// next one's, so that the provider's prompt cache holds. An answer is returned only when its stream said that it is
/// whole; a stream that breaks is asked for again from its beginning.
public final class RemoteModel: Model {
  /// Who answers.
  public let identity: ModelIdentity

  private let provider: Provider
  private let transport: HTTPClient
  private let retry: RetryPolicy
  private let headers: HTTPHeaders
  private let redactor: Mutex<Redactor>
  private let session: Mutex<Session>

  /// A model at a provider.
  /// - Parameters:
  ///   - model: the provider's name of it, passed on as it is.
  ///   - userAgent: such as `codeagent/1.0`.
  public init(
    provider: Provider, model: String, transport: HTTPClient, retry: RetryPolicy = RetryPolicy(), userAgent: String
  ) {
    self.provider = provider
    self.transport = transport
    self.retry = retry
    identity = ModelIdentity(provider: provider.name, name: model, endpoint: provider.endpoint)
    headers = provider.requestHeaders(userAgent: userAgent, key: provider.apiKey)
    redactor = Mutex(provider.redactor)
    session = Mutex(Session(provider: provider, model: model))
    transport.prepare()
  }

  /// What was done so far: for benchmarks, and for tests that cost does not grow.
  public var work: ModelWork { session.withLock { $0.work } }

  /// What the server turned out to take, and in which dialect.
  var features: Features { session.withLock { $0.features } }
  var dialectName: String { session.withLock { $0.dialectName } }

  /// How often one answer may be paused by its provider and asked to go on.
  private static let mostPauses = 16

  /// Answers the conversation once; see ``Model/respond(to:observe:)``.
  public func respond(
    to request: ModelRequest, observe: @escaping @Sendable (ModelProgress) -> Void
  ) async throws(ModelError) -> ModelResponse {
    var budget = RetryBudget(retry)
    var asked = request
    var before = ModelResponse(items: [], usage: Usage(), stop: .endOfTurn)
    var pauses = 0
    var hasSignedAgain = false
    var emptyStreams = 0
    while true {
      let plan = session.withLock { $0.plan(for: asked) }
      do throws(AttemptFailure) {
        var (response, isPaused) = try await attempt(plan, observe)
        session.withLock { $0.succeeded(plan) }
        plan.makeIDsUnique(&response, itemCount: asked.items.count)
        if response.usage == Usage() { response.usage = estimate(asked, response) }
        response.items = before.items + response.items
        response.usage = before.usage + response.usage
        guard isPaused, pauses < Self.mostPauses, response.items.count > before.items.count else { return response }
        pauses += 1
        before = response
        asked.items = request.items + response.items
      } catch {
        var failure = error
        if Task.isCancelled { failure = AttemptFailure(.cancelled, "cancelled", .none) }
        if failure.kind != .cancelled, session.withLock({ $0.adapt(plan, to: failure) }) { continue }
        if failure.isEmptyStream {
          emptyStreams += 1
          // Twice is no accident: perhaps it can say in one piece what it cannot stream.
          if emptyStreams == 2, session.withLock({ $0.stopStreaming(plan) }) { continue }
        }
        if failure.kind == .authentication, !hasSignedAgain, let signing = provider.signing,
          await signing.credentials.invalidate()
        {
          // Credentials that a service handed out may have ended before their time.
          hasSignedAgain = true
          continue
        }
        guard let wait = budget.wait(after: failure) else { throw modelError(failure, attempts: budget.attempts) }
        observe(.retrying(reason: redact(failure.message), attempt: budget.attempts + 1, seconds: wait))
        do {
          try await Task.sleep(for: .seconds(wait))
        } catch {
          throw modelError(AttemptFailure(.cancelled, "cancelled", .none), attempts: budget.attempts)
        }
      }
    }
  }

  /// What an answer cost, by our own count: a provider that does not count is not free.
  private func estimate(_ request: ModelRequest, _ response: ModelResponse) -> Usage {
    Usage(
      input: TokenEstimate.tokens(in: request), output: response.items.reduce(0) { $0 + TokenEstimate.tokens(in: $1) },
      isEstimated: true)
  }

  /// Sends the request once and reads its answer to the end.
  private func attempt(
    _ plan: RequestPlan, _ observe: @escaping @Sendable (ModelProgress) -> Void
  ) async throws(AttemptFailure) -> (ModelResponse, isPaused: Bool) {
    var timeouts = provider.timeouts
    if !plan.features.streams { timeouts.idle = max(timeouts.idle, Self.leastWholeWait) }
    var request = HTTPRequest(method: "POST", url: plan.url, headers: headers, body: plan.body, timeouts: timeouts)
    if let signing = provider.signing {
      let credentials = try await signing.sign(&request)
      redactor.withLock { $0.add(credentials.secrets) }
    }
    let silence = SilenceWatch()
    let (endpoint, bound) = (provider.endpoint, Int(timeouts.idle / .seconds(1)))
    silence.begin(every: retry.silenceNotice) { seconds in
      observe(
        .status("\(endpoint) has said nothing for \(Int(seconds)) s; it is given up after \(bound) s without a byte"))
    }
    defer { silence.end() }
    let response: HTTPResponse
    do throws(HTTPError) {
      response = try await transport.send(request)
    } catch {
      throw AttemptFailure(error, timeouts: timeouts)
    }
    guard (200..<300).contains(response.status) else {
      let body = (try? await response.body.collect(upTo: 256 << 10)) ?? []
      throw AttemptFailure(
        status: response.status, headers: response.headers, body: body, endpoint: provider.endpoint)
    }
    let context = AnswerContext(
      endpoint: provider.endpoint, freeformArguments: plan.freeformArguments, hasTextTools: plan.features.textTools,
      observe: observe)
    var decoder = plan.dialect.decoder(context)
    defer { session.withLock { $0.work.answerSteps += decoder.work } }
    do throws(AttemptFailure) {
      var answer = try await read(response, with: &decoder, silence)
      answer.id = answer.id ?? AttemptFailure.requestID(response.headers)
      return (answer, decoder.isPaused)
    } catch {
      var failure = error
      failure.requestID = failure.requestID ?? AttemptFailure.requestID(response.headers)
      throw failure
    }
  }

  /// While an answer is made that comes in one piece, its provider says nothing at all.
  private static let leastWholeWait = Duration.seconds(600)

  private func read(
    _ response: HTTPResponse, with decoder: inout any AnswerDecoder, _ silence: SilenceWatch
  ) async throws(AttemptFailure) -> ModelResponse {
    let type = response.headers["content-type"]?.lowercased() ?? ""
    guard !type.hasPrefix("text/html") else {
      throw .malformed(provider.endpoint, "a web page; is the base URL right?")
    }
    if type.hasPrefix("application/json") {
      let bytes: [UInt8]
      do throws(HTTPError) {
        bytes = try await response.body.collect(upTo: maximumAnswerBytes)
      } catch {
        throw AttemptFailure(error, timeouts: provider.timeouts)
      }
      session.withLock { $0.work.bytesReceived += bytes.count }
      guard let answer = try? JSONValue(parsing: bytes) else {
        throw .malformed(provider.endpoint, "an answer that is not JSON")
      }
      try decoder.feedWhole(answer)
      return try decoder.finish()
    }
    var body = response.body.makeAsyncIterator()
    var isEmpty = true
    while !decoder.isComplete {
      let bytes: [UInt8]?
      do throws(HTTPError) {
        bytes = try await body.next()
      } catch {
        // Some servers drop the connection where the end of the body should be: an answer that has said why it ended is
        // whole nevertheless.
        if error.kind == .reset, let whole = try? decoder.finish() { return whole }
        throw AttemptFailure(error, timeouts: provider.timeouts)
      }
      guard let bytes else { break }
      session.withLock { $0.work.bytesReceived += bytes.count }
      isEmpty = false
      let before = decoder.eventCount
      try decoder.feed(bytes)
      if decoder.eventCount > before { silence.heard() }
    }
    // Read to the body's end, which is close behind, so that the connection can be used again.
    if decoder.isComplete { await response.body.finish(within: .milliseconds(100)) }
    do throws(AttemptFailure) {
      return try decoder.finish()
    } catch {
      var failure = error
      failure.isEmptyStream = isEmpty
      throw failure
    }
  }

  private func modelError(_ failure: AttemptFailure, attempts: Int) -> ModelError {
    var message = redact(failure.message)
    if attempts > 1 { message += " (after \(attempts) attempts)" }
    return ModelError(
      kind: failure.kind, message: message, status: failure.status, requestID: failure.requestID.map(redact))
  }

  private func redact(_ text: String) -> String { redactor.withLock { $0 }.redact(text) }
}
