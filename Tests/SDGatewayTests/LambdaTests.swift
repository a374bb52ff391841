import HTTPTransport
import HTTPTypes
import MemoryPlugins
import SDCore
import SDTestKit
import Synchronization
import Testing

@testable import SDGateway

/// The Lambda form through a stand-in for the runtime API.
@Suite struct LambdaTests {
  private static func version1(
    _ method: String, _ path: String, body: JSONValue? = nil, headers: JSONValue = [:], query: JSONValue = nil
  ) -> JSONValue {
    [
      "resource": "/{proxy+}", "path": .string(path), "httpMethod": .string(method), "headers": headers,
      "multiValueHeaders": nil, "queryStringParameters": query, "multiValueQueryStringParameters": nil,
      "requestContext": [
        "stage": "prod", "identity": ["sourceIp": "192.0.2.1", "apiKeyId": "key-1", "apiKey": "secret"],
      ], "body": body.map { .string($0.text) } ?? nil, "isBase64Encoded": false,
    ]
  }

  private static func version2(
    _ method: String, _ path: String, body: String? = nil, isBase64: Bool = false, stage: String = "$default",
    query: String = ""
  ) -> JSONValue {
    [
      "version": "2.0", "routeKey": "$default", "rawPath": .string(path), "rawQueryString": .string(query),
      "headers": ["host": "x.execute-api.eu-west-1.amazonaws.com", "content-type": "application/json"],
      "requestContext": [
        "http": ["method": .string(method), "path": .string(path), "sourceIp": "192.0.2.1"], "stage": .string(stage),
      ], "body": body.map(JSONValue.string) ?? nil, "isBase64Encoded": .bool(isBase64),
    ]
  }

