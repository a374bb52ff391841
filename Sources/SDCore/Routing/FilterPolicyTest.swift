/// One value or operator of a filter policy.
indirect enum FilterPolicyTest: Sendable {
  case string(ExactString)
  case number(FilterNumber)
  case bool(Bool)
  case null
  case prefix([UInt8])
  case suffix([UInt8])
  case wildcard(FilterWildcard)
  case equalsIgnoringCase(String)
  case numeric(above: FilterNumber.Bound?, below: FilterNumber.Bound?)
  case cidr(FilterAddress.Block)
  case exists(Bool)
  case anythingBut([FilterPolicyTest])

  /// Whether it holds of a value that is neither array nor object.
  func holds(of value: JSONValue) -> Bool {
    switch (self, value) {
    case (.string(let wanted), .string(let text)): wanted.text.isIdentical(toBytesOf: text)
    case (.number(let wanted), .number(let number)): wanted == FilterNumber(number)
    case (.bool(let wanted), .bool(let bool)): wanted == bool
    case (.null, .null): true
    case (.prefix(let wanted), .string(let text)): text.utf8.starts(with: wanted)
    case (.suffix(let wanted), .string(let text)):
      text.utf8.count >= wanted.count && text.utf8.suffix(wanted.count).elementsEqual(wanted)
    case (.wildcard(let pattern), .string(let text)): pattern.matches(text)
    case (.equalsIgnoringCase(let folded), .string(let text)): folded.isIdentical(toBytesOf: text.lowercased())
    case (.numeric(let above, let below), .number(let number)):
      FilterNumber(number).map { (above?.isBelow($0) ?? true) && (below?.isAbove($0) ?? true) } ?? false
    case (.cidr(let block), .string(let text)): FilterAddress(text).map(block.contains) ?? false
    case (.anythingBut(let tests), _): !tests.contains { $0.holds(of: value) }
    default: false
    }
  }
}

/// A number as filter policies compare it: to six digits after the point, between minus and plus a thousand million.
struct FilterNumber: Sendable, Equatable {
  private let millionths: Int64

  /// `nil` beyond the range.
  init?(_ number: JSONNumber) {
    guard let value = number.double, value.magnitude <= 1e9 else { return nil }
    millionths = Int64((value * 1e6).rounded())
  }

  /// One end of a range.
  struct Bound: Sendable {
    var number: FilterNumber
    var isIncluded: Bool

    /// Whether, as a lower bound, it lets a number through.
    func isBelow(_ other: FilterNumber) -> Bool {
      isIncluded ? number.millionths <= other.millionths : number.millionths < other.millionths
    }
    /// Whether, as an upper bound, it lets a number through.
    func isAbove(_ other: FilterNumber) -> Bool {
      isIncluded ? number.millionths >= other.millionths : number.millionths > other.millionths
    }
  }

  static func < (a: FilterNumber, b: FilterNumber) -> Bool { a.millionths < b.millionths }
}

/// A pattern with `*` for any bytes; `\*` and `\\` stand for themselves.
struct FilterWildcard: Sendable {
  /// The texts between the stars.
  private var parts: [[UInt8]] = [[]]

  /// `nil` for two stars in a row and for other escapes.
  init?(_ pattern: String) {
    var bytes = Array(pattern.utf8).makeIterator()
    var afterStar = false
    while let byte = bytes.next() {
      switch byte {
      case UInt8(ascii: "*"):
        guard !afterStar else { return nil }
        parts.append([])
        afterStar = true
        continue
      case UInt8(ascii: "\\"):
        guard let next = bytes.next(), next == UInt8(ascii: "*") || next == UInt8(ascii: "\\") else { return nil }
        parts[parts.count - 1].append(next)
      default: parts[parts.count - 1].append(byte)
      }
      afterStar = false
    }
  }

  /// How many stars it has.
  var stars: Int { parts.count - 1 }

  func matches(_ text: String) -> Bool {
    var rest = Array(text.utf8)[...]
    guard stars > 0 else { return rest.elementsEqual(parts[0]) }
    guard rest.starts(with: parts[0]) else { return false }
    rest = rest.dropFirst(parts[0].count)
    for part in parts[1..<stars] {
      guard let found = rest.firstRange(of: part) else { return false }
      rest = rest[(found + part.count)...]
    }
    let last = parts[stars]
    return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
  }
}

extension ArraySlice<UInt8> {
  /// Where a text first occurs.
  fileprivate func firstRange(of part: [UInt8]) -> Int? {
    guard count >= part.count else { return nil }
    return (startIndex...(endIndex - part.count)).first { self[$0..<$0 + part.count].elementsEqual(part) }
  }
}
