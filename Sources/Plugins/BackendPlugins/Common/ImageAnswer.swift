public import SDCore

/// An engine's JSON answer with images in it as base64, decoded where they stand.
public enum ImageAnswer {
  /// What an answer holds.
  public struct Contents: Sendable {
    /// Where the images' bytes are now, in order.
    public var images: [Range<Int>]
    /// Every other member.
    public var rest: JSONObject
  }

  /// Decodes the images of an answer onto the places of their own texts, so that it needs no more memory than it came with.
  ///
  /// Images are the strings of `images` or `image`, and the `b64_json` of the objects in `data`; a `data:` prefix, white
  /// space, missing padding and the escapes of ASCII are taken.
  ///
  /// - Parameter bytes: the answer, a JSON object; afterwards the images' bytes lie in it, and what else there was is spoilt.
  /// - Throws: `output_invalid` for what is no such answer.
  public static func decode(_ bytes: inout [UInt8]) throws(TaskError) -> Contents {
    let decoded: Result<Contents, TaskError> = bytes.withUnsafeMutableBufferPointer { buffer in
      Result { () throws(TaskError) in
        let scanner: ImageAnswerScanner
        do {
          scanner = try ImageAnswerScanner(
            UnsafeBufferPointer(buffer),
            places: [.text("images"), .text("image"), .object("data", member: "b64_json")])
        } catch {
          throw TaskError(.outputInvalid, .deliver, "the engine's answer is not the JSON that it should be: \(error)")
        }
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(scanner.images.count)
        for (index, text) in scanner.images.enumerated() {
          guard let range = ImageAnswerDecoder.decode(text, in: buffer) else {
            throw TaskError(.outputInvalid, .deliver, "picture \(index + 1) of the engine's answer is not base64")
          }
          ranges.append(range)
        }
        return Contents(images: ranges, rest: scanner.rest)
      }
    }
    return try decoded.get()
  }

  /// What an engine said instead of sending pictures.
  static func complaint(_ rest: JSONObject) -> JSONValue? {
    let words = rest.members.filter { ["error", "detail", "message"].contains($0.name) }
    return words.isEmpty ? nil : JSONValue.object(JSONObject(words)).shortened(to: 512)
  }
}
