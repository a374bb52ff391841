import SDCore
import Testing

@Suite struct JSONParsingTests {
  @Test(
    "Texts that RFC 8259 allows are taken",
    arguments: [
      ("null", JSONValue.null), (" \t\r\n true \n", .bool(true)), ("false", .bool(false)), ("\"\"", .string("")),
      ("[]", []), ("[ ]", []), ("{}", [:]), ("{ }", [:]), ("[1,[2,[3]]]", [1, [2, [3]]]),
      ("{\"a\":{\"b\":[null]}}", ["a": ["b": [nil]]]),
      ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\u{8}\u{C}\n\r\t"), ("\"\\u00e9\\u0000\"", "é\u{0}"),
      ("\"\\uD83C\\uDFEE\"", "🏮"),
      ("\"\\ud83c\\udfee\"", "🏮"), ("\"\u{7F}\u{85}\u{2028}\u{FFFF}\"", "\u{7F}\u{85}\u{2028}\u{FFFF}"),
      ("{\"\":1}", ["": 1]),
    ] as [(String, JSONValue)])
  func takes(text: String, value: JSONValue) throws { #expect(try JSONValue(parsing: text) == value) }

  @Test(
    "Texts that RFC 8259 does not allow are refused",
    arguments: [
      "", " ", "nul", "nulll", "True", "tru", "[", "]", "[1", "[1,", "[,1]", "[1,]", "[1 2]", "{", "}", "{\"a\"",
      "{\"a\":", "{\"a\":1",
      "{\"a\":1,", "{\"a\":1,}", "{,}", "{a:1}", "{'a':1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{1:1}", "\"", "\"a",
      "\"\\\"", "\"\\x41\"",
      "\"\\u12\"", "\"\\u12G4\"", "\"\\u\"", "\"a\nb\"", "\"\u{0}\"", "\"\u{1F}\"", "1 2", "1,", "null null", "// x\n1",
      "/**/1",
      "01", "-01", "00", "+1", ".5", "5.", "-", "-.5", "1e", "1e+", "1E-", "1.e5", "0x10", "1_000", "NaN", "Infinity",
      "-Infinity", "1.2.3", "--1",
      "\"\\uD83C\"", "\"\\uD83Cx\"", "\"\\uD83C\\n\"", "\"\\uD83C\\u0041\"", "\"\\uDFEE\"", "\"\\uDFEE\\uD83C\"",
      "\"\\uD83C\\uD83C\"",
      "\u{FEFF}1", "\u{A0}1", "1\u{2028}", "\u{C}1", "[1\u{0}]",
    ])
  func refuses(text: String) { #expect(throws: JSONError.self) { try JSONValue(parsing: text) } }

  @Test(
    "Bytes that are not UTF-8 are refused",
    arguments: [
      [0xFF], [0xC0, 0x80], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80],
      [0xF8, 0x88, 0x80, 0x80, 0x80],
    ] as [[UInt8]])
  func refusesBytes(bytes: [UInt8]) {
    let quote = [UInt8(ascii: "\"")]
    #expect(throws: JSONError.self) { try JSONValue(parsing: quote + bytes + quote) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: quote + Array("\\n".utf8) + bytes + quote) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
  }

  @Test("An error tells where")
  func tellsWhere() throws {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: "{\"a\": tru}") }
    #expect(error?.offset == 6)
  }

  @Test("Values nest as deep as the limit and no deeper")
  func depth() throws {
    let limit = JSONValue.maximumDepth
    let deepest = String(repeating: "[", count: limit) + String(repeating: "]", count: limit)
    #expect(try JSONValue(parsing: deepest).text == deepest)
    #expect(throws: JSONError.self) { try JSONValue(parsing: "[" + deepest + "]") }
    let objects = String(repeating: "{\"a\":", count: limit + 1) + "1" + String(repeating: "}", count: limit + 1)
    #expect(throws: JSONError.self) { try JSONValue(parsing: objects) }
  }

  @Test("Depth is counted along one branch, not over all")
  func siblings() throws {
    let text = "[" + Array(repeating: "[[]]", count: 1000).joined(separator: ",") + "]"
    #expect(try JSONValue(parsing: text).array?.count == 1000)
  }

  @Test(
    "A bomb of a hundred thousand brackets is an error, not a crash", arguments: ["[", "{\"a\":", "[{\"a\":", "[[],"])
  func bombs(piece: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: piece, count: 100_000)) }
  }

  @Test("Every beginning of a text is an error or a value, never a crash")
  func beginnings() throws {
    let text = Array("{\"a\":[1.5e-3,\"\\uD83C\\uDFEE é\",true,null,{\"b\":-0}]} ".utf8)
    for end in text.indices {
      let value = try? JSONValue(parsing: text[..<end])
      #expect((value == nil) == (end < text.count - 1))
    }
  }

  @Test("Random bytes never crash the parser, and what it takes it writes back to the same value")
  func fuzz() throws {
    var random = SplitMix(seed: 0x5D_2026)
    let alphabet = Array("{}[]\",:\\/ubfnrt0123456789.eE+-truefalsn \n\u{0}é🏮".utf8)
    var taken = 0
    for _ in 0..<60_000 {
      let count = Int(random.next() % 24)
      let bytes = (0..<count).map { _ in
        random.next() % 8 == 0
          ? UInt8(truncatingIfNeeded: random.next()) : alphabet[Int(random.next() % UInt64(alphabet.count))]
      }
      guard let value = try? JSONValue(parsing: bytes) else { continue }
      taken += 1
      #expect(try JSONValue(parsing: value.serialized()) == value)
    }
    #expect(taken > 100, "the fuzzer should hit some valid texts")
  }

  @Test("Mutations of a task never crash the parser")
  func mutations() throws {
    let text =
      "{\"task\":{\"metadata\":{\"id\":\"a-1\",\"context\":{\"n\":[1.0,-2e3,null]}},\"content\":{\"prompt\":\"é \\u0041\"}}}"
    var random = SplitMix(seed: 7)
    for _ in 0..<20_000 {
      var bytes = Array(text.utf8)
      for _ in 0...(random.next() % 3) {
        let place = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 3 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.remove(at: place)
        default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
        }
      }
      guard let value = try? JSONValue(parsing: bytes) else { continue }
      #expect(try JSONValue(parsing: value.serialized()) == value)
    }
  }
}

/// A generator that gives the same numbers each time (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
struct SplitMix {
  var seed: UInt64
  mutating func next() -> UInt64 {
    seed &+= 0x9E37_79B9_7F4A_7C15
    var z = seed
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
