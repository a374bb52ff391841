import Foundation
import ImageKit
import SDCore

@testable import AWSKit
@testable import BackendPlugins

// What engines answer: JSON with base64 in it, and pictures. JSON is read by two parsers here.

extension Target {
  /// The task contracts' own JSON, and the one of AWS's JSON protocols.
  static func json(_ input: [UInt8]) {
    _ = try? JSONElement(input)
    guard let value = try? JSONValue(parsing: input) else { return }
    guard let again = try? JSONValue(parsing: value.serialized()) else {
      preconditionFailure("what was written cannot be read")
    }
    precondition(again == value, "not the same when read again")
  }

  /// Pictures in base64 within an answer, and base64 by itself.
  static func engines(_ input: [UInt8]) {
    var bytes = input
    if let contents = try? ImageAnswer.decode(&bytes) {
      precondition(bytes.count == input.count, "the answer has another size")
      var end = 0
      for range in contents.images {
        precondition(range.lowerBound >= end && range.upperBound <= bytes.count, "pictures beyond their texts")
        end = range.upperBound
      }
    }
    precondition(Base64.decode(Base64.encode(input)) == input, "not the same when decoded")
    let text = String(decoding: input, as: UTF8.self)
    if let own = Base64.decode(text), let theirs = Data(base64Encoded: text) {
      precondition(own == Array(theirs), "decoded otherwise than by Foundation")
    }
  }

  /// Pictures of all formats, and the texts in PNGs.
  static func images(_ input: [UInt8]) {
    var limits = ImageLimits()
    limits.maxTextBytes = 1 << 20
    let info = try? ImageInfo.inspect(input.span, limits: limits)
    if let info { precondition(info.width > 0 && info.height > 0, "a size of \(info.width)x\(info.height)") }
    guard info?.format == .png else { return }
    _ = try? PNGText.read(from: input.span, limits: limits)
    guard let bare = try? PNGText.strip(from: input.span, limits: limits) else { return }
    precondition((try? PNGText.read(from: bare.span, limits: limits))?.isEmpty == true, "texts are left")
    if info?.isComplete == true {
      let after = try? ImageInfo.inspect(bare.span, limits: limits)
      precondition(after?.isComplete == true, "a whole picture without its texts is broken")
    }
  }
}
