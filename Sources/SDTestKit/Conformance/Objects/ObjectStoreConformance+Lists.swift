import SDCore

extension ObjectStoreConformance {
  static let listCases: [Case] = [
    Case("an empty store lists nothing") { suite in
      try await suite.with { fixture in
        let page = try await fixture.store.list(prefix: "", after: nil, limit: 10)
        try expect(page.objects.isEmpty && !page.isTruncated, "an empty last page")
      }
    },
    Case("a prefix is a prefix of bytes, not a folder") { suite in
      try await suite.with { fixture in
        let keys = ["a", "a-1", "a/1", "a/1/x", "a/2", "a0", "ab", "b", "é1", "e\u{301}1"]
        for key in keys { try await fixture.store.put(key, text: key) }
        let wanted: [(String, [String])] = [
          ("a", ["a", "a-1", "a/1", "a/1/x", "a/2", "a0", "ab"]), ("a/", ["a/1", "a/1/x", "a/2"]),
          ("a/1", ["a/1", "a/1/x"]),
          ("a/1/", ["a/1/x"]), ("b", ["b"]), ("c", []), ("a/1/x/y", []), ("A", []), ("é", ["é1"]), ("e", ["e\u{301}1"]),
          ("ab/", []),
        ]
        for (prefix, expected) in wanted {
          let listed = try await fixture.rival.keys(prefix: prefix)
          try expectEqual(listed.map { Array($0.utf8) }, expected.map { Array($0.utf8) }, "keys with prefix \(prefix)")
        }
      }
    },
    Case("keys are listed in order of their bytes") { suite in
      try await suite.with { fixture in
        let keys = [
          "10", "2", "Z", "a", "a!", "a/b", "a0", "z", "\u{7E}", "\u{FF}", "\u{FFFD}", "\u{10000}", "a-", "a.b", "a b",
        ]
        for key in keys.reversed() { try await fixture.store.put(key, [1]) }
        let sorted = keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        try expectEqual(try await fixture.rival.keys(), sorted, "keys")
        try expectEqual(try await fixture.rival.keys(pages: 1), sorted, "keys one by one")
      }
    },
    Case("pages meet without gaps and overlaps") { suite in
      try await suite.with { fixture in
        let keys = (0..<25).map { "k/\($0 < 10 ? "0" : "")\($0)" }
        for key in keys { try await fixture.store.put(key, [1]) }
        for limit in [1, 3, 5, 24, 25, 26, 1000] {
          try expectEqual(try await fixture.rival.keys(prefix: "k/", pages: limit), keys, "keys by pages of \(limit)")
        }
        let full = try await fixture.store.list(prefix: "k/", after: nil, limit: 25)
        try expectEqual(full.objects.count, 25, "objects of a page that holds them all")
        try expect(!full.isTruncated, "nothing comes after the last page")
        let part = try await fixture.store.list(prefix: "k/", after: nil, limit: 24)
        try expect(part.objects.count == 24 && part.isTruncated, "a page that leaves one")
      }
    },
    Case("a listing goes on after a key that need not be there") { suite in
      try await suite.with { fixture in
        for key in ["a", "b", "c/1", "c/2", "d"] { try await fixture.store.put(key, [1]) }
        let wanted: [(String, String, [String])] = [
          ("", "a", ["b", "c/1", "c/2", "d"]), ("", "bb", ["c/1", "c/2", "d"]), ("c/", "c/1", ["c/2"]),
          ("c/", "a", ["c/1", "c/2"]),
          ("c/", "z", []), ("", "d", []), ("c/", "c/2", []),
        ]
        for (prefix, after, expected) in wanted {
          let page = try await fixture.store.list(prefix: prefix, after: after, limit: 100)
          try expectEqual(
            page.objects.map(\.key), expected, "keys of \(prefix.debugDescription) after \(after.debugDescription)")
        }
      }
    },
    Case("a listing goes on after what text cannot hold") { suite in
      try await suite.with { fixture in
        for key in ["a", "b"] { try await fixture.store.put(key, [1]) }
        let page = try await fixture.store.list(prefix: "", after: "a\u{0}", limit: 100)
        try expectEqual(page.objects.map(\.key), ["b"], "keys after a NUL")
      }
    },
    Case("a listing tells size and tag") { suite in
      try await suite.with { fixture in
        let info = try await fixture.store.put("k", patterned(1234))
        let listed = try unwrap(
          try await fixture.rival.list(prefix: "", after: nil, limit: 10).objects.first, "the object")
        try expectEqual(listed.size, 1234, "size")
        try expectEqual(listed.etag, info.etag, "etag")
      }
    },
    Case("a listing shows every returned put and no deleted object") { suite in
      try await suite.with { fixture in
        for round in 0..<20 {
          try await fixture.store.put("k\(round)", [1])
          try expect(try await fixture.rival.keys().contains("k\(round)"), "a returned put is listed")
          if round % 2 == 0 { try await fixture.rival.delete(["k\(round)"]) }
        }
        try expectEqual(
          Set(try await fixture.store.keys()), Set((0..<20).filter { $0 % 2 == 1 }.map { "k\($0)" }), "keys")
      }
    },
  ]
}
