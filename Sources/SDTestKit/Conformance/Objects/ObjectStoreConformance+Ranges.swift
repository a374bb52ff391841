import SDCore

extension ObjectStoreConformance {
  static let rangeCases: [Case] = [
    Case("ranges give the bytes asked for, edges included") { suite in
      try await suite.with { fixture in
        let bytes = patterned(1000)
        try await fixture.store.put("k", bytes)
        let wanted: [(ByteRange, Range<Int>)] = [
          (.from(0), 0..<1000), (.from(999), 999..<1000), (.from(500), 500..<1000), (.bounded(0, 0), 0..<1),
          (.bounded(0, 999), 0..<1000), (.bounded(10, 19), 10..<20), (.bounded(990, 5000), 990..<1000),
          (.bounded(0, Int64.max), 0..<1000), (.suffix(1), 999..<1000), (.suffix(1000), 0..<1000),
          (.suffix(5000), 0..<1000), (.suffix(Int64.max), 0..<1000),
        ]
        for (range, expected) in wanted {
          let object = try await fixture.store.get("k", range: range, limit: 1000)
          try expect(object.bytes == Array(bytes[expected]), "\(range) gave \(object.bytes.count) other bytes")
          try expectEqual(object.info.size, 1000, "the whole object's size with \(range)")
          var streamed: [UInt8] = []
          let stream = try await fixture.store.stream("k", range: range)
          while let chunk = try await stream.next() { streamed += chunk }
          try expect(streamed == Array(bytes[expected]), "\(range) streamed \(streamed.count) other bytes")
        }
      }
    },
    Case("a range without bytes is refused") { suite in
      try await suite.with { fixture in
        try await fixture.store.put("k", patterned(1000))
        try await fixture.store.put("empty", [])
        let ranges: [ByteRange] = [
          .from(1000), .from(Int64.max), .bounded(1000, 2000), .bounded(20, 10), .suffix(0), .from(-1), .suffix(-1),
          .suffix(.min), .bounded(.min, .max), .from(.min),
        ]
        for range in ranges {
          try await expectError(.invalid, from: "get of \(range)") {
            try await fixture.store.get("k", range: range, limit: 1000)
          }
          try await expectError(.invalid, from: "stream of \(range)") {
            try await fixture.store.stream("k", range: range)
          }
        }
        for range in [ByteRange.from(0), .bounded(0, 0), .suffix(1)] {
          try await expectError(.invalid, from: "get of \(range) of an empty object") {
            try await fixture.store.get("empty", range: range, limit: 1000)
          }
        }
      }
    },
  ]
}
