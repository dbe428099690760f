import Conversation
import Glibc

/// Pictures that users hand over with a task.
enum ImageFile {
  /// As many as every provider takes in one message.
  static let most = 20

  /// Reads files; each is a picture by its bytes, not by its name.
  static func read(_ files: [String]) throws(UsageFailure) -> [ImageContent] {
    guard files.count <= most else { throw UsageFailure("--image is given \(files.count) times: \(most) at most") }
    var images: [ImageContent] = []
    for file in files {
      let bytes = try ByteInput.read(file, limit: ImageContent.mostBytes, "a picture")
      guard let image = ImageContent(bytes: bytes) else {
        throw UsageFailure("\(file) is no picture that models take", advice: "PNG, JPEG, GIF or WebP")
      }
      images.append(image)
    }
    return images
  }
}
