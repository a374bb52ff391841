import Logging
import SDCore
import Synchronization
import Testing

@testable import SDRuntime

@Suite struct LoggingTests {
  /// What a logger wrote.
  private final class Lines: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }

    func logger(_ format: LineLogHandler.Format) -> Logger {
      Logger(label: "test") { label in
        LineLogHandler(label: label, format: format, level: .debug, wall: FixedTime()) { line in
          self.bytes.withLock { $0 += line }
        }
      }
    }
  }

  private struct FixedTime: WallClock {
    var now: Timestamp { Timestamp(milliseconds: 1_700_000_000_123) }
  }

  /// Every control character, and what else breaks lines or turns text around.
  private static let nasty =
    String(String.UnicodeScalarView((0...0x9F).compactMap { Unicode.Scalar(UInt32($0)) }))
    + "\u{2028}\u{2029}\u{202E}\u{FEFF}\"\\ \u{1F600} é"

  @Test func whateverStandsInAnEventIsOneValidJSONLine() throws {
    let lines = Lines()
    let nasty = Self.nasty
    lines.logger(.json).info(
      "\(nasty)", metadata: ["\(nasty)": "\(nasty)", "list": ["\(nasty)", ["k\(nasty)": "v"]], "level": "mine"])
    let text = lines.text
    #expect(text.hasSuffix("}\n"))
    let breaks: Set<UInt32> = [0x2028, 0x2029, 0x85]
    #expect(!text.dropLast().unicodeScalars.contains { $0.value < 0x20 || breaks.contains($0.value) })
    let value = try JSONValue(parsing: String(text.dropLast()))
    #expect(value["message"]?.string == nasty)
    #expect(value[nasty]?.string == nasty)
    #expect(value["list"]?.array?.first?.string == nasty)
    #expect(value["level"]?.string == "info")
    #expect(value["metadata.level"]?.string == "mine")
    #expect(value["time"]?.string == "2023-11-14T22:13:20.123Z")
    #expect(value["logger"]?.string == "test")
  }

  @Test func textStaysOnItsLineAndLeavesTheTerminalAlone() {
    let lines = Lines()
    lines.logger(.text).warning("a\u{1B}[2Jb\r\nc\u{202E}", metadata: ["task": "307", "why": "took \"too\" long\n"])
    #expect(
      lines.text
        == "22:13:20.123 warning  a\\u{1b}[2Jb\\r\\nc\\u{202e}  task=307 why=\"took \\\"too\\\" long\\n\"\n")
  }

  @Test(arguments: [LineLogHandler.Format.text, .json, .colouredText])
  func secretsAreNotShown(format: LineLogHandler.Format) {
    let lines = Lines()
    lines.logger(format).info(
      "GET https://me:hunter2@host/key?X-Amz-Signature=hunter2&X-Amz-Credential=hunter2%2Fx&access=GET",
      metadata: [
        "x-api-key": "hunter2", "SecretAccessKey": "hunter2", "headers": ["Authorization": "Bearer hunter2"],
        "url": "http://h/?expires=1&signature=hunter2 and more", "sd_token": ["hunter2"],
      ])
    #expect(!lines.text.contains("hunter2"), "\(lines.text)")
    #expect(lines.text.contains("access=GET") && lines.text.contains("and more") && lines.text.contains("host/key"))
  }

  @Test func longValuesAreCut() throws {
    let lines = Lines()
    lines.logger(.json).info("x", metadata: ["image": "\(String(repeating: "é", count: 1 << 20))"])
    let value = try JSONValue(parsing: String(lines.text.dropLast()))
    #expect(value["image"]?.string?.hasSuffix("... (\((2 << 20) - 8192) bytes more)") == true)
  }

  @Test func theFormatFollowsTheTerminalUnlessConfigured() {
    func format(_ word: String?, _ isTerminal: Bool, _ environment: [String: String] = [:]) -> LineLogHandler.Format {
      LoggingSetup.format(word, isTerminal: isTerminal, environment: environment)
    }
    #expect(format(nil, true) == .colouredText)
    #expect(format(nil, false) == .json)
    #expect(format("text", false) == .text)
    #expect(format("json", true) == .json)
    #expect(format(nil, true, ["NO_COLOR": "1"]) == .text)
  }

  @Test(arguments: [
    ("a=b", "a=b"), ("token=x&b=c", "token=***&b=c"), ("http://u@h/", "http://***@h/"), ("mail me@x", "mail me@x"),
    ("=", "="), ("sig: signature=", "sig: signature=***"), ("http://u:p/@w@h x@y", "http://***@h x@y"),
  ]) func redactionTakesOnlySecrets(text: String, shown: String) { #expect(Redaction.redacted(text) == shown) }
}
