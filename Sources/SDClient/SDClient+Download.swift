internal import Glibc
internal import HTTPTransport
internal import HTTPTypes
public import SDCore

extension SDClient {
  private static let redirects = 3

  /// Downloads one output into a file, chunk by chunk; the file appears whole or not at all.
  ///
  /// - Parameters:
  ///   - output: of a task that has ended.
  ///   - path: where to; a file that is there is replaced.
  public func download(_ output: TaskView.Output, to path: String) async throws {
    let response = try await content(of: output)
    var file = try DownloadFile(path)
    do {
      var count = 0
      for try await chunk in response.body {
        count += chunk.count
        guard count <= output.bytes else { break }
        try file.write(chunk)
      }
      guard count == output.bytes else {
        throw SDClientError(.unexpected, "output \(output.number) does not have \(output.bytes) bytes as the task says")
      }
      try file.commit()
    } catch {
      file.discard()
      guard let error = error as? TransportError else { throw error }
      throw SDClientError.failure(error, server)
    }
  }

  /// The bytes of one output, in memory; at most 256 MiB.
  public func bytes(of output: TaskView.Output) async throws -> [UInt8] {
    do { return try await content(of: output).body.collect(upTo: 256 << 20) } catch let error as TransportError {
      throw SDClientError.failure(error, server)
    }
  }

  /// A small WebP of one output that is a picture, to be shown beside others.
  ///
  /// - Parameter side: what neither side may exceed, 16 to 1,024 pixels; smaller pictures are not made larger.
  /// Throws `.refused` with status 422 for outputs that no thumbnail can be made of.
  public func thumbnail(of output: TaskView.Output, side: Int = 256) async throws -> [UInt8] {
    let target = output.url + (output.url.contains("?") ? "&" : "?") + "thumb=\(side)"
    do {
      return try await content(of: output, at: target, accept: "image/webp").body.collect(upTo: 16 << 20)
    } catch let error as TransportError { throw SDClientError.failure(error, server) }
  }

  /// The answer with an output's bytes, asked for again while the server is away or has no time.
  ///
  /// - Parameter accept: API Gateway sends base64 to those who do not ask for an image first of all.
  private func content(
    of output: TaskView.Output, at target: String? = nil, accept: String = "*/*"
  ) async throws -> TransportResponse {
    try await repeating { try await fetch(output, at: target ?? output.url, accept: accept) }
  }

  private func fetch(_ output: TaskView.Output, at target: String, accept: String) async throws -> TransportResponse {
    var request = try request(.get, target)
    request.headerFields[.accept] = accept
    for _ in 0...Self.redirects {
      let response: TransportResponse
      do throws(TransportError) {
        response = try await transport.execute(
          request, body: .none, options: TransferOptions(totalTimeout: .seconds(600)))
      } catch { throw SDClientError.failure(error, server) }
      switch response.head.status.code {
      case 200: return response
      case 301, 302, 303, 307, 308:
        guard let location = response.head.headerFields[.location] else {
          throw SDClientError(.unexpected, "\(server) sent output \(output.number) elsewhere without saying where")
        }
        // A presigned URL brings its own permission: the key is for this server alone.
        do throws(TransportError) { request = try HTTPRequest(url: location) } catch {
          throw SDClientError(.unexpected, "\(server) sent output \(output.number) to an address that is none")
        }
      default:
        let text = (try? await response.body.collect(upTo: 1 << 20)) ?? []
        throw SDClientError(response.head, body: text, server: server)
      }
    }
    throw SDClientError(.unexpected, "\(server) sent output \(output.number) from one address to the next")
  }
}

extension TaskView.Output {
  /// A good name for the file: the last part of its key, else its number.
  public var fileName: String {
    let name = uri.split(separator: "/").last.map(String.init) ?? ""
    let isPlain =
      !name.isEmpty && !name.hasPrefix(".")
      && name.utf8.allSatisfy { byte in
        switch UnicodeScalar(byte) {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".": true
        default: false
        }
      }
    return isPlain ? name : "output-\(number)"
  }
}

/// A file that appears under its name when it is whole.
private struct DownloadFile: ~Copyable {
  private let path: String
  private let temporary: String
  private var descriptor: Int32

  init(_ path: String) throws(SDClientError) {
    self.path = path
    temporary = "\(path).\(RandomName.make().prefix(8)).part"
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    if descriptor < 0 { throw Self.failure("creating", path) }
  }

  mutating func write(_ chunk: ArraySlice<UInt8>) throws(SDClientError) {
    var rest = chunk
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw Self.failure("writing", path) }
      rest = rest.dropFirst(count)
    }
  }

  mutating func commit() throws(SDClientError) {
    guard close(descriptor) == 0 else {
      descriptor = -1
      throw Self.failure("writing", path)
    }
    descriptor = -1
    guard rename(temporary, path) == 0 else { throw Self.failure("naming", path) }
  }

  mutating func discard() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    unlink(temporary)
  }

  private static func failure(_ what: String, _ path: String) -> SDClientError {
    SDClientError(.file, "\(what) \(path) failed: \(String(cString: strerror(errno)))")
  }
}
