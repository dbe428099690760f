import JSON
import TOMLKit

/// Reads a TOML table strictly: unknown names and wrong types are errors that name the file and the place.
struct TableReader {
  private let table: TOMLTable
  /// The file and the table in it, for messages.
  let place: String

  init(_ table: TOMLTable, file: String) {
    self.table = table
    place = file
  }

  private init(_ table: TOMLTable, place: String) {
    self.table = table
    self.place = place
  }

  /// Refuses names that mean nothing, so that a misspelt restriction is not silently no restriction.
  func allow(_ names: [String]) throws(UsageFailure) {
    for key in table.keys where !names.contains(key) {
      throw UsageFailure(
        "\(place): `\(key)` is not a setting here", advice: "known here: \(names.joined(separator: ", "))")
    }
  }

  func string(_ name: String) throws(UsageFailure) -> String? {
    guard let value = table[name] else { return nil }
    guard let text = value.string else { throw wrong(name, "a string") }
    return text
  }

  /// One of some words.
  func string(_ name: String, among words: [String]) throws(UsageFailure) -> String? {
    guard let text = try string(name) else { return nil }
    guard words.contains(text) else {
      throw UsageFailure("\(place): `\(name)` is `\(text)`", advice: "known: \(words.joined(separator: ", "))")
    }
    return text
  }

  func int(_ name: String) throws(UsageFailure) -> Int? {
    guard let value = table[name] else { return nil }
    guard let number = value.int else { throw wrong(name, "a whole number") }
    return number
  }

  func bool(_ name: String) throws(UsageFailure) -> Bool? {
    guard let value = table[name] else { return nil }
    guard let flag = value.bool else { throw wrong(name, "true or false") }
    return flag
  }

  func double(_ name: String) throws(UsageFailure) -> Double? {
    guard let value = table[name] else { return nil }
    guard let number = value.double ?? value.int.map(Double.init) else { throw wrong(name, "a number") }
    return number
  }

  func list(_ name: String) throws(UsageFailure) -> [String]? {
    guard let value = table[name] else { return nil }
    guard let array = value.array else { throw wrong(name, "a list of strings") }
    var texts: [String] = []
    for element in array {
      guard let text = element.string else { throw wrong(name, "a list of strings") }
      texts.append(text)
    }
    return texts
  }

  func table(_ name: String) throws(UsageFailure) -> TableReader? {
    guard let value = table[name] else { return nil }
    guard let inner = value.table else { throw wrong(name, "a table") }
    return TableReader(inner, place: "\(place) [\(name)]")
  }

  /// The tables below a name, by their own names.
  func tables(_ name: String) throws(UsageFailure) -> [(String, TableReader)] {
    guard let outer = try table(name) else { return [] }
    var result: [(String, TableReader)] = []
    for key in outer.table.keys.sorted() {
      guard let inner = try outer.table(key) else { continue }
      result.append((key, inner))
    }
    return result
  }

  /// The tables of this table, by their names.
  func tables() throws(UsageFailure) -> [(String, TableReader)] {
    var result: [(String, TableReader)] = []
    for key in table.keys.sorted() {
      guard let inner = try table(key) else { continue }
      result.append((key, inner))
    }
    return result
  }

  /// The tables of an array (`[[name]]`), in order.
  func tableArray(_ name: String) throws(UsageFailure) -> [TableReader] {
    guard let value = table[name] else { return [] }
    guard let array = value.array else { throw wrong(name, "an array of tables") }
    var result: [TableReader] = []
    for (index, element) in array.enumerated() {
      guard let inner = element.table else { throw wrong(name, "an array of tables") }
      result.append(TableReader(inner, place: "\(place) [[\(name)]] \(index + 1)"))
    }
    return result
  }

  /// A table of anything that JSON has, too.
  func json(_ name: String) throws(UsageFailure) -> JSONObject {
    guard let inner = try table(name) else { return [:] }
    return try inner.json()
  }

  private func json() throws(UsageFailure) -> JSONObject {
    var object = JSONObject()
    for key in table.keys {
      guard let value = table[key] else { continue }
      object[key] = try json(value, key)
    }
    return object
  }

  private func json(_ value: any TOMLValueConvertible, _ key: String) throws(UsageFailure) -> JSONValue {
    if let text = value.string { return .string(text) }
    if let bool = value.bool { return .bool(bool) }
    if let int = value.int { return JSONValue(int) }
    if let double = value.double { return .double(double) }
    if let inner = value.table { return .object(try TableReader(inner, place: "\(place) [\(key)]").json()) }
    guard let array = value.array else { throw wrong(key, "something that JSON has, too") }
    var elements: [JSONValue] = []
    for element in array { elements.append(try json(element, key)) }
    return .array(elements)
  }

  /// A table of strings.
  func strings(_ name: String) throws(UsageFailure) -> [String: String] {
    guard let inner = try table(name) else { return [:] }
    var result: [String: String] = [:]
    for key in inner.table.keys { result[key] = try inner.string(key) }
    return result
  }

  /// Lists of strings, by their names.
  func lists() throws(UsageFailure) -> [String: [String]] {
    var result: [String: [String]] = [:]
    for key in table.keys { result[key] = try list(key) }
    return result
  }

  private func wrong(_ name: String, _ kind: String) -> UsageFailure {
    UsageFailure("\(place): `\(name)` must be \(kind)")
  }
}
