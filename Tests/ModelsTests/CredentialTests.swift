import Conversation
import Glibc
import HTTPTransport
import JSON
import Models
import Synchronization
import TestSupport
import Testing

@Suite("Credentials for Amazon", .timeLimit(.minutes(1)))
struct CredentialTests {
  private let client = HTTPClient(configuration: HTTPClient.Configuration(proxy: ""))
  private static let now = 1_777_334_400

  private func chain(
    _ environment: [String: String], profile: String? = nil, home: String? = nil,
    now: @escaping @Sendable () -> Int = { CredentialTests.now }
  ) -> AWSCredentialChain {
    var environment = environment
    // Nothing leaves this machine.
    if environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] == nil { environment["AWS_EC2_METADATA_DISABLED"] = "true" }
    return AWSCredentialChain(environment: environment, profile: profile, home: home, transport: client, now: now)
  }

  private func failure(_ chain: AWSCredentialChain) async -> String {
    do {
      return "found \(try await chain.credentials().accessKeyID)"
    } catch {
      return error.description
    }
  }

  private func home(_ files: [String: String]) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    for (name, text) in files { try directory.write(name, text) }
    return directory
  }

  @Test func theEnvironmentsKeysComeFirst() async throws {
    let home = try home([".aws/credentials": "[default]\naws_access_key_id = FILE\naws_secret_access_key = f\n"])
    let keys = ["AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "e"]
    #expect(try await chain(keys, home: home.path).credentials().accessKeyID == "ENV")
    #expect(try await chain([:], home: home.path).credentials().accessKeyID == "FILE")
    // A profile that was asked for by name goes before.
    #expect(try await chain(keys, profile: "default", home: home.path).credentials().accessKeyID == "FILE")
    #expect(await failure(chain(keys, profile: "nope", home: home.path)).contains("no AWS profile `nope`"))
    #expect(await failure(chain(["AWS_ACCESS_KEY_ID": "ENV"])).contains("AWS_SECRET_ACCESS_KEY is not"))
    #expect(await failure(chain([:])).contains("AWS_BEARER_TOKEN_BEDROCK"))
  }

  @Test func sharedFilesAreReadAsAmazonReadsThem() async throws {
    let home = try home([
      ".aws/config": """
      # comment
      [default]
      region = eu-central-1
      [profile  work]
      region=us-west-2   ; here
      s3 =
        max_concurrent_requests = 20
        region = wrong
      aws_access_key_id = CONFIG
      aws_secret_access_key = c
      [profile both]
      aws_access_key_id = CONFIG
      aws_secret_access_key = c
      [profile program]
      credential_process = /bin/false
      """,
      ".aws/credentials": "[both]\naws_access_key_id=SHARED\naws_secret_access_key=s\naws_session_token=t\n",
    ])
    #expect(chain([:], home: home.path).region == "eu-central-1")
    let work = chain(["AWS_PROFILE": "work"], home: home.path)
    #expect(work.region == "us-west-2")
    #expect(try await work.credentials().accessKeyID == "CONFIG")
    #expect(chain(["AWS_PROFILE": "work", "AWS_REGION": "sa-east-1"], home: home.path).region == "sa-east-1")
    #expect(try await chain([:], profile: "both", home: home.path).credentials().accessKeyID == "SHARED")
    #expect(await failure(chain([:], profile: "program", home: home.path)).contains("failed (status 1)"))
    let elsewhere = chain(
      ["AWS_CONFIG_FILE": home.path + "/.aws/config", "AWS_PROFILE": "work"], home: "/nonexistent")
    #expect(try await elsewhere.credentials().accessKeyID == "CONFIG")
  }

  private static func token(_ id: String, _ expiration: String = "2026-04-28T01:00:00Z") -> String {
    """
    <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
    <AccessKeyId>\(id)</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
    <Expiration>\(expiration)</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>
    """
  }

  @Test func rolesAreAssumedAlongTheirSources() async throws {
    let server = try LoopbackServer { request, connection in
      let form = String(decoding: request.body, as: UTF8.self)
      let role = form.contains("role%2Fouter") ? "OUTER" : form.contains("role%2Finner") ? "INNER" : "OTHER"
      try connection.reply(200, [], body: Self.token(role).utf8)
    }
    let home = try home([
      ".aws/config": """
      [profile outer]
      role_arn = arn:aws:iam::1:role/outer
      source_profile = inner
      external_id = x y
      region = eu-west-3
      [profile inner]
      role_arn = arn:aws:iam::1:role/inner
      source_profile = keys
      [profile env]
      role_arn = arn:aws:iam::1:role/env
      credential_source = Environment
      [profile self]
      role_arn = arn:aws:iam::1:role/self
      source_profile = self
      [profile a]
      role_arn = arn:aws:iam::1:role/a
      source_profile = b
      [profile b]
      role_arn = arn:aws:iam::1:role/b
      source_profile = a
      [profile mfa]
      role_arn = arn:aws:iam::1:role/m
      source_profile = keys
      mfa_serial = arn:aws:iam::1:mfa/me
      """,
      ".aws/credentials": """
      [keys]
      aws_access_key_id = KEYS
      aws_secret_access_key = k
      [self]
      aws_access_key_id = SELF
      aws_secret_access_key = s
      """,
    ])
    let sts = ["AWS_ENDPOINT_URL_STS": server.url + "/"]
    let outer = chain(sts, profile: "outer", home: home.path)
    let credentials = try await outer.credentials()
    #expect(credentials.accessKeyID == "OUTER")
    #expect(credentials.expiration == Self.now + 3600)
    #expect(server.requests.count == 2)
    #expect(server.requests[0].header("authorization")?.contains("Credential=KEYS/20260428/") == true)
    #expect(server.requests[1].header("authorization")?.contains("Credential=INNER/20260428/eu-west-3/sts/") == true)
    #expect(server.requests[1].header("x-amz-security-token") == "token")
    #expect(String(decoding: server.requests[1].body, as: UTF8.self).contains("ExternalId=x%20y"))
    let fromEnvironment = chain(
      sts.merging(["AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "e"]) { $1 }, profile: "env", home: home.path)
    #expect(try await fromEnvironment.credentials().accessKeyID == "OTHER")
    #expect(server.requests.last?.header("authorization")?.contains("Credential=ENV/") == true)
    #expect(try await chain(sts, profile: "self", home: home.path).credentials().accessKeyID == "OTHER")
    #expect(server.requests.last?.header("authorization")?.contains("Credential=SELF/") == true)
    #expect(await failure(chain(sts, profile: "a", home: home.path)).contains("its own source"))
    #expect(await failure(chain(sts, profile: "mfa", home: home.path)).contains("one-time password"))
  }

  @Test func webIdentitiesAreExchangedUnsigned() async throws {
    let server = try LoopbackServer { _, connection in
      try connection.reply(200, [], body: Self.token("WEB").utf8)
    }
    let home = try home(["token": "web.identity.token\n"])
    let chain = chain([
      "AWS_WEB_IDENTITY_TOKEN_FILE": home.path + "/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/pod",
      "AWS_ENDPOINT_URL_STS": server.url,
    ])
    #expect(try await chain.credentials().accessKeyID == "WEB")
    let request = server.requests[0]
    #expect(request.header("authorization") == nil)
    let form = String(decoding: request.body, as: UTF8.self)
    #expect(form.contains("Action=AssumeRoleWithWebIdentity") && form.contains("WebIdentityToken=web.identity.token&"))
  }

  @Test func singleSignOnUsesItsCachedToken() async throws {
    let server = try LoopbackServer { request, connection in
      let body: JSONValue = [
        "roleCredentials": [
          "accessKeyId": "SSO", "secretAccessKey": "s", "sessionToken": "t",
          "expiration": JSONValue((Self.now + 3600) * 1000),
        ]
      ]
      try connection.reply(200, [], body: body.serialized)
    }
    // The names of cached tokens are the SHA-1 of the session's name.
    let home = try home([
      ".aws/config": """
      [profile sso]
      sso_session = corp
      sso_account_id = 123
      sso_role_name = Dev Role
      [sso-session corp]
      sso_start_url = https://corp.example/start
      sso_region = eu-west-1
      [profile old]
      sso_session = stale
      sso_account_id = 123
      sso_role_name = r
      [sso-session stale]
      sso_start_url = https://corp.example/start
      sso_region = eu-west-1
      [profile never]
      sso_start_url = https://other.example/start
      sso_region = eu-west-1
      sso_account_id = 123
      sso_role_name = r
      """,
      ".aws/sso/cache/\(try sha1("corp")).json": #"{"accessToken":"sso-access","expiresAt":"2026-04-28T08:00:00Z"}"#,
      ".aws/sso/cache/\(try sha1("stale")).json": #"{"accessToken":"x","expiresAt":"2026-04-27T08:00:00UTC"}"#,
    ])
    let environment = ["AWS_ENDPOINT_URL_SSO": server.url]
    let credentials = try await chain(environment, profile: "sso", home: home.path).credentials()
    #expect(credentials.accessKeyID == "SSO")
    #expect(credentials.expiration == Self.now + 3600)
    #expect(server.requests[0].target == "/federation/credentials?account_id=123&role_name=Dev%20Role")
    #expect(server.requests[0].header("x-amz-sso_bearer_token") == "sso-access")
    #expect(await failure(chain(environment, profile: "old", home: home.path)).contains("aws sso login --profile old"))
    #expect(await failure(chain(environment, profile: "never", home: home.path)).contains("has not signed on"))
  }

  @Test func aSignOnIsRenewedByItsRefreshToken() async throws {
    let server = try LoopbackServer { request, connection in
      if request.target == "/token" {
        let isGood = request.json?["refreshToken"] == "refresh-1" && request.json?["grantType"] == "refresh_token"
        guard isGood else { return try connection.reply(400, [], body: #"{"error":"invalid_grant"}"#.utf8) }
        let body: JSONValue = ["accessToken": "new-access", "expiresIn": 3600, "refreshToken": "refresh-2"]
        return try connection.reply(200, [], body: body.serialized)
      }
      let body: JSONValue = [
        "roleCredentials": [
          "accessKeyId": .string(request.header("x-amz-sso_bearer_token") ?? ""), "secretAccessKey": "s",
          "sessionToken": "t", "expiration": JSONValue((Self.now + 3600) * 1000),
        ]
      ]
      try connection.reply(200, [], body: body.serialized)
    }
    func token(_ refresh: String, end: String) -> String {
      #"{"accessToken":"old","expiresAt":"\#(end)","refreshToken":"\#(refresh)","clientId":"c","clientSecret":"cs","#
        + #""registrationExpiresAt":"2026-07-01T00:00:00Z","startUrl":"u"}"#
    }
    func profile(_ name: String) -> String {
      """
      [profile \(name)]
      sso_session = \(name)
      sso_account_id = 1
      sso_role_name = r
      [sso-session \(name)]
      sso_start_url = u
      sso_region = eu-west-1

      """
    }
    let home = try home([
      ".aws/config": profile("ended") + profile("refused") + profile("soon"),
      ".aws/sso/cache/\(try sha1("ended")).json": token("refresh-1", end: "2026-04-27T08:00:00Z"),
      ".aws/sso/cache/\(try sha1("refused")).json": token("stolen", end: "2026-04-27T08:00:00Z"),
      // Not renewed, but good for two more minutes.
      ".aws/sso/cache/\(try sha1("soon")).json": token("stolen", end: "2026-04-28T00:02:00Z"),
    ])
    let environment = ["AWS_ENDPOINT_URL_SSO": server.url, "AWS_ENDPOINT_URL_SSO_OIDC": server.url]
    let ended = chain(environment, profile: "ended", home: home.path)
    #expect(try await ended.credentials().accessKeyID == "new-access")
    let kept = try JSONValue(parsing: try #require(home.text(".aws/sso/cache/\(try sha1("ended")).json")))
    #expect(kept["accessToken"] == "new-access" && kept["refreshToken"] == "refresh-2" && kept["startUrl"] == "u")
    #expect(kept["expiresAt"] == "2026-04-28T01:00:00Z")
    let refused = await failure(chain(environment, profile: "refused", home: home.path))
    #expect(refused.contains("aws sso login --profile refused") && !refused.contains("stolen"))
    let soon = chain(environment, profile: "soon", home: home.path)
    #expect(try await soon.credentials().accessKeyID == "old")
  }

  @Test func programsOfTheUsersFilesAreAsked() async throws {
    let home = try home([:])
    let printed =
      #"{"Version":1,"AccessKeyId":"PROGRAM","SecretAccessKey":"s","SessionToken":"t","#
      + #""Expiration":"2026-04-28T01:00:00Z"}"#
    // Its words are split as in a shell, it works in /, and it sees no key.
    _ = try home.write(
      "bin dir/give",
      "#!/bin/sh\n[ \"$1\" = 'a b' ] && [ \"$(pwd)\" = / ] && [ -z \"$OPENAI_API_KEY$AWS_SECRET_ACCESS_KEY\" ] || exit 3\n"
        + "echo '\(printed)'\n")
    _ = try runProcess(["chmod", "755", home.path + "/bin dir/give"])
    _ = try home.write(
      ".aws/config",
      """
      [profile program]
      credential_process = "\(home.path)/bin dir/give" "a b"
      [profile path]
      credential_process = give 'a b'
      [profile relative]
      credential_process = ./give
      [profile nobody]
      credential_process = no-such-program-here
      [profile chatty]
      credential_process = sh -c 'echo "hunter2 {"; exit 0'
      [profile endless]
      credential_process = sh -c 'while :; do echo yes; done'
      [profile open]
      credential_process = sh -c 'echo
      """)
    let environment = [
      "PATH": home.path + "/bin dir:/usr/bin:/bin", "OPENAI_API_KEY": "sk-12345678", "AWS_PROFILE": "program",
    ]
    let credentials = try await chain(environment, home: home.path).credentials()
    #expect(credentials.accessKeyID == "PROGRAM")
    #expect(credentials.expiration == Self.now + 3600)
    func outcome(_ profile: String) async -> String {
      await failure(chain(environment, profile: profile, home: home.path))
    }
    #expect(await outcome("path") == "found PROGRAM")
    #expect(await outcome("relative").contains("no program `./give`"))
    #expect(await outcome("nobody").contains("no program"))
    let chatty = await outcome("chatty")
    #expect(chatty.contains("no credentials of version 1") && !chatty.contains("hunter2"))
    #expect(await outcome("endless").contains("printed too much"))
    #expect(await outcome("open").contains("no command line"))
  }

  @Test func whatTheCommandLineGotForAOneTimePasswordIsUsed() async throws {
    let asked = #"{"RoleArn": "arn:aws:iam::1:role/m", "SerialNumber": "arn:aws:iam::1:mfa/me"}"#
    let kept = #"{"Credentials":{"AccessKeyId":"MFA","SecretAccessKey":"s","SessionToken":"t","Expiration":"@"}}"#
    let home = try home([
      ".aws/config": """
      [profile mfa]
      role_arn = arn:aws:iam::1:role/m
      source_profile = keys
      mfa_serial = arn:aws:iam::1:mfa/me
      """,
      ".aws/cli/cache/\(try sha1(asked)).json": kept.replacing("@", with: "2026-04-28T01:00:00Z"),
    ])
    #expect(try await chain([:], profile: "mfa", home: home.path).credentials().accessKeyID == "MFA")
    try home.write(".aws/cli/cache/\(try sha1(asked)).json", kept.replacing("@", with: "2026-04-27T01:00:00Z"))
    #expect(await failure(chain([:], profile: "mfa", home: home.path)).contains("get-caller-identity --profile mfa"))
  }

  private func sha1(_ text: String) throws -> String {
    String(try runProcess(["sha1sum"], input: Array(text.utf8)).out.prefix(40))
  }

  @Test func containersAreAskedWithTheirToken() async throws {
    let failures = Mutex(2)
    let server = try LoopbackServer { request, connection in
      let fails = failures.withLock { count in
        count -= 1
        return count >= 0
      }
      if fails { return try connection.reply(503, [], body: []) }
      let body: JSONValue = [
        "AccessKeyId": "POD", "SecretAccessKey": "s", "Token": "t", "Expiration": "2026-04-28T06:00:00Z",
      ]
      try connection.reply(200, [], body: body.serialized)
    }
    let home = try home(["token": "pod-token\n"])
    let chain = chain([
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url + "/v1/credentials",
      "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": home.path + "/token",
    ])
    #expect(try await chain.credentials().accessKeyID == "POD")
    #expect(server.requests.count == 3)
    #expect(server.requests[0].header("authorization") == "pod-token")
    for elsewhere in [
      "http://10.0.0.1/", "http://169.254.169.254/", "http://127.0.0.1.evil.example/", "ftp://127.0.0.1/",
    ] {
      let refused = self.chain(["AWS_CONTAINER_CREDENTIALS_FULL_URI": elsewhere])
      #expect(await failure(refused).contains("neither https nor on this machine"))
    }
    // A token cannot smuggle a header in.
    let smuggling = self.chain([
      "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "a\r\nX: y",
    ])
    #expect(await failure(smuggling).contains("control character"))
    #expect(server.requests.count == 3)
  }

  @Test func instancesAreAskedBySession() async throws {
    let server = try LoopbackServer { request, connection in
      switch (request.method, request.target) {
      case ("PUT", "/latest/api/token"): try connection.reply(200, [], body: "session\n".utf8)
      case ("GET", "/latest/meta-data/iam/security-credentials/"): try connection.reply(200, [], body: "my-role\n".utf8)
      case ("GET", "/latest/meta-data/iam/security-credentials/my-role"):
        let body: JSONValue = [
          "Code": "Success", "AccessKeyId": "INSTANCE", "SecretAccessKey": "s", "Token": "t",
          "Expiration": "2026-04-28T06:00:00Z",
        ]
        try connection.reply(200, [], body: body.serialized)
      default: try connection.reply(404, [], body: [])
      }
    }
    let chain = chain(["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url])
    #expect(try await chain.credentials().accessKeyID == "INSTANCE")
    #expect(server.requests[0].header("x-aws-ec2-metadata-token-ttl-seconds") == "21600")
    #expect(server.requests.dropFirst().allSatisfy { $0.header("x-aws-ec2-metadata-token") == "session" })
    // Elsewhere nothing answers, and that is no error of its own.
    server.stop()
    let nowhere = self.chain(["AWS_EC2_METADATA_SERVICE_ENDPOINT": server.url])
    #expect(await failure(nowhere).contains("no AWS credentials were found"))
  }

  @Test func credentialsAreRenewedBeforeTheyEndAndLookedUpOnce() async throws {
    let clock = Mutex(Self.now)
    let fails = Mutex(false)
    let server = try LoopbackServer { request, connection in
      if fails.withLock({ $0 }) { return try connection.reply(500, [], body: []) }
      usleep(20000)
      let body: JSONValue = [
        "AccessKeyId": .string("N\(clock.withLock { $0 } - Self.now)"), "SecretAccessKey": "s", "Token": "t",
        "Expiration": clock.withLock { $0 } == Self.now ? "2026-04-28T01:00:00Z" : "2026-04-28T02:00:00Z",
      ]
      try connection.reply(200, [], body: body.serialized)
    }
    let chain = chain(["AWS_CONTAINER_CREDENTIALS_FULL_URI": server.url], now: { clock.withLock { $0 } })
    let ids = await withTaskGroup(of: String.self) { group in
      for _ in 0..<20 { group.addTask { await failure(chain) } }
      return await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(ids == ["found N0"])
    #expect(server.requests.count == 1)
    clock.withLock { $0 += 3000 }
    #expect(await failure(chain) == "found N0")
    // Five minutes before the end they are renewed; where that fails, they are good to their end.
    clock.withLock { $0 += 400 }
    fails.withLock { $0 = true }
    #expect(await failure(chain) == "found N0")
    fails.withLock { $0 = false }
    #expect(await failure(chain) == "found N3400")
    fails.withLock { $0 = true }
    clock.withLock { $0 += 4000 }
    #expect(await failure(chain).contains("gave no credentials"))
  }

  @Test func credentialsThatAreRefusedAreAskedForAgainOnce() async throws {
    let count = Mutex(0)
    let metadata = try LoopbackServer { _, connection in
      let number = count.withLock { count in
        count += 1
        return count
      }
      let body: JSONValue = [
        "AccessKeyId": .string("N\(number)"), "SecretAccessKey": "secret-0123456789", "Token": "token-0123456789",
        "Expiration": "2099-04-28T01:00:00Z",
      ]
      try connection.reply(200, [], body: body.serialized)
    }
    let server = try ScriptedModelServer { request in
      request.received.header("authorization")?.contains("Credential=N1/") == true
        ? (
          0,
          ScriptedTurn(
            fault: .status(403, code: "ExpiredTokenException", message: "token-0123456789 has expired"),
            faultTimes: .max)
        ) : (1, .say("ok"))
    }
    func model() throws -> RemoteModel {
      let provider = try Provider.amazonBedrock(
        environment: [
          "AWS_REGION": "eu-west-1", "AWS_CONTAINER_CREDENTIALS_FULL_URI": metadata.url,
          "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": server.origin,
        ], home: nil, transport: client)
      return RemoteModel(provider: provider, model: "m", transport: client, retry: quick, userAgent: "u")
    }
    #expect(try await model().respond(request()).text == "ok")
    #expect(server.requests.count == 2)
    // A second refusal ends it, without the token in the words.
    count.withLock { $0 = 0 }
    let always = try ScriptedModelServer([
      ScriptedTurn(
        fault: .status(403, code: "ExpiredTokenException", message: "token-0123456789 has expired"), faultTimes: .max)
    ])
    let provider = try Provider.amazonBedrock(
      environment: [
        "AWS_REGION": "eu-west-1", "AWS_CONTAINER_CREDENTIALS_FULL_URI": metadata.url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": always.origin,
      ], home: nil, transport: client)
    let failure = await RemoteModel(provider: provider, model: "m", transport: client, retry: quick, userAgent: "u")
      .failure()
    #expect(failure?.kind == .authentication)
    #expect(failure?.message.contains("token-0123456789") == false)
    #expect(always.requests.count == 2)
  }
}
