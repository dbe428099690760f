import Crypto
import HTTPTransport
import JSON

/// The services that hand out credentials.
struct AWSCredentialSources: Sendable {
  let environment: [String: String]
  let home: String?
  let region: String?
  let transport: HTTPClient
  let now: @Sendable () -> Int

  /// Metadata endpoints are on this machine or its link: no proxy is asked.
  private let local = HTTPClient(configuration: HTTPClient.Configuration(proxy: ""))
  private static let localTimeouts = HTTPTimeouts(connect: .seconds(1), idle: .seconds(2), total: .seconds(4))
  private static let mostBytes = 256 << 10

  init(
    environment: [String: String], home: String?, region: String?, transport: HTTPClient,
    now: @escaping @Sendable () -> Int
  ) {
    self.environment = environment
    self.home = home
    self.region = region
    self.transport = transport
    self.now = now
  }

  private func value(_ name: String) -> String? { Provider.value(name, environment) }

  // MARK: Containers and instances

  /// The container's endpoint; nil when the environment names none.
  func container() async throws(AWSCredentialError) -> AWSCredentials? {
    let url: String
    if let path = value("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
      guard path.hasPrefix("/") else { throw AWSCredentialError("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path") }
      url = "http://169.254.170.2" + path
    } else if let full = value("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
      guard Self.mayBeAsked(full) else {
        throw AWSCredentialError(
          "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor on this machine: no credentials are asked for there")
      }
      url = full
    } else {
      return nil
    }
    var headers: HTTPHeaders = ["Accept": "application/json"]
    if let file = value("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
      guard let token = TextFile.read(file, limit: 64 << 10) else {
        throw AWSCredentialError("\(file) (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE) cannot be read")
      }
      headers["Authorization"] = Secret(token).value
    } else if let token = value("AWS_CONTAINER_AUTHORIZATION_TOKEN") {
      headers["Authorization"] = token
    }
    let request = HTTPRequest(url: url, headers: headers, timeouts: Self.localTimeouts)
    var failure = AWSCredentialError("the container's credentials endpoint does not answer", isTransient: true)
    for _ in 0..<3 {
      do throws(AWSCredentialError) {
        return try credentials(try await ask(request, local, "the container's credentials endpoint"))
      } catch {
        failure = error
        if !error.isTransient { break }
      }
    }
    throw failure
  }

  /// Plain HTTP may carry credentials on this machine or its link only.
  static func mayBeAsked(_ url: String) -> Bool {
    if url.lowercased().hasPrefix("https://") { return true }
    let origin = HTTPRequest.origin(of: url).lowercased()
    guard origin.hasPrefix("http://") else { return false }
    var host = String(origin.dropFirst(7))
    if let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") { host = String(host[..<colon]) }
    return isLoopback(host) || ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"].contains(host)
  }

