internal import HTTPTypes

/// The head of an answer, parsed on its bytes (RFC 9112, sections 4 and 5).
enum ResponseHead {
  private typealias Bytes = Slice<UnsafeBufferPointer<UInt8>>

  /// - Returns: `nil` if it is malformed: a line that is no field, a name that is no token, a length that is no number,
  ///   or two lengths that differ.
  static func parse(_ bytes: [UInt8]) -> HTTPResponse? {
    // On the bytes where they lie: slices of an array would each be counted.
    bytes.withUnsafeBufferPointer { parse($0[...], isUnfolded: false) }
  }

  private static func parse(_ bytes: Bytes, isUnfolded: Bool) -> HTTPResponse? {
    var rest = bytes
    guard let statusLine = line(&rest), let code = status(statusLine), !isFold(rest) else { return nil }
    let reason = statusLine.drop { $0 != 0x20 }.dropFirst(4).drop { $0 == 0x20 }
    var fields = HTTPFields()
    fields.reserveCapacity(16)
    var length: Bytes?
    while let line = line(&rest), !line.isEmpty {
      if !isUnfolded, isFold(rest) {
        return unfolded(bytes).withUnsafeBufferPointer { parse($0[...], isUnfolded: true) }
      }
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")),
        let name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self))
      else { return nil }
      let value = trimmed(line[(colon + 1)...])
      if name == .contentLength {
        guard number(value) != nil, length.map({ $0.elementsEqual(value) }) ?? true else { return nil }
        length = value
      }
      fields.append(HTTPField(name: name, lenientValue: value))
    }
    return HTTPResponse(
      status: .init(code: code, reasonPhrase: String(decoding: reason, as: UTF8.self)), headerFields: fields)
  }

  /// Whether what follows goes on with the line before.
  private static func isFold(_ bytes: Bytes) -> Bool { bytes.first == 0x20 || bytes.first == 0x09 }

  /// The next line without its end.
  private static func line(_ rest: inout Bytes) -> Bytes? {
    guard !rest.isEmpty else { return nil }
    let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
    var line = rest[..<end]
    rest = rest[end...].dropFirst()
    if line.last == 0x0D { line = line.dropLast() }
    return line
  }

  /// The same with one line where a line that begins with a blank goes on with the one before (obsolete folding).
  private static func unfolded(_ bytes: Bytes) -> [UInt8] {
    var rest = bytes
    var result: [UInt8] = []
    while let line = line(&rest) {
      if isFold(line), result.count > 2 {
        result.removeLast(2)
        result.append(0x20)
        result.append(contentsOf: trimmed(line))
      } else {
        result.append(contentsOf: line)
      }
      result.append(contentsOf: [0x0D, 0x0A])
    }
    return result
  }

  /// The code in `HTTP/1.1 200 OK`.
  static func status(_ line: some Collection<UInt8>) -> Int? {
    guard line.starts(with: "HTTP/".utf8), let space = line.firstIndex(of: 0x20) else { return nil }
    let rest = line[space...].dropFirst()
    var code = 0
    for byte in rest.prefix(3) {
      guard (0x30...0x39).contains(byte) else { return nil }
      code = code * 10 + Int(byte - 0x30)
    }
    guard code >= 100 else { return nil }
    if let after = rest.dropFirst(3).first, after != 0x20, after != 0x0D, after != 0x0A { return nil }
    return code
  }

  /// A field's value, if the line is that field; the name comes with its colon, in any case.
  static func value(of name: StaticString, in line: UnsafeBufferPointer<UInt8>) -> Slice<UnsafeBufferPointer<UInt8>>? {
    let count = name.utf8CodeUnitCount
    guard line.count >= count else { return nil }
    for index in 0..<count where (line[index] | 0x20) != (name.utf8Start[index] | 0x20) { return nil }
    return trimmed(line[count...])
  }

  /// A number in decimal digits; `nil` past 18 of them.
  static func number(_ digits: some Collection<UInt8>) -> Int64? {
    guard !digits.isEmpty, digits.count <= 18 else { return nil }
    var value: Int64 = 0
    for digit in digits {
      guard (0x30...0x39).contains(digit) else { return nil }
      value = value * 10 + Int64(digit - 0x30)
    }
    return value
  }

  private static func trimmed<Bytes: BidirectionalCollection<UInt8>>(_ bytes: Bytes) -> Bytes
  where Bytes.SubSequence == Bytes {
    var bytes = bytes
    while let first = bytes.first, isBlank(first) { bytes = bytes.dropFirst() }
    while let last = bytes.last, isBlank(last) { bytes = bytes.dropLast() }
    return bytes
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A }
}
