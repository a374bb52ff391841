import HTTPTypes
import MemoryPlugins
import SDCore
import SDTestKit
import Testing

@testable import SDGateway

@Suite struct TaskRouteTests {
  @Test("A task is shown with all that is known of it, and survives its wire form")
  func shows() async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse.with(["id": "t1", "context": ["big": [.double(1.5), "x", nil]]]))
    try await house.succeed("t1", with: [1, 2, 3])
    try await house.work("t1") { $0.timings = ["infer": 1.5, "deliver": 0.25] }
    let json = try await door.get("/v1/tasks/t1").json
    let task = try TaskView(json: json)
    #expect(task.json == json)
    #expect(task.timings == ["infer": 1.5, "deliver": 0.25])
    let output = try #require(task.outputs.first)
    #expect(output.url == "/v1/tasks/t1/outputs/1?run=1" && output.bytes == 3 && output.seed == UInt64.max)
    #expect(json["outputs"]?.array?.first?["seed"]?.text == "18446744073709551615")
  }

  @Test("An earlier run is shown when it is asked for")
  func runs() async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1alpha2", LegacyDoorTests.task)
    try await house.succeed("test-t2i", with: [1])
    _ = await door.post("/v1alpha2", LegacyDoorTests.task)
    #expect(try await door.get("/v1/tasks/test-t2i").json["run"] == 2)
    #expect(try await door.get("/v1/tasks/test-t2i?run=1").json["state"] == "succeeded")
    #expect(await door.get("/v1/tasks/test-t2i?run=3").status == .notFound)
    #expect(await door.get("/v1/tasks/test-t2i?run=x").status == .badRequest)
  }

  @Test("Tasks are listed newest first, page by page, by state and runtime")
  func lists() async throws {
    let clock = ManualClock()
    let house = try House(clocks: clock.clocks)
    let door = house.door()
    for n in 1...5 {
      _ = await door.post(
        "/v1/tasks", lighthouse.with(["id": "t\(n)", "runtime": n == 2 ? "sdruntime-job" : "sdruntime"]))
      clock.advance(by: .seconds(1))
    }
    try await house.succeed("t4", with: [1])
    var ids: [String] = []
    var cursor: String?
    for _ in 0..<5 {
      let page = try await door.get("/v1/tasks?limit=2" + (cursor.map { "&cursor=\($0)" } ?? "")).json
      ids += (page["tasks"]?.array ?? []).compactMap { $0["id"]?.string }
      cursor = page["next"]?.string
      if cursor == nil { break }
    }
    #expect(ids == ["t5", "t4", "t3", "t2", "t1"])
    #expect(try await self.ids(door, "state=succeeded") == ["t4"])
    #expect(try await self.ids(door, "state=queued,succeeded&runtime=sdruntime-job") == ["t2"])
    for query in [
      "state=x", "state=%00", "state=queued&state=%ff", "runtime=%zz", "limit=0", "limit=1001", "limit=x", "cursor=x",
    ] {
      #expect(await door.get("/v1/tasks?\(query)").status == .badRequest, "\(query)")
    }
  }

  private func ids(_ door: FrontDoor, _ query: String) async throws -> [String] {
    try await door.get("/v1/tasks?\(query)").json["tasks"]?.array?.compactMap { $0["id"]?.string } ?? []
  }

  @Test("Runtimes are told with the counts of their queues")
  func runtimes() async throws {
    let house = try House()
    let door = house.door()
    _ = await door.post("/v1/tasks", lighthouse)
    let runtimes = try await door.get("/v1/runtimes").json["runtimes"]?.array ?? []
    #expect(try runtimes.map { try RuntimeView(json: $0).name } == ["sdruntime", "sdruntime-job"])
    #expect(runtimes.first?["queue"]?["waiting"] == 1 && runtimes.first?["model"] == LegacyDoorTests.model)
    #expect(runtimes.last?["queue"] == nil && runtimes.last?["job"] == true)
  }

  @Test("Health and readiness are told, to HEAD as well")
  func health() async throws {
    let door = (try House()).door()
    #expect(await door.get("/healthz").status == .ok)
    #expect(await door.get("/readyz").status == .ok)
    #expect(await door.respond(to: GatewayRequest(.head, "/healthz")).status == .ok)
  }

  @Test("A method that a path has not is a 405 that names those it has")
  func methods() async throws {
    let answer = await (try House()).door().respond(to: GatewayRequest(.put, "/v1/tasks/t1"))
    #expect(answer.status == .methodNotAllowed && answer.headers[.allow] == "GET, DELETE")
  }

  @Test(
    "A path that names nothing is a 404",
    arguments: [
      "/x", "/v1", "/v1/", "/v1/tasks/a/b", "/v1/tasks/a/outputs/0", "/v1/tasks/a/outputs/01", "/v1/tasks/a/outputs/x",
      "//", "/v1alpha1/x", "/v1/tasks/%zz", "/v1/tasks/%00", "/v1/tasks/%ff", "/files/b", "*", "",
      "/v1/tasks/a/outputs/1/x", "/v1/tasks/a/outputs/1/link/x", "/v1/runtimes/r", "/v1/runtimes/r/dead-letters:x",
      "/dashboard", "/dashboard/a/b",
    ])
  func nothing(path: String) async throws {
    #expect(await (try House()).door().get(path).status == .notFound)
  }

  @Test("Routes are told by their paths, one slash at the end forgiven")
  func routes() {
    #expect(Route(path: "/v1/tasks/") == .tasks)
    #expect(Route(path: "/v1/tasks/a%2Fb/events") == .events("a/b"))
    #expect(Route(path: "/v1/tasks/a/outputs/12") == .output("a", 12))
    #expect(Route(path: "/files/b/a%2Fc/d%20e") == .object(bucket: "b", key: "a/c/d e"))
    #expect(Route(path: "/files/b/a/") == .object(bucket: "b", key: "a/"))
    #expect(Route(path: "/") == .root)
  }

  @Test("A query is decoded, and a value that cannot be is not taken for none")
  func query() {
    let request = GatewayRequest(.get, "/x?a=1%202&b=x+y&c&%zz=1&d=%C3%A9&a=3&e=%ff")
    #expect(request.path == "/x")
    #expect(request.query.map(\.name) == ["a", "b", "c", "d", "a", "e"])
    #expect(request.query.map(\.value) == ["1 2", "x y", "", "é", "3", nil])
  }
}

