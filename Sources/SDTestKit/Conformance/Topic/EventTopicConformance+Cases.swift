import SDCore

extension EventTopicConformance {
  /// Every case there is.
  public static var all: [Case] { deliveryCases + filterCases }

  private static let deliveryCases: [Case] = [
    Case("every subscription gets a copy, and a topic without any takes publications all the same") { suite in
      try await suite.with([]) { fixture in try await fixture.topic.publish(Publication(body: Array("nobody".utf8))) }
      try await suite.with([.init(queue: "one"), .init(queue: "two")]) { fixture in
        try await fixture.topic.publish(Publication(body: Array("x".utf8)))
        try await fixture.topic.publish(Publication(body: Array("y".utf8)))
        for queue in 0...1 {
          let texts = try await fixture.drain(queue, expecting: 2).map(\.text)
          try expectEqual(Set(texts), ["x", "y"], "what queue \(queue) got")
          try expectEqual(texts.count, 2, "deliveries to queue \(queue)")
        }
      }
    },
    Case("JSON of any characters at all is taken") { suite in
      try await suite.with([.init(queue: "raw")]) { fixture in
        let value: JSONValue = ["context": "\u{0}\u{1F}\u{7F}\u{FFFE}\u{FFFF}\u{10FFFF}", "\u{FFFF}": 1]
        try await fixture.topic.publish(Publication(body: value.serialized()))
        let lease = try unwrap(try await fixture.drain(0, expecting: 1).first, "the message")
        try expectEqual(try JSONValue(parsing: lease.body), value, "what came")
      }
    },
    Case("raw delivery hands on body and attributes as they are") { suite in
      try await suite.with([.init(queue: "raw")]) { fixture in
        var attributes: MessageAttributes = [
          "runtime": "é \"x\"", "n": .number("1.50"), "b": .binary([0, 0xFF, 0x0A]), "l": .list(["a", 1, true, nil]),
        ]
        if !suite.traits.rawBytes { attributes["b"] = nil }
        let body = Array("{\"prompt\": \"日本語 🏮\", \"n\": 1.0}\n".utf8)
        try await fixture.topic.publish(Publication(body: body, attributes: attributes, groupID: "tenant"))
        let lease = try unwrap(try await fixture.drain(0, expecting: 1).first, "the message")
        try expectEqual(lease.body, body, "bytes of the body")
        for (name, value) in attributes { try expectEqual(lease.attributes[name], value, "attribute \(name)") }
        try expectEqual(lease.receiveCount, 1, "receive count")
      }
    },
    Case("an envelope holds body, attributes and the publication's id") { suite in
      try await suite.with([.init(queue: "wrapped", rawDelivery: false)]) { fixture in
        let attributes: MessageAttributes = [
          "runtime": "é \"x\"", "n": .number("1.50"), "b": .binary([0, 0xFF, 0x0A]), "l": .list(["a", 1, true, nil]),
        ]
        let body = Array("{\"prompt\": \"日本語 \\\"🏮\\\" \u{7F}\\\\\"}\n".utf8)
        let id = try await fixture.topic.publish(Publication(body: body, attributes: attributes))
        let lease = try unwrap(try await fixture.drain(0, expecting: 1).first, "the message")
        let envelope = try JSONValue(parsing: lease.body)
        try expectEqual(envelope["Type"], "Notification", "Type")
        try expectEqual(envelope["MessageId"]?.string, id, "MessageId")
        try expectEqual(envelope["Message"]?.string.map { Array($0.utf8) }, body, "Message")
        try expect(envelope["TopicArn"]?.string != nil, "a TopicArn")
        try expect(
          Timestamp(try unwrap(envelope["Timestamp"]?.string, "a Timestamp")) != nil, "a Timestamp in RFC 3339")
        try expectEqual(
          envelope["MessageAttributes"]?["runtime"], ["Type": "String", "Value": "é \"x\""], "attribute runtime")
        try expectEqual(envelope["MessageAttributes"]?["n"], ["Type": "Number", "Value": "1.50"], "attribute n")
        try expectEqual(envelope["MessageAttributes"]?["b"], ["Type": "Binary", "Value": "AP8K"], "attribute b")

        let unwrapped = NotificationEnvelope.open(lease.body, attributes: lease.attributes)
        try expectEqual(unwrapped.body, body, "the opened body")
        try expectEqual(unwrapped.messageID, id, "the opened id")
        for (name, value) in attributes {
          try expectEqual(unwrapped.attributes[name], value, "opened attribute \(name)")
        }
      }
    },
    Case("an envelope without attributes is one all the same") { suite in
      try await suite.with([.init(queue: "wrapped", rawDelivery: false)]) { fixture in
        let id = try await fixture.topic.publish(Publication(body: Array("plain".utf8)))
        let lease = try unwrap(try await fixture.drain(0, expecting: 1).first, "the message")
        let unwrapped = NotificationEnvelope.open(lease.body, attributes: lease.attributes)
        try expectEqual(unwrapped.body, Array("plain".utf8), "the opened body")
        try expectEqual(unwrapped.messageID, id, "the opened id")
      }
    },
    Case("publications have ids of their own") { suite in
      try await suite.with([]) { fixture in
        var ids: Set<String> = []
        for _ in 0..<5 { ids.insert(try await fixture.topic.publish(Publication(body: Array("same".utf8)))) }
        try expectEqual(ids.count, 5, "ids")
      }
    },
    Case("a publication of exactly the limit is taken, one byte more refused as too large") { suite in
      try await suite.with([.init(queue: "raw")]) { fixture in
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: fixture.topic.maximumBytes)
        try await expectError(.tooLarge, from: "a body above the limit") {
          try await fixture.topic.publish(Publication(body: body + [UInt8(ascii: "x")]))
        }
        try await expectError(.tooLarge, from: "a body whose attributes exceed the limit") {
          try await fixture.topic.publish(Publication(body: body, attributes: ["a": "b"]))
        }
        try await fixture.topic.publish(Publication(body: body))
        let leases = try await fixture.drain(0, expecting: 1)
        try expectEqual(leases.map(\.body.count), [body.count], "bytes of what came")
      }
    },
    Case("a publication that is no text is refused") { suite in
      try await suite.with([.init(queue: "raw")]) { fixture in
        try await expectError(.invalid, from: "a body that is not UTF-8") {
          try await fixture.topic.publish(Publication(body: [0xFF, 0xFE]))
        }
        try expect(try await fixture.drain(0, expecting: 0).isEmpty, "a refused publication was delivered")
      }
    },
    Case("a group is handed on to queues that keep groups") { suite in
      try await suite.with([.init(queue: "raw")]) { fixture in
        guard !fixture.queues[0].capabilities.abilities.isDisjoint(with: [.groups, .fairShare]) else { return }
        try await fixture.topic.publish(Publication(body: Array("x".utf8), groupID: "tenant-1"))
        try expectEqual(try await fixture.drain(0, expecting: 1).first?.groupID, "tenant-1", "group")
      }
    },
  ]

  private static let filterCases: [Case] = [
    Case("a filter over attributes lets through what it says") { suite in
      let filter = try FilterPolicy(["runtime": ["one", ["prefix": "two-"]]], scope: .attributes)
      try await suite.with([.init(queue: "some", filter: filter), .init(queue: "all")]) { fixture in
        for runtime in ["one", "two-x", "three", "One"] {
          try await fixture.topic.publish(
            Publication(body: Array(runtime.utf8), attributes: ["runtime": .string(runtime)]))
        }
        try await fixture.topic.publish(Publication(body: Array("none".utf8)))
        try expectEqual(
          Set(try await fixture.drain(0, expecting: 2).map(\.text)), ["one", "two-x"], "what the filter let through")
        try expectEqual(try await fixture.drain(1, expecting: 5).count, 5, "what the queue without a filter got")
      }
    },
    Case("a filter over the body looks into nested members, whatever the attributes say") { suite in
      let filter = try FilterPolicy(
        ["alwayson_scripts": ["sd_model_checkpoint": ["m.safetensors"]], "sdname": ["sdruntimeAddon"]], scope: .body)
      try await suite.with([.init(queue: "some", filter: filter, rawDelivery: false)]) { fixture in
        let bodies = [
          "{\"alwayson_scripts\":{\"sd_model_checkpoint\":\"m.safetensors\",\"task\":\"x\"},\"sdname\":\"sdruntimeAddon\"}",
          "{\"alwayson_scripts\":{\"sd_model_checkpoint\":\"other\"},\"sdname\":\"sdruntimeAddon\"}",
          "{\"sd_model_checkpoint\":\"m.safetensors\",\"sdname\":\"sdruntimeAddon\"}", "no JSON", "[]", "{}",
          "\"text\"",
        ]
        for body in bodies {
          try await fixture.topic.publish(Publication(body: Array(body.utf8), attributes: ["sdname": "sdruntimeAddon"]))
        }
        let got = try await fixture.drain(0, expecting: 1).map {
          NotificationEnvelope.open($0.body, attributes: [:]).body
        }
        try expectEqual(got, [Array(bodies[0].utf8)], "what the filter let through")
      }
    },
    Case("the successor's filter routes by model or by runtime") { suite in
      let filter = try FilterPolicy(
        ["$or": [["sd_model_checkpoint": ["m.safetensors"]], ["runtime": ["sdruntime"]]]], scope: .attributes)
      let rest = try FilterPolicy(["sd_model_checkpoint": [["anything-but": ["m.safetensors"]]]], scope: .attributes)
      try await suite.with([.init(queue: "some", filter: filter), .init(queue: "rest", filter: rest)]) { fixture in
        let wanted: [MessageAttributes] = [
          ["runtime": "sdruntime"], ["sd_model_checkpoint": "m.safetensors"],
          ["runtime": "other", "sd_model_checkpoint": "m.safetensors"], ["runtime": "other"],
          ["sd_model_checkpoint": "n.safetensors"],
          [:],
        ]
        for (n, attributes) in wanted.enumerated() {
          try await fixture.topic.publish(Publication(body: Array("\(n)".utf8), attributes: attributes))
        }
        try expectEqual(
          Set(try await fixture.drain(0, expecting: 3).map(\.text)), ["0", "1", "2"], "what the runtime's queue got")
        try expectEqual(Set(try await fixture.drain(1, expecting: 1).map(\.text)), ["4"], "what the dynamic queue got")
      }
    },
    Case("filters of every kind are obeyed", where: { $0.traits.everyFilter }) { suite in
      let policies: [(JSONValue, yes: AttributeValue, no: AttributeValue)] = [
        (["a": [["suffix": ".png"]]], "x.png", "x.jpg"), (["a": [["wildcard": "a*c*e"]]], "abcde", "abcd"),
        (["a": [["equals-ignore-case": "Hello"]]], "hELLO", "hell"),
        (["a": [["cidr": "10.0.0.0/24"]]], "10.0.0.255", "10.0.1.0"),
        (["a": [["numeric": [">", 1, "<=", 5]]]], .number("5.0"), .number("1")),
        (["a": [["exists": false]]], .string(""), "present"),
        (["a": [["anything-but": ["prefix": "order-"]]]], "stock", "order-1"),
        (["a": ["x"]], .list(["w", "x"]), .list(["w"])),
        (["a": [100]], .number("1e2"), .number("101")),
      ]
      for (position, policy) in policies.enumerated() {
        let filter = try FilterPolicy(policy.0, scope: .attributes)
        try await suite.with([.init(queue: "q", filter: filter)]) { fixture in
          // The empty text stands for "no attribute at all".
          for (text, value) in [("yes", policy.yes), ("no", policy.no)] {
            try await fixture.topic.publish(
              Publication(body: Array(text.utf8), attributes: value == "" ? [:] : ["a": value]))
          }
          try expectEqual(
            try await fixture.drain(0, expecting: 1).map(\.text), ["yes"], "what policy \(position) let through")
        }
      }
    },
  ]
}
