public import SDCore

/// What every `ObjectStore` must do, awkward cases included.
public struct ObjectStoreConformance: Sendable {
  /// One behaviour.
  public typealias Case = ConformanceCase<ObjectStoreConformance>

  /// What is known beforehand of a plugin's stores; cases that do not apply are left out.
  public struct Traits: Sendable {
    /// Media type and metadata come back from `head` and `get`.
    public var keepsMetadata: Bool
    /// Bytes of the object that is streamed; smaller for stores over a slow network.
    public var hugeBytes: Int
    /// Keys with odd code points (line feeds, control characters) are taken, or else refused with `.invalid`.
    public var takesControlCharactersInKeys: Bool

    /// What is known of a plugin's stores.
    public init(keepsMetadata: Bool = true, hugeBytes: Int = 64 << 20, takesControlCharactersInKeys: Bool = true) {
      (self.keepsMetadata, self.hugeBytes) = (keepsMetadata, hugeBytes)
      self.takesControlCharactersInKeys = takesControlCharactersInKeys
    }
  }

  /// A store under test, empty.
  public struct Fixture: Sendable {
    /// The store.
    public var store: any ObjectStore
    /// A second handle of the same store, as another process would have it.
    public var rival: any ObjectStore
    /// Takes it down.
    public var close: @Sendable () async throws -> Void

    /// A store under test.
    public init(
      store: any ObjectStore, rival: (any ObjectStore)? = nil, close: @escaping @Sendable () async throws -> Void = {}
    ) {
      (self.store, self.rival, self.close) = (store, rival ?? store, close)
    }
  }

  /// What is known of the plugin's stores.
  public let traits: Traits
  private let make: @Sendable () async throws -> Fixture

  /// A suite over stores that `make` makes, each empty.
  public init(_ traits: Traits = .init(), make: @escaping @Sendable () async throws -> Fixture) {
    (self.traits, self.make) = (traits, make)
  }

  /// The cases that apply to the plugin.
  public var cases: [Case] { Self.all.filter { $0.applies(self) } }

  /// Every case there is.
  public static var all: [Case] { writeCases + conditionCases + rangeCases + keyCases + listCases }

  /// Runs one case; throws what is wrong.
  public func run(_ testCase: Case) async throws {
    try await within(.seconds(120), testCase.name) { try await testCase.body(self) }
  }

  func with(_ body: (Fixture) async throws -> Void) async throws {
    let fixture = try await make()
    do {
      try await body(fixture)
    } catch {
      try? await fixture.close()
      throw error
    }
    try await fixture.close()
  }
}

/// Bytes of which each place can be told from its neighbours.
func patterned(_ count: Int) -> [UInt8] {
  var state: UInt64 = 0x9E37_79B9_7F4A_7C15
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return UInt8(truncatingIfNeeded: state >> 56)
  }
}

extension ObjectStore {
  func text(_ key: String) async throws -> String { String(decoding: try await get(key).bytes, as: UTF8.self) }
  @discardableResult
  func put(_ key: String, text: String, _ condition: PutOptions.Condition = .none) async throws -> ObjectInfo {
    try await put(key, Array(text.utf8), options: PutOptions(condition: condition))
  }
  /// Every key, page by page.
  func keys(prefix: String = "", pages limit: Int = 1000) async throws -> [String] {
    var keys: [String] = []
    for _ in 0..<10_000 {
      let page = try await list(prefix: prefix, after: keys.last, limit: limit)
      keys += page.objects.map(\.key)
      guard page.isTruncated else { return keys }
      guard !page.objects.isEmpty else { break }
    }
    throw ConformanceFailure("a listing that does not end", #fileID, #line)
  }
}