@Suite struct HostTests {
  private func status(
    _ host: String?, origin: String? = nil, _ configuration: GatewayConfiguration = .init()
  ) async throws -> Int {
    var headers: HTTPFields = [:]
    headers[.host] = host
    headers[.origin] = origin
    return await (try House()).door(configuration).post("/v1/tasks", lighthouse, headers: headers).status.code
  }

  @Test(
    "On loopback only loopback's names are answered",
    arguments: ["127.0.0.1:8811", "localhost", "LOCALHOST:1", "[::1]:8811"])
  func known(host: String) async throws { #expect(try await status(host) == 201) }

  @Test(
    "A name that was pointed at loopback is not",
    arguments: [nil, "", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8811", "[::1", "[::2]"])
  func unknown(host: String?) async throws { #expect(try await status(host) == 421) }

  @Test("Elsewhere every name is answered, unless some are given")
  func elsewhere() async throws {
    #expect(try await status("sd.example", .init(host: "0.0.0.0")) == 201)
    #expect(try await status("sd.example", .init(host: "0.0.0.0", allowedHosts: ["SD.example"])) == 201)
    #expect(try await status("evil.example", .init(host: "0.0.0.0", allowedHosts: ["sd.example"])) == 421)
  }

  @Test("A page of another origin cannot submit to loopback")
  func origins() async throws {
    #expect(try await status("127.0.0.1:8811", origin: "http://127.0.0.1:8811") == 201)
    for origin in ["https://evil.example", "null", "http://127.0.0.1:9999"] {
      #expect(try await status("127.0.0.1:8811", origin: origin) == 403)
    }
  }

  @Test("No answer lets another origin read it")
  func cors() async throws {
    let answer = await (try House()).door().get(
      "/healthz", headers: [.host: "localhost", .origin: "https://evil.example"])
    #expect(answer.headers[.accessControlAllowOrigin] == nil)
  }
}
