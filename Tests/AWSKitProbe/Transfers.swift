import AWSKit
import FoundationEssentials
import Glibc
import HTTPTransport

/// An object of any size up or down, and the most memory that the process had.
struct Transfers {
  private let url, path: String

  init(_ arguments: ArraySlice<String>) { (url, path) = (arguments[2], arguments[3]) }

  private func s3() throws -> S3 {
    var configuration = AWSConfiguration(region: "us-east-1")
    configuration.endpoints.url = url
    return try S3(
      AWSClient(
        configuration: configuration,
        credentials: StaticCredentialProvider(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret"),
        transport: CurlTransport()))
  }

  func upload() async throws {
    var status = stat()
    guard stat(path, &status) == 0 else { throw Case.UnknownCall(name: path) }
    let body = RequestBody.file(path: path, offset: 0, length: Int64(status.st_size))
    let written = try await s3().upload(.init(bucket: "bucket", key: "key", body: body))
    try report(Int64(status.st_size), Reflection.json(written))
  }

  func download() async throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else { throw Case.UnknownCall(name: path) }
    defer { close(descriptor) }
    let object = try await s3().getObject(.init(bucket: "bucket", key: "key"))
    var position: Int64 = 0
    for try await chunk in object.body {
      // Blocks of nothing become holes, so that a sparse object needs no disk.
      if chunk.contains(where: { $0 != 0 }) {
        let written = chunk.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(position)) }
        guard written == chunk.count else { throw Case.UnknownCall(name: path) }
      }
      position += Int64(chunk.count)
    }
    ftruncate(descriptor, off_t(position))
    try report(position, Reflection.json(object.info))
  }

  private func report(_ bytes: Int64, _ result: JSONValue) throws {
    try Probe.report(.object(["bytes": .number(Double(bytes)), "peak": .number(Memory.peak), "result": result]))
  }
}

/// What this process has taken.
enum Memory {
  /// The most resident memory so far, in bytes. `getrusage` would tell that of the program which started this one, too.
  static var peak: Double {
    guard let status = try? String(contentsOf: URL(filePath: "/proc/self/status"), encoding: .utf8) else { return .nan }
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    let words = line?.split(whereSeparator: { $0 == " " || $0 == "\t" }) ?? []
    return words.count > 1 ? (Double(words[1]) ?? .nan) * 1024 : .nan
  }
}
