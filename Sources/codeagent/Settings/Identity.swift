import Access
import Agent
import Glibc

/// For whom a run acts: the account that the process runs under, or in CI whom a verified token names.
enum Identity {
  /// The variable that brings a token.
  static let tokenVariable = "CODEAGENT_ID_TOKEN"

  static func principal(
    _ settings: Settings, environment: [String: String], isCI: Bool, isHeadless: Bool
  ) throws -> Principal {
    let start: Principal.Start = isCI ? .ci : (isatty(1) == 1 && !isHeadless ? .terminal : .batch)
    guard let token = environment[tokenVariable], !token.isEmpty else {
      if isCI, settings.identity?.isRequired == true {
        throw RunFailure(
          .policy, "the organisation wants an identity token in CI, and \(tokenVariable) is not set",
          hint: "let the CI system issue one for this job")
      }
      let account = account()
      return Principal(
        run: "", user: account.name, groups: merged(account.groups, settings.groups(of: account.name)), start: start)
    }
    guard let identity = settings.identity else {
      throw RunFailure(
        .policy, "\(tokenVariable) is set, but the organisation names no issuer that could vouch for it",
        hint: "describe it in /etc/codeagent/config.toml: [identity] issuer, audience, keys")
    }
    let known: TokenIdentity
    do throws(TokenError) {
      known = try identity.rules().verify(token, now: Int64(time(nil)))
    } catch {
      throw RunFailure(.policy, "\(error)", hint: "no run begins for somebody whose identity is in doubt")
    }
    return Principal(
      run: "", user: known.user, groups: merged(known.groups, settings.groups(of: known.user)), start: start,
      vouchedBy: known.issuer, claims: known.claims)
  }

  private static func merged(_ some: [String], _ others: [String]) -> [String] { Set(some + others).sorted() }

  /// The account's name and groups, as the system knows them.
  static func account() -> (name: String, groups: [String]) {
    let name = Account.name()
    guard let primary = getpwuid(getuid())?.pointee.pw_gid else { return (name, []) }
    var count: Int32 = 256
    var ids = [gid_t](repeating: 0, count: Int(count))
    if getgrouplist(name, primary, &ids, &count) < 0 {
      ids = [gid_t](repeating: 0, count: max(Int(count), 1))
      guard getgrouplist(name, primary, &ids, &count) >= 0 else { return (name, []) }
    }
    let names = ids.prefix(max(0, Int(count))).map { id in
      getgrgid(id).map { String(cString: $0.pointee.gr_name) } ?? "gid-\(id)"
    }
    return (name, Array(names))
  }
}

/// The organisation's `[identity]`: who vouches for identities in CI.
struct IdentitySettings: Sendable {
  var issuer: String
  var audience: String
  /// A file with the issuer's keys (RFC 7517).
  var keys: String
  var userClaim: String?
  var groupsClaim: String?
  /// No run in CI without a token.
  var isRequired: Bool

  func rules() throws(TokenError) -> TokenRules {
    guard let text = try? PolicyFiles.text(of: keys), let keys = JSONWebKeys(Array(text.utf8)) else {
      throw TokenError.malformed("the key set \(self.keys) cannot be read, or holds no key that can be used")
    }
    var rules = TokenRules(issuer: issuer, audience: audience, keys: keys)
    if let userClaim { rules.userClaim = userClaim }
    if let groupsClaim { rules.groupsClaim = groupsClaim }
    return rules
  }
}
