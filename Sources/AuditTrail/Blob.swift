import FoundationEssentials
import GRDB
import TransparencyLog

extension Row {
  /// A column's value, whatever a damaged file holds there. GRDB's subscripts end the process where a value is not of the
  /// expected type.
  func at<Value: DatabaseValueConvertible>(_ index: Int) throws -> Value {
    let stored: DatabaseValue = self[index]
    guard let value = Value.fromDatabaseValue(stored) else {
      throw AuditError(
        .damaged, "a row of the record cannot be read", hint: "look at it with `codeagent audit verify`")
    }
    return value
  }

  /// The same, and nil where there is nothing.
  func atIfPresent<Value: DatabaseValueConvertible>(_ index: Int) throws -> Value? {
    let stored: DatabaseValue = self[index]
    return stored.isNull ? nil : try at(index)
  }
}

/// Hashes and bytes in the form that the database takes and gives.
enum Blob {
  typealias Data = FoundationEssentials.Data

  static func data(_ hash: MerkleHash) -> Data { Data(hash.bytes) }

  static func data(_ bytes: [UInt8]) -> Data { Data(bytes) }

  /// The hash in a column; nil when it is not 32 bytes.
  static func hash(_ row: Row, _ index: Int) throws -> MerkleHash? {
    try row.withUnsafeData(atIndex: index) { data in data?.withUnsafeBytes { MerkleHash($0) } }
  }
}
