import Glibc
import SDCore
import SDTestKit
import Testing

@testable import LocalPlugins

@Suite struct JSONLinesSpanExporterTests {
  private let directory: TemporaryDirectory
  private var path: String { "\(directory.path)/traces/spans.jsonl" }

  init() throws { directory = try TemporaryDirectory() }

  private func span(_ name: String) -> FinishedSpan {
    var span = FinishedSpan(
      traceID: .make(at: Timestamp(milliseconds: 1_767_225_600_000)), spanID: .make(), service: "test", name: name,
      startNanoseconds: 1_767_225_600_000_000_001, endNanoseconds: 1_767_225_600_000_500_001)
    span.attributes = ["text": "line\nbreak"]
    return span
  }

  private func lines(_ path: String) throws -> [String] {
    let file = try Descriptor.open(path: path, flags: O_RDONLY)
    let bytes = try file.read(at: 0, count: Int(try file.status().size))
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
  }

  private func spans(_ path: String) throws -> [FinishedSpan] {
    try lines(path).compactMap { line in (try? JSONValue(parsing: line)).flatMap { FinishedSpan($0) } }
  }

  @Test("Each span is a line, after those that are there")
  func appending() async throws {
    let made = [span("a"), span("b"), span("c")]
    try await JSONLinesSpanExporter(path: path).export(Array(made[..<2]))
    let exporter = try JSONLinesSpanExporter(path: path)
    try await exporter.export([])
    try await exporter.export([made[2]])
    #expect(try spans(path) == made)
    #expect(try lines(path).count == 4 && lines(path).last == "")
  }

  @Test("Several writers on one file lose nothing and mingle nothing, while it is rotated beneath them")
  func concurrency() async throws {
    let exporters = try (0..<4).map { _ in
      try JSONLinesSpanExporter(path: path, maximumBytes: 20_000, keptFiles: 100)
    }
    let each = 40
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (writer, exporter) in exporters.enumerated() {
        group.addTask {
          for batch in 0..<each {
            try await exporter.export((0..<5).map { span("\(writer)/\(batch)/\($0)") })
          }
        }
      }
      try await group.waitForAll()
    }
    var names: [String] = []
    var files = 0
    for path in [path] + (1...100).map({ "\(path).\($0)" }) where access(path, F_OK) == 0 {
      files += 1
      let written = try lines(path)
      #expect(written.last == "")
      names += try spans(path).map(\.name)
      #expect(try spans(path).count == written.count - 1, "whole lines only")
    }
    #expect(names.count == 4 * each * 5 && Set(names).count == names.count)
    #expect(files > 2)
  }

  @Test("Old files are let go of, so that the whole stays bounded")
  func bound() async throws {
    let exporter = try JSONLinesSpanExporter(path: path, maximumBytes: 1000, keptFiles: 2)
    for n in 0..<30 { try await exporter.export([span("\(n)")]) }
    let kept = try ["\(path).2", "\(path).1", path].flatMap { try spans($0).map(\.name) }
    #expect(kept == ((30 - kept.count)..<30).map(String.init) && kept.count < 15)
    #expect(access("\(path).3", F_OK) != 0)
    for file in [path, "\(path).1", "\(path).2"] { #expect(try #require(try Files.size(file)) <= 1000) }
    let none = try JSONLinesSpanExporter(path: path + "0", maximumBytes: 1000, keptFiles: 0)
    for n in 0..<30 { try await none.export([span("\(n)")]) }
    #expect(access(path + "0.1", F_OK) != 0)
    #expect(try #require(try Files.size(path + "0")) <= 1000)
  }

  @Test("A file that was moved or removed is begun anew")
  func movedAway() async throws {
    let exporter = try JSONLinesSpanExporter(path: path)
    try await exporter.export([span("a")])
    #expect(try Files.move(path, to: path + ".old"))
    try await exporter.export([span("b")])
    #expect(unlink(path) == 0)
    try await exporter.export([span("c")])
    #expect(try spans(path).map(\.name) == ["c"])
    #expect(try spans(path + ".old").map(\.name) == ["a"])
  }

  @Test("Half a line left by another costs no line of ours")
  func torn() async throws {
    try Files.makeDirectories("\(directory.path)/traces")
    try Descriptor.open(path: path, flags: O_WRONLY | O_CREAT).write(Array("{\"trace_id\":\"4bf".utf8))
    try await JSONLinesSpanExporter(path: path).export([span("a")])
    #expect(try spans(path).map(\.name) == ["a"])
    #expect(try lines(path).count == 3)
  }

  @Test("What is no file is written to and left alone")
  func device() async throws {
    let exporter = try JSONLinesSpanExporter(path: "/dev/null", maximumBytes: 1)
    for _ in 0..<3 { try await exporter.export([span("a")]) }
    let full = try JSONLinesSpanExporter(path: "/dev/full")
    let error = await #expect(throws: SDError.self) { try await full.export([span("a")]) }
    #expect(error?.code == .full && error?.isRetryable == true)
  }

  @Test("A path that cannot be written is refused at the start, by name")
  func refused() throws {
    let error = #expect(throws: SDError.self) { try JSONLinesSpanExporter(path: directory.path) }
    #expect(error?.message.contains(directory.path) == true)
  }

  @Test("The spans of a trace are read again, each once, from the files that were moved away as well")
  func archive() async throws {
    let exporter = try JSONLinesSpanExporter(path: path, maximumBytes: 1_000, keptFiles: 30)
    let trace = span("other").traceID
    let wanted = (0..<3).map { number in
      var one = span("wanted \(number)")
      (one.traceID, one.startNanoseconds) = (trace, one.startNanoseconds + UInt64(number))
      return one
    }
    for number in 0..<20 {
      try await exporter.export([span("other")])
      if number % 7 == 0 { try await exporter.export([wanted[2 - number / 7]]) }
    }
    try await exporter.export([wanted[0]])
    let file = try RotatedFile(path: path, maximumBytes: 1 << 20, keptFiles: 30)
    try file.append(Array("no json at all\n{\"trace_id\":\"\(trace)\"\n".utf8))
    #expect(try await exporter.spans(of: trace, limit: 100) == wanted)
    #expect(try await exporter.spans(of: trace, limit: 1).count == 1)
    #expect(try await exporter.spans(of: span("other").traceID, limit: 10).isEmpty)
  }
}
