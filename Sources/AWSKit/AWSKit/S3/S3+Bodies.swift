import FoundationEssentials
import Glibc
import HTTPTransport
import HTTPTypes
import Synchronization

extension S3 {
  /// What protects a body on its way.
  enum BodyChecksum: Sendable {
    case none
    /// Made from the body, and sent before or behind it.
    case made(ChecksumAlgorithm)
    /// Known beforehand.
    case known(Checksum)
  }

  /// Puts a body to a call.
  ///
  /// Bytes in memory get their checksum into the head. Files and streams are sent in `aws-chunked` framing with the
  /// checksum behind them, so that they are read once. Over plain HTTP everything is signed; over TLS a checksum
  /// stands in for the signature, unless the settings say otherwise.
  func attach(_ body: RequestBody, checksum: BodyChecksum, to call: inout ServiceCall) throws(AWSError) {
    let isSecure = call.endpoint?.scheme == "https"
    var hasChecksum = false
    if case .known(let value) = checksum {
      call.fields.append(HTTPField(name: value.algorithm.field, value: value.value))
      hasChecksum = true
    }
    switch body {
    case .none, .bytes:
      let bytes: ArraySlice<UInt8> = if case .bytes(let bytes) = body { bytes } else { [] }
      if case .made(let algorithm) = checksum {
        call.fields.append(HTTPField(name: algorithm.field, value: Checksum(algorithm, of: bytes).value))
        call.fields.append(HTTPField(name: .sdkChecksumAlgorithm, value: algorithm.rawValue))
        hasChecksum = true
      }
      call.body = .bytes(bytes)
      let isSigned = settings.signsPayload ?? !(isSecure && hasChecksum)
      call.payload = isSigned ? payloadHash(of: bytes, checksum) : .unsigned
    case .file(_, _, let length): try attach(body, length, checksum, hasChecksum, isSecure, to: &call)
    case .stream(let length, _):
      guard let length else {
        throw core.named(
          AWSError(.invalidInput, "S3 must know the length of a body beforehand; upload() does without"), call)
      }
      try attach(body, length, checksum, hasChecksum, isSecure, to: &call)
    }
  }

  /// What is signed of bytes in memory; a SHA-256 that goes along as a checksum is the same one.
  private func payloadHash(of bytes: ArraySlice<UInt8>, _ checksum: BodyChecksum) -> PayloadHash {
    guard case .known(let known) = checksum, known.algorithm == .sha256,
      let digest = Data(base64Encoded: known.value), digest.count == 32
    else { return .sha256(of: bytes) }
    return .sha256(digest: digest)
  }

  private func attach(
    _ body: RequestBody, _ length: Int64, _ checksum: BodyChecksum, _ hasChecksum: Bool, _ isSecure: Bool,
    to call: inout ServiceCall
  ) throws(AWSError) {
    let isSigned = settings.signsPayload ?? !isSecure
    var algorithm: ChecksumAlgorithm?
    if case .made(let wanted) = checksum { algorithm = wanted }
    if algorithm == nil, !isSigned {
      (call.body, call.payload) = (body, .unsigned)
      return
    }
    call.payload = algorithm == nil ? .streaming : isSigned ? .streamingWithTrailer : .streamingUnsignedWithTrailer
    let encoding = call.fields[.contentEncoding].map { "\($0),aws-chunked" } ?? "aws-chunked"
    call.fields[.contentEncoding] = encoding
    call.fields.append(HTTPField(name: .decodedContentLength, value: String(length)))
    if let algorithm {
      call.fields.append(HTTPField(name: .trailer, value: algorithm.field.canonicalName))
      call.fields.append(HTTPField(name: .sdkChecksumAlgorithm, value: algorithm.rawValue))
    }
    let trailers = algorithm.map { [(name: $0.field.canonicalName, valueLength: $0.valueLength)] } ?? []
    let wireLength = ChunkSigner.encodedLength(
      of: length, chunkSize: ChunkedBody.chunkSize, payload: call.payload, trailers: trailers)
    call.makeBody = { [algorithm] framer in
      .stream(length: wireLength) {
        let source = ChunkedBody(body, length: length, framer: framer, algorithm: algorithm)
        return { try await source.next() }
      }
    }
  }
}

/// A body in `aws-chunked` framing, made while it is sent.
final class ChunkedBody: Sendable {
  static let chunkSize = 128 * 1024

