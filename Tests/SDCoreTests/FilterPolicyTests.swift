import FoundationEssentials
import SDCore
import Testing

private func matches(_ policy: JSONValue, _ attributes: MessageAttributes) throws -> Bool {
  try FilterPolicy(policy, scope: .attributes).matches(Publication(body: [], attributes: attributes))
}

private func matches(_ policy: JSONValue, body: String) throws -> Bool {
  try FilterPolicy(policy, scope: .body).matches(Publication(body: Array(body.utf8)))
}

@Suite struct FilterPolicyMatchingTests {
  @Test(
    "Examples of the developer guide, over attributes",
    arguments: [
      (
        ["interests": ["rugby", "tennis"]], ["rugby", "tennis", .list(["rugby", "tennis"]), .list(["x", "tennis"])],
        ["baseball", .list(["baseball"])]
      ),
      (
        ["interests": [["anything-but": ["rugby", "tennis"]]]], ["baseball", .list(["rugby", "baseball"])],
        ["rugby", .list(["rugby"])]
      ),
      (
        ["interests": [["anything-but": ["prefix": "order-"]]]], ["my-order", .list(["my-order"])],
        ["order-1", .list(["order-1"])]
      ),
      (["interests": [["anything-but": ["suffix": "ball"]]]], ["rugby"], ["baseball"]),
      (["interests": [["anything-but": ["wildcard": "*ball"]]]], ["rugby"], ["baseball"]),
      (["interests": [["anything-but": ["equals-ignore-case": ["Rugby", "tennis"]]]]], ["golf"], ["RUGBY", "Tennis"]),
      (["interests": [["equals-ignore-case": "tennis"]]], ["TENNIS", "Tennis"], ["tennis "]),
      (["interests": [["prefix": "bas"]]], ["baseball", "bas"], ["rugby", "ba", "Basketball"]),
      (["interests": [["suffix": "ball"]]], ["baseball", "ball"], ["rugby", "all", "BALL"]),
      (["interests": [["wildcard": "*ball"]]], ["baseball", "ball"], ["rugby"]),
      (["ip": [["cidr": "10.0.0.0/24"]]], ["10.0.0.0", "10.0.0.255"], ["10.1.1.0", "10.0.1.0", "x"]),
      (
        ["price": [.double(301.5)]], [.number("301.5"), .number("3.015e2"), .number("301.50")],
        [.number("301"), "301.5"]
      ),
      (
        ["price": [["anything-but": [100, 500]]]], [.number("101"), .number("100.1"), "100"],
        [.number("100"), .number("500.0")]
      ),
      (["price": [["numeric": ["<", 3]]]], [.number("2.9"), .number("-4")], [.number("3"), .number("3.0")]),
      (
        ["price": [["numeric": [">", 0, "<=", 150]]]], [.number("150"), .number("0.00001")],
        [.number("0"), .number("150.00001"), "100"]
      ),
      (["price": [["numeric": ["=", .double(3.015e2)]]]], [.number("301.5")], [.number("301.51")]),
      (["store": [["exists": true]]], ["fans", .number("1"), .list([])], []),
      (["a": [true, nil]], [.list([true]), .list(["x", nil])], ["true", "null", .list([false])]),
    ] as [(JSONValue, [AttributeValue], [AttributeValue])])
  func guide(policy: JSONValue, yes: [AttributeValue], no: [AttributeValue]) throws {
    let name = try #require(policy.object?.names.first)
    for value in yes { #expect(try matches(policy, [name: value]), "\(policy.text) should match \(value)") }
    for value in no { #expect(try !matches(policy, [name: value]), "\(policy.text) should not match \(value)") }
    #expect(try !matches(policy, ["other": "x"]))
  }

  @Test("A key that must be absent is; binary attributes are not seen")
  func absence() throws {
    let policy: JSONValue = ["store": [["exists": false]]]
    #expect(try matches(policy, ["event": "x"]))
    #expect(try !matches(policy, ["store": "fans"]))
    #expect(try matches(policy, ["store": .binary([1])]))
    #expect(try !matches(["store": [["exists": true]]], ["store": .binary([1])]))
    #expect(try matches(["store": ["x", ["exists": false]]], [:]))
    #expect(try matches(["store": [["anything-but": "x"], ["exists": false]]], [:]))
  }

  @Test("Keys must all hold, values one of them")
  func logic() throws {
    let policy: JSONValue = ["interests": ["rugby", "football"], "price": [["numeric": [">", 100]]]]
    #expect(try matches(policy, ["interests": "football", "price": .number("101")]))
    #expect(try !matches(policy, ["interests": "football", "price": .number("100")]))
    #expect(try !matches(policy, ["interests": "football"]))
    #expect(try !matches(policy, ["interests": "tennis", "price": .number("101")]))
    #expect(try matches([:], ["x": "y"]))
  }

  @Test("$or joins keys, alone, beside others, and within itself")
  func or() throws {
    let policy: JSONValue = [
      "source": ["aws.cloudwatch"], "$or": [["metricName": ["CPUUtilization"]], ["namespace": ["AWS/EC2", "AWS/ES"]]],
    ]
    #expect(try matches(policy, ["source": "aws.cloudwatch", "metricName": "CPUUtilization"]))
    #expect(try matches(policy, ["source": "aws.cloudwatch", "namespace": "AWS/ES"]))
    #expect(try !matches(policy, ["source": "aws.cloudwatch", "namespace": "AWS/S3"]))
    #expect(try !matches(policy, ["metricName": "CPUUtilization"]))
    let nested: JSONValue = ["$or": [["a": [1]], ["b": [2], "$or": [["c": [3]], ["d": [4]]]]]]
    #expect(try matches(nested, ["a": .number("1")]))
    #expect(try matches(nested, ["b": .number("2"), "d": .number("4")]))
    #expect(try !matches(nested, ["b": .number("2")]))
    #expect(try !matches(nested, ["d": .number("4")]))
    let two: JSONValue = ["$or": [["a": ["1"]], ["b": ["2"]]], "x": [["exists": true]]]
    #expect(try matches(two, ["b": "2", "x": ""]))
    #expect(try !matches(two, ["b": "2"]))
  }

  @Test("$or without two objects, or with operators for names, is a key like any other")
  func orAsKey() throws {
    #expect(try matches(["$or": ["a", "b"]], ["$or": "b"]))
    #expect(try matches(["$or": [["prefix": "ab"], ["suffix": "yz"]]], ["$or": "abc"]))
    #expect(try !matches(["$or": [["prefix": "ab"], ["suffix": "yz"]]], ["prefix": "ab"]))
    #expect(throws: SDError.self) { try FilterPolicy(["$or": [["a": ["x"]]]], scope: .attributes) }
    #expect(throws: SDError.self) {
      try FilterPolicy(["$or": [["numeric": 123], ["prefix": "abc"]]], scope: .attributes)
    }
    #expect(try matches(["$or": [["a": ["x"]], ["$or": [["b": ["y"]], ["c": ["z"]]]]]], ["c": "z"]))
  }

  @Test("Over bodies, keys nest and values keep their types")
  func bodies() throws {
    let nested: JSONValue = ["store": ["name": ["fans"], "address": ["country": [["prefix": "U"]]]]]
    #expect(try matches(nested, body: #"{"store":{"name":"fans","address":{"country":"US"}},"x":1}"#))
    #expect(try !matches(nested, body: #"{"store":{"name":"fans","address":{"country":"DE"}}}"#))
    #expect(try !matches(nested, body: #"{"store":{"name":"fans"}}"#))
    #expect(try !matches(nested, body: #"{"name":"fans","country":"US"}"#))
    #expect(try matches(["a": [true]], body: #"{"a":true}"#) && !matches(["a": [true]], body: #"{"a":"true"}"#))
    #expect(try matches(["a": [nil]], body: #"{"a":null}"#) && !matches(["a": [nil]], body: #"{}"#))
    #expect(try matches(["a": [1]], body: #"{"a":1.0}"#) && !matches(["a": [1]], body: #"{"a":"1"}"#))
    #expect(try matches(["a": [["anything-but": ["x"]]]], body: #"{"a":null}"#))
    #expect(try matches(["a": [["exists": true]]], body: #"{"a":null}"#))
    #expect(try !matches(["a": ["x"]], body: #"{"a":{"x":"x"}}"#))
  }

  @Test(
    "A body that is no JSON object matches no policy over bodies",
    arguments: ["", "text", "[]", "[{\"a\":1}]", "\"a\"", "{\"a\":1", "1"])
  func otherBodies(body: String) throws {
    #expect(try !matches(["a": [1]], body: body))
    #expect(try !matches(["b": [["exists": false]]], body: body))
  }

  @Test("An array matches by any element, and of an array of objects one must have it all")
  func arrays() throws {
    #expect(try matches(["a": ["x"]], body: #"{"a":["w","x"]}"#) && !matches(["a": ["x"]], body: #"{"a":["w"]}"#))
    #expect(try matches(["a": ["x"]], body: #"{"a":[["w"],["x"]]}"#) && !matches(["a": ["x"]], body: #"{"a":[]}"#))
    let policy: JSONValue = ["Records": ["event": [["prefix": "Created:"]], "size": [["numeric": [">", 5]]]]]
    #expect(try matches(policy, body: #"{"Records":[{"event":"Deleted:","size":9},{"event":"Created:Put","size":6}]}"#))
    #expect(
      try !matches(policy, body: #"{"Records":[{"event":"Deleted:","size":9},{"event":"Created:Put","size":5}]}"#))
    #expect(try !matches(policy, body: #"{"Records":[]}"#) && !matches(policy, body: #"{"Records":["Created:"]}"#))
    let either: JSONValue = ["Records": ["event": ["a"]], "$or": [["Records": ["size": [1]]], ["other": [2]]]]
    #expect(try !matches(either, body: #"{"Records":[{"event":"a","size":0},{"event":"b","size":1}]}"#))
    #expect(try matches(either, body: #"{"Records":[{"event":"a","size":1}]}"#))
    #expect(try matches(either, body: #"{"Records":[{"event":"a"}],"other":2}"#))
  }

  @Test(
    "What must be absent below may be absent above",
    arguments: ["{}", #"{"a":{}}"#, #"{"a":1}"#, #"{"a":[{"b":1},{}]}"#])
  func absentBelow(body: String) throws {
    #expect(try matches(["a": ["b": [["exists": false]]]], body: body))
    #expect(try !matches(["a": ["b": [["exists": true]]]], body: body) || body.contains("b"))
  }

  @Test("Strings are compared by bytes")
  func bytes() throws {
    #expect(try !matches(["a": ["\u{E9}"]], ["a": "e\u{301}"]) && matches(["a": ["\u{E9}"]], ["a": "\u{E9}"]))
    #expect(try matches(["a": [["prefix": "e"]]], ["a": "e\u{301}"]))
    #expect(try matches(["a": [["suffix": "\n"]]], ["a": "x\r\n"]))
    #expect(try !matches(["\u{E9}": ["x"]], body: "{\"e\u{301}\":\"x\"}"))
    #expect(try matches(["a": [""]], ["a": ""]) && matches(["a": [["prefix": ""]]], ["a": ""]))
  }

  @Test(
    "Stars stand for anything, escaped ones for themselves",
    arguments: [
      ("*", ["", "a", "a*b"], []), ("a*", ["a", "ab"], ["", "ba"]), ("*a*", ["a", "bab"], ["b"]),
      ("a*a", ["aa", "aba"], ["a", "ab"]),
      ("a*b*c", ["abc", "axxbxxc", "abbc", "abcbc"], ["acb", "ab", "abcx"]),
      ("*ab*ab*", ["abab", "xabyabz"], ["ab", "aab"]),
      ("a\\*b", ["a*b"], ["axb", "a\\*b"]), ("a\\\\*", ["a\\", "a\\x"], ["a*", "ax"]),
      ("plain", ["plain"], ["plai", "plainx"]), ("é*", ["éa"], ["e\u{301}a"]),
    ] as [(String, [String], [String])])
  func wildcards(pattern: String, yes: [String], no: [String]) throws {
    for text in yes {
      #expect(try matches(["a": [["wildcard": .string(pattern)]]], ["a": .string(text)]), "\(pattern) \(text)")
    }
    for text in no {
      #expect(try !matches(["a": [["wildcard": .string(pattern)]]], ["a": .string(text)]), "\(pattern) \(text)")
    }
  }

  @Test("A hostile pattern is matched in bearable time")
  func hostileWildcards() throws {
    let pattern = JSONValue.string(Array(repeating: "a", count: 60).joined(separator: "*") + "b")
    #expect(try !matches(["a": [["wildcard": pattern]]], ["a": .string(String(repeating: "a", count: 2000))]))
  }

  @Test(
    "Addresses belong to blocks of their own family, to the bit",
    arguments: [
      ("10.0.0.0/8", ["10.255.0.1"], ["11.0.0.0", "::ffff:10.0.0.1"]), ("10.1.2.3/32", ["10.1.2.3"], ["10.1.2.4"]),
      ("10.1.2.3", ["10.1.2.3"], ["10.1.2.2"]),
      ("0.0.0.0/0", ["1.2.3.4"], ["::1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 "]),
      ("192.168.1.128/25", ["192.168.1.128", "192.168.1.255"], ["192.168.1.127"]),
      ("10.0.0.0/31", ["10.0.0.1"], ["10.0.0.2"]),
      (
        "2001:db8::/32", ["2001:db8::", "2001:0DB8:ffff::1", "2001:db8:0:0:0:0:0:1"],
        ["2001:db9::", "10.0.0.1", "2001:db8::1::2", "2001:db8", "2001:db8:::1"]
      ),
      ("::1/128", ["::1", "0:0:0:0:0:0:0:1"], ["::2", "::"]),
      ("::ffff:10.0.0.0/104", ["::ffff:10.9.9.9"], ["::ffff:11.0.0.0", "10.0.0.1"]),
      ("::/0", ["fe80::1"], ["fe80::1%eth0", ":", ":::"]),
    ] as [(String, [String], [String])])
  func addresses(block: String, yes: [String], no: [String]) throws {
    for text in yes {
      #expect(try matches(["ip": [["cidr": .string(block)]]], ["ip": .string(text)]), "\(block) \(text)")
    }
    for text in no {
      #expect(try !matches(["ip": [["cidr": .string(block)]]], ["ip": .string(text)]), "\(block) \(text)")
    }
  }

  @Test("Numbers that are none, or too large, match no number")
  func oddNumbers() throws {
    for text in ["", "x", "nan", "inf", "1e10", "-1e10", "1e999", " 5"] {
      #expect(try !matches(["n": [5, ["numeric": [">=", .int(-1_000_000_000)]]]], ["n": .number(text)]), "\(text)")
    }
    #expect(try matches(["n": [["anything-but": [5]]]], ["n": .number("1e10")]))
    #expect(try matches(["n": [.int(1_000_000_000), .int(-1_000_000_000)]], ["n": .number("-1e9")]))
  }
}

@Suite struct FilterPolicyValidationTests {
  @Test(
    "What SNS would refuse is refused, with the place",
    arguments: [
      ("[]", "object"), ("\"x\"", "object"), (#"{"a":"x"}"#, "a, must have an array"),
      (#"{"a":1}"#, "must have an array"), (#"{"a":null}"#, "must have an array"),
      (#"{"a":[]}"#, "empty array"), (#"{"a":[["x"]]}"#, "array in an array"), (#"{"a":[{}]}"#, "0 members"),
      (#"{"a":[{"prefix":"x","suffix":"y"}]}"#, "2 members"),
      (#"{"a":[{"like":"x"}]}"#, "a.like"), (#"{"a":[{"prefix":1}]}"#, "string"),
      (#"{"a":[{"suffix":null}]}"#, "string"), (#"{"a":[{"equals-ignore-case":["x"]}]}"#, "string"),
      (#"{"a":[{"exists":"true"}]}"#, "true or false"), (#"{"a":[{"cidr":"10.0.0.0/33"}]}"#, "IP"),
      (#"{"a":[{"cidr":"x/8"}]}"#, "IP"), (#"{"a":[{"cidr":"10.0.0.0/"}]}"#, "IP"),
      (#"{"a":[{"cidr":"10.0.0.0/8/8"}]}"#, "IP"), (#"{"a":[{"wildcard":"a**b"}]}"#, "stars"),
      (#"{"a":[{"wildcard":"a\\nb"}]}"#, "backslash"), (#"{"a":[{"wildcard":"a\\"}]}"#, "backslash"),
      (#"{"a":[{"anything-but":[]}]}"#, "empty array"), (#"{"a":[{"anything-but":[true]}]}"#, "strings or numbers"),
      (#"{"a":[{"anything-but":{"exists":true}}]}"#, "combines"),
      (#"{"a":[{"anything-but":{"prefix":[]}}]}"#, "empty array"),
      (#"{"a":[{"anything-but":{"prefix":1}}]}"#, "strings"), (#"{"a":[{"numeric":[]}]}"#, "once or twice"),
      (#"{"a":[{"numeric":["<"]}]}"#, "once or twice"), (#"{"a":[{"numeric":"x"}]}"#, "array"),
      (#"{"a":[{"numeric":["<>",1]}]}"#, "operator"), (#"{"a":[{"numeric":[1,"<"]}]}"#, "operator"),
      (#"{"a":[{"numeric":["<","1"]}]}"#, "number"), (#"{"a":[{"numeric":["<",5,">",1]}]}"#, "range"),
      (#"{"a":[{"numeric":[">",5,"=",6]}]}"#, "range"), (#"{"a":[{"numeric":["=",5,"<",6]}]}"#, "range"),
      (#"{"a":[{"numeric":[">",5,"<",5]}]}"#, "bottom"), (#"{"a":[{"numeric":[">",6,"<",5]}]}"#, "bottom"),
      (#"{"a":[1000000001]}"#, "1,000,000,000"), (#"{"a":[{"numeric":[">",-1e10]}]}"#, "1,000,000,000"),
      (#"{"a":{"b":["x"]}}"#, "nests"), (#"{"a":["x"],"b":["x"],"c":["x"],"d":["x"],"e":["x"],"f":["x"]}"#, "6 keys"),
      ("{", "not JSON"), ("", "not JSON"),
    ])
  func refuses(text: String, message: String) {
    let error = #expect(throws: SDError.self) { try FilterPolicy(parsing: text, scope: .attributes) }
    #expect(error?.code == .invalid)
    #expect(error?.message.contains(message) == true, "\(text): \(error?.message ?? "")")
  }

  @Test("Combinations are counted as the guide counts them")
  func combinations() throws {
    func values(_ count: Int) -> JSONValue { .strings((0..<count).map { "v\($0)" }) }
    _ = try FilterPolicy(["a": values(150)], scope: .attributes)
    _ = try FilterPolicy(["a": values(3), "b": values(1), "c": values(50)], scope: .attributes)
    #expect(throws: SDError.self) { try FilterPolicy(["a": values(151)], scope: .attributes) }
    #expect(throws: SDError.self) { try FilterPolicy(["a": values(13), "b": values(12)], scope: .attributes) }
    // 4 values at depth 3 and 3 at depth 2: 3 x 4 x 2 x 3 = 72.
    _ = try FilterPolicy(["a": ["b": ["c": values(4)]], "d": ["e": values(3)]], scope: .body)
    _ = try FilterPolicy(["a": ["b": ["c": values(5)]], "d": ["e": values(5)]], scope: .body)
    #expect(throws: SDError.self) {
      try FilterPolicy(["a": ["b": ["c": values(5)]], "d": ["e": values(6)]], scope: .body)
    }
    _ = try FilterPolicy(["a": [["anything-but": values(1000)]]], scope: .attributes)
  }

  @Test("In bodies empty objects are refused, and keys are counted where they have values")
  func bodies() throws {
    #expect(throws: SDError.self) { try FilterPolicy(["a": [:]], scope: .body) }
    _ = try FilterPolicy(["k": ["a": ["x"], "b": ["x"], "c": ["x"], "d": ["x"], "e": ["x"]]], scope: .body)
    #expect(throws: SDError.self) {
      try FilterPolicy(["k": ["a": ["x"], "b": ["x"], "c": ["x"], "d": ["x"], "e": ["x"], "f": ["x"]]], scope: .body)
    }
  }

  @Test("Multiplying $or operators are refused before they multiply")
  func orBomb() throws {
    var policy: JSONValue = ["x": ["y"]]
    for n in 0..<60 {
      policy = [
        "$or": [
          ["a\(n)": ["1"], "$or": [policy, ["b\(n)": ["2"]]]], ["c\(n)": ["3"], "$or": [policy, ["d\(n)": ["4"]]]],
        ]
      ]
      guard n < 6 || policy.serialized().count < 200_000 else { break }
    }
    #expect(throws: SDError.self) { try FilterPolicy(policy, scope: .attributes) }
  }

  @Test("A policy above 256 KiB is too large")
  func size() throws {
    let error = #expect(throws: SDError.self) {
      try FilterPolicy(["a": [.string(String(repeating: "x", count: 256 << 10))]], scope: .attributes)
    }
    #expect(error?.code == .tooLarge)
  }

  @Test("A policy travels as scope and policy, and is judged again when it arrives")
  func codable() throws {
    let policy = try FilterPolicy(["$or": [["a": ["x"]], ["b": [["numeric": [">", .double(1.5)]]]]]], scope: .body)
    let subscription = Subscription(queue: "q", filter: policy, rawDelivery: false)
    let data = try JSONEncoder().encode(subscription)
    let decoded = try JSONDecoder().decode(Subscription.self, from: data)
    #expect(decoded == subscription)
    #expect(decoded.filter?.matches(Publication(body: Array(#"{"b":2}"#.utf8))) == true)
    let stored = try JSONValue(parsing: Array(data))
    #expect(stored["filter"]?["scope"] == "MessageBody" && stored["filter"]?["policy"]?["$or"] != nil)
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(FilterPolicy.self, from: Data(#"{"scope":"MessageBody","policy":{"a":"x"}}"#.utf8))
    }
  }

  @Test("The dev catalog's queues get their own runtime's tasks, and the model's that name none")
  func catalog() throws {
    let subscriptions = try RuntimeCatalog.standard.subscriptions
    func queues(_ attributes: MessageAttributes) -> [String] {
      subscriptions.filter { $0.filter?.matches(Publication(body: [], attributes: attributes)) ?? true }.map(\.queue)
    }
    for runtime in RuntimeCatalog.standard.runtimes {
      #expect(queues(["runtime": .string(runtime.name), "sd_model_checkpoint": "anything"]) == [runtime.queue])
    }
    #expect(queues(["sd_model_checkpoint": "v1-5-pruned-emaonly.safetensors"]).count == 1)
    #expect(queues(["runtime": "nobody"]).isEmpty)
  }
}
