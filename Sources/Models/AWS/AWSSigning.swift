import Conversation
import Glibc
public import HTTPTransport

/// Signs a provider's requests with credentials of Amazon Web Services.
public struct AWSSigning: Sendable {
  /// The region that is signed for.
  public let region: String
  /// The service's signing name.
  public let service: String
  /// Where the credentials come from.
  public let credentials: AWSCredentialChain
  private let origin: String

  /// Signs requests to one base URL and to no other.
  /// - Throws: ``ProviderProblem`` when the URL is not https (this machine aside), or names another region than is
  ///   signed for.
  public init(
    region: String, baseURL: String, credentials: AWSCredentialChain
  ) throws(ProviderProblem) {
    origin = HTTPRequest.origin(of: baseURL).lowercased()
    let isSecure = origin.hasPrefix("https://")
    var host = Substring(origin.drop { $0 != "/" }.dropFirst(2))
    if let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") { host = host[..<colon] }
    guard isSecure || origin.hasPrefix("http://") && AWSCredentialSources.isLoopback(String(host)) else {
      throw ProviderProblem("signed requests go over https only, not to \(origin)")
    }
    let labels = host.split(separator: ".").map(String.init)
    let isAmazons = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].contains { host.hasSuffix($0) }
    guard !isAmazons || labels.contains(region) else {
      throw ProviderProblem("\(host) is not in the region \(region) that is signed for")
    }
    self.region = region
    service = labels.first == "bedrock-mantle" ? "bedrock-mantle" : "bedrock"
    self.credentials = credentials
  }

  /// The same for another of Amazon's servers.
  func moved(to url: String) throws(AttemptFailure) -> AWSSigning {
    do throws(ProviderProblem) {
      return try AWSSigning(region: region, baseURL: url, credentials: credentials)
    } catch {
      throw AttemptFailure(.invalidRequest, error.description, .none)
    }
  }

  /// Signs one request.
  func sign(_ request: inout HTTPRequest) async throws(AttemptFailure) -> AWSCredentials {
    guard HTTPRequest.origin(of: request.url).lowercased() == origin else {
      throw AttemptFailure(.invalidRequest, "a request to another server than \(origin) is not signed", .none)
    }
    let credentials: AWSCredentials
    do throws(AWSCredentialError) {
      credentials = try await self.credentials.credentials()
    } catch {
      throw AttemptFailure(
        error.isTransient ? .unavailable : .authentication, error.description, error.isTransient ? .reconnect : .none)
    }
    let signer = SignatureVersion4(region: region, service: service, sendsContentHash: service == "bedrock-mantle")
    signer.sign(&request, with: credentials, at: time(nil))
    return credentials
  }
}

/// A provider that cannot be used as it is configured; the text says what to do.
public struct ProviderProblem: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong.
  public let description: String

  init(_ description: String) { self.description = description }
}

extension Provider {
  /// Amazon Bedrock in a region, by the environment: `AWS_BEARER_TOKEN_BEDROCK` first, else signed with the credentials that
  /// Amazon's own tools would find.
  /// - Parameters:
  ///   - dialect: Converse, or one of the dialects that Bedrock also understands.
  ///   - isMantle: true for the endpoint `bedrock-mantle`, which speaks OpenAI's and Anthropic's dialects only.
  ///   - model: decides between mantle's two paths for OpenAI's dialects.
  ///   - region: nil takes the environment's or the profile's.
  ///   - profile: a profile of the shared files by name; then no bearer token is used.
  ///   - baseURL: another endpoint, such as a private one; nil takes `AWS_ENDPOINT_URL_BEDROCK_RUNTIME` or the public one.
  ///   - home: the user's home directory.
  /// - Throws: ``ProviderProblem``.
  public static func amazonBedrock(
    environment: [String: String], dialect: Dialect = .bedrock, isMantle: Bool = false, model: String = "",
    region: String? = nil, profile: String? = nil, baseURL: String? = nil, home: String?, transport: HTTPClient
  ) throws(ProviderProblem) -> Provider {
    let chain = AWSCredentialChain(environment: environment, profile: profile, home: home, transport: transport)
    guard let region = region ?? chain.region else {
      throw ProviderProblem("Amazon Bedrock needs a region: set AWS_REGION, or `region` of the provider")
    }
    guard
      region.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) })
    else { throw ProviderProblem("`\(region)` is no region") }
    if isMantle, dialect == .bedrock {
      throw ProviderProblem("bedrock-mantle does not speak Converse: use the dialect responses, chat or anthropic")
    }
    let standard =
      isMantle
      ? "https://bedrock-mantle.\(region).api.aws"
      : "https://bedrock-runtime.\(region).\(AWSCredentialSources.suffix(region))"
    var base = baseURL ?? value("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", environment) ?? standard
    while base.hasSuffix("/") { base.removeLast() }
    if baseURL == nil {
      switch dialect {
      case .bedrock: break
      case .anthropic: base += "/anthropic/v1"
      case .openAI, .openAIChat, .openAIResponses:
        let isProprietary = model.hasPrefix("openai.gpt-") && !model.hasPrefix("openai.gpt-oss")
        base += isMantle && !isProprietary ? "/v1" : "/openai/v1"
      }
    }
    let token = profile == nil ? value("AWS_BEARER_TOKEN_BEDROCK", environment) : nil
    var provider = Provider(
      name: "bedrock", dialect: dialect, baseURL: base, apiKey: token.map(Secret.init), keyHeader: .bearer)
    if !isMantle, baseURL == nil {
      provider.catalogueURL =
        value("AWS_ENDPOINT_URL_BEDROCK", environment)
        ?? "https://bedrock.\(region).\(AWSCredentialSources.suffix(region))"
    }
    if token == nil { provider.signing = try AWSSigning(region: region, baseURL: base, credentials: chain) }
    return provider
  }
}
