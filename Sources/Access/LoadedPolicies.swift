import Cedar
import Paths

/// All policies of all layers, read and checked.
struct LoadedPolicies: Sendable {
  /// The policies that ship, as text.
  static let shippedText = PackageResources.shipped_cedar

  private(set) var schemaText: String
  /// Paths of directories and files that policies name.
  private(set) var paths: Set<RepoPath> = []
  /// What may not be as it was meant.
  private(set) var warnings: [PolicyFinding] = []
  private var set = PolicySet()
  private var loaded: [LoadedPolicy] = []
  private var hasFiles = false

  init(_ sources: PolicySources, settings: CompiledSettings) throws(PolicyError) {
    let findings = try Self.load(sources, settings: settings)
    self = findings.loaded
    if let first = findings.errors.first { throw first }
  }

  private init(schemaText: String) { self.schemaText = schemaText }

  /// The policies that ship, read and checked.
  private static let shipped: (LoadedPolicies, [PolicyError]) = {
    var result = LoadedPolicies(schemaText: "")
    do throws(CedarError) {
      let validator = try PolicyValidator.standard.get()
      let errors = result.add(shippedText, name: "shipped.cedar", prefix: "", layer: .shipped, validator)
      return (result, errors)
    } catch {
      return (result, [PolicyError(layer: .shipped, file: "schema", reason: "\(error)")])
    }
  }()

  /// Reads everything and goes on after a mistake, so that all mistakes are found.
  static func load(
    _ sources: PolicySources, settings: CompiledSettings
  ) throws(PolicyError) -> (loaded: LoadedPolicies, errors: [PolicyError]) {
    let validator: PolicyValidator
    do throws(CedarError) {
      validator = sources.tools.isEmpty ? try PolicyValidator.standard.get() : try PolicyValidator(tools: sources.tools)
    } catch {
      throw PolicyError(layer: .shipped, file: "schema", reason: "\(error)")
    }
    // What ships is read once; it is valid for every schema that has more tools.
    var (result, errors) = Self.shipped
    result.schemaText = validator.text
    for part in settings.policies {
      errors += result.add(
        Array(part.text.utf8), name: "settings of the \(part.layer.rawValue)", prefix: "", layer: part.layer, validator)
    }
    for file in sources.policies {
      result.hasFiles = true
      errors += result.add(
        Array(file.text.utf8), name: file.name, prefix: "\(file.layer.rawValue)/\(Self.stem(of: file.name))/",
        layer: file.layer, validator)
    }
    return (result, errors)
  }

  /// The policies that decide, without the forbids of some layers.
  func engine(without layers: Set<LayerName> = []) -> PolicyEngine {
    if layers.isEmpty { return PolicyEngine(set, loaded) }
    let left = Set(loaded.filter { $0.effect == .forbid && layers.contains($0.layer) }.map(\.rule.rawValue))
    return PolicyEngine(set.filter { !left.contains($0.id) }, loaded)
  }

  /// True when no policy of a file is in force.
  var readsFollowFromLabels: Bool { !hasFiles }

  /// The policies in their order.
  var policies: [(policy: Policy, layer: LayerName)] { zip(set.policies, loaded).map { ($0, $1.layer) } }

  private mutating func add(
    _ text: [UInt8], name: String, prefix: String, layer: LayerName, _ validator: PolicyValidator
  ) -> [PolicyError] {
    func error(_ diagnostic: CedarDiagnostic) -> PolicyError {
      PolicyError(
        layer: layer, file: name, line: diagnostic.position?.line, column: diagnostic.position?.column,
        reason: diagnostic.message + (diagnostic.help.map { " (\($0))" } ?? ""))
    }
    func error(_ policy: Policy, _ reason: String) -> PolicyError {
      PolicyError(
        layer: layer, file: name, line: policy.position.line, column: policy.position.column, reason: reason)
    }
    guard text.count <= Self.mostBytes else {
      return [PolicyError(layer: layer, file: name, reason: "it is longer than \(Self.mostBytes >> 20) MiB")]
    }
    let read: PolicySet
    do throws(CedarError) {
      read = try PolicySet(parsing: text, source: name, naming: .annotated(prefix: prefix))
    } catch { return error.diagnostics.map(error(_:)) }
    var errors = read.templates.map {
      error($0, "a template decides nothing here: write the entity in place of the slot")
    }
    if layer == .repository {
      errors += read.policies.filter { $0.effect == .permit }.map {
        error($0, "a repository's policies can only forbid")
      }
    }
    let findings = validator.validate(read)
    errors += findings.errors.map(error(_:))
    warnings += findings.warnings.map { PolicyFinding(error($0)) }
    guard errors.isEmpty else { return errors }
    do throws(CedarError) { try set.add(read) } catch { return error.diagnostics.map(error(_:)) }
    for policy in read.policies {
      let reason = policy.annotation("reason")
      loaded.append(
        LoadedPolicy(
          rule: RuleID(rawValue: policy.id), layer: layer, effect: policy.effect, reason: reason, file: name,
          line: policy.position.line, text: policy.text))
      for entity in policy.entityLiterals where entity.type == "Directory" || entity.type == "File" {
        guard let path = RepoPath(quoted: entity.id), path.quoted == entity.id else {
          warnings.append(PolicyFinding(error(policy, "\(entity) is not a path as git writes it: it never matches")))
          continue
        }
        if !path.isRoot { paths.insert(path) }
      }
    }
    return []
  }

  static let mostBytes = 4 << 20

  /// The name of a file without its directory and ending.
  private static func stem(of name: String) -> String {
    let base = name.split(separator: "/").last.map(String.init) ?? name
    return base.hasSuffix(".cedar") ? String(base.dropLast(".cedar".count)) : base
  }
}

/// Something that does not stop a run and that an author wants to know.
public struct PolicyFinding: Sendable, Hashable, CustomStringConvertible {
  /// The file.
  public let file: String
  /// The line in it, from 1.
  public let line: Int?
  /// What may be wrong.
  public let message: String

  init(_ error: PolicyError) {
    file = error.place
    line = error.line
    message = error.reason
  }

  /// `file:line: message`.
  public var description: String { "\(file)\(line.map { ":\($0)" } ?? ""): \(message)" }
}
