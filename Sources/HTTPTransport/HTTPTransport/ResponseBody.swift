/// The bytes of an answer, in chunks as they come.
///
/// Not reading them holds the sender back; dropping the body ends the exchange.
public struct ResponseBody: AsyncSequence, Sendable {
  public typealias Element = ArraySlice<UInt8>
  public typealias Failure = TransportError

  private let next: @Sendable () async throws(TransportError) -> ArraySlice<UInt8>?
  /// The length that the answer's head promised, in bytes.
  public let expectedBytes: Int64?

  /// A body that asks a closure for each chunk, `nil` at the end; for transports.
  public init(
    expectedBytes: Int64? = nil, next: @escaping @Sendable () async throws(TransportError) -> ArraySlice<UInt8>?
  ) {
    self.expectedBytes = expectedBytes
    self.next = next
  }

  /// Reads chunk after chunk.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let body: ResponseBody

    /// The next chunk, or `nil` at the end.
    public mutating func next() async throws(TransportError) -> ArraySlice<UInt8>? { try await body.next() }

    /// The next chunk, or `nil` at the end.
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(TransportError) -> ArraySlice<UInt8>? {
      try await body.next()
    }
  }

  /// An iterator; there is but one pass.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }

  /// All bytes, in one array of their exact size where the answer promised it.
  ///
  /// - Parameter limit: `.tooLarge` is thrown past this many bytes.
  public func collect(upTo limit: Int) async throws(TransportError) -> [UInt8] {
    var all: [UInt8] = []
    if let expectedBytes, expectedBytes <= Int64(limit) { all.reserveCapacity(Int(expectedBytes)) }
    while let chunk = try await next() {
      guard all.count + chunk.count <= limit else {
        throw TransportError(.tooLarge, "the answer is larger than \(limit) bytes")
      }
      all.append(contentsOf: chunk)
    }
    return all
  }
}
