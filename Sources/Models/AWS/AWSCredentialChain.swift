import Glibc
public import HTTPTransport

/// Why there are no credentials, in words that say what to do; no secret is in them.
public struct AWSCredentialError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What happened.
  public var description: String
  /// True when trying again may help: a service could not be reached.
  public var isTransient: Bool

  init(_ description: String, isTransient: Bool = false) {
    self.description = description
    self.isTransient = isTransient
  }
}

/// Finds credentials for Amazon Web Services where its own tools find them, and renews them before they end.
///
/// In order: a profile that was asked for by name, or else the environment's keys; the profile of `AWS_PROFILE` (or
/// `default`): a role to assume (`source_profile`, `credential_source`, a web identity), the environment's web identity,
/// single sign-on by its cached token, keys in the shared files, the program that a profile names (`credential_process`); the
/// container's endpoint; the instance's metadata (IMDSv2).
public actor AWSCredentialChain {
  private let environment: [String: String]
  private let profileName: String
  private let isNamed: Bool
  private let profiles: AWSProfiles
  private let sources: AWSCredentialSources
  private let now: @Sendable () -> Int
  private var cached: AWSCredentials?
  private var loading: Task<Result<AWSCredentials, AWSCredentialError>, Never>?

  /// Credentials that end within so many seconds are renewed.
  private static let margin = 300

  /// The region of the environment or the profile; nil when neither names one.
  public nonisolated let region: String?

  /// A chain; nothing is read over the network before the first use.
  /// - Parameters:
  ///   - profile: a profile by name; then the environment's keys are not used.
  ///   - home: the user's home directory, with `.aws` in it.
  ///   - now: the time in seconds since 1970; nil takes the system's.
  public init(
    environment: [String: String], profile: String? = nil, home: String?, transport: HTTPClient,
    now: (@Sendable () -> Int)? = nil
  ) {
    self.environment = environment
    let now = now ?? { time(nil) }
    self.now = now
    func value(_ name: String) -> String? { Provider.value(name, environment) }
    isNamed = profile != nil
    profileName = profile ?? value("AWS_PROFILE") ?? value("AWS_DEFAULT_PROFILE") ?? "default"
    profiles = AWSProfiles(environment: environment, home: home)
    let region = value("AWS_REGION") ?? value("AWS_DEFAULT_REGION") ?? profiles.profile(profileName)?["region"]
    self.region = region
    sources = AWSCredentialSources(
      environment: environment, home: home, region: region, transport: transport, now: now)
  }

  /// The credentials to sign with now. Many callers at once cause one look-up.
  public func credentials() async throws(AWSCredentialError) -> AWSCredentials {
    if let cached, !ends(cached, within: Self.margin) { return cached }
    let task =
      loading
      ?? Task { () async -> Result<AWSCredentials, AWSCredentialError> in
        do throws(AWSCredentialError) { return .success(try await self.load()) } catch { return .failure(error) }
      }
    loading = task
    let result = await task.value
    if loading == task { loading = nil }
    switch result {
    case .success(let credentials):
      cached = credentials
      return credentials
    case .failure(let error):
      // Renewing begins early so that a failure is no harm yet.
      if let cached, !ends(cached, within: 0) { return cached }
      throw error
    }
  }

  /// Forgets credentials that a service refused. False when asking again would give the same.
  public func invalidate() -> Bool {
    defer { cached = nil }
    return cached?.expiration != nil
  }

  private func ends(_ credentials: AWSCredentials, within seconds: Int) -> Bool {
    credentials.expiration.map { $0 - now() <= seconds } ?? false
  }

  private func load() async throws(AWSCredentialError) -> AWSCredentials {
    if !isNamed, let keys = try environmentKeys() { return keys }
    let isAsked = isNamed || Provider.value("AWS_PROFILE", environment) != nil
    if let found = try await profile(profileName, path: []) { return found }
    guard !isAsked else {
      throw AWSCredentialError(
        profiles.profile(profileName) == nil
          ? "there is no AWS profile `\(profileName)`"
          : "the AWS profile `\(profileName)` holds no credentials that can be used here")
    }
    if let container = try await sources.container() { return container }
    if let instance = try await sources.instance() { return instance }
    throw AWSCredentialError(
      "no AWS credentials were found; set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
        + "or AWS_PROFILE")
  }

  private func environmentKeys() throws(AWSCredentialError) -> AWSCredentials? {
    guard let id = Provider.value("AWS_ACCESS_KEY_ID", environment) else { return nil }
    guard let secret = Provider.value("AWS_SECRET_ACCESS_KEY", environment) else {
      throw AWSCredentialError("AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not")
    }
    return AWSCredentials(
      accessKeyID: id, secretAccessKey: secret, sessionToken: Provider.value("AWS_SESSION_TOKEN", environment),
      expiration: Provider.value("AWS_CREDENTIAL_EXPIRATION", environment).flatMap(Timestamp.seconds))
  }

  // MARK: Profiles

  /// The credentials that a profile leads to.
  /// - Parameter path: the profiles that led here.
  private func profile(_ name: String, path: [String]) async throws(AWSCredentialError) -> AWSCredentials? {
    let members = profiles.profile(name)
    guard path.count < 8 else { throw AWSCredentialError("the AWS profile `\(name)` has too many source profiles") }
    if let role = members?["role_arn"], !(path.last == name) {
      if let file = members?["web_identity_token_file"] {
        return try await sources.webIdentity(role: role, tokenFile: file, session: members?["role_session_name"])
      }
      if let serial = members?["mfa_serial"] {
        // One-time passwords are asked for by the AWS CLI; what it got for one is good for an hour.
        if let kept = sources.keptByCommandLine(role: role, serial: serial, members ?? [:]) { return kept }
        throw AWSCredentialError(
          "the AWS profile `\(name)` asks for a one-time password: run `aws sts get-caller-identity --profile \(name)`, "
            + "which asks for it and keeps the credentials")
      }
      return try await assume(role, for: name, members ?? [:], path: path)
    }
    if path.isEmpty, let file = Provider.value("AWS_WEB_IDENTITY_TOKEN_FILE", environment),
      let role = Provider.value("AWS_ROLE_ARN", environment)
    {
      return try await sources.webIdentity(
        role: role, tokenFile: file, session: Provider.value("AWS_ROLE_SESSION_NAME", environment))
    }
    if let members, members["sso_session"] != nil || members["sso_start_url"] != nil {
      return try await signedOn(name, members)
    }
    if let keys = Self.keys(profiles.secrets(name)) ?? members.flatMap(Self.keys) { return keys }
    if let line = profiles.secrets(name)["credential_process"] ?? members?["credential_process"] {
      return try await AWSCredentialProcess(environment: environment).credentials(line, profile: name)
    }
    return nil
  }

  private func assume(
    _ role: String, for name: String, _ members: [String: String], path: [String]
  ) async throws(AWSCredentialError) -> AWSCredentials {
    var source: AWSCredentials?
    if let parent = members["source_profile"] {
      guard parent == name || !path.contains(parent) else {
        throw AWSCredentialError("the AWS profile `\(name)` is, in the end, its own source profile")
      }
      source = try await profile(parent, path: path + [name])
    } else {
      switch members["credential_source"] {
      case "Environment": source = try environmentKeys()
      case "Ec2InstanceMetadata": source = try await sources.instance()
      case "EcsContainer": source = try await sources.container()
      default:
        throw AWSCredentialError("the AWS profile `\(name)` names a role, but no source_profile to assume it with")
      }
    }
    guard let source else {
      throw AWSCredentialError("the AWS profile `\(name)` names a role, but its source has no credentials")
    }
    return try await sources.assume(
      role: role, with: source, session: members["role_session_name"], externalID: members["external_id"],
      seconds: members["duration_seconds"], region: members["region"])
  }

  private func signedOn(
    _ name: String, _ members: [String: String]
  ) async throws(AWSCredentialError) -> AWSCredentials {
    var session = members
    if let shared = members["sso_session"] {
      guard let section = profiles.session(shared) else {
        throw AWSCredentialError("the AWS profile `\(name)` names the sso-session `\(shared)`, which is not there")
      }
      session.merge(section) { _, new in new }
    }
    guard let start = session["sso_start_url"], let region = session["sso_region"],
      let account = members["sso_account_id"], let role = members["sso_role_name"]
    else {
      throw AWSCredentialError(
        "the AWS profile `\(name)` needs sso_start_url, sso_region, sso_account_id and sso_role_name")
    }
    return try await sources.signedOn(
      profile: name, cacheKey: members["sso_session"] ?? start, isRenewable: members["sso_session"] != nil,
      region: region, account: account, role: role)
  }

  private static func keys(_ members: [String: String]) -> AWSCredentials? {
    guard let id = members["aws_access_key_id"], let secret = members["aws_secret_access_key"] else { return nil }
    return AWSCredentials(accessKeyID: id, secretAccessKey: secret, sessionToken: members["aws_session_token"])
  }
}
