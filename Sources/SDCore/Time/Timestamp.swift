public import struct FoundationEssentials.Date

/// A time of day to the millisecond, written as RFC 3339 in UTC (`2026-01-02T03:04:05.678Z`).
public struct Timestamp: Sendable, Hashable, Comparable {
  /// Milliseconds since 1970-01-01T00:00:00Z.
  public var milliseconds: Int64

  /// A time by its milliseconds since 1970.
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }
  /// A time from a date, rounded down to the millisecond.
  public init(_ date: Date) { milliseconds = Int64((date.timeIntervalSince1970 * 1000).rounded(.down)) }

  /// The same time as a date.
  public var date: Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }

  public static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }
  /// A later time.
  public static func + (a: Timestamp, b: Duration) -> Timestamp { .init(milliseconds: a.milliseconds + b.milliseconds) }
  /// The time between two.
  public static func - (a: Timestamp, b: Timestamp) -> Duration { .milliseconds(a.milliseconds - b.milliseconds) }
}

extension Timestamp: CustomStringConvertible, LosslessStringConvertible {
  /// The RFC 3339 text.
  public var description: String {
    let (days, inDay) = milliseconds.quotientFlooring(86_400_000)
    let (year, month, day) = Self.civil(fromDays: days)
    let (hour, minute) = (inDay / 3_600_000, inDay / 60_000 % 60)
    let (second, millisecond) = (inDay / 1000 % 60, inDay % 1000)
    return "\(pad(year, 4))-\(pad(month, 2))-\(pad(day, 2))T\(pad(hour, 2)):\(pad(minute, 2)):\(pad(second, 2))"
      + ".\(pad(millisecond, 3))Z"
  }

  /// A time from RFC 3339 text, any offset, cut to the millisecond; `nil` for anything else.
  public init?(_ description: String) {
    var reader = TimestampReader(description)
    guard let milliseconds = reader.time() else { return nil }
    self.init(milliseconds: milliseconds)
  }

  /// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
  fileprivate static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shiftedYear = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = shiftedYear.quotientFlooring(400)
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// Year, month and day of the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
  /// algorithms").
  private static func civil(fromDays days: Int64) -> (Int64, Int64, Int64) {
    let shifted = days + 719_468
    let (era, dayOfEra) = shifted.quotientFlooring(146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
  }
}

extension Timestamp: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let value = Timestamp(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an RFC 3339 time")
    }
    self = value
  }
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

extension Int64 {
  /// Quotient rounded towards minus infinity, and the remainder that goes with it.
  fileprivate func quotientFlooring(_ divisor: Int64) -> (Int64, Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}

/// Reads RFC 3339, section 5.6, byte by byte. (Foundation's reader goes over to the Julian calendar before 1582, and
/// takes days that are not.)
private struct TimestampReader {
  private var rest: Substring.UTF8View
  init(_ text: String) { rest = text[...].utf8 }

  mutating func time() -> Int64? {
    guard let year = number(4), take("-"), let month = number(2), take("-"), let day = number(2),
      take("T") || take("t"),
      let hour = number(2), take(":"), let minute = number(2), take(":"), let second = number(2),
      let millisecond = fraction(), let offset = offset(), rest.isEmpty, (1...12).contains(month),
      (1...Self.length(ofMonth: month, year)).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    let minutes = (Timestamp.days(year: year, month: month, day: day) * 24 + hour) * 60 + minute - offset
    return (minutes * 60 + second) * 1000 + millisecond
  }

  private static func length(ofMonth month: Int64, _ year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard let byte = rest.first, byte == UInt8(ascii: character) else { return false }
    rest.removeFirst()
    return true
  }

  private mutating func digit() -> Int64? {
    guard let byte = rest.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
    rest.removeFirst()
    return Int64(byte - UInt8(ascii: "0"))
  }

  private mutating func number(_ digits: Int) -> Int64? {
    var number: Int64 = 0
    for _ in 0..<digits {
      guard let digit = digit() else { return nil }
      number = number * 10 + digit
    }
    return number
  }

  /// The milliseconds of a fraction, if there is one.
  private mutating func fraction() -> Int64? {
    guard take(".") else { return 0 }
    guard let first = digit() else { return nil }
    let second = digit()
    let third = second == nil ? nil : digit()
    while third != nil, digit() != nil {}
    return first * 100 + (second ?? 0) * 10 + (third ?? 0)
  }

  /// The minutes that the offset is ahead of UTC.
  private mutating func offset() -> Int64? {
    if take("Z") || take("z") { return 0 }
    let isAhead = take("+")
    guard isAhead || take("-"), let hours = number(2), take(":"), let minutes = number(2), hours < 24, minutes < 60
    else { return nil }
    return (isAhead ? 1 : -1) * (hours * 60 + minutes)
  }
}

private func pad(_ value: Int64, _ width: Int) -> String {
  let digits = String(value)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