  private struct State {
    var framer: ChunkSigner
    var hasher: ChecksumHasher?
    var pending: [UInt8] = []
    var left: Int64
    var hasEnded = false
  }

  private let plain: ChunkSource
  private let algorithm: S3.ChecksumAlgorithm?
  private let state: Mutex<State>

  init(_ body: RequestBody, length: Int64, framer: ChunkSigner, algorithm: S3.ChecksumAlgorithm?) {
    plain = Self.source(of: body)
    self.algorithm = algorithm
    state = Mutex(State(framer: framer, hasher: algorithm.map { ChecksumHasher($0) }, left: length))
  }

  /// The next frame; for one caller at a time, as a transport is.
  func next() async throws -> ArraySlice<UInt8>? {
    var (state, hasEnded) = self.state.withLock { ($0, $0.hasEnded) }
    if hasEnded { return nil }
    // Nobody else holds the bytes while they are worked on, so that they are not copied.
    self.state.withLock { $0.pending = [] }
    let wanted = Int(min(Int64(Self.chunkSize), state.left))
    while state.pending.count < wanted {
      guard let chunk = try await plain() else {
        throw AWSError(.invalidInput, "a body ended \(state.left - Int64(state.pending.count)) bytes before its length")
      }
      guard Int64(state.pending.count + chunk.count) <= state.left else {
        throw AWSError(.invalidInput, "a body is longer than its length")
      }
      state.pending.append(contentsOf: chunk)
    }
    let frame: [UInt8]
    if wanted > 0 {
      let chunk = state.pending[..<wanted]
      state.hasher?.update(chunk)
      frame = state.framer.frame(chunk)
      state.left -= Int64(wanted)
      state.pending = Array(state.pending[wanted...])
    } else {
      hasEnded = true
      var trailers: [(name: String, value: String)] = []
      if let algorithm, let hasher = state.hasher { trailers = [(algorithm.field.canonicalName, hasher.finish())] }
      frame = state.framer.end(trailers: trailers)
    }
    state.hasEnded = hasEnded
    let after = state
    self.state.withLock { $0 = after }
    return frame[...]
  }

  /// The plain bytes of any body, chunk by chunk.
  static func source(of body: RequestBody) -> ChunkSource {
    switch body {
    case .none: return { nil }
    case .bytes(let bytes):
      let left = Mutex(Optional(bytes))
      return {
        left.withLock { left in
          defer { left = nil }
          return left
        }
      }
    case .file(let path, let offset, let length):
      let file = FileChunks(path: path, offset: offset, length: length)
      return { try file.next() }
    case .stream(_, let source): return source()
    }
  }
}

/// A part of a file, read piece by piece; opened at the first one, closed when it is let go.
final class FileChunks: Sendable {
  private struct State {
    var descriptor: Int32 = -1
    var offset: Int64
    var left: Int64
  }

  private let path: String
  private let state: Mutex<State>

  init(path: String, offset: Int64, length: Int64) {
    self.path = path
    state = Mutex(State(offset: offset, left: length))
  }

  deinit {
    let descriptor = state.withLock { $0.descriptor }
    if descriptor >= 0 { close(descriptor) }
  }

  func next() throws(AWSError) -> ArraySlice<UInt8>? {
    try state.withLock { state throws(AWSError) in
      if state.left == 0 { return nil }
      if state.descriptor < 0 {
        state.descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard state.descriptor >= 0 else { throw failure(errno) }
      }
      let wanted = Int(min(state.left, Int64(ChunkedBody.chunkSize)))
      var number: Int32 = 0
      let (descriptor, offset) = (state.descriptor, state.offset)
      let chunk = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, count in
        var result = -1
        repeat {
          result = pread(descriptor, buffer.baseAddress, wanted, off_t(offset))
        } while result < 0 && errno == EINTR
        number = result < 0 ? errno : 0
        count = max(0, result)
      }
      guard number == 0 else { throw failure(number) }
      guard !chunk.isEmpty else { throw AWSError(.invalidInput, "reading \(path): it is shorter than was said") }
      state.offset += Int64(chunk.count)
      state.left -= Int64(chunk.count)
      return chunk[...]
    }
  }

  private func failure(_ number: Int32) -> AWSError {
    AWSError(.invalidInput, "reading \(path): \(String(cString: strerror(number)))")
  }
}