  /// True for a name or address of this machine.
  static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "[::1]" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }

  /// The instance's metadata service, version 2; nil where there is none.
  func instance() async throws(AWSCredentialError) -> AWSCredentials? {
    guard value("AWS_EC2_METADATA_DISABLED")?.lowercased() != "true" else { return nil }
    var base = value("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? "http://169.254.169.254"
    while base.hasSuffix("/") { base.removeLast() }
    let name = "the instance's metadata service"
    let session: [UInt8]
    do throws(AWSCredentialError) {
      session = try await ask(
        HTTPRequest(
          method: "PUT", url: base + "/latest/api/token",
          headers: ["X-aws-ec2-metadata-token-ttl-seconds": "21600"], timeouts: Self.localTimeouts), local, name)
    } catch {
      // Most machines are no instances.
      return nil
    }
    let headers: HTTPHeaders = ["X-aws-ec2-metadata-token": Secret(String(decoding: session, as: UTF8.self)).value]
    let path = base + "/latest/meta-data/iam/security-credentials/"
    func get(_ url: String) async throws(AWSCredentialError) -> [UInt8] {
      try await ask(HTTPRequest(url: url, headers: headers, timeouts: Self.localTimeouts), local, name)
    }
    let role = String(decoding: try await get(path), as: UTF8.self).split(whereSeparator: \.isNewline).first
    guard let role else { throw AWSCredentialError("this instance has no role") }
    return try credentials(try await get(path + HTTPRequest.percentEncoded(String(role))))
  }

  /// `{AccessKeyId, SecretAccessKey, Token, Expiration}`.
  private func credentials(_ body: [UInt8]) throws(AWSCredentialError) -> AWSCredentials {
    let json = try? JSONValue(parsing: body)
    guard let id = json?["AccessKeyId"]?.string, let secret = json?["SecretAccessKey"]?.string else {
      throw AWSCredentialError("an endpoint for credentials answered something else")
    }
    return AWSCredentials(
      accessKeyID: id, secretAccessKey: secret, sessionToken: json?["Token"]?.string,
      expiration: json?["Expiration"]?.string.flatMap(Timestamp.seconds))
  }

  // MARK: Single sign-on

  /// Exchanges the token that `aws sso login` left for credentials.
  /// - Parameter isRenewable: the token comes with one to renew it by, as that of an `sso-session` does.
  func signedOn(
    profile: String, cacheKey: String, isRenewable: Bool, region: String, account: String, role: String
  ) async throws(AWSCredentialError) -> AWSCredentials {
    let login = "run `aws sso login --profile \(profile)`"
    guard let file = home.map({ "\($0)/.aws/sso/cache/\(Self.digest(cacheKey)).json" }),
      let text = TextFile.read(file, limit: 64 << 10),
      let token = try? JSONValue(parsing: text), var access = token["accessToken"]?.string
    else { throw AWSCredentialError("the AWS profile `\(profile)` has not signed on: \(login)") }
    if let end = token["expiresAt"]?.string.flatMap(Timestamp.seconds), end <= now() + 300 {
      if isRenewable, let renewed = await renewed(token, region: region, file: file) {
        access = renewed
      } else if end <= now() + 60 {
        throw AWSCredentialError("the sign-on of the AWS profile `\(profile)` has ended: \(login)")
      }
    }
    let base = try serviceURL("SSO", "https://portal.sso.\(region).\(Self.suffix(region))")
    let url =
      "\(base)/federation/credentials?account_id=\(HTTPRequest.percentEncoded(account))"
      + "&role_name=\(HTTPRequest.percentEncoded(role))"
    let body = try await ask(
      HTTPRequest(url: url, headers: ["x-amz-sso_bearer_token": access], timeouts: Self.timeouts), transport,
      "AWS single sign-on")
    let json = (try? JSONValue(parsing: body))?["roleCredentials"]
    guard let id = json?["accessKeyId"]?.string, let secret = json?["secretAccessKey"]?.string else {
      throw AWSCredentialError("AWS single sign-on answered no credentials for the profile `\(profile)`")
    }
    return AWSCredentials(
      accessKeyID: id, secretAccessKey: secret, sessionToken: json?["sessionToken"]?.string,
      expiration: json?["expiration"]?.int.map { $0 / 1000 })
  }

  /// A new access token by the refresh token beside the old one; both are kept as the AWS CLI keeps them. Nil when there is
  /// none, or none is given.
  private func renewed(_ token: JSONValue, region: String, file: String) async -> String? {
    guard let refresh = token["refreshToken"]?.string, let id = token["clientId"]?.string,
      let secret = token["clientSecret"]?.string,
      token["registrationExpiresAt"]?.string.flatMap(Timestamp.seconds).map({ $0 > now() }) ?? true,
      let base = try? serviceURL("SSO_OIDC", "https://oidc.\(region).\(Self.suffix(region))")
    else { return nil }
    let body: JSONValue = [
      "clientId": .string(id), "clientSecret": .string(secret), "grantType": "refresh_token",
      "refreshToken": .string(refresh),
    ]
    let request = HTTPRequest(
      method: "POST", url: base + "/token", headers: ["Content-Type": "application/json"], body: [body.serialized],
      timeouts: Self.timeouts)
    guard let answer = try? await ask(request, transport, "AWS single sign-on"),
      let json = try? JSONValue(parsing: answer), let access = json["accessToken"]?.string,
      let seconds = json["expiresIn"]?.int, (1...10_000_000).contains(seconds), var kept = token.object
    else { return nil }
    kept["accessToken"] = .string(access)
    kept["expiresAt"] = .string(Timestamp.text(now() + seconds))
    if let next = json["refreshToken"]?.string { kept["refreshToken"] = .string(next) }
    // A refresh token is good once: without the new one on disk the next sign-on would need a person.
    TextFile.replace(file, with: JSONValue.object(kept).serialized)
    return access
  }

  /// What the AWS CLI keeps of a role that it assumed with a one-time password; nil when there is nothing that still holds.
  func keptByCommandLine(role: String, serial: String, _ members: [String: String]) -> AWSCredentials? {
    var asked: [(String, JSONValue)] = [("RoleArn", .string(role)), ("SerialNumber", .string(serial))]
    if let id = members["external_id"] { asked.append(("ExternalId", .string(id))) }
    if let name = members["role_session_name"] { asked.append(("RoleSessionName", .string(name))) }
    if let seconds = members["duration_seconds"].flatMap({ Int($0) }) {
      asked.append(("DurationSeconds", JSONValue(seconds)))
    }
    // The file is named after the request as Python writes it: sorted, with a space behind each comma and colon.
    let key = asked.sorted { $0.0 < $1.0 }.map { "\"\($0.0)\": \($0.1.text)" }.joined(separator: ", ")
    guard let home,
      let text = TextFile.read("\(home)/.aws/cli/cache/\(Self.digest("{\(key)}")).json", limit: 64 << 10),
      let kept = (try? JSONValue(parsing: text))?["Credentials"], let id = kept["AccessKeyId"]?.string,
      let secret = kept["SecretAccessKey"]?.string,
      let end = kept["Expiration"]?.string.flatMap(Timestamp.seconds), end > now() + 60
    else { return nil }
    return AWSCredentials(
      accessKeyID: id, secretAccessKey: secret, sessionToken: kept["SessionToken"]?.string, expiration: end)
  }

  private static func digest(_ text: String) -> String {
    Insecure.SHA1.hash(data: Array(text.utf8)).map { byte in
      let digits = String(byte, radix: 16)
      return digits.utf8.count < 2 ? "0" + digits : digits
    }.joined()
  }

  // MARK: The security token service

  private static let timeouts = HTTPTimeouts(connect: .seconds(5), idle: .seconds(10), total: .seconds(20))

  /// Takes on a role with other credentials.
  func assume(
    role: String, with source: AWSCredentials, session: String?, externalID: String?, seconds: String?,
    region: String?
  ) async throws(AWSCredentialError) -> AWSCredentials {
    var fields = [("Action", "AssumeRole"), ("RoleArn", role), ("RoleSessionName", session ?? "codeagent")]
    if let externalID { fields.append(("ExternalId", externalID)) }
    if let seconds { fields.append(("DurationSeconds", seconds)) }
    return try await token(fields, source, region: region, role: role)
  }

  /// Takes on a role with a token that an identity provider left in a file; the file is read each time.
  func webIdentity(
    role: String, tokenFile: String, session: String?
  ) async throws(AWSCredentialError) -> AWSCredentials {
    guard let token = TextFile.read(tokenFile, limit: 64 << 10) else {
      throw AWSCredentialError("the web identity token \(tokenFile) cannot be read")
    }
    let fields = [
      ("Action", "AssumeRoleWithWebIdentity"), ("RoleArn", role), ("RoleSessionName", session ?? "codeagent"),
      ("WebIdentityToken", Secret(token).value),
    ]
    return try await self.token(fields, nil, region: nil, role: role)
  }

  private func token(
    _ fields: [(String, String)], _ source: AWSCredentials?, region: String?, role: String
  ) async throws(AWSCredentialError) -> AWSCredentials {
    let region = region ?? self.region
    let base = try serviceURL(
      "STS", region.map { "https://sts.\($0).\(Self.suffix($0))" } ?? "https://sts.amazonaws.com")
    let form = (fields + [("Version", "2011-06-15")]).map { "\($0.0)=\(HTTPRequest.percentEncoded($0.1))" }
    var request = HTTPRequest(
      method: "POST", url: base + "/", headers: ["Content-Type": "application/x-www-form-urlencoded; charset=utf-8"],
      body: [Array(form.joined(separator: "&").utf8)], timeouts: Self.timeouts)
    if let source {
      SignatureVersion4(region: region ?? "us-east-1", service: "sts").sign(&request, with: source, at: now())
    }
    let body = try await ask(request, transport, "AWS, asked for the role \(role),")
    let xml = String(decoding: body, as: UTF8.self)
    guard let id = Self.element("AccessKeyId", in: xml), let secret = Self.element("SecretAccessKey", in: xml) else {
      throw AWSCredentialError("AWS answered no credentials for the role \(role)")
    }
    return AWSCredentials(
      accessKeyID: id, secretAccessKey: secret, sessionToken: Self.element("SessionToken", in: xml),
      expiration: Self.element("Expiration", in: xml).flatMap(Timestamp.seconds))
  }

  /// The text of the first element of a name. What is read so never holds markup.
  private static func element(_ name: String, in xml: String) -> String? {
    guard let open = xml.firstRange(of: "<\(name)>") else { return nil }
    let rest = xml[open.upperBound...]
    return rest.firstRange(of: "</\(name)>").map { String(rest[..<$0.lowerBound]) }
  }

  /// Where a service is, unless the environment says otherwise (`AWS_ENDPOINT_URL_STS` and its like).
  private func serviceURL(_ service: String, _ usual: String) throws(AWSCredentialError) -> String {
    guard var url = value("AWS_ENDPOINT_URL_\(service)") else { return usual }
    while url.hasSuffix("/") { url.removeLast() }
    guard Self.mayBeAsked(url) else { throw AWSCredentialError("AWS_ENDPOINT_URL_\(service) is not https") }
    return url
  }

  /// The domain of a region's services.
  static func suffix(_ region: String) -> String { region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com" }

  /// One request's body, when it succeeds. What a server says of a failure is not repeated: it may repeat a token.
  private func ask(
    _ request: HTTPRequest, _ client: HTTPClient, _ name: String
  ) async throws(AWSCredentialError) -> [UInt8] {
    do throws(HTTPError) {
      let response = try await client.send(request)
      let body = try await response.body.collect(upTo: Self.mostBytes)
      guard response.status == 200 else {
        let code = Self.element("Code", in: String(decoding: body, as: UTF8.self)).map { " (\($0.prefix(80)))" } ?? ""
        throw HTTPError(
          kind: response.status >= 500 || response.status == 429 ? .reset : .invalidRequest,
          message: "it answered \(response.status)\(code)")
      }
      return body
    } catch {
      throw AWSCredentialError(
        "\(name) gave no credentials: \(error.message)", isTransient: error.kind != .invalidRequest)
    }
  }
}
