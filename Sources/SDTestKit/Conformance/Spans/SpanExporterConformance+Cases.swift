import SDCore

extension SpanExporterConformance {
  static let arrivalCases: [Case] = [
    Case("spans arrive once each, in the order in which they were exported") { suite in
      try await suite.with { fixture in
        let spans = (0..<5).map { FinishedSpan.sample("span \($0)") }
        try await fixture.exporter.export(Array(spans[..<3]))
        try await fixture.exporter.export(Array(spans[3...]))
        try await fixture.exporter.flush()
        try await suite.expectArrival(of: spans, at: fixture)
      }
    },
    Case("an empty batch is nothing") { suite in
      try await suite.with { fixture in
        try await fixture.exporter.export([])
        let span = FinishedSpan.sample()
        try await fixture.exporter.export([span])
        try await suite.expectArrival(of: [span], at: fixture)
      }
    },
    Case("a span with everything in it arrives") { suite in
      try await suite.with { fixture in
        var parent = FinishedSpan.sample("parent", attributes: [:])
        parent.kind = .server
        var span = FinishedSpan.sample("child")
        (span.traceID, span.parentID, span.kind) = (parent.traceID, parent.spanID, .client)
        (span.status, span.state, span.droppedCount) = (.error("no luck\nat all"), "vendor=1", 3)
        span.attributes["http.response.status_code"] = 503
        span.events = [
          .init(name: "exception", nanoseconds: span.startNanoseconds + 1, attributes: ["exception.type": "E"])
        ]
        span.links = [.init(traceID: FinishedSpan.sample().traceID, spanID: .make(), attributes: ["n": 1])]
        try await fixture.exporter.export([span, parent])
        try await suite.expectArrival(of: [span, parent], at: fixture)
      }
    },
    Case("text of any characters arrives, in names and in values") { suite in
      try await suite.with { fixture in
        let texts = [
          "", " ", "\u{0}", "a\r\nb\tc", "\u{1}\u{1F}\u{7F}\u{FFFE}", "\"\\/<&>'", "日本語 🏮 e\u{301} \u{202E}x",
          "\u{10FFFF}", "nan", "{\"a\":[1]}", String(repeating: "é", count: 1024),
        ]
        var spans = texts.map { FinishedSpan.sample($0, attributes: ["task.id": .string($0), "": "empty name"]) }
        spans += texts.filter { !$0.isEmpty && $0.utf8.count <= 256 }
          .map { FinishedSpan.sample("name", attributes: [$0: "value", "a b": "c"]) }
        for (index, text) in texts.enumerated() { spans[index].status = .error(text) }
        try await fixture.exporter.export(spans)
        try await suite.expectArrival(of: spans, at: fixture)
      }
    },
    Case("values of every kind and size arrive with their span") { suite in
      try await suite.with { fixture in
        let values: [SpanValue] = [
          .int(.min), .int(.max), .double(.infinity), .double(.nan), .double(-0.0), .double(.leastNonzeroMagnitude),
          true, .array([]),
          .array([.array([1, "two"]), false]), .array((0..<64).map { .int($0) }),
        ]
        var spans = values.map { FinishedSpan.sample(attributes: ["task.id": "307", "value": $0]) }
        // Clocks may go backwards, and count from anywhere.
        (spans[0].startNanoseconds, spans[0].endNanoseconds) = (0, 0)
        (spans[1].startNanoseconds, spans[1].endNanoseconds) = (.max, 1)
        try await fixture.exporter.export(spans)
        try await suite.expectArrival(of: spans, at: fixture)
      }
    },
    Case("a large batch arrives, and spans as large as they become") { suite in
      try await suite.with { fixture in
        var spans = (0..<suite.traits.mostSpans).map { FinishedSpan.sample("span \($0)") }
        try await fixture.exporter.export(spans)
        try await suite.expectArrival(of: spans, at: fixture)
        let large = (0..<suite.traits.mostLargeSpans).map { number in
          var span = FinishedSpan.sample("large \(number)")
          for place in 0..<23 { span.attributes["text.\(place)"] = .string(String(repeating: "\u{1}", count: 2048)) }
          return span
        }
        try await fixture.exporter.export(large)
        spans += large
        try await suite.expectArrival(of: spans, at: fixture)
      }
    },
    Case("exports that overlap lose nothing and mingle nothing") { suite in
      try await suite.with { fixture in
        let batches = (0..<8).map { batch in (0..<20).map { FinishedSpan.sample("\(batch)/\($0)") } }
        try await withThrowingTaskGroup { group in
          for batch in batches { group.addTask { try await fixture.exporter.export(batch) } }
          try await group.waitForAll()
        }
        try await suite.expectArrival(of: batches.flatMap(\.self), at: fixture, inOrder: false)
      }
    },
  ]

