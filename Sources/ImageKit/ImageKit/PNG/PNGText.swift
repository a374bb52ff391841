/// One piece of text in a PNG: the engines' note of how the picture was made (PNG specification, 11.3.3).
public struct PNGText: Sendable, Hashable {
  /// The chunks that hold text.
  public enum Storage: Sendable, Hashable {
    /// tEXt: Latin-1.
    case latin1
    /// zTXt: Latin-1, compressed.
    case compressedLatin1
    /// iTXt: UTF-8, perhaps compressed, with a language tag and the keyword in that language.
    case international(compressed: Bool = false, language: String = "", translatedKeyword: String = "")
  }

  /// What the text is about, in 1 to 79 Latin-1 characters.
  ///
  /// `parameters` is the web UIs', `prompt` and `workflow` are ComfyUI's.
  public var keyword: String
  /// The text.
  public var text: String
  /// The chunk it was read from, or is to be written as.
  public var storage: Storage

  /// A text to write: as tEXt where Latin-1 can hold it, else as iTXt, as the web UIs' writer chooses.
  public init(_ keyword: String, _ text: String) {
    self.init(keyword, text, storage: Self.fitsLatin1(text) ? .latin1 : .international())
  }

  /// A text to write in a chunk of choice.
  public init(_ keyword: String, _ text: String, storage: Storage) {
    (self.keyword, self.text, self.storage) = (keyword, text, storage)
  }

  /// The texts of a PNG, in file order.
  ///
  /// A tEXt chunk that is UTF-8 beyond ASCII is read as that: several engines write it so, against the specification.
  /// The picture itself is not looked at.
  /// - Throws: `ImageError` for a file that is no PNG, broken chunks, and more text than `limits.maxTextBytes`.
  public static func read(
    from bytes: Span<UInt8>, limits: ImageLimits = ImageLimits()
  ) throws(ImageError) -> [PNGText] {
    try limits.check(byteCount: bytes.count)
    var (texts, left) = ([PNGText](), limits.maxTextBytes)
    _ = try PNGChunk.forEach(in: bytes, limits) { (chunk) throws(ImageError) in
      guard isText(chunk) else { return }
      try chunk.checkCRC(bytes)
      texts.append(try decode(chunk, bytes, &left))
    }
    return texts
  }

  /// The chunks that this type reads and removes.
  static func isText(_ chunk: PNGChunk) -> Bool {
    chunk.type == "tEXt" || chunk.type == "zTXt" || chunk.type == "iTXt"
  }

  /// Whether tEXt holds the text so that it reads back the same, here as elsewhere: bytes that could be taken for UTF-8 do
  /// not.
  private static func fitsLatin1(_ text: String) -> Bool {
    guard let bytes = latin1(text) else { return false }
    return bytes.allSatisfy { $0 < 0x80 } || !bytes.span.isUTF8
  }
}
