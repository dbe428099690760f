import Cedar

/// Checks policies against the schema.
struct PolicyValidator: Sendable {
  /// The schema in Cedar's own syntax.
  let text: String
  private let schema: Schema

  /// The schema of an agent with these tools of MCP servers.
  init(tools: [Resource.Tool]) throws(CedarError) {
    text = PolicySchema(tools: tools).text
    schema = try Schema(parsing: text, source: "schema")
  }

  /// The schema without tools.
  static let standard: Result<PolicyValidator, CedarError> = {
    do throws(CedarError) { return .success(try PolicyValidator(tools: [])) } catch { return .failure(error) }
  }()

  func validate(_ set: PolicySet) -> (errors: [CedarDiagnostic], warnings: [CedarDiagnostic]) {
    let result = schema.validate(set)
    return (result.errors.map(\.diagnostic), result.warnings.map(\.diagnostic))
  }
}
