/// The formats in which keys and tokens are written.
struct SecretFormats: Sendable {
  /// A prefix followed by characters of one set.
  struct Prefixed: Sendable {
    let rule: String
    let prefix: [UInt8]
    let characters: Characters
    let lengths: ClosedRange<Int>
    /// Whether what follows must hold a digit: to tell tokens from hyphenated words.
    let needsDigit: Bool
  }

  /// Sets of bytes, as bits in ``classes``.
  enum Characters: UInt8, Sendable {
    case word = 1
    case wordOrHyphen = 2
    case upperOrDigit = 4
    case hexadecimal = 8
    case alphanumeric = 16
    case base64 = 32
  }

  /// What a byte means for where formats can begin.
  struct Step: Sendable {
    /// Some format begins with it, wherever it stands.
    var isMark = false
    /// Some format begins with it, where no word goes on.
    var isStart = false
    /// It is no letter or digit: a format may begin behind it.
    var endsWord = false

    static let mayBegin = Step(endsWord: true)
  }

  static let shared = SecretFormats()

  /// For each byte value the sets that it is in.
  let classes: [UInt8]
  /// What each byte value means for where formats can begin.
  let steps: [Step]
  /// Prefixed formats by their first byte.
  let prefixed: [[Prefixed]]

  private init() {
    var classes = [UInt8](repeating: 0, count: 256)
    for byte in UInt8.min...UInt8.max {
      let isDigit = (0x30...0x39).contains(byte)
      let isUpper = (0x41...0x5a).contains(byte)
      let isLower = (0x61...0x7a).contains(byte)
      let isAlphanumeric = isDigit || isUpper || isLower
      var set: UInt8 = 0
      if isAlphanumeric { set |= Characters.alphanumeric.rawValue }
      if isAlphanumeric || byte == UInt8(ascii: "_") { set |= Characters.word.rawValue }
      if isAlphanumeric || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") {
        set |= Characters.wordOrHyphen.rawValue
      }
      if isUpper || isDigit { set |= Characters.upperOrDigit.rawValue }
      if isDigit || (0x61...0x66).contains(byte) || (0x41...0x46).contains(byte) {
        set |= Characters.hexadecimal.rawValue
      }
      if isAlphanumeric || "+/=".utf8.contains(byte) { set |= Characters.base64.rawValue }
      classes[Int(byte)] = set
    }
    var prefixed = [[Prefixed]](repeating: [], count: 256)
    var steps = classes.map { Step(endsWord: $0 & Characters.alphanumeric.rawValue == 0) }
    for format in SecretFormats.all {
      guard let first = format.prefix.first else { continue }
      prefixed[Int(first)].append(format)
      steps[Int(first)].isStart = true
    }
    // Private keys, addresses and settings, npm's settings; headers and settings, JSON web tokens.
    for byte in "-:=_⟦".utf8 { steps[Int(byte)].isMark = true }
    for byte in "aAbBxXpPesS".utf8 { steps[Int(byte)].isStart = true }
    self.classes = classes
    self.steps = steps
    self.prefixed = prefixed
  }

  private static let all: [Prefixed] = [
    prefixed("aws-access-key", ["AKIA", "ASIA", "ABIA", "ACCA"], .upperOrDigit, 16...16),
    prefixed("google-api-key", ["AIza"], .wordOrHyphen, 35...35),
    prefixed("google-oauth", ["ya29."], .wordOrHyphen, 30...2048),
    prefixed("github-token", ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], .alphanumeric, 36...255),
    prefixed("github-token", ["github_pat_"], .word, 60...255),
    prefixed("gitlab-token", ["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-"], .wordOrHyphen, 20...255),
    prefixed("model-key", ["sk-"], .wordOrHyphen, 20...512, needsDigit: true),
    prefixed("stripe-key", ["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"], .alphanumeric, 20...255),
    prefixed(
      "slack-token", ["xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-"], .wordOrHyphen, 20...512),
    prefixed("npm-token", ["npm_"], .alphanumeric, 36...36),
    prefixed("pypi-token", ["pypi-AgE"], .wordOrHyphen, 50...1024),
    prefixed("hugging-face-token", ["hf_"], .alphanumeric, 30...64, needsDigit: false),
    prefixed("vault-token", ["hvs.", "hvb.", "hvr."], .wordOrHyphen, 24...512),
    prefixed("digitalocean-token", ["dop_v1_", "doo_v1_", "dor_v1_"], .hexadecimal, 64...64),
    prefixed("docker-token", ["dckr_pat_", "dckr_oat_"], .wordOrHyphen, 20...255),
    prefixed("shopify-token", ["shpat_", "shpca_", "shppa_", "shpss_"], .hexadecimal, 32...32),
    prefixed("groq-key", ["gsk_"], .alphanumeric, 40...128, needsDigit: true),
    prefixed("nvidia-key", ["nvapi-"], .wordOrHyphen, 60...128),
    prefixed("age-key", ["AGE-SECRET-KEY-1"], .upperOrDigit, 58...58),
    prefixed("databricks-token", ["dapi"], .hexadecimal, 32...34, needsDigit: true),
    prefixed("linear-key", ["lin_api_"], .alphanumeric, 32...64),
    prefixed("new-relic-key", ["NRAK-"], .upperOrDigit, 27...27),
  ].flatMap { $0 }

  private static func prefixed(
    _ rule: String, _ prefixes: [String], _ characters: Characters, _ lengths: ClosedRange<Int>,
    needsDigit: Bool = false
  ) -> [Prefixed] {
    prefixes.map {
      Prefixed(
        rule: rule, prefix: Array($0.utf8), characters: characters, lengths: lengths, needsDigit: needsDigit)
    }
  }
}
