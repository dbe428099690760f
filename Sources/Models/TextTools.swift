import Conversation
import JSON
import Prompts

/// Tools for models that know none: described in the system text, called by blocks at the end of an answer.
///
/// ```text
/// <tool_call>
/// {"name": "shell", "arguments": {"command": "ls"}}
/// </tool_call>
/// ```
///
/// The form is the one that many open models were trained on. It is read strictly: only blocks that end the answer are
/// calls, so that one which the model quotes from a file runs nothing; a block holds one JSON object with `name` and
/// `arguments` and nothing else. What is almost a call is handed on as one that cannot run, so that the model learns why.
enum TextTools {
  private static let open = "<tool_call>"
  private static let close = "</tool_call>"

  /// What the model is told.
  static func instructions(_ tools: [ToolDefinition]) -> String {
    let list = tools.map { tool in
      let description: JSONValue = [
        "name": .string(tool.name), "description": .string(tool.description), "parameters": tool.objectSchema,
      ]
      return description.text
    }
    return Prompt.textTools.filled(["tools": list.joined(separator: "\n")])
  }

  /// A call as the model would have written it.
  static func call(_ name: String, _ arguments: String) -> String {
    "\(open)\n{\"name\": \(JSONValue.string(name).text), \"arguments\": \(arguments)}\n\(close)"
  }

  /// A result as the model reads it. What the tool wrote cannot end it early.
  static func result(_ result: ToolResult) -> String {
    let output = result.output.replacing("</tool_result", with: "<\\/tool_result")
    return
      "<tool_result id=\"\(acceptableID(result.callID))\"\(result.isError ? " error" : "")>\n\(output)\n</tool_result>"
  }

  /// Divides an answer into what is said and what is called.
  static func read(_ answer: String) -> (text: String, calls: [(name: String, arguments: String)]) {
    var lines = answer.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }[...]
    var calls: [(String, String)] = []
    while true {
      while let last = lines.last, isBlank(last) { lines.removeLast() }
      guard let (body, rest) = lastBlock(lines) else { break }
      calls.append(call(in: body))
      lines = rest
    }
    return (calls.isEmpty ? answer : lines.joined(separator: "\n"), calls.reversed())
  }

  private static func isBlank(_ line: Substring) -> Bool { line.allSatisfy(\.isWhitespace) }

  /// The block that ends some lines, and the lines before it.
  private static func lastBlock(_ lines: ArraySlice<Substring>) -> (body: String, rest: ArraySlice<Substring>)? {
    guard let last = lines.last.map({ Secret(String($0)).value }), last.hasSuffix(close) else { return nil }
    if last.hasPrefix(open), last.utf8.count >= open.utf8.count + close.utf8.count {
      return (String(last.dropFirst(open.count).dropLast(close.count)), lines.dropLast())
    }
    guard last == close else { return nil }
    let before = lines.dropLast()
    guard let start = before.lastIndex(where: { Secret(String($0)).value == open }) else { return nil }
    let body = before[(start + 1)...]
    guard !body.contains(where: { $0.contains(close) }) else { return nil }
    return (body.joined(separator: "\n"), before[..<start])
  }

  private static func call(in body: String) -> (String, String) {
    guard let object = (try? JSONValue(parsing: body))?.object, let name = object["name"]?.string, !name.isEmpty
    else { return ("tool_call", body) }
    guard let arguments = object["arguments"], arguments.object != nil, object.members.count == 2 else {
      return (name, "invalid call: " + body)
    }
    return (name, arguments.text)
  }
}