  /// Has a function handle events, one after the other; answers what it told the runtime API of each.
  private func invoke(
    _ events: [JSONValue], in house: House, calls: Box<String> = .init([])
  ) async throws -> [(path: String, body: JSONValue)] {
    let (left, answers) = (Box(events), Box<(path: String, body: JSONValue)>([]))
    let server = try ScriptedHTTPServer { request in
      calls.append(request.method)
      if request.method == "POST" {
        answers.append((request.path, (try? JSONValue(parsing: request.body)) ?? .null))
        return .respond(status: 202)
      }
      guard let event = left.popFirst() else { return .hang }
      return .respond(
        headers: [
          ("Lambda-Runtime-Aws-Request-Id", "id-\(events.count)"), ("Lambda-Runtime-Deadline-Ms", "4102444800000"),
          ("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"),
        ], body: event.serialized())
    }
    defer { server.stop() }
    let function = LambdaGateway(
      authority: "127.0.0.1:\(server.port)", configuration: .init(host: ""), services: house.services,
      afterwards: { calls.append("afterwards") }, logger: house.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await function.run() }
      group.addTask {
        try await eventually("all answers") { answers.all.count == events.count }
      }
      try await group.next()
      group.cancelAll()
    }
    return answers.all
  }

  private func answer(_ event: JSONValue, _ house: House? = nil) async throws -> JSONValue {
    let told = try #require(try await invoke([event], in: try house ?? House()).first)
    #expect(told.path == "/2018-06-01/runtime/invocation/id-1/response")
    return told.body
  }

  @Test("Both references' examples are answered through a REST API as over HTTP")
  func restAPI() async throws {
    let house = try House()
    let reference = try await answer(Self.version1("POST", "/", body: LegacyDoorTests.reference), house)
    #expect(reference["statusCode"] == 200 && reference["isBase64Encoded"] == false)
    #expect(reference["headers"]?["Content-Type"] == "application/json")
    #expect(
      try JSONValue(parsing: reference["body"]?.string ?? "")["output_location"] == "s3://bucket/307")
    let successor = try await answer(Self.version1("POST", "/v1alpha2", body: LegacyDoorTests.task), house)
    #expect(successor["statusCode"] == 200)
    let sent = try await house.received()
    // Queues are fair to each of API Gateway's keys; the trace goes on.
    #expect(sent.map(\.groupID) == ["key-1", "key-1"])
    #expect(sent.first?.attributes["AWSTraceHeader"]?.text?.hasPrefix("Root=1-5759e988-") == true)
    let refused = try await answer(Self.version1("POST", "/v1alpha2", body: [:]), house)
    #expect(refused["statusCode"] == 400 && refused["body"] == "Invalid request format")
    #expect(refused["headers"]?["Content-Type"] == "text/plain; charset=utf-8")
    let method = try await answer(Self.version1("GET", "/v1alpha1"), house)
    #expect(method["statusCode"] == 400 && method["body"] == "Unsupported HTTP method")
  }

  @Test("Requests of HTTP APIs are read with their stage, their query and their base64")
  func httpAPI() async throws {
    let house = try House()
    let body = AttributeValue.binary(lighthouse.with(["id": "t1"]).serialized()).wireText
    let created = try await answer(Self.version2("POST", "/v1/tasks", body: body, isBase64: true), house)
    #expect(created["statusCode"] == 201 && created["headers"]?["Location"] == "/v1/tasks/t1")
    let listed = try await answer(
      Self.version2("GET", "/dev/v1/tasks", stage: "dev", query: "state=queued&limit=1"), house)
    #expect(try JSONValue(parsing: listed["body"]?.string ?? "")["tasks"]?.array?.count == 1)
    let none = try await answer(Self.version2("GET", "/dev", stage: "dev"), house)
    #expect(none["statusCode"] == 400)
    let byQuery = try await answer(Self.version1("GET", "/v1/tasks", query: ["state": "running"]), house)
    #expect(try JSONValue(parsing: byQuery["body"]?.string ?? "")["tasks"] == [])
  }

  @Test("Spans are exported after each answer, before Lambda may freeze the process")
  func afterwards() async throws {
    let calls = Box<String>([])
    let event = Self.version1("GET", "/healthz")
    _ = try await invoke([event, event], in: House(), calls: calls)
    #expect(calls.all.prefix(5) == ["GET", "POST", "afterwards", "GET", "POST"])
  }

  @Test("What is no text goes out in base64, and HEAD without its body")
  func binary() async throws {
    let house = try House()
    _ = await house.door().post("/v1/tasks", lighthouse.with(["id": "t1"]))
    try await house.succeed("t1", with: [0xFF, 0x00, 0x01])
    let picture = try await answer(Self.version2("GET", "/v1/tasks/t1/outputs/1"), house)
    #expect(picture["isBase64Encoded"] == true && picture["body"] == "/wAB")
    #expect(picture["headers"]?["Content-Type"] == "image/png")
    let head = try await answer(Self.version1("HEAD", "/v1/tasks/t1/outputs/1"), house)
    #expect(head["statusCode"] == 200 && head["body"] == "")
  }

  @Test("Events are answered with the first news, and the client says what it has seen")
  func events() async throws {
    let house = try House()
    _ = await house.door().post("/v1/tasks", lighthouse.with(["id": "t1"]))
    let first = try await answer(Self.version2("GET", "/v1/tasks/t1/events"), house)
    let text = first["body"]?.string ?? ""
    #expect(text.contains("retry: 1000") && text.contains("event: state") && text.contains("id: 1-"))
    let id = try #require(text.split(separator: "\n").first { $0.hasPrefix("id: ") }?.dropFirst(4))
    try await house.succeed("t1", with: [1])
    var again = Self.version2("GET", "/v1/tasks/t1/events")
    again["headers"]?["last-event-id"] = .string(String(id))
    #expect(try await answer(again, house)["body"]?.string?.contains("event: end") == true)
  }

  @Test("Notices of the queue of webhooks are delivered, and those that failed are said to have")
  func messages() async throws {
    let clock = ManualClock()
    let house = try House(secret: .random(), clocks: clock.clocks)
    let server = try ScriptedHTTPServer { $0.path == "/good" ? .respond(status: 200) : .respond(status: 500) }
    defer { server.stop() }
    var services = house.services
    services.webhooks?.mayStayInside = true
    for (id, path) in [("t1", "/good"), ("t2", "/bad")] {
      let body = lighthouse.with(["id": .string(id), "webhook": .string(server.url + path)])
      _ = await house.door().post("/v1/tasks", body)
      _ = await house.door().delete("/v1/tasks/\(id)")
    }
    let queue = try #require(services.webhooks?.queue)
    let leases = try await queue.receive(max: 10, wait: .zero, visibility: nil)
    #expect(leases.count == 2)
    let delivery = WebhookDelivery(
      services: try #require(services.webhooks), transport: CurlTransport.shared, ledger: house.system.ledger,
      view: { house.door().view($0) }, clocks: clock.clocks, logger: house.logger)
    let failed = await WebhookService(delivery: delivery, logger: house.logger).settle(batch: leases)
    let bad = leases.first { $0.attributes["notice_id"] == "t2/1/cancelled" }?.messageID
    #expect(failed == [bad].compactMap(\.self) && server.requests.count == 2)
    // What failed is due again later; what was done is left to whoever received it.
    #expect(try await queue.stats().delayed == 1)
  }

  @Test("An SQS event is read as leases of its queue, and one of another queue is not taken")
  func queueEvents() async throws {
    let record: JSONValue = [
      "messageId": "m-1", "receiptHandle": "r-1", "body": "{}", "eventSource": "aws:sqs",
      "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:webhooks",
      "attributes": ["ApproximateReceiveCount": "3", "SentTimestamp": "1700000000000"],
      "messageAttributes": ["notice_id": ["stringValue": "t9/1/succeeded", "dataType": "String"]],
    ]
    let event = try #require(LambdaEvent(["Records": [record]], at: ManualClock().now))
    guard case .messages(let leases, let queue) = event else { throw SDError(.internal, "no messages") }
    #expect(queue == "webhooks" && leases.first?.receiveCount == 3 && leases.first?.receipt == "r-1")
    #expect(leases.first?.attributes == ["notice_id": "t9/1/succeeded"])
    let house = try House(secret: .random())
    #expect(try await answer(["Records": [record]], house) == ["batchItemFailures": []])
    var other = record
    other["eventSourceARN"] = "arn:aws:sqs:eu-west-1:123456789012:other"
    let told = try #require(try await invoke([["Records": [other]]], in: house).first)
    #expect(told.path.hasSuffix("/error") && told.body["errorType"] == "UnknownQueue")
  }

  @Test("The clock's event has the chores done")
  func schedule() async throws {
    let clock = ManualClock()
    let house = try House(clocks: clock.clocks)
    _ = await house.door().post("/v1/tasks", lighthouse.with(["id": "t1", "expires_in": 5]))
    clock.advance(by: .seconds(6))
    let done = try await answer(["detail-type": "Scheduled Event", "source": "aws.events", "detail": [:]], house)
    #expect(done == ["expired": 1, "swept": 0])
  }

  @Test(
    "An event of no known kind is an error of its own, and the function lives on",
    arguments: [[:], [1], ["Records": []], ["Records": [["eventSource": "aws:s3"]]], ["httpMethod": "GET"]]
      as [JSONValue])
  func unknown(event: JSONValue) async throws {
    let told = try await invoke([event, Self.version1("GET", "/healthz")], in: try House())
    #expect(told.first?.path.hasSuffix("/error") == true && told.first?.body["errorType"] == "UnknownEvent")
    #expect(told.last?.body["statusCode"] == 200)
  }
}

/// A list that a server's threads and a test share.
private final class Box<Element: Sendable>: Sendable {
  private let elements: Mutex<[Element]>
  init(_ elements: [Element]) { self.elements = Mutex(elements) }
  var all: [Element] { elements.withLock { $0 } }
  func append(_ element: Element) { elements.withLock { $0.append(element) } }
  func popFirst() -> Element? { elements.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
}
