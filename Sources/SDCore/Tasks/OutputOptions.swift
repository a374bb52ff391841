/// How the pictures of a task are to be stored. Where nothing is said they stay as the engine made them, byte for byte.
public struct OutputOptions: Sendable, Hashable, Codable {
  /// What pictures can be made into.
  public enum Format: String, Sendable, Hashable, Codable, CaseIterable {
    case png, jpeg, webp
  }

  /// What becomes of what engines write into pictures beside the pixels: prompts, seeds, whole graphs.
  public enum Metadata: String, Sendable, Hashable, Codable, CaseIterable {
    case keep, strip
  }

  /// What pictures are made into; `nil` to leave them what they are.
  public var format: Format?
  /// Quality of JPEG and lossy WebP, 1 to 100; `nil` for ``standardQuality``.
  public var quality: Int?
  /// Whether a WebP keeps every pixel as it is.
  public var lossless: Bool?
  /// `nil` for what the worker does as a rule.
  public var metadata: Metadata?
  /// The longest side of a small picture that is stored beside each picture, in pixels; `nil` for none.
  public var thumbnail: Int?

  /// The quality where none is named.
  public static let standardQuality = 90
  /// The sides that small pictures can have.
  public static let thumbnailSides = 16...1024

  /// Pictures as the engine made them.
  public init(
    format: Format? = nil, quality: Int? = nil, lossless: Bool? = nil, metadata: Metadata? = nil, thumbnail: Int? = nil
  ) {
    (self.format, self.quality, self.lossless) = (format, quality, lossless)
    (self.metadata, self.thumbnail) = (metadata, thumbnail)
  }

  /// Whether everything stays as the engine made it.
  public var changesNothing: Bool { format == nil && thumbnail == nil && metadata != .strip }

  /// These options, and where they say nothing, those.
  public func filled(from others: OutputOptions) -> OutputOptions {
    var filled = self
    if format == nil {
      (filled.format, filled.quality, filled.lossless) = (others.format, others.quality, others.lossless)
    }
    filled.metadata = metadata ?? others.metadata
    filled.thumbnail = thumbnail ?? others.thumbnail
    return filled
  }
}

extension OutputOptions {
  /// The options as they go over the wire.
  public var json: JSONValue {
    var json: JSONValue = [:]
    json["format"] = format.map { .string($0.rawValue) }
    json["quality"] = quality.map(JSONValue.int)
    json["lossless"] = lossless.map(JSONValue.bool)
    json["metadata"] = metadata.map { .string($0.rawValue) }
    json["thumbnail"] = thumbnail.map(JSONValue.int)
    return json
  }

  /// Options from what came over the wire.
  ///
  /// - Throws: `RequestProblem` with a field for everything that is wrong, its pointer below the options themselves.
  public init(json: JSONValue) throws(RequestProblem) {
    self.init()
    var fields: [RequestProblem.Field] = []
    guard let object = json.object else {
      throw RequestProblem("outputs is unusable", fields: [.init("", "is a \(json.kind), not an object")])
    }
    func choice<Value: CaseIterable & RawRepresentable<String>>(_ name: String) -> Value? {
      guard let value = object[name] else { return nil }
      if let known = value.string.flatMap(Value.init(rawValue:)) { return known }
      let words = Value.allCases.map(\.rawValue).joined(separator: ", ")
      fields.append(.init("/\(name)", "is none of \(words)"))
      return nil
    }
    func number(_ name: String, in range: ClosedRange<Int>) -> Int? {
      guard let value = object[name] else { return nil }
      if let number = value.int, range.contains(number) { return number }
      fields.append(.init("/\(name)", "is not a whole number from \(range.lowerBound) to \(range.upperBound)"))
      return nil
    }
    format = choice("format")
    metadata = choice("metadata")
    quality = number("quality", in: 1...100)
    thumbnail = number("thumbnail", in: Self.thumbnailSides)
    if let value = object["lossless"] {
      lossless = value.bool
      if lossless == nil { fields.append(.init("/lossless", "is a \(value.kind), not a boolean")) }
    }
    if quality != nil, format != .jpeg, format != .webp || lossless == true {
      fields.append(.init("/quality", "goes with format jpeg, and with webp that is not lossless"))
    }
    if lossless == true, format != .webp { fields.append(.init("/lossless", "goes with format webp")) }
    let known = ["format", "quality", "lossless", "metadata", "thumbnail"]
    for name in object.names where !known.contains(name) {
      fields.append(.init("/\(name)", "is not a member of outputs"))
    }
    guard fields.isEmpty else { throw RequestProblem("outputs is unusable", fields: fields) }
  }
}
