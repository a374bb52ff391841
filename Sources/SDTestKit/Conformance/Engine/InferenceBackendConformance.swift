public import SDCore

/// What every `InferenceBackend` must do, awkward engines included.
///
/// Behind the backend is an engine, real or a stand-in, that a fixture tells how to behave.
public struct InferenceBackendConformance: Sendable {
  /// One behaviour of the backend.
  public typealias Case = ConformanceCase<InferenceBackendConformance>

  /// How an engine behaves, from when it is told until it is told otherwise.
  public enum Behavior: Sendable, Hashable, CaseIterable {
    /// It makes what it is asked for, what it was held up with as well.
    case makes
    /// It works on and on, until it is interrupted or told to make it.
    case works
    /// It begins its answer and never ends it.
    case stalls
    /// It fails as engines do now and then.
    case fails
    /// It refuses what it is asked for.
    case refuses
    /// It says that all went well, and sends what is no picture.
    case garbles
    /// It sends one picture less than it was asked for.
    case skimps
    /// It is gone, for good.
    case isAway
  }

  /// What is known beforehand of a backend and its engine; cases that do not apply are left out.
  public struct Traits: Sendable {
    /// What the engine can be told to do; every one can make pictures.
    public var behaviors: Set<Behavior>
    /// Whether a seed decides on the pictures' bytes.
    public var isReproducible: Bool
    /// The most pictures that a request of the suite asks for; 1 where a request cannot say how many.
    public var mostPictures: Int

    /// What is known of a backend and its engine.
    public init(behaviors: Set<Behavior>, isReproducible: Bool = true, mostPictures: Int = 16) {
      self.behaviors = behaviors
      (self.isReproducible, self.mostPictures) = (isReproducible, mostPictures)
    }
  }

  /// What the suite wants made; a fixture says it in its engine's terms.
  public struct Order: Sendable {
    /// The task's id.
    public var id = "307"
    /// Which attempt of its run it is.
    public var attempt = 1
    /// The prompt.
    public var prompt = "a lighthouse"
    /// The seed that the content names; `nil` for none.
    public var seed: UInt64?
    /// The seed for a content that names none.
    public var anySeed: UInt64 = 99
    /// How many pictures.
    public var pictures = 1

    init(_ seed: UInt64? = nil) { self.seed = seed }
  }

  /// A backend under test with its engine, which is there and idle.
  public struct Fixture: Sendable {
    /// The backend.
    public var backend: any InferenceBackend
    /// Makes an order into a request for a small picture.
    public var request: @Sendable (Order) -> InferenceRequest
    /// Requests that nobody can ever do.
    public var impossible: [InferenceRequest]
    /// Tells the engine how to behave.
    public var tell: @Sendable (Behavior) async throws -> Void
    /// How many requests the engine works on now.
    public var working: @Sendable () async -> Int
    /// Lets an engine that works get on by a step.
    public var step: @Sendable () async throws -> Void
    /// The prompt of the request that was made last, as the engine understood it.
    public var prompt: @Sendable (InferenceResult) throws -> String?
    /// Takes it down.
    public var close: @Sendable () async throws -> Void

    /// A backend under test.
    public init(
      backend: any InferenceBackend, request: @escaping @Sendable (Order) -> InferenceRequest,
      impossible: [InferenceRequest], tell: @escaping @Sendable (Behavior) async throws -> Void,
      working: @escaping @Sendable () async -> Int, step: @escaping @Sendable () async throws -> Void = {},
      prompt: @escaping @Sendable (InferenceResult) throws -> String?,
      close: @escaping @Sendable () async throws -> Void = {}
    ) {
      (self.backend, self.request, self.impossible) = (backend, request, impossible)
      (self.tell, self.working, self.step, self.prompt, self.close) = (tell, working, step, prompt, close)
    }
  }

  /// What is known of the backend and its engine.
  public let traits: Traits
  private let make: @Sendable () async throws -> Fixture

  /// A suite over backends that `make` makes, each with an engine of its own.
  public init(_ traits: Traits, make: @escaping @Sendable () async throws -> Fixture) {
    (self.traits, self.make) = (traits, make)
  }

  /// The cases that apply to the backend.
  public var cases: [Case] { Self.all.filter { $0.applies(self) } }

  /// Every case there is.
  public static var all: [Case] { makingCases + workingCases + endCases + failureCases }

  /// Runs one case; throws what is wrong.
  public func run(_ testCase: Case) async throws {
    try await within(.seconds(120), testCase.name) { try await testCase.body(self) }
  }

  func with(_ body: (Fixture) async throws -> Void) async throws {
    let fixture = try await make()
    do {
      try await body(fixture)
    } catch {
      try? await fixture.tell(.makes)
      try? await fixture.close()
      throw error
    }
    try await fixture.close()
  }

  /// Applies where the engine can be told to behave so.
  static func can(_ behavior: Behavior) -> @Sendable (InferenceBackendConformance) -> Bool {
    { $0.traits.behaviors.contains(behavior) }
  }
}

extension InferenceBackendConformance.Fixture {
  func prepare(_ order: InferenceBackendConformance.Order) async throws -> PreparedInference {
    try await backend.prepare(request(order))
  }

  /// Prepares, runs and finishes, as a worker does.
  func make(_ order: InferenceBackendConformance.Order) async throws -> InferenceResult {
    try await backend.run(try await prepare(order), onAnswer: {}).finish()
  }

  /// What an order's pictures are.
  func pictures(_ order: InferenceBackendConformance.Order) async throws -> [[UInt8]] {
    try await make(order).outputs.map { Array($0.bytes) }
  }

  /// The error that a request ends with, wherever in its way.
  func failure(
    of request: InferenceRequest, _ what: String, file: StaticString = #fileID, line: UInt = #line
  ) async throws -> TaskError {
    do {
      _ = try await backend.run(try await backend.prepare(request), onAnswer: {}).finish()
    } catch let error as TaskError {
      return error
    } catch {
      throw ConformanceFailure("\(what): expected a TaskError, got \(type(of: error)): \(error)", file, line)
    }
    throw ConformanceFailure("\(what): expected a TaskError, but it succeeded", file, line)
  }

  /// Begins an order and waits until the engine works on it.
  func begin(_ order: InferenceBackendConformance.Order) async throws -> EngineRun {
    let run = EngineRun(backend, try await prepare(order))
    try await eventually("the engine works on it", limit: .seconds(30)) { await working() == 1 || run.hasEnded }
    if run.hasEnded { _ = try await run.ended("a request that the engine should work on").get() }
    try expect(!run.hasEnded, "a request that the engine should work on ended at once")
    return run
  }

  /// Whether the engine does another order as if nothing had been.
  func expectWell(_ what: String, file: StaticString = #fileID, line: UInt = #line) async throws {
    try await tell(.makes)
    try await eventually("the engine is idle \(what)", limit: .seconds(30)) { await working() == 0 }
    var order = InferenceBackendConformance.Order(7001)
    order.id = "next"
    let outputs = try await make(order).outputs
    try expectEqual(outputs.count, 1, "pictures of the next request \(what)", file: file, line: line)
  }
}
