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

  /// A time from RFC 3339 text, any offset; `nil` for anything else.
  public init?(_ description: String) {
    guard let date = try? Date(description, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)) else {
      guard let date = try? Date(description, strategy: .iso8601) else { return nil }
      self.init(milliseconds: Int64(date.timeIntervalSince1970 * 1000))
      return
    }
    self.init(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
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

private func pad(_ value: Int64, _ width: Int) -> String {
  let digits = String(value)
  return String(repeating: "0", count: max(0, width - digits.count)) + digits
}
