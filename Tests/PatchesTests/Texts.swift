extension String {
  var bytes: [UInt8] { Array(utf8) }
}

func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
