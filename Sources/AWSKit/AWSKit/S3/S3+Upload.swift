import FoundationEssentials
import HTTPTransport

extension S3 {
  /// Writes an object of any size: in one request where it is small, else in parts, several at a time.
  ///
  /// A body whose length is unknown is read part by part into memory, so that at most `concurrency + 1` parts of it
  /// are held. Files are read while they are sent. When anything fails the upload is aborted, so that no parts are
  /// left behind; a process that dies leaves them to the bucket's lifecycle rules.
  ///
  /// - Parameters:
  ///   - input: the object; its conditions hold for the whole of it. A known checksum goes along only in one request.
  ///   - partSize: at least 5 MiB; larger where the object would have more than 10,000 parts.
  ///   - concurrency: parts under way at the same time.
  @discardableResult
  public func upload(_ input: PutObjectInput, partSize: Int = 8 << 20, concurrency: Int = 4) async throws(AWSError)
    -> WrittenObject
  {
    let length: Int64? =
      switch input.body {
      case .none: 0
      case .bytes(let bytes): Int64(bytes.count)
      case .file(_, _, let length): length
      case .stream(let length, _): length
      }
    guard partSize >= 5 << 20 else { throw AWSError(.invalidInput, "a part has at least 5 MiB, not \(partSize) bytes") }
    if let length, length <= Int64(partSize) { return try await putObject(input) }
    var parts = Parts(input.body, partSize: Self.partSize(partSize, for: length))
    if length == nil {
      // What turns out to be small is not worth three requests.
      let (first, isLast) = try await parts.peek()
      if isLast {
        var whole = input
        whole.body = .bytes(first[...])
        return try await putObject(whole)
      }
    }
    let id = try await createMultipartUpload(
      bucket: input.bucket, key: input.key, settings: input.settings, checksumAlgorithm: input.checksumAlgorithm,
      expectedOwner: input.expectedOwner)
    do {
      let uploaded = try await upload(&parts, of: input, id: id, concurrency: max(1, concurrency))
      return try await completeMultipartUpload(
        bucket: input.bucket, key: input.key, uploadID: id, parts: uploaded, conditions: input.conditions,
        expectedOwner: input.expectedOwner)
    } catch {
      await abort(input, id)
      throw error
    }
  }

  /// The size that keeps an object within 10,000 parts, in whole MiB where it has to grow.
  static func partSize(_ wanted: Int, for length: Int64?) -> Int {
    guard let length, length > Int64(wanted) * 10_000 else { return wanted }
    let smallest = (length + 9_999) / 10_000
    return Int((smallest + 0xF_FFFF) / 0x10_0000 * 0x10_0000)
  }

  private func upload(_ parts: inout Parts, of input: PutObjectInput, id: String, concurrency: Int)
    async throws(AWSError) -> [UploadedPart]
  {
    var done: [UploadedPart] = []
    var number = 0
    var bodies = parts
    defer { parts = bodies }
    do {
      try await withThrowingTaskGroup(of: UploadedPart.self) { group in
        while let body = try await bodies.next() {
          number += 1
          guard number <= 10_000 else { throw AWSError(.invalidInput, "an object has at most 10,000 parts") }
          if number > concurrency, let part = try await group.next() { done.append(part) }
          group.addTask { [number] in
            try await uploadPart(
              bucket: input.bucket, key: input.key, uploadID: id, number: number, body: body,
              checksumAlgorithm: input.checksumAlgorithm, expectedOwner: input.expectedOwner)
          }
        }
        for try await part in group { done.append(part) }
      }
    } catch let error as AWSError {
      throw error
    } catch {
      throw AWSError(.cancelled, "cancelled while uploading parts", underlying: error)
    }
    return done
  }

  /// Gives the upload up although the caller may be cancelled: the task of its own shields that one request, and is
  /// waited for.
  private func abort(_ input: PutObjectInput, _ id: String) async {
    await Task.detached {
      try? await abortMultipartUpload(
        bucket: input.bucket, key: input.key, uploadID: id, expectedOwner: input.expectedOwner)
    }.value
  }
}

/// A body cut into parts.
private struct Parts {
  private enum Origin {
    case bytes(ArraySlice<UInt8>)
    case file(path: String, offset: Int64, left: Int64)
    case stream(ChunkSource, rest: [UInt8])
    case ended
  }

  private var origin: Origin
  private let size: Int
  private var peeked: [UInt8]?

  init(_ body: RequestBody, partSize: Int) {
    size = partSize
    origin =
      switch body {
      case .none: .ended
      case .bytes(let bytes): .bytes(bytes)
      case .file(let path, let offset, let length): .file(path: path, offset: offset, left: length)
      case .stream(_, let source): .stream(source(), rest: [])
      }
  }

  /// The first part of a stream, and whether it is the only one.
  mutating func peek() async throws(AWSError) -> (bytes: [UInt8], isLast: Bool) {
    let first = try await gather()
    peeked = first
    if case .ended = origin { return (first, true) }
    return (first, false)
  }

  mutating func next() async throws(AWSError) -> RequestBody? {
    if let first = peeked {
      peeked = nil
      return .bytes(first)
    }
    switch origin {
    case .ended: return nil
    case .bytes(let bytes):
      let part = bytes.prefix(size)
      let rest = bytes.dropFirst(size)
      origin = rest.isEmpty ? .ended : .bytes(rest)
      return .bytes(part)
    case .file(let path, let offset, let left):
      let length = min(left, Int64(size))
      origin = left == length ? .ended : .file(path: path, offset: offset + length, left: left - length)
      return .file(path: path, offset: offset, length: length)
    case .stream:
      let part = try await gather()
      return part.isEmpty ? nil : .bytes(part)
    }
  }

  /// A whole part of a stream, or what is left of it.
  private mutating func gather() async throws(AWSError) -> [UInt8] {
    guard case .stream(let source, var bytes) = origin else { return [] }
    origin = .ended
    while bytes.count <= size {
      let chunk: ArraySlice<UInt8>?
      do { chunk = try await source() } catch let error as AWSError { throw error } catch {
        throw AWSError(.invalidInput, "the body could not be made", underlying: error)
      }
      guard let chunk else { return bytes }
      if bytes.isEmpty { bytes.reserveCapacity(size + chunk.count) }
      bytes.append(contentsOf: chunk)
    }
    // More than a part is there: so this is not the last one.
    origin = .stream(source, rest: Array(bytes[size...]))
    bytes.removeSubrange(size...)
    return bytes
  }
}
