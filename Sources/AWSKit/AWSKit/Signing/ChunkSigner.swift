/// Frames and signs the chunks of a body whose request was signed with one of S3's streaming payloads.
///
/// Each signature covers the one before, so chunks must be framed in their order. The framing is S3's `aws-chunked`:
/// `size;chunk-signature=…\r\n bytes \r\n`, at the end a chunk of size 0, then the trailing fields.
///
/// ```swift
/// var framer = signer.chunkSigner(after: signature, payload: .streamingWithTrailer, with: credentials)
/// for chunk in chunks { send(framer.frame(chunk)) }
/// send(framer.end(trailers: [("x-amz-checksum-crc32c", "yZRlqg==")]))
/// ```
public struct ChunkSigner: Sendable {
  private let key: SigningKey?
  private let prefix: [UInt8]
  private let trailerPrefix: [UInt8]
  private let hasTrailer: Bool
  /// The signature of the chunk before, at first that of the request.
  public private(set) var previousSignature: String

  init(key: SigningKey?, timestamp: String, scope: String, seed: String, hasTrailer: Bool) {
    self.key = key
    self.hasTrailer = hasTrailer
    previousSignature = seed
    prefix = Array("AWS4-HMAC-SHA256-PAYLOAD\n\(timestamp)\n\(scope)\n".utf8)
    trailerPrefix = Array("AWS4-HMAC-SHA256-TRAILER\n\(timestamp)\n\(scope)\n".utf8)
  }

  /// What goes to the wire before the bytes of a chunk; `\r\n` follows them.
  ///
  /// S3 takes chunks of at least 8 KiB, but for the last one. An empty chunk ends the body: use ``end(trailers:)``.
  public mutating func header(of chunk: some Collection<UInt8>) -> [UInt8] {
    var frame: [UInt8] = []
    frame.append(hexadecimal: chunk.count)
    if let key {
      var text = prefix
      text.append(previousSignature)
      text.append(UInt8(ascii: "\n"))
      text.append(PayloadHash.empty.text)
      text.append(UInt8(ascii: "\n"))
      text.append(PayloadHash.sha256(of: chunk).text)
      previousSignature = key.sign(text)
      frame.append(";chunk-signature=")
      frame.append(previousSignature)
    }
    frame.append("\r\n")
    return frame
  }

  /// A chunk as it goes to the wire.
  public mutating func frame(_ chunk: some Collection<UInt8>) -> [UInt8] {
    var frame = header(of: chunk)
    frame.append(contentsOf: chunk)
    frame.append("\r\n")
    return frame
  }

  /// The end of the body: the empty chunk, and the trailing fields where the payload has them.
  ///
  /// - Parameter trailers: names in lower case and their values; `x-amz-trailer` must have announced them.
  public mutating func end(trailers: [(name: String, value: String)] = []) -> [UInt8] {
    var frame = header(of: [])
    guard hasTrailer else {
      frame.append("\r\n")
      return frame
    }
    var signed: [UInt8] = []
    for (name, value) in trailers {
      frame.append("\(name):\(value)\r\n")
      signed.append("\(name):\(value)\n")
    }
    if let key {
      var text = trailerPrefix
      text.append(previousSignature)
      text.append(UInt8(ascii: "\n"))
      text.append(PayloadHash.sha256(of: signed).text)
      previousSignature = key.sign(text)
      frame.append("x-amz-trailer-signature:\(previousSignature)\r\n")
    }
    frame.append("\r\n")
    return frame
  }

  /// The length on the wire of a body in chunks of one size: what `Content-Length` must say.
  ///
  /// - Parameters:
  ///   - bodyLength: the bytes of the body itself (`x-amz-decoded-content-length`).
  ///   - chunkSize: the bytes of each chunk but the last.
  ///   - payload: one of the streaming payloads.
  ///   - trailers: the trailing fields' names and the lengths of their values.
  public static func encodedLength(
    of bodyLength: Int64, chunkSize: Int, payload: PayloadHash, trailers: [(name: String, valueLength: Int)] = []
  ) -> Int64 {
    let signed = payload != .streamingUnsignedWithTrailer
    func chunk(_ size: Int64) -> Int64 {
      Int64(String(size, radix: 16).utf8.count) + (signed ? 17 + 64 : 0) + 2 + size + (size > 0 ? 2 : 0)
    }
    let (whole, rest) = bodyLength.quotientAndRemainder(dividingBy: Int64(chunkSize))
    var length = whole * chunk(Int64(chunkSize)) + (rest > 0 ? chunk(rest) : 0) + chunk(0)
    if payload != .streaming {
      for (name, valueLength) in trailers { length += Int64(name.utf8.count + 1 + valueLength + 2) }
      if signed { length += Int64("x-amz-trailer-signature:".utf8.count + 64 + 2) }
    }
    return length + 2
  }
}

extension Signer {
  /// What frames the body of a request that ``signed(_:payload:with:at:)`` has signed with a streaming payload.
  ///
  /// - Parameter seed: the signature that the first chunk's covers: by default the request's own.
  public func chunkSigner(
    after signature: Signature, payload: PayloadHash, with credentials: Credentials, seed: String? = nil
  ) -> ChunkSigner {
    let signsChunks = payload == .streaming || payload == .streamingWithTrailer
    return ChunkSigner(
      key: signsChunks ? key(for: credentials, day: String(signature.timestamp.prefix(8))) : nil,
      timestamp: signature.timestamp, scope: signature.scope, seed: seed ?? signature.value,
      hasTrailer: payload != .streaming)
  }
}
