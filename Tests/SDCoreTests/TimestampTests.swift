import FoundationEssentials
import SDCore
import Testing

@Suite struct TimestampTests {
  @Test(
    "Times are written as RFC 3339 in UTC",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (1, "1970-01-01T00:00:00.001Z"), (-1, "1969-12-31T23:59:59.999Z"),
      (951_782_400_000, "2000-02-29T00:00:00.000Z"), (951_868_800_000, "2000-03-01T00:00:00.000Z"),
      (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
      (4_107_456_000_000, "2100-02-28T00:00:00.000Z"), (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
      (1_767_225_600_000, "2026-01-01T00:00:00.000Z"),
      (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
    ] as [(Int64, String)])
  func writes(milliseconds: Int64, text: String) {
    #expect(Timestamp(milliseconds: milliseconds).description == text)
    #expect(Timestamp(text)?.milliseconds == milliseconds)
  }

  @Test(
    "Times with offsets, without fractions or with long ones are read",
    arguments: [
      ("2026-01-02T03:04:05Z", 1_767_323_045_000), ("2026-01-02T03:04:05.6Z", 1_767_323_045_600),
      ("2026-01-02T03:04:05.678901Z", 1_767_323_045_678),
      ("2026-01-02T05:04:05+02:00", 1_767_323_045_000), ("2026-01-01T21:34:05.000-05:30", 1_767_323_045_000),
      ("2026-01-02t03:04:05z", 1_767_323_045_000),
      ("2016-12-31T23:59:60Z", 1_483_228_800_000), ("2026-01-02T03:04:05.12Z", 1_767_323_045_120),
      ("0000-03-01T00:00:00Z", -62_162_035_200_000),
    ] as [(String, Int64)])
  func reads(text: String, milliseconds: Int64) { #expect(Timestamp(text)?.milliseconds == milliseconds) }

  @Test(
    "What is no time is refused",
    arguments: [
      "", " ", "now", "2026", "2026-01-02", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-02T25:00:00Z",
      "2026-01-02T03:04:05",
      "2026-01-02T03:04:05Zjunk", "2026-01-02T03:04:05.Z", "1767323045", "\u{0}", "2026-01-02T03:61:05Z",
      "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-01T00:00:00Z",
      "2026-01-00T00:00:00Z", "2026-01-02T03:04:61Z", "2026-01-02T24:00:00Z", "2026-01-02 03:04:05Z",
      "2026-1-2T03:04:05Z", "+2026-01-02T03:04:05Z",
      "2026-01-02T03:04:05+0200", "2026-01-02T03:04:05+24:00", "2026-01-02T03:04:05Z ", " 2026-01-02T03:04:05Z",
      "２026-01-02T03:04:05Z", "99999999999-01-01T00:00:00Z",
    ])
  func refuses(text: String) { #expect(Timestamp(text) == nil) }

  @Test("Days of ten thousand years are written and read back")
  func days() {
    for day in stride(from: Int64(-700_000), through: 2_900_000, by: 997) {
      let time = Timestamp(milliseconds: day * 86_400_000 + (day * 7919) % 86_400_000)
      #expect(Timestamp(time.description) == time)
    }
  }

  @Test("Text order is time order within four-digit years")
  func order() {
    let times = stride(from: Int64(0), to: 4_000_000_000_000, by: 86_399_999_937).map { Timestamp(milliseconds: $0) }
    #expect(times.map(\.description) == times.map(\.description).sorted())
  }

  @Test("Durations add and subtract")
  func arithmetic() {
    let time = Timestamp(milliseconds: 1000)
    #expect(time + .milliseconds(1500) == Timestamp(milliseconds: 2500))
    #expect(time + .seconds(-2) == Timestamp(milliseconds: -1000))
    #expect(Timestamp(milliseconds: 2500) - time == .milliseconds(1500))
    #expect(Timestamp(Date(timeIntervalSince1970: 1.9999)) == Timestamp(milliseconds: 1999))
    #expect(Timestamp(Date(timeIntervalSince1970: -0.0001)) == Timestamp(milliseconds: -1))
  }

  @Test("A time travels as its text")
  func codable() throws {
    let time = Timestamp(milliseconds: 1_767_323_045_678)
    let text = try JSONEncoder().encode([time])
    #expect(String(decoding: text, as: UTF8.self) == "[\"2026-01-02T03:04:05.678Z\"]")
    #expect(try JSONDecoder().decode([Timestamp].self, from: text) == [time])
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode([Timestamp].self, from: Data("[\"yesterday\"]".utf8))
    }
  }
}
