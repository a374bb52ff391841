import SDCore

extension ObjectStoreConformance {
  /// Keys that file systems, URLs and Unicode would like to make one of, in pairs and alone.
  static let oddKeys: [String] = [
    "a", "A", "a/b", "a//b", "a/./b", "a/../b", "b", "../b", "../../../../etc/passwd", "/a", "/", "//", ".", "..", "a/",
    "a/.", "a/..",
    "trailing.", "trailing", "trailing ", " leading", "a/ /b", "%2e%2e/b", "%2E%2E/b", "%2e", "%", "%25", "a%2Fb",
    "a+b", "a b", "a\\b",
    "\u{E9}", "e\u{301}", "\u{C9}", "日本語/🏮.png", "ß", "ss", "ﬁ", "fi", "i\u{307}", "İ", "\u{1F468}\u{200D}\u{1F469}",
    "a\u{200B}b",
    "con", "CON", "nul.txt", "aux", "a:b", "a*b?", "<a>|\"b\"", "~", "~/x", "-rf", "--", "$(x)`y`", "'quoted'",
    "a;b&c=d", "key?versionId=1",
    "#", "a#b", ".hidden", ".sd/record", "a.meta", "a.json", "a.tmp", "_", "__", "=", "@", "a,b", "{a}[b]",
  ]

  static let keyCases: [Case] = [
    Case("odd keys are objects of their own") { suite in
      try await suite.with { fixture in
        for key in oddKeys { try await fixture.store.put(key, text: "at \(key)") }
        for key in oddKeys {
          let object = try await fixture.rival.get(key)
          try expectEqual(Array(object.bytes), Array("at \(key)".utf8), "bytes at \(key.debugDescription)")
          try expectEqual(Array(object.info.key.utf8), Array(key.utf8), "key of \(key.debugDescription)")
          try expectEqual(try await fixture.rival.head(key).size, Int64("at \(key)".utf8.count), "size")
        }
        let listed = try await fixture.rival.keys()
        let sorted = oddKeys.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        try expect(listed.map { Array($0.utf8) } == sorted, "the listing differs: \(difference(listed, oddKeys))")
        try await fixture.store.delete(["a", "e\u{301}", "a/../b"])
        try expectEqual(try await fixture.store.text("A"), "at A", "a neighbour of a deleted key")
        try expectEqual(
          Array(try await fixture.store.text("\u{E9}").utf8), Array("at \u{E9}".utf8), "a neighbour of a deleted key")
        try expectEqual(try await fixture.store.text("b"), "at b", "a neighbour of a deleted key")
      }
    },
    Case("keys with control characters are objects of their own, or refused") { suite in
      try await suite.with { fixture in
        for key in ["line\nfeed", "cr\r", "tab\t", "nul\u{0}byte", "\u{1}", "esc\u{1B}[31m", "\u{7F}"] {
          do {
            try await fixture.store.put(key, text: "odd")
          } catch let error as SDError {
            try expect(!suite.traits.takesControlCharactersInKeys, "\(key.debugDescription) was refused: \(error)")
            try expectEqual(error.code, .invalid, "why a key was refused")
            continue
          }
          try expectEqual(try await fixture.rival.text(key), "odd", "bytes at \(key.debugDescription)")
          let listed = try await fixture.rival.keys()
          try expect(listed.contains { $0.utf8.elementsEqual(key.utf8) }, "\(key.debugDescription) is not listed")
          try await fixture.store.delete([key])
          try await expectError(.notFound, from: "get of a deleted key") { try await fixture.store.get(key) }
        }
      }
    },
    Case("keys may have up to 1,024 bytes") { suite in
      try await suite.with { fixture in
        let keys = [
          String(repeating: "x", count: 1024), String(repeating: "é", count: 512), String(repeating: "🏮", count: 256),
          String(repeating: "d/", count: 511) + "zz",
          String(repeating: "y", count: 255) + "/" + String(repeating: "y", count: 768),
          String(repeating: "%", count: 1024), String(repeating: "A", count: 1024),
        ]
        for key in keys {
          try await fixture.store.put(key, text: "long")
          try expectEqual(try await fixture.rival.text(key), "long", "bytes at a key of 1,024 bytes")
        }
        try expectEqual(Set(try await fixture.rival.keys()), Set(keys), "keys")
        try await fixture.store.delete(keys)
        try expectEqual(try await fixture.rival.keys(), [], "keys after deletion")
      }
    },
    Case("empty keys and keys above 1,024 bytes are refused") { suite in
      try await suite.with { fixture in
        for key in ["", String(repeating: "x", count: 1025), String(repeating: "é", count: 513)] {
          try await expectError(.invalid, from: "put") { try await fixture.store.put(key, [1]) }
          try await expectError(.invalid, from: "get") { try await fixture.store.get(key) }
          try await expectError(.invalid, from: "head") { try await fixture.store.head(key) }
        }
        try expectEqual(try await fixture.store.keys(), [], "keys")
      }
    },
  ]
}

private func difference(_ a: [String], _ b: [String]) -> String {
  let (left, right) = (Set(a.map { Array($0.utf8) }), Set(b.map { Array($0.utf8) }))
  let text = { (bytes: Set<[UInt8]>) in bytes.map { String(decoding: $0, as: UTF8.self).debugDescription }.sorted() }
  return "only listed \(text(left.subtracting(right))), only stored \(text(right.subtracting(left)))"
}
