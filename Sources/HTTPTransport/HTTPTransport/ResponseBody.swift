internal import Synchronization

/// The bytes of an answer, in chunks as they come.
///
/// Not reading them holds the sender back; dropping the body ends the exchange.
public struct ResponseBody: AsyncSequence, Sendable {
  /// A part of the body, never empty.
  public typealias Element = ArraySlice<UInt8>
  /// The only errors thrown.
  public typealias Failure = TransportError

  private enum Source {
    case closure(@Sendable () async throws(TransportError) -> ArraySlice<UInt8>?)
    case exchange(BodyReader)
  }

  private let source: Source
  /// The length that the answer's head promised, in bytes.
  public let expectedBytes: Int64?

  /// A body that asks a closure for each chunk, `nil` at the end; for transports.
  public init(
    expectedBytes: Int64? = nil, next: @escaping @Sendable () async throws(TransportError) -> ArraySlice<UInt8>?
  ) {
    self.expectedBytes = expectedBytes
    source = .closure(next)
  }

  init(expectedBytes: Int64?, reader: BodyReader) {
    self.expectedBytes = expectedBytes
    source = .exchange(reader)
  }

  /// A body of bytes that are there already.
  public init(_ bytes: [UInt8]) {
    let rest = Mutex(bytes.isEmpty ? nil : bytes[...])
    self.init(expectedBytes: Int64(bytes.count)) { () throws(TransportError) in rest.withLock { $0.take() } }
  }

  private func next() async throws(TransportError) -> ArraySlice<UInt8>? {
    switch source {
    case .closure(let next): try await next()
    case .exchange(let reader): try await reader.next()
    }
  }

  /// Reads chunk after chunk.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let body: ResponseBody

    /// The next chunk, or `nil` at the end.
    public mutating func next() async throws(TransportError) -> ArraySlice<UInt8>? { try await body.next() }

    /// The next chunk, or `nil` at the end.
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(TransportError) -> ArraySlice<UInt8>?
    {
      try await body.next()
    }
  }

  /// An iterator; there is but one pass.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: self) }

  /// All bytes, in one array of their exact size where the answer promised it.
  ///
  /// - Parameter limit: `.tooLarge` is thrown past this many bytes.
  public func collect(upTo limit: Int) async throws(TransportError) -> [UInt8] {
    if case .exchange(let reader) = source { return try await reader.collect(upTo: limit) }
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
