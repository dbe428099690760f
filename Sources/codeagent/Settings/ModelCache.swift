import Glibc
import JSON
import Models

/// What providers told of their models, kept in the cache directory: asking takes a second or two, and changes rarely.
struct ModelCache: Sendable {
  /// What one provider told.
  struct Known: Sendable {
    /// Where it was asked.
    var endpoint: String
    /// When, in seconds since 1970.
    var time: Int
    var models: [ModelListing]
    /// Trials by model, as they are shown.
    var probes: [String: JSONValue] = [:]

    /// Older lists are asked for anew.
    var isFresh: Bool { Glibc.time(nil) - time < 24 * 3600 }
  }

  private let directory: String?

  init(_ environment: [String: String]) {
    directory = (try? Directories.cache(environment)).map { $0 + "/models" }
  }

  private func file(_ provider: String) -> String? {
    // Providers' names are the user's own, and may hold anything.
    let name = String(
      provider.unicodeScalars.map {
        $0.properties.isAlphabetic || "0123456789-_".unicodeScalars.contains($0) ? Character($0) : "_"
      })
    return directory.map { "\($0)/\(name).json" }
  }

  /// What is known of a provider; nil when nothing is.
  func known(_ provider: String) -> Known? {
    guard let file = file(provider), access(file, R_OK) == 0, let text = try? TextInput.read(file),
      let json = try? JSONValue(parsing: text), json["v"]?.int == 1, let endpoint = json["endpoint"]?.string,
      let time = json["time"]?.int
    else { return nil }
    var probes: [String: JSONValue] = [:]
    for member in json["probes"]?.object?.members ?? [] { probes[member.name] = member.value }
    return Known(
      endpoint: endpoint, time: time, models: (json["models"]?.array ?? []).compactMap(ModelListing.init(json:)),
      probes: probes)
  }

  /// Keeps what a provider told; where that is not possible, it is asked again next time.
  func keep(_ known: Known, of provider: String) {
    guard let directory, let file = file(provider), (try? Directories.make(Array(directory.utf8))) != nil else {
      return
    }
    var probes = JSONObject()
    for (name, probe) in known.probes.sorted(by: { $0.key < $1.key }) { probes[name] = probe }
    let json: JSONValue = [
      "v": 1, "endpoint": .string(known.endpoint), "time": JSONValue(known.time),
      "models": .array(known.models.map(\.json)), "probes": .object(probes),
    ]
    try? PatchFile.write(json.serialized, to: file)
  }
}
