import Access
import ArgumentParser
import Glibc
import JSON
import Workspace

/// `codeagent policy check`: reads and validates policies and label files.
struct PolicyCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Validate policies and label files; say what may not be meant.",
    discussion: """
      Without FILES: everything that would be in force for a run in this directory. Exit code 1 when a run would be \
      stopped.

      EXAMPLES
        codeagent policy check
        codeagent policy check policies/*.cedar policies/*.labels
        codeagent policy check --layer repository .codeagent/policies
      """)

  @Argument(help: "Policy files (.cedar), label files (.labels), or directories of them.") var files: [String] = []
  @Option(help: ArgumentHelp("The layer that FILES belong to.", valueName: "organisation|user|repository"))
  var layer = LayerChoice.organisation
  @OptionGroup var output: OutputOptions

  func run() throws {
    var sources = PolicySources()
    if files.isEmpty {
      let assembly = try Assembly(location: try? CheckoutLocation.resolve(Array(".".utf8)))
      sources = try assembly.policySources()
    } else {
      for file in files { try PolicyPaths.add(file, layer.name, to: &sources) }
    }
    let check = PolicyCheck(sources)
    if output.json {
      Output.write(
        JSONValue.object([
          "v": 1, "policies": JSONValue(check.policies), "label_rules": JSONValue(check.labelRules),
          "digest": JSONValue(check.digest),
          "errors": .array(
            check.errors.map {
              [
                "file": .string($0.place), "line": $0.line.map { JSONValue($0) } ?? .null,
                "column": $0.column.map { JSONValue($0) } ?? .null, "message": .string($0.reason),
              ]
            }),
          "warnings": .array(
            check.warnings.map {
              [
                "file": .string($0.file), "line": $0.line.map { JSONValue($0) } ?? .null,
                "message": .string($0.message),
              ]
            }),
        ]).serialized + [0x0a])
    } else {
      let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
      for error in check.errors { Output.write("\(style.bad("✗")) \(Display.safe(error.description))\n") }
      for warning in check.warnings { Output.write("\(style.warning("!")) \(Display.safe(warning.description))\n") }
      if let digest = check.digest {
        Output.write(
          "\(style.good("✓")) \(check.policies) policies, \(check.labelRules) label rules; digest \(digest.prefix(16))\n"
        )
      }
    }
    if !check.errors.isEmpty { throw ExitStatus(code: 1) }
  }
}

/// A layer that files can belong to.
enum LayerChoice: String, CaseIterable, ExpressibleByArgument {
  case organisation
  case user
  case repository

  var name: LayerName {
    switch self {
    case .organisation: .organisation
    case .user: .user
    case .repository: .repository
    }
  }
}

/// Files and directories that a command line names.
enum PolicyPaths {
  static func add(_ path: String, _ layer: LayerName, to sources: inout PolicySources) throws {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw UsageFailure("\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    if status.st_mode & S_IFMT == S_IFDIR {
      try PolicyFiles.add(directory: path, layer, to: &sources)
    } else {
      guard path.hasSuffix(".cedar") || path.hasSuffix(".labels") else {
        throw UsageFailure("\(path) is neither a policy file (.cedar) nor a label file (.labels)")
      }
      try PolicyFiles.add(file: path, layer, to: &sources)
    }
  }
}
