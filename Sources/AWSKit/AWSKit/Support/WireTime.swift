import FoundationEssentials

/// A moment in UTC, cut into the fields that the wire formats are made of.
///
/// The proleptic Gregorian calendar, whole seconds; no time zone data and no formatter is needed.
struct WireTime: Sendable, Hashable {
  var year: Int
  var month: Int
  var day: Int
  var hour: Int
  var minute: Int
  var second: Int
  /// 0 is Sunday.
  var weekday: Int

  /// The second that a date falls into.
  init(_ date: Date) {
    // Dates far outside the calendar's use are clamped, so that no arithmetic can overflow.
    let exact = date.timeIntervalSince1970.rounded(.down)
    let seconds = exact.isNaN ? 0 : Int(min(max(exact, -62_135_596_800), 253_402_300_799))
    let days = seconds.quotientRoundedDown(by: 86_400)
    let rest = seconds - days * 86_400
    (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
    weekday = ((days % 7) + 11) % 7
    // Days since 0000-03-01, in eras of 400 years (146,097 days).
    let shifted = days + 719_468
    let era = shifted.quotientRoundedDown(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// Seconds since 1970 of a civil date and time in UTC; `nil` when a field is out of its range.
  static func seconds(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) -> Int? {
    guard (0...9999).contains(year), (1...12).contains(month), day >= 1, day <= daysInMonth(month, of: year),
      (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
    else { return nil }
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = shiftedYear.quotientRoundedDown(by: 400)
    let yearOfEra = shiftedYear - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return (era * 146_097 + dayOfEra - 719_468) * 86_400 + hour * 3600 + minute * 60 + second
  }

  private static func daysInMonth(_ month: Int, of year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }
}

extension WireTime {
  /// `20130524T000000Z`, as in `X-Amz-Date`.
  var amzDate: String {
    String(unsafeUninitializedCapacity: 16) { text in
      func put(_ number: Int, at index: Int) { (text[index], text[index + 1]) = twoDigits(number) }
      put(year / 100, at: 0)
      put(year % 100, at: 2)
      put(month, at: 4)
      put(day, at: 6)
      text[8] = UInt8(ascii: "T")
      put(hour, at: 9)
      put(minute, at: 11)
      put(second, at: 13)
      text[15] = UInt8(ascii: "Z")
      return 16
    }
  }

  /// `20130524`, as in a credential scope, of what ``amzDate`` is.
  static func day(ofAMZDate text: String) -> String { String(decoding: text.utf8.prefix(8), as: UTF8.self) }

  /// `2013-05-24T00:00:00Z`, as in query parameters and JSON file caches.
  var iso8601: String {
    var text: [UInt8] = []
    text.reserveCapacity(20)
    text.append(twoDigits: year / 100)
    text.append(twoDigits: year % 100)
    text.append(UInt8(ascii: "-"))
    text.append(twoDigits: month)
    text.append(UInt8(ascii: "-"))
    text.append(twoDigits: day)
    text.append(UInt8(ascii: "T"))
    appendTime(to: &text)
    text.append(UInt8(ascii: "Z"))
    return String(decoding: text, as: UTF8.self)
  }

  /// `Fri, 24 May 2013 00:00:00 GMT`, as in HTTP header fields.
  var httpDate: String {
    var text: [UInt8] = []
    text.reserveCapacity(29)
    text.append(Self.weekdays[weekday])
    text.append(", ")
    text.append(twoDigits: day)
    text.append(UInt8(ascii: " "))
    text.append(Self.months[month - 1])
    text.append(UInt8(ascii: " "))
    text.append(twoDigits: year / 100)
    text.append(twoDigits: year % 100)
    text.append(UInt8(ascii: " "))
    appendTime(to: &text)
    text.append(" GMT")
    return String(decoding: text, as: UTF8.self)
  }

  private func appendTime(to text: inout [UInt8]) {
    text.append(twoDigits: hour)
    text.append(UInt8(ascii: ":"))
    text.append(twoDigits: minute)
    text.append(UInt8(ascii: ":"))
    text.append(twoDigits: second)
  }

  fileprivate static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
  fileprivate static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]
}

extension Int {
  fileprivate func quotientRoundedDown(by divisor: Int) -> Int {
    self >= 0 ? self / divisor : (self - divisor + 1) / divisor
  }
}

extension [UInt8] {
  fileprivate mutating func append(twoDigits number: Int) {
    let (tens, ones) = twoDigits(number)
    append(tens)
    append(ones)
  }
}

private func twoDigits(_ number: Int) -> (UInt8, UInt8) {
  func digit(_ value: Int) -> UInt8 { UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10) }
  return (digit(number / 10), digit(number))
}

/// Reading the moments that AWS writes.
enum WireTimeParser {
  /// A moment in any of the wire's forms: ISO 8601 (with or without fraction, `Z` or an offset, basic or extended),
  /// RFC 7231, or seconds since 1970.
  static func date(_ text: some StringProtocol) -> Date? {
    var scanner = Scanner(Array(text.utf8))
    scanner.skipSpaces()
    if let date = scanner.attempt({ $0.iso8601() }) { return date }
    if let date = scanner.attempt({ $0.rfc7231() }) { return date }
    let trimmed = String(decoding: scanner.rest, as: UTF8.self)
    guard !trimmed.isEmpty, let seconds = Double(trimmed.filter { $0 != " " }), seconds.isFinite,
      abs(seconds) < 253_402_300_800
    else { return nil }
    return Date(timeIntervalSince1970: seconds)
  }

  private struct Scanner {
    let bytes: [UInt8]
    var index = 0
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var rest: ArraySlice<UInt8> { bytes[min(index, bytes.count)...] }
    var atEnd: Bool { index >= bytes.count }

    mutating func attempt(_ read: (inout Scanner) -> Date?) -> Date? {
      var copy = self
      guard let date = read(&copy) else { return nil }
      copy.skipSpaces()
      guard copy.atEnd else { return nil }
      self = copy
      return date
    }

    mutating func skipSpaces() {
      while index < bytes.count, bytes[index] == UInt8(ascii: " ") || bytes[index] == UInt8(ascii: "\n") { index += 1 }
    }

    mutating func take(_ byte: UInt8) -> Bool {
      guard index < bytes.count, lowercased(bytes[index]) == lowercased(byte) else { return false }
      index += 1
      return true
    }

    /// A number of exactly `count` digits.
    mutating func number(_ count: Int) -> Int? {
      guard index + count <= bytes.count else { return nil }
      var value = 0
      for _ in 0..<count {
        guard bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9") else { return nil }
        value = value * 10 + Int(bytes[index] - UInt8(ascii: "0"))
        index += 1
      }
      return value
    }

    mutating func fraction() -> Double {
      guard take(UInt8(ascii: ".")) || take(UInt8(ascii: ",")) else { return 0 }
      var (value, scale) = (0.0, 0.1)
      while index < bytes.count, bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9") {
        value += Double(bytes[index] - UInt8(ascii: "0")) * scale
        scale /= 10
        index += 1
      }
      return value
    }

    /// `2013-05-24T00:00:00.000Z`, `20130524T000000Z`, `2013-05-24T02:00:00+02:00`.
    mutating func iso8601() -> Date? {
      guard let year = number(4) else { return nil }
      let extended = take(UInt8(ascii: "-"))
      guard let month = number(2), !extended || take(UInt8(ascii: "-")), let day = number(2) else { return nil }
      var (hour, minute, second, part, offset) = (0, 0, 0, 0.0, 0)
      if take(UInt8(ascii: "T")) || (extended && take(UInt8(ascii: " "))) {
        guard let h = number(2) else { return nil }
        let colons = take(UInt8(ascii: ":"))
        guard let m = number(2), !colons || take(UInt8(ascii: ":")), let s = number(2) else { return nil }
        (hour, minute, second, part) = (h, m, s, fraction())
        // A time without a zone is UTC: some of AWS's file formats leave it out.
        if !take(UInt8(ascii: "Z")), !atEnd {
          let ahead = take(UInt8(ascii: "+"))
          guard ahead || take(UInt8(ascii: "-")) else {
            guard take(UInt8(ascii: "U")), take(UInt8(ascii: "T")), take(UInt8(ascii: "C")) else { return nil }
            return date(year, month, day, hour, minute, second, part)
          }
          guard let hours = number(2) else { return nil }
          _ = take(UInt8(ascii: ":"))
          offset = (hours * 3600 + (number(2) ?? 0) * 60) * (ahead ? 1 : -1)
        }
      } else if !extended {
        // Eight bare digits are seconds since 1970, not a day.
        return nil
      }
      return date(year, month, day, hour, minute, second, part - Double(offset))
    }

    /// `Fri, 24 May 2013 00:00:00 GMT`.
    mutating func rfc7231() -> Date? {
      for _ in 0..<3 {
        guard let byte = rest.first, lowercased(byte) >= UInt8(ascii: "a"), lowercased(byte) <= UInt8(ascii: "z") else {
          return nil
        }
        index += 1
      }
      guard take(UInt8(ascii: ",")) else { return nil }
      skipSpaces()
      guard let day = number(2) else { return nil }
      guard take(UInt8(ascii: " ")) || take(UInt8(ascii: "-")) else { return nil }
      let name = rest.prefix(3).map(lowercased)
      guard name.count == 3, let month = WireTime.months.firstIndex(where: { $0.utf8.map(lowercased) == name }) else {
        return nil
      }
      index += 3
      guard take(UInt8(ascii: " ")) || take(UInt8(ascii: "-")), let year = number(4) else { return nil }
      skipSpaces()
      guard let hour = number(2), take(UInt8(ascii: ":")), let minute = number(2), take(UInt8(ascii: ":")),
        let second = number(2)
      else { return nil }
      skipSpaces()
      let zone = rest.prefix(3).map(lowercased)
      guard zone == Array("gmt".utf8) || zone == Array("utc".utf8) || zone == Array("+00".utf8) else { return nil }
      index = bytes.count
      return date(year, month + 1, day, hour, minute, second, 0)
    }

    private func date(_ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int, _ part: Double)
      -> Date?
    {
      WireTime.seconds(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        .map { Date(timeIntervalSince1970: Double($0) + part) }
    }
  }
}
