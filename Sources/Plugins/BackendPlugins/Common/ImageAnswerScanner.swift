import SDCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A look through an engine's JSON answer that finds where its image texts lie without parsing them.
///
/// The answer is an object; some of its members hold texts of many megabytes. Everything else is handed to the JSON
/// parser, which also judges it. Nothing is copied but that.
struct ImageAnswerScanner {
  /// Where an engine puts its images.
  enum Place {
    /// A member that is a string or an array of strings.
    case text(String)
    /// A member that is an array of objects, in which one member is a string.
    case object(String, member: String)

    var name: String {
      switch self {
      case .text(let name), .object(let name, _): name
      }
    }
  }

  /// Where an image's text lies, between its quotes.
  struct Text: Equatable {
    var range: Range<Int>
    /// Whether there are backslashes in it.
    var hasEscapes: Bool
  }

  /// What is wrong with an answer, and at which byte.
  struct Fault: Error, CustomStringConvertible {
    var message: String
    var offset: Int
    var description: String { "\(message) at byte \(offset)" }
  }

  /// The image texts, in order.
  private(set) var images: [Text] = []
  /// All other members.
  private(set) var rest = JSONObject()

  private let places: [Place]
  private static let maximumImages = 4096

  /// Looks through an answer.
  ///
  /// - Throws: `Fault` for what is no JSON object, and for image members of another shape.
  init(_ bytes: UnsafeBufferPointer<UInt8>, places: [Place]) throws(Fault) {
    self.places = places
    var reader = Reader(bytes: bytes)
    try reader.object { (name, start, reader) throws(Fault) in
      switch places.first(where: { $0.name == name }) {
      case nil: rest[name] = try reader.value(from: start)
      case .text: try readTexts(&reader, start)
      case .object(_, let member): try readObjects(&reader, start, name, member)
      }
    }
    guard reader.isAtEnd else { throw reader.error("unexpected text after the value") }
  }

  private mutating func readTexts(_ reader: inout Reader, _ start: Int) throws(Fault) {
    // Of equal names the last counts.
    images = []
    if reader.next == UInt8(ascii: "\"") {
      images = [try reader.string()]
    } else if reader.next == UInt8(ascii: "[") {
      try reader.array { (reader) throws(Fault) in try add(try reader.string(), reader) }
    } else {
      guard case .null = try reader.value(from: start) else { throw reader.error("the images are no strings") }
    }
  }

  private mutating func readObjects(
    _ reader: inout Reader, _ start: Int, _ name: String, _ member: String
  ) throws(Fault) {
    images = []
    guard reader.next == UInt8(ascii: "[") else {
      guard case .null = try reader.value(from: start) else { throw reader.error("\(name) is no array") }
      return
    }
    var others: [JSONValue] = []
    try reader.array { (reader) throws(Fault) in
      var other = JSONObject()
      try reader.object { (name, start, reader) throws(Fault) in
        if name == member, reader.next == UInt8(ascii: "\"") {
          try add(try reader.string(), reader)
        } else {
          other[name] = try reader.value(from: start)
        }
      }
      others.append(.object(other))
    }
    rest[name] = .array(others)
  }

  private mutating func add(_ text: Text, _ reader: Reader) throws(Fault) {
    images.append(text)
    guard images.count <= Self.maximumImages else { throw reader.error("the answer has too many images") }
  }
}

extension ImageAnswerScanner {
  /// A place in the answer.
  ///
  /// What it skips it only delimits; the parser judges it.
  private struct Reader {
    let bytes: UnsafeBufferPointer<UInt8>
    private(set) var position = 0
    private let maximumMembers = 1024

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    func error(_ message: String) -> Fault { Fault(message: message, offset: position) }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    @discardableResult
    mutating func skipSpace() -> Int {
      while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
      return position
    }

    var isAtEnd: Bool {
      mutating get {
        skipSpace()
        return position == bytes.count
      }
    }

