import AWSPlugins
import SDCore
import SDTestKit
import Testing

/// The contract's own suite over buckets of moto.
@Suite(.enabled(if: MotoAccount.isThere))
struct ObjectConformanceTests {
  static let suite = ObjectStoreConformance(.init(hugeBytes: 40 << 20)) {
    let (store, rival) = try await MotoAccount.stores()
    return .init(store: store, rival: rival)
  }

  /// What S3 does and moto does not: it finds no key with a line feed, and its listings repeat a NUL that XML cannot hold.
  static let beyondMoto: Set<String> = [
    "keys with control characters are objects of their own, or refused",
    "a listing goes on after what text cannot hold",
  ]
  static let cases = suite.cases.filter { !beyondMoto.contains($0.name) }

  @Test func whatIsLeftOutIsThere() { #expect(Self.suite.cases.count == Self.cases.count + Self.beyondMoto.count) }

  @Test(arguments: cases) func conforms(_ testCase: ObjectStoreConformance.Case) async throws {
    try await MotoAccount.turnstile.pass { try await Self.suite.run(testCase) }
  }

  @Test func aPrefixIsNoPartOfKeys() async throws {
    let (store, _) = try await MotoAccount.stores(prefix: "some/where")
    let bare = try S3ObjectStore(bucket: store.bucket, client: try MotoAccount.client())
    try await store.put("a/b.png", [1, 2])
    try await bare.put("some/whereelse", [3])
    #expect(try await bare.get("some/where/a/b.png").bytes == [1, 2])
    #expect(try await store.list(prefix: "", after: nil, limit: 10).objects.map(\.key) == ["a/b.png"])
    #expect(try await store.list(prefix: "a/", after: "a/a", limit: 10).objects.map(\.key) == ["a/b.png"])
    #expect(store.uri(of: "a/b.png") == "s3://\(store.bucket)/some/where/a/b.png")
    try await store.delete(["a/b.png"])
    #expect(try await bare.list(prefix: "", after: nil, limit: 10).objects.map(\.key) == ["some/whereelse"])
    let error = await #expect(throws: SDError.self) { try await store.put(String(repeating: "x", count: 1020), [1]) }
    #expect(error?.code == .invalid)
  }
}