  static let endCases: [Case] = [
    Case("shutting it down twice, or flushing it afterwards, does nothing more") { suite in
      try await suite.with { fixture in
        let span = FinishedSpan.sample()
        try await fixture.exporter.export([span])
        try await fixture.exporter.flush()
        for _ in 0..<2 { await fixture.exporter.shutdown() }
        try await fixture.exporter.flush()
        try await suite.expectArrival(of: [span], at: fixture)
      }
    },
    Case("nothing is exported after it was shut down", where: { !$0.traits.dropsEverything }) { suite in
      try await suite.with { fixture in
        let span = FinishedSpan.sample()
        try await fixture.exporter.export([span])
        await fixture.exporter.shutdown()
        let error = try await expectError(.invalid, from: "an export after the end") {
          try await fixture.exporter.export([.sample("late")])
        }
        try expect(!error.isRetryable, "it would be tried again")
        try await suite.expectArrival(of: [span], at: fixture)
      }
    },
  ]

  static let faultCases: [Case] = [
    Case("a side that is away fails exports in a way that passes, or in none", where: has(.absence)) { suite in
      try await suite.with { fixture in
        try await fixture.spoil(.absence)
        let span = FinishedSpan.sample()
        for _ in 0..<3 {
          do {
            try await fixture.exporter.export([span])
            try expect(!suite.traits.tellsAbsence, "an export to nobody succeeded")
          } catch let error as SDError {
            try expect(error.isRetryable, "it would not be tried again: \(error)")
          }
        }
        guard suite.traits.tellsAbsence else { return }
        try await fixture.spoil(nil)
        try await fixture.exporter.export([span])
        try await suite.expectArrival(of: [span], at: fixture)
      }
    },
    Case(
      "a side that never answers ends an export after a while, in a way that passes",
      where: { has(.silence)($0) && $0.traits.hasPatience }
    ) { suite in
      try await suite.with(patience: .milliseconds(200)) { fixture in
        try await fixture.spoil(.silence)
        let error = try await expectError(.timeout, .unavailable, from: "an export to silence") {
          try await fixture.exporter.export([.sample()])
        }
        try expect(error.isRetryable, "it would not be tried again: \(error)")
      }
    },
    Case("an export that is cancelled ends at once", where: has(.silence)) { suite in
      try await suite.with(patience: .seconds(3600)) { fixture in
        try await fixture.spoil(.silence)
        let export = Task { try await fixture.exporter.export([.sample()]) }
        try await eventually("the other side has it", limit: .seconds(30)) { fixture.unanswered() == 1 }
        export.cancel()
        let result = await export.result
        do { try result.get() } catch is CancellationError { return }
        throw ConformanceFailure("a cancelled export succeeded", #fileID, #line)
      }
    },
    Case("a refusal is for good, and no end", where: has(.refusal)) { suite in
      try await suite.with { fixture in
        try await fixture.spoil(.refusal)
        do {
          try await fixture.exporter.export([.sample("refused")])
          throw ConformanceFailure("a refused export succeeded", #fileID, #line)
        } catch let error as SDError {
          try expect(!error.isRetryable, "it would be tried again: \(error)")
        }
        try await fixture.spoil(nil)
        let span = FinishedSpan.sample()
        try await fixture.exporter.export([span])
        try await suite.expectArrival(of: [span], at: fixture)
      }
    },
  ]

  /// Applies where that can be made wrong with the other side.
  private static func has(_ fault: Fault) -> @Sendable (SpanExporterConformance) -> Bool {
    { $0.traits.faults.contains(fault) }
  }
}