    /// Passes a character if it comes next, after white space.
    mutating func skips(_ byte: UInt8) throws(Fault) -> Bool {
      skipSpace()
      guard let next else { throw error("the text ends too early") }
      guard next == byte else { return false }
      position += 1
      return true
    }

    mutating func expect(_ byte: UInt8) throws(Fault) {
      guard try skips(byte) else { throw error("'\(Character(Unicode.Scalar(byte)))' should be here") }
    }

    /// Passes a string and tells where it lies, quotes not included.
    mutating func string() throws(Fault) -> Text {
      guard next == UInt8(ascii: "\"") else { throw error("a string should be here") }
      let start = position + 1
      var from = start
      while let quote = find(UInt8(ascii: "\""), from: from) {
        // A quote behind an odd number of backslashes belongs to the text.
        var slashes = 0
        while quote - slashes > start, bytes[quote - slashes - 1] == UInt8(ascii: "\\") { slashes += 1 }
        if slashes % 2 == 0 {
          position = quote + 1
          let escape = find(UInt8(ascii: "\\"), from: start, to: quote)
          return Text(range: start..<quote, hasEscapes: escape != nil)
        }
        from = quote + 1
      }
      position = bytes.count
      throw error("a string does not end")
    }

    /// Passes an object and hands out each member's name and the place of its value; `body` passes the value.
    mutating func object(
      _ body: (_ name: String, _ start: Int, _ reader: inout Reader) throws(Fault) -> Void
    ) throws(Fault) {
      try expect(UInt8(ascii: "{"))
      if try skips(UInt8(ascii: "}")) { return }
      for count in 1... {
        guard count <= maximumMembers else { throw error("the object has too many members") }
        let nameStart = skipSpace()
        let quoted = try string()
        // With its quotes, for the parser to undo escapes.
        guard case .string(let name) = try parse(nameStart..<(quoted.range.upperBound + 1)) else {
          throw error("a member's name should be here")
        }
        try expect(UInt8(ascii: ":"))
        let start = skipSpace()
        try body(name, start, &self)
        if try skips(UInt8(ascii: "}")) { return }
        try expect(UInt8(ascii: ","))
      }
    }

    /// Passes an array; `body` passes each element.
    mutating func array(_ body: (_ reader: inout Reader) throws(Fault) -> Void) throws(Fault) {
      try expect(UInt8(ascii: "["))
      if try skips(UInt8(ascii: "]")) { return }
      while true {
        skipSpace()
        try body(&self)
        if try skips(UInt8(ascii: "]")) { return }
        try expect(UInt8(ascii: ","))
      }
    }

    /// Passes a value that begins at a place, and parses it.
    mutating func value(from start: Int) throws(Fault) -> JSONValue {
      try skipValue()
      return try parse(start..<position)
    }

    /// Passes any value, by its brackets and quotes alone.
    mutating func skipValue() throws(Fault) {
      skipSpace()
      var depth = 0
      while let byte = next {
        switch byte {
        case UInt8(ascii: "\""):
          _ = try string()
          if depth == 0 { return }
          continue
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"):
          // The end of what holds a bare word or number.
          if depth == 0 { return }
          depth -= 1
          if depth == 0 {
            position += 1
            return
          }
        case UInt8(ascii: ","): if depth == 0 { return }
        default: break
        }
        position += 1
      }
      throw error("the text ends within a value")
    }

    func parse(_ range: Range<Int>) throws(Fault) -> JSONValue {
      do {
        return try JSONValue(parsing: UnsafeBufferPointer(rebasing: bytes[range]))
      } catch {
        throw Fault(message: error.message, offset: range.lowerBound + error.offset)
      }
    }

    private func find(_ byte: UInt8, from start: Int, to end: Int? = nil) -> Int? {
      guard let base = bytes.baseAddress, start < (end ?? bytes.count) else { return nil }
      // memchr takes and gives addresses within the buffer, which outlives the call.
      guard let found = memchr(base + start, Int32(byte), (end ?? bytes.count) - start) else { return nil }
      return UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }
  }
}
