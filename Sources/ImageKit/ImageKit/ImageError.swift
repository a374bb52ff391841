/// Why bytes are not an acceptable picture, or why a picture cannot be written.
public struct ImageError: Error, Sendable, Hashable {
  /// The kinds of failure that a caller tells apart.
  public enum Code: String, Sendable, Hashable {
    /// There are no bytes.
    case empty
    /// The bytes are of no format known here.
    case unknownFormat
    /// The bytes are of a known format that is not a picture; the message names it.
    case notAnImage
    /// A limit would be passed: bytes, pixels, a side, chunks, inflated text.
    case overLimit
    /// The bytes stop before the picture's end.
    case truncated
    /// The bytes break their format's rules.
    case malformed
    /// A sound file of a kind that is not worked on here.
    case unsupported
    /// What was to be written cannot be expressed in the format.
    case invalidArgument
    /// Memory for the work could not be had.
    case outOfMemory
  }

  /// What kind of failure it is.
  public var code: Code
  /// What is wrong with which part, with an offset where that helps; never the picture's own text.
  public var message: String

  /// An error of image handling.
  public init(_ code: Code, _ message: String) {
    (self.code, self.message) = (code, message)
  }
}

extension ImageError: CustomStringConvertible {
  /// The message, with the code in front.
  public var description: String { "\(code.rawValue): \(message)" }
}
