import FoundationEssentials
import Testing

@testable import AWSKit

struct WireTimeTests {
  @Test(arguments: [
    (0, "19700101T000000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
    (951_782_400, "20000229T000000Z", "Tue, 29 Feb 2000 00:00:00 GMT"),
    (1_369_353_600, "20130524T000000Z", "Fri, 24 May 2013 00:00:00 GMT"),
    (-1, "19691231T235959Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
    (4_107_542_399, "21000228T235959Z", "Sun, 28 Feb 2100 23:59:59 GMT"),
  ])
  func momentsAreWrittenInTheWiresForms(seconds: Int, amz: String, http: String) {
    let time = WireTime(Date(timeIntervalSince1970: Double(seconds)))
    #expect(time.amzDate == amz)
    #expect(time.httpDate == http)
    #expect(WireTimeParser.date(amz)?.timeIntervalSince1970 == Double(seconds))
    #expect(WireTimeParser.date(http)?.timeIntervalSince1970 == Double(seconds))
    #expect(WireTimeParser.date(time.iso8601)?.timeIntervalSince1970 == Double(seconds))
  }

  @Test func everyDayOfFourCenturiesComesBack() {
    for day in stride(from: -30_000, to: 120_000, by: 1) {
      let date = Date(timeIntervalSince1970: Double(day) * 86_400 + 3_661)
      let time = WireTime(date)
      #expect(
        WireTime.seconds(
          year: time.year, month: time.month, day: time.day, hour: time.hour, minute: time.minute, second: time.second)
          == day * 86_400 + 3_661)
    }
  }

  @Test(arguments: [
    ("2013-05-24T00:00:00.250Z", 1_369_353_600.25), ("2013-05-24T02:00:00+02:00", 1_369_353_600),
    ("2013-05-23T22:30:00-0130", 1_369_353_600), ("2013-05-24", 1_369_353_600), ("1369353600", 1_369_353_600),
    ("1.369353600E9", 1_369_353_600), ("2013-05-24T00:00:00UTC", 1_369_353_600), ("2013-05-24T00:00:00", 1_369_353_600),
  ])
  func otherFormsAreRead(text: String, seconds: Double) {
    #expect(WireTimeParser.date(text)?.timeIntervalSince1970 == seconds)
  }

  @Test(arguments: [
    "", "never", "2013-13-01T00:00:00Z", "2013-02-29T00:00:00Z", "Fri, 24 Mai 2013 00:00:00 GMT", "2013-05-24T00:00",
    "nan", "1e400", "2013-05-24T00:00:00Zx",
  ])
  func nonsenseIsNoDate(text: String) { #expect(WireTimeParser.date(text) == nil) }

  @Test func datesBeyondTheCalendarDoNotTrap() {
    for seconds in [Double.infinity, -.infinity, .nan, 1e300, -1e300] {
      #expect(WireTime(Date(timeIntervalSince1970: seconds)).year <= 9999)
    }
  }
}
