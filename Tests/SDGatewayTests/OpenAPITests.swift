import HTTPTypes
import SDCore
import Testing

@testable import SDGateway

@Suite struct OpenAPITests {
  private func document(_ house: House) async throws -> JSONValue {
    let answer = await house.door().get("/openapi.json")
    #expect(answer.status == .ok && answer.headers[.contentType] == "application/json")
    return try await answer.json
  }

  @Test("Every path of the document is a route with these methods, and every route is in the document")
  func routes() async throws {
    let paths = try await document(try House())["paths"]?.object?.members ?? []
    for path in paths {
      let sample = path.name.replacing("{id}", with: "t1").replacing("{n}", with: "1").replacing(
        "{name}", with: "r1")
      let route = try #require(Route(path: sample), "\(path.name)")
      #expect(route.pattern == path.name)
      let methods = Set((path.value.object?.names ?? []).filter { $0 != "parameters" })
      #expect(methods == Set(route.methods.map { $0.rawValue.lowercased() }), "\(path.name)")
    }
    let known = Set(paths.map(\.name))
    let routes: [Route] = [
      .root, .v1alpha1, .v1alpha2, .tasks, .batch, .task("t1"), .events("t1"), .output("t1", 1), .runtimes,
      .outputLink("t1", 1), .request("t1"), .manifest("t1"), .trace("t1"), .feed, .workers, .letters("r1"),
      .redrive("r1"),
      .drop("r1"), .retry("t1"), .webhookSecret, .health, .readiness, .metrics, .openAPI, .docs,
    ]
    #expect(known == Set(routes.map(\.pattern)))
  }

  @Test("Every reference leads somewhere")
  func references() async throws {
    let document = try await document(try House())
    var count = 0
    func check(_ value: JSONValue) {
      for member in value.object?.members ?? [] {
        if member.name == "$ref", let target = member.value.string {
          count += 1
          let found = target.dropFirst(2).split(separator: "/").reduce(document as JSONValue?) { $0?[String($1)] }
          #expect(found != nil, "\(target)")
        }
        check(member.value)
      }
      for element in value.array ?? [] { check(element) }
    }
    check(document)
    #expect(count > 100)
  }

  @Test("Every member of a task that is told is described")
  func members() async throws {
    let house = try House()
    let door = house.door()
    let body = lighthouse.with(["id": "t1", "context": 1, "expires_in": 5, "priority": "normal"])
    _ = await door.post("/v1/tasks", body)
    try await house.succeed("t1", with: [1])
    try await house.work("t1") { record in
      record.startedAt = record.createdAt
      record.finishedAt = record.createdAt
      record.model = "m"
      record.error = TaskError(.internal, .infer, "x")
    }
    let schemas = try await document(house)["components"]?["schemas"]
    let task = try await door.get("/v1/tasks/t1").json
    for (schema, value) in [
      ("Task", task), ("Output", task["outputs"]?.array?.first ?? [:]), ("Failure", task["error"] ?? [:]),
    ] {
      let known = Set(schemas?[schema]?["properties"]?.object?.names ?? [])
      let told = Set(value.object?.names ?? [])
      #expect(!told.isEmpty && told.isSubset(of: known), "\(schema): \(told.subtracting(known))")
    }
    let codes = schemas?["Failure"]?["properties"]?["code"]?["enum"]?.array?.compactMap(\.string)
    #expect(codes == TaskError.Code.allCases.map(\.rawValue))
  }

  @Test("The document tells of this deployment: its runtimes, keys, webhooks, priorities")
  func deployment() async throws {
    let plain = try await document(try House())
    let task = plain["components"]?["schemas"]?["TaskSubmission"]?["properties"]
    #expect(task?["runtime"]?["enum"] == ["sdruntime", "sdruntime-job"])
    #expect(task?["model"]?["enum"] == ["v1-5-pruned-emaonly.safetensors"])
    #expect(task?["webhook"] == nil && task?["priority"]?["enum"] == ["normal"] && plain["security"] == nil)
    let catalog = RuntimeCatalog([
      .init(name: "r", engine: "webui", dynamicModel: true, priorityQueue: "h")
    ])
    let keys = [APIKey(name: "k", digests: [SecretDigest(of: "k")])]
    let rich = try await document(try House(catalog: catalog, keys: keys, secret: .random()))
    let other = rich["components"]?["schemas"]?["TaskSubmission"]?["properties"]
    #expect(other?["model"]?["enum"] == nil && other?["webhook"] != nil)
    #expect(other?["priority"]?["enum"] == ["normal", "high"] && rich["security"]?.array?.count == 2)
  }

  @Test("The page shows every call and every body, and loads nothing from elsewhere")
  func page() async throws {
    let house = try House()
    let answer = await house.door().get("/docs")
    #expect(answer.status == .ok && answer.headers[.contentType] == "text/html; charset=utf-8")
    let text = try await answer.text
    let document = try await document(house)
    for path in document["paths"]?.object?.names ?? [] { #expect(text.contains("<code>\(path)</code>"), "\(path)") }
    for name in document["components"]?["schemas"]?.object?.names ?? [] {
      #expect(text.contains("<section id=\"\(name)\">"), "\(name)")
    }
    for word in ["http://", "https://", "<script", "src="] where word != "http://" && word != "https://" {
      #expect(!text.contains(word))
    }
    #expect(!text.contains("src=") && !text.contains("@import") && !text.contains("<link"))
  }
}
