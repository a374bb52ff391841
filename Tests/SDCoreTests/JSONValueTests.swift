import FoundationEssentials
import SDCore
import Testing

@Suite struct JSONValueTests {
  @Test(
    "Numbers keep their digits",
    arguments: [
      "0", "-0", "1", "1.0", "1.10", "-1.50", "1e5", "1E+05", "1e-400", "1e999", "18446744073709551617",
      "-9223372036854775809",
      "0.1000000000000000055511151231257827", "123456789012345678901234567890.123456789", "9007199254740993",
    ])
  func digits(literal: String) throws {
    #expect(try JSONValue(parsing: literal).text == literal)
    #expect(try JSONValue(parsing: "{\"a\":[\(literal)]}").text == "{\"a\":[\(literal)]}")
    #expect(try JSONValue(parsing: "[\(literal)]").canonical.text == "[\(literal)]")
  }

  @Test("A number of more than 400 characters is refused")
  func longNumbers() throws {
    #expect(try JSONValue(parsing: String(repeating: "9", count: 400)).double == .infinity)
    #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "9", count: 401)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: "0." + String(repeating: "0", count: 1 << 20)) }
  }

  @Test(
    "Whole numbers are read where they fit, whatever their form",
    arguments: [
      ("0", 0), ("-0", 0), ("2.0", 2), ("2e0", 2), ("20e-1", 2), ("9223372036854775807", Int.max),
      ("-9223372036854775808", Int.min),
      ("9223372036854775808", nil), ("1.5", nil), ("1e300", nil), ("1e999", nil), ("-1e999", nil),
      ("1e15", 1_000_000_000_000_000),
    ] as [(String, Int?)])
  func wholeNumbers(literal: String, int: Int?) throws { #expect(try JSONValue(parsing: literal).int == int) }

  @Test(
    "Doubles become numbers that JSON has, the extreme ones too",
    arguments: [
      (0.0, "0"), (-0.5, "-0.5"), (1e300, "1e+300"), (-9.223372036854775808e18, "-9.223372036854776e+18"),
      (9_007_199_254_740_992, "9007199254740992.0"),
    ])
  func doubles(value: Double, text: String) throws {
    #expect(JSONValue.double(value).text == text)
    #expect(try JSONValue(parsing: text).double == value)
  }

  @Test("Infinity and NaN are null", arguments: [Double.infinity, -.infinity, .nan])
  func notNumbers(value: Double) { #expect(JSONValue.double(value) == .null) }

  @Test("Of members with one name the last counts, in the first one's place")
  func duplicates() throws {
    let value = try JSONValue(parsing: #"{"a":1,"b":2,"a":3}"#)
    #expect(value.text == #"{"a":3,"b":2}"#)
    let many = "{" + (0..<100).map { "\"k\($0 % 20)\":\($0)" }.joined(separator: ",") + "}"
    #expect(try JSONValue(parsing: many).object?.members.map(\.value.int) == (80..<100).map { $0 })
  }

  @Test("Names that look alike but differ in bytes are members of their own")
  func canonicalEquivalence() throws {
    let text = "{\"\u{E9}\":1,\"e\u{301}\":2}"
    let value = try JSONValue(parsing: text)
    #expect(value.text.utf8.elementsEqual(text.utf8))
    #expect(value["\u{E9}"] == 1 && value["e\u{301}"] == 2)
    var large = JSONObject((0..<20).map { (name: "k\($0)", value: .int($0)) })
    large["\u{E9}"] = 1
    large["e\u{301}"] = 2
    #expect(large.count == 22 && large["\u{E9}"] == 1 && large["e\u{301}"] == 2)
    let (a, b) = (try JSONValue(parsing: "{\"\u{E9}\":1}"), try JSONValue(parsing: "{\"e\u{301}\":1}"))
    #expect(a != b)
  }

  @Test("Members are found, replaced and removed, few or many", arguments: [3, 12, 13, 14, 200])
  func members(count: Int) {
    var object = JSONObject((0..<count).map { (name: "k\($0)", value: .int($0)) })
    #expect(object.count == count && object.names == (0..<count).map { "k\($0)" })
    #expect((0..<count).allSatisfy { object["k\($0)"] == .int($0) } && object["none"] == nil)
    object["k1"] = "new"
    object["k0"] = nil
    object["none"] = nil
    object["last"] = nil
    object["last"] = true
    #expect(object.names == (1..<count).map { "k\($0)" } + ["last"])
    #expect(object["k1"] == "new" && object["k0"] == nil && object["last"] == true && object["k\(count - 1)"] != nil)
  }

  @Test("Objects are equal by members, not by order; arrays and numbers by what is written")
  func equality() throws {
    let (a, b) = (try JSONValue(parsing: #"{"a":1,"b":[1,2]}"#), try JSONValue(parsing: #"{"b":[1,2],"a":1}"#))
    #expect(a == b && a.hashValue == b.hashValue && a.text != b.text && a.canonical.text == b.canonical.text)
    #expect(try JSONValue(parsing: "[1,2]") != JSONValue(parsing: "[2,1]"))
    #expect(try JSONValue(parsing: "1.0") != JSONValue(parsing: "1"))
    #expect(try JSONValue(parsing: #"{"a":1}"#) != JSONValue(parsing: #"{"a":1,"b":2}"#))
  }

  @Test("The canonical text sorts members by their bytes at every level")
  func canonicalText() throws {
    let text = "{\"b\":{\"z\":1,\"a\":[{\"y\":1,\"x\":2}]},\"\u{E9}\":1,\"e\u{301}\":2,\"B\":3}"
    #expect(
      try JSONValue(parsing: text).canonical.text.utf8.elementsEqual(
        "{\"B\":3,\"b\":{\"a\":[{\"x\":2,\"y\":1}],\"z\":1},\"e\u{301}\":2,\"\u{E9}\":1}".utf8))
  }

  @Test(
    "Strings are written so that every reader takes them",
    arguments: [
      ("plain", "\"plain\""), ("\"\\/", "\"\\\"\\\\/\""), ("\n\r\t", "\"\\n\\r\\t\""),
      ("\u{0}\u{1F}\u{7F}", "\"\\u0000\\u001f\u{7F}\""),
      ("é🏮\u{2028}", "\"é🏮\u{2028}\""), ("\r\n", "\"\\r\\n\""),
      ("\u{FFFF}a\u{FFFE}\u{FFFF}é\u{FFFD}\n", "\"\\uffffa\\ufffe\\uffffé\u{FFFD}\\n\""),
    ])
  func strings(value: String, text: String) throws {
    #expect(JSONValue.string(value).text == text)
    #expect(try JSONValue(parsing: text).string.map { Array($0.utf8) } == Array(value.utf8))
    #expect(try JSONSerializationCheck.string(text) == value)
  }

  @Test("A value goes through Codable, numbers that no type holds as text")
  func codable() throws {
    let value: JSONValue = [
      "null": nil, "bool": true, "int": .int(.min), "list": [1, "two", [:], []], "nested": ["é": ["b": false]],
      "unsigned": .number(JSONNumber(UInt64.max)), "double": .double(0.25),
    ]
    let decoded = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value))
    #expect(decoded == value)
    let huge = try JSONValue(parsing: "[1e999,-1e999]")
    #expect(try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(huge)) == ["1e999", "-1e999"])
  }

  @Test("Setting a member of something that is no object does nothing")
  func settingMembers() {
    var value: JSONValue = ["a": ["b": 1]]
    value["a"]?["c"] = 2
    value["x"]?["y"] = 3
    #expect(value == ["a": ["b": 1, "c": 2]])
    var text: JSONValue = "text"
    text["a"] = 1
    #expect(text == "text")
  }
}

/// The standard library's reader, as a second opinion on what we write.
private enum JSONSerializationCheck {
  static func string(_ text: String) throws -> String { try JSONDecoder().decode(String.self, from: Data(text.utf8)) }
}

@Suite struct JSONInRecordsTests {
  @Test("What others put into a record survives its storing, digits and all")
  func records() throws {
    let text = #"{"n":[1.0,18446744073709551617,1e999,-0,1.10],"é":"e\u0301"}"#
    let context = try JSONValue(parsing: text)
    let request = TaskRequest(
      api: .v1, key: TaskKey(id: "t"), runtime: nil, type: .textToImage, folder: "f", context: context, content: [:],
      payload: [:])
    var record = TaskRecord(request, run: 1, submission: "s", digest: "d", at: Timestamp(milliseconds: 0))
    record.error = TaskError(.engineFailed, .infer, "m", reason: context)
    let decoded = try JSONDecoder().decode(TaskRecord.self, from: JSONEncoder().encode(record))
    #expect(decoded == record)
    #expect(decoded.context?.text == context.text && decoded.error?.reason?.text == context.text)
    record.context = nil
    #expect(try JSONDecoder().decode(TaskRecord.self, from: JSONEncoder().encode(record)).context == nil)
  }
}
