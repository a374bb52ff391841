import HTTPTransport
import Synchronization

extension S3 {
  /// The bytes of an object, in chunks as they come; read once.
  ///
  /// At the end the checksum is compared with the one that S3 keeps, where there is one for just these bytes: a
  /// difference throws ``AWSError/Code/checksumMismatch`` instead of an end.
  public struct ObjectBody: AsyncSequence, Sendable {
    /// A piece of the object.
    public typealias Element = ArraySlice<UInt8>
    /// What reading can fail with.
    public typealias Failure = AWSError

    private let body: ResponseBody
    private let expected: Checksum?

    init(_ body: ResponseBody, expected: Checksum?) { (self.body, self.expected) = (body, expected) }

    /// Reads chunk after chunk.
    public struct AsyncIterator: AsyncIteratorProtocol {
      private var body: ResponseBody.AsyncIterator
      private let expected: Checksum?
      private var hasher: ChecksumHasher?

      init(_ body: ResponseBody, expected: Checksum?) {
        self.body = body.makeAsyncIterator()
        self.expected = expected
        hasher = expected.map { ChecksumHasher($0.algorithm) }
      }

      /// The next chunk, or `nil` at the end.
      public mutating func next() async throws(AWSError) -> ArraySlice<UInt8>? {
        try await next(isolation: #isolation)
      }

      /// The next chunk, or `nil` at the end.
      public mutating func next(isolation actor: isolated (any Actor)?) async throws(AWSError) -> ArraySlice<UInt8>? {
        let chunk: ArraySlice<UInt8>?
        do { chunk = try await body.next(isolation: actor) } catch { throw AWSError(transport: error) }
        if let chunk {
          hasher?.update(chunk)
        } else if let made = hasher?.finish(), let expected {
          hasher = nil
          guard made == expected.value else {
            throw AWSError(.checksumMismatch, "the object's \(expected.algorithm.rawValue) does not fit its bytes")
          }
        }
        return chunk
      }
    }

    /// An iterator; there is but one pass.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body, expected: expected) }

    /// All bytes in one array.
    ///
    /// - Parameter limit: ``AWSError/Code/answerTooLarge`` is thrown past this many bytes.
    public func collect(upTo limit: Int) async throws(AWSError) -> [UInt8] {
      let bytes: [UInt8]
      do { bytes = try await body.collect(upTo: limit) } catch { throw AWSError(transport: error) }
      guard let expected else { return bytes }
      guard Checksum(expected.algorithm, of: bytes).value == expected.value else {
        throw AWSError(.checksumMismatch, "the object's \(expected.algorithm.rawValue) does not fit its bytes")
      }
      return bytes
    }
  }
}
