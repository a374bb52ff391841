import HTTPTypes
import MemoryPlugins
import SDCore
import Testing

@testable import SDGateway

@Suite struct OutputTests {
  private static let bytes = Array(0..<UInt8(100))

  private func house(store: (any ObjectStore)? = nil) async throws -> House {
    let house = try House(store: store)
    _ = await house.door().post("/v1/tasks", lighthouse.with(["id": "t1"]))
    try await house.succeed("t1", with: Self.bytes)
    return house
  }

  @Test("An output's bytes come with their type, a name, and no leave to guess")
  func whole() async throws {
    let answer = await (try await house()).door().get("/v1/tasks/t1/outputs/1")
    #expect(answer.status == .ok)
    #expect(try await answer.content == Self.bytes)
    #expect(answer.headers[.contentType] == "image/png" && answer.headers[.eTag] == "\"abc\"")
    #expect(answer.headers[.contentDisposition] == "inline; filename=\"t1-1.png\"")
    #expect(answer.headers[.xContentTypeOptions] == "nosniff")
  }

  struct Part: Sendable {
    var field: String
    var range: Range<Int>
  }

  @Test(
    "A range of them comes as one",
    arguments: [
      Part(field: "bytes=10-19", range: 10..<20), Part(field: "bytes=90-", range: 90..<100),
      Part(field: "bytes=-5", range: 95..<100), Part(field: "bytes=0-999", range: 0..<100),
    ])
  func range(_ part: Part) async throws {
    let answer = await (try await house()).door().get("/v1/tasks/t1/outputs/1", headers: [.range: part.field])
    #expect(answer.status == .partialContent)
    #expect(try await answer.content == Array(Self.bytes[part.range]))
    #expect(
      answer.headers[.contentRange] == "bytes \(part.range.lowerBound)-\(part.range.upperBound - 1)/100")
  }

  @Test("A range past the end is a 416", arguments: ["bytes=100-", "bytes=200-300", "bytes=-0"])
  func pastEnd(field: String) async throws {
    let answer = await (try await house()).door().get("/v1/tasks/t1/outputs/1", headers: [.range: field])
    #expect(answer.status == .rangeNotSatisfiable && answer.headers[.contentRange] == "bytes */100")
  }

  @Test(
    "A range that is none, or several, means the whole",
    arguments: [
      "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=0-1,5-6", "lines=1-2", "bytes=99999999999999999999-",
    ])
  func noRange(field: String) async throws {
    let answer = await (try await house()).door().get("/v1/tasks/t1/outputs/1", headers: [.range: field])
    #expect(answer.status == .ok)
    #expect(try await answer.content.count == 100)
  }

  @Test("What the client has is not sent again; what it has another part of is sent whole")
  func conditions() async throws {
    let door = (try await house()).door()
    #expect(await door.get("/v1/tasks/t1/outputs/1", headers: [.ifNoneMatch: "\"abc\""]).status == .notModified)
    let headers: HTTPFields = [.range: "bytes=0-1", .ifRange: "\"other\""]
    #expect(await door.get("/v1/tasks/t1/outputs/1", headers: headers).status == .ok)
  }

  @Test("An output that there is not is a 404")
  func absent() async throws {
    let door = (try await house()).door()
    for path in ["/v1/tasks/t1/outputs/2", "/v1/tasks/t2/outputs/1", "/v1/tasks/t1/outputs/1?run=2"] {
      #expect(await door.get(path).status == .notFound)
    }
  }

  @Test("A store with URLs of its own is where the client is sent")
  func redirect() async throws {
    let base = try House().store
    let answer = await (try await house(store: SigningStore(base: base))).door().get("/v1/tasks/t1/outputs/1")
    #expect(answer.status == .found)
    #expect(answer.headers[.location] == "https://objects.example/t1/t1-1.png?signed")
  }

  @Test("A presigned URL of a store that we serve gives the object, and nothing else does")
  func presigned() async throws {
    let base = try House().store
    let door = (try await house(store: SigningStore(base: base, presignedAccess: Verifier()))).door()
    // Bytes straight away: the URL would lead back to us.
    #expect(await door.get("/v1/tasks/t1/outputs/1").status == .ok)
    let path = "/files/bucket/t1%2Ft1-1.png"
    let good = await door.get("\(path)?access=GET&expires=9&signature=good")
    #expect(good.status == .ok && good.headers[.contentType] == "image/png")
    #expect(try await good.content == Self.bytes)
    #expect(await door.get("\(path)?access=GET&expires=9&signature=bad").status == .forbidden)
    #expect(await door.get("\(path)?access=PUT&expires=9&signature=good").status == .forbidden)
    #expect(await door.get(path).status == .forbidden)
    #expect(await door.get("/files/other/t1%2Ft1-1.png?access=GET&expires=9&signature=good").status == .notFound)
    #expect(await door.get("/files/bucket/none?access=GET&expires=9&signature=good").status == .notFound)
    #expect(await (try await house()).door().get("\(path)?access=GET&expires=9&signature=good").status == .notFound)
  }

  @Test("A presigned URL may let its bearer store an object")
  func presignedPut() async throws {
    let base = try House().store
    let house = try await house(store: SigningStore(base: base, presignedAccess: Verifier()))
    let target = "/files/bucket/in%2Fa.png?access=PUT&expires=9&signature=good"
    let answer = await house.door().respond(
      to: GatewayRequest(.put, target, headers: [.contentType: "image/png"], body: [1, 2]))
    #expect(answer.status == .ok)
    let stored = try await house.store.get("in/a.png")
    #expect(stored.bytes == [1, 2] && stored.info.contentType == "image/png")
  }

  private struct Verifier: PresignedAccessVerifier {
    func verify(_ key: String, _ access: PresignedAccess, expires: String, signature: String) throws {
      guard signature == "good" else { throw SDError(.denied, "a presigned URL with a wrong signature") }
    }
  }
}

/// A store that signs URLs: as S3 does, or for a gateway that serves them.
private struct SigningStore: ObjectStore {
  var base: any ObjectStore
  var presignedAccess: (any PresignedAccessVerifier)?
  var bucket: String { base.bucket }
  var prefix: String { base.prefix }
  func put(_ key: String, _ body: ObjectBody, options: PutOptions) async throws -> ObjectInfo {
    try await base.put(key, body, options: options)
  }
  func get(_ key: String, range: ByteRange?, limit: Int) async throws -> Object {
    try await base.get(key, range: range, limit: limit)
  }
  func stream(_ key: String, range: ByteRange?) async throws -> ObjectStream {
    try await base.stream(key, range: range)
  }
  func head(_ key: String) async throws -> ObjectInfo { try await base.head(key) }
  func delete(_ keys: [String]) async throws { try await base.delete(keys) }
  func list(prefix: String, after: String?, limit: Int) async throws -> ObjectPage {
    try await base.list(prefix: prefix, after: after, limit: limit)
  }
  func presign(_ key: String, _ access: PresignedAccess, expires: Duration) async throws -> String {
    "https://objects.example/\(key)?signed"
  }
  func uri(of key: String) -> String { base.uri(of: key) }
}
