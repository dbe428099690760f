import Glibc

/// Where libcurl lays the bytes of a body: for a server's smallest pieces, a thousand a turn, this is a copy and an addition.
///
/// The memory has a fixed place, which libcurl is given; it lives until ``free()``, and is touched on the transfer thread alone.
struct Incoming {
  /// The transfer, for what is not simply a copy. It outlives its libcurl handle.
  private let transfer: Unmanaged<Transfer>
  private let bytes: UnsafeMutableRawPointer
  private(set) var count = 0
  /// Bytes of the whole body so far, those that were handed on included.
  private(set) var total = 0
  /// How many more fit, or are allowed.
  private var room = 0
  private static let capacity = 32 << 10

  /// Memory for a transfer; nothing is laid into it before ``drain(allowing:_:)``.
  static func make(for transfer: Transfer) -> UnsafeMutablePointer<Incoming> {
    let place = UnsafeMutablePointer<Incoming>.allocate(capacity: 1)
    place.initialize(to: Incoming(transfer: Unmanaged.passUnretained(transfer)))
    return place
  }

  private init(transfer: Unmanaged<Transfer>) {
    self.transfer = transfer
    bytes = UnsafeMutableRawPointer.allocate(byteCount: Self.capacity, alignment: 16)
  }

  /// Gives the memory back; its place is of no use afterwards.
  func free() { bytes.deallocate() }

  /// Takes bytes from libcurl; returns what its callback has to.
  @inline(__always)
  static func receive(_ context: UnsafeMutableRawPointer?, _ new: UnsafePointer<CChar>?, _ length: Int) -> Int {
    guard let place = context?.assumingMemoryBound(to: Incoming.self), let new else { return 0 }
    guard length <= place.pointee.room else {
      return place.pointee.transfer.takeUnretainedValue().received(UnsafeRawBufferPointer(start: new, count: length))
    }
    place.pointee.append(new, length)
    return length
  }

  private mutating func append(_ new: UnsafeRawPointer, _ length: Int) {
    memcpy(bytes + count, new, length)
    count += length
    total += length
    room -= length
  }

  /// Takes bytes that fit into empty memory; false when there is no room for so many.
  mutating func take(_ new: UnsafeRawBufferPointer) -> Bool {
    guard new.count <= room, let base = new.baseAddress else { return new.isEmpty }
    append(base, new.count)
    return true
  }

  /// Hands everything on, and makes room.
  /// - Parameter most: the most bytes of the whole body.
  mutating func drain(allowing most: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    if count > 0 { body(UnsafeRawBufferPointer(start: bytes, count: count)) }
    count = 0
    room = min(Self.capacity, most - total)
  }
}
