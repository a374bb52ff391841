import Glibc
import SDCore
import SDTestKit
import Testing

@testable import LocalPlugins

/// The contract's own suite over lines in a file.
@Suite struct JSONLinesConformanceTests {
  static let suite = SpanExporterConformance { _ in
    let directory = try TemporaryDirectory()
    let path = directory.path + "/spans.jsonl"
    return .init(
      exporter: try JSONLinesSpanExporter(path: path),
      arrivals: {
        let file = try Descriptor.open(path: path, flags: O_RDONLY)
        let lines = try file.read(at: 0, count: Int(try file.status().size)).split(separator: UInt8(ascii: "\n"))
        return try lines.map { .init(try #require(FinishedSpan(try JSONValue(parsing: Array($0))))) }
      },
      close: { _ = directory })
  }

  @Test("Lines of JSON conform", arguments: suite.cases)
  func conforms(_ testCase: SpanExporterConformance.Case) async throws { try await Self.suite.run(testCase) }
}
