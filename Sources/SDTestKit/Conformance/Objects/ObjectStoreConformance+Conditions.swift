import SDCore

extension ObjectStoreConformance {
  static let conditionCases: [Case] = [
    Case("if-absent writes once") { suite in
      try await suite.with { fixture in
        let first = try await fixture.store.put("k", text: "first", .ifAbsent)
        try await expectError(.conflict, from: "the second put") {
          try await fixture.rival.put("k", text: "second", .ifAbsent)
        }
        try expectEqual(try await fixture.store.text("k"), "first", "bytes")
        try expectEqual(try await fixture.store.head("k").etag, first.etag, "etag")
      }
    },
    Case("if-match writes over the version that was read, and over no other") { suite in
      try await suite.with { fixture in
        let first = try await fixture.store.put("k", text: "one")
        let second = try await fixture.rival.put("k", text: "two", .ifMatch(first.etag))
        try expect(first.etag != second.etag, "each write has a tag of its own")
        try await expectError(.conflict, from: "a put over an old version") {
          try await fixture.store.put("k", text: "three", .ifMatch(first.etag))
        }
        try expectEqual(try await fixture.store.text("k"), "two", "bytes")
        try await expectError(.conflict, from: "a put over a version that never was") {
          try await fixture.store.put("k", text: "three", .ifMatch("no such tag"))
        }
        try await expectError(.conflict, from: "a put over what is not there") {
          try await fixture.store.put("absent", text: "three", .ifMatch(second.etag))
        }
        try await expectError(.notFound, from: "get after a refused put") { try await fixture.store.get("absent") }
        try await fixture.store.delete(["k"])
        try await expectError(.conflict, from: "a put over a deleted version") {
          try await fixture.store.put("k", text: "three", .ifMatch(second.etag))
        }
      }
    },
    Case("the tag that get and head tell is the one to match") { suite in
      try await suite.with { fixture in
        try await fixture.store.put("k", text: "one")
        let head = try await fixture.rival.head("k")
        try await fixture.store.put("k", text: "two", .ifMatch(head.etag))
        let object = try await fixture.rival.get("k")
        try await fixture.store.put("k", text: "three", .ifMatch(object.info.etag))
        let listed = try await fixture.rival.list(prefix: "k", after: nil, limit: 1).objects
        try await fixture.store.put("k", text: "four", .ifMatch(try unwrap(listed.first, "the listed object").etag))
        try expectEqual(try await fixture.store.text("k"), "four", "bytes")
      }
    },
    Case("of many writers of an absent key exactly one wins") { suite in
      try await suite.with { fixture in
        for round in 0..<5 {
          let winners = try await race(8, fixture) { store, writer in
            try await store.put("race-\(round)", text: "writer \(writer)", .ifAbsent)
          }
          try expectEqual(winners.count, 1, "writers that were told that they won")
          try expectEqual(try await fixture.store.text("race-\(round)"), "writer \(winners[0])", "the winner's bytes")
        }
      }
    },
    Case("of many writers over one version exactly one wins") { suite in
      try await suite.with { fixture in
        var etag = try await fixture.store.put("race", text: "start").etag
        for round in 0..<5 {
          let base = etag
          // No bytes twice: stores that make tags of bytes would take a write of the same for no write.
          let winners = try await race(8, fixture) { store, writer in
            try await store.put("race", text: "writer \(writer) of \(round)", .ifMatch(base))
          }
          try expectEqual(winners.count, 1, "writers that were told that they won")
          let object = try await fixture.store.get("race")
          try expectEqual(
            String(decoding: object.bytes, as: UTF8.self), "writer \(winners[0]) of \(round)", "the winner's bytes")
          etag = object.info.etag
        }
      }
    },
  ]
}

/// Has writers race, half of them through each handle; answers those that were not refused.
private func race(
  _ count: Int, _ fixture: ObjectStoreConformance.Fixture,
  _ write: @escaping @Sendable (any ObjectStore, Int) async throws -> ObjectInfo
) async throws -> [Int] {
  try await withThrowingTaskGroup(of: Int?.self) { group in
    for writer in 0..<count {
      group.addTask {
        do {
          _ = try await write(writer % 2 == 0 ? fixture.store : fixture.rival, writer)
          return writer
        } catch let error as SDError where error.code == .conflict {
          return nil
        }
      }
    }
    return try await group.reduce(into: []) { if let winner = $1 { $0.append(winner) } }
  }
}
