/// The id of a trace, fit for W3C (32 hex digits) and X-Ray (`1-xxxxxxxx-xxxxxxxxxxxxxxxxxxxxxxxx`).
///
/// The first four bytes of the ids made here are seconds since 1970, as X-Ray wants them; ids of others' making are taken
/// as they are.
public struct TraceID: Sendable, Hashable {
  /// The 16 bytes as a number, never 0.
  public let value: UInt128

  init(unchecked value: UInt128) { self.value = value }

  /// A new id, for a trace that begins at `time`.
  public static func make(at time: Timestamp) -> TraceID {
    let seconds = UInt128(UInt32(truncatingIfNeeded: time.milliseconds / 1000))
    return TraceID(unchecked: seconds << 96 | UInt128.random(in: 1..<(1 << 96)))
  }

  /// The id in X-Ray's form.
  public var xray: String {
    let digits = description
    return "1-\(digits.prefix(8))-\(digits.dropFirst(8))"
  }

  /// An id in X-Ray's form; `nil` for anything else.
  public init?(xray: some StringProtocol) {
    let text = Array(xray.utf8)
    guard text.count == 35, text[0] == UInt8(ascii: "1"), text[1] == UInt8(ascii: "-"), text[10] == UInt8(ascii: "-"),
      let time = Hexadecimal.parse(text[2..<10], upperCase: true),
      let rest = Hexadecimal.parse(text[11...], upperCase: true)
    else { return nil }
    let value = time << 96 | rest
    guard value != 0 else { return nil }
    self.value = value
  }
}

extension TraceID: LosslessStringConvertible, Codable {
  /// The 32 lower-case hex digits of W3C Trace Context.
  public var description: String { Hexadecimal.text(value, digits: 32) }

  /// An id of exactly 32 lower-case hex digits that are not all 0; `nil` for anything else.
  public init?(_ description: String) {
    guard description.utf8.count == 32, let value = Hexadecimal.parse(description.utf8), value != 0 else { return nil }
    self.value = value
  }

  public init(from decoder: any Decoder) throws { self = try decoder.lossless("a trace id") }
  public func encode(to encoder: any Encoder) throws { try encoder.lossless(description) }
}

/// The id of a span within its trace: 16 hex digits for W3C and X-Ray alike.
public struct SpanID: Sendable, Hashable {
  /// The 8 bytes as a number, never 0.
  public let value: UInt64

  /// A new id.
  public static func make() -> SpanID { SpanID(unchecked: UInt64.random(in: 1 ... .max)) }

  init(unchecked value: UInt64) { self.value = value }

  /// An id as X-Ray writes it, in either case.
  init?(xray: some StringProtocol) {
    guard xray.utf8.count == 16, let value = Hexadecimal.parse(xray.utf8, upperCase: true), value != 0 else {
      return nil
    }
    self.value = UInt64(value)
  }
}

extension SpanID: LosslessStringConvertible, Codable {
  /// The 16 lower-case hex digits.
  public var description: String { Hexadecimal.text(UInt128(value), digits: 16) }

  /// An id of exactly 16 lower-case hex digits that are not all 0; `nil` for anything else.
  public init?(_ description: String) {
    guard description.utf8.count == 16, let value = Hexadecimal.parse(description.utf8), value != 0 else { return nil }
    self.value = UInt64(value)
  }

  public init(from decoder: any Decoder) throws { self = try decoder.lossless("a span id") }
  public func encode(to encoder: any Encoder) throws { try encoder.lossless(description) }
}

/// Hex digits of ids.
enum Hexadecimal {
  /// The number that up to 32 digits stand for; `nil` where one is none.
  static func parse(_ digits: some Collection<UInt8>, upperCase: Bool = false) -> UInt128? {
    guard !digits.isEmpty, digits.count <= 32 else { return nil }
    var value: UInt128 = 0
    for byte in digits {
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F") where upperCase: digit = byte - UInt8(ascii: "A") + 10
      default: return nil
      }
      value = value << 4 | UInt128(digit)
    }
    return value
  }

  /// A number as so many lower-case digits.
  static func text(_ value: UInt128, digits: Int) -> String {
    String(unsafeUninitializedCapacity: digits) { buffer in
      var rest = value
      for position in (0..<digits).reversed() {
        let digit = UInt8(truncatingIfNeeded: rest & 15)
        buffer[position] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        rest >>= 4
      }
      return digits
    }
  }
}

extension Decoder {
  fileprivate func lossless<Value: LosslessStringConvertible>(_ what: String) throws -> Value {
    let container = try singleValueContainer()
    guard let value = Value(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not \(what)")
    }
    return value
  }
}

extension Encoder {
  fileprivate func lossless(_ text: String) throws {
    var container = singleValueContainer()
    try container.encode(text)
  }
}
