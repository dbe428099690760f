import Paths

/// What a request asks for, in words. Text from requests can be hostile: it reaches terminals only in quoted form.
enum RequestText {
  /// Such as `.env cannot be read`.
  static func refusal(_ request: AccessRequest, paths: [RepoPath] = []) -> String {
    switch request.resource {
    case .file(let file): "\(file.path.quoted) cannot be \(participle(request.action))"
    case .command(let command): "\(Quoting.quote(command.program)) cannot be started"
    case .host(let host): "\(quote(host.name)), port \(host.port), cannot be connected to"
    case .model(let model): "\(quote("\(model.provider)/\(model.name)")) cannot be called"
    case .delivery: "the change cannot be delivered" + (paths.isEmpty ? "" : ": \(list(paths))")
    case .spending: "nothing more can be spent"
    case .tool(let tool): "\(quote("\(tool.server)/\(tool.name)")) cannot be called"
    }
  }

  /// Such as `the change of .vscode/tasks.json`.
  static func subject(_ request: AccessRequest, paths: [RepoPath]) -> String {
    switch request.resource {
    case .file(let file): "that \(file.path.quoted) is \(participle(request.action))"
    case .command(let command): "the start of \(Quoting.quote(command.program))"
    case .host(let host): "the connection to \(quote(host.name)), port \(host.port),"
    case .model(let model): "the call of \(quote("\(model.provider)/\(model.name)"))"
    case .delivery: paths.isEmpty ? "the change" : "the change of \(list(paths))"
    case .spending: "further spending"
    case .tool(let tool): "the call of \(quote("\(tool.server)/\(tool.name)"))"
    }
  }

  /// A text of a policy's author on one line, without what could move a cursor.
  static func line(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator: " "
          default: scalar
          }
        }))
  }

  static func quote(_ text: String) -> String { Quoting.quote(Array(text.utf8)) }

  static func list(_ paths: [RepoPath]) -> String {
    let shown = paths.prefix(3).map(\.quoted).joined(separator: ", ")
    return paths.count > 3 ? "\(shown) and \(paths.count - 3) more" : shown
  }

  private static func participle(_ action: Action) -> String {
    switch action {
    case .read: "read"
    case .delete: "removed"
    case .deliverApply, .deliverBranch, .deliverPatch: "delivered"
    default: "changed"
    }
  }
}
