import Foundation
import Glibc

/// A directory that is gone afterwards.
final class Scratch {
  let path: String
  private var count = 0

  init(in root: String) throws {
    path = "\(root)/queue-benchmark-\(getpid())"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  func subdirectory() throws -> String {
    count += 1
    let directory = "\(path)/\(count)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    return directory
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }
}

/// How often a second the disk takes a small write for good.
enum SyncRate {
  static func measure(in directory: String) throws -> Double {
    let path = "\(directory)/syncs"
    let file = open(path, O_RDWR | O_CREAT, 0o644)
    guard file >= 0 else { throw CocoaError(.fileNoSuchFile) }
    defer {
      close(file)
      unlink(path)
    }
    let block = [UInt8](repeating: 1, count: 4096)
    var syncs = 0
    let start = ContinuousClock.now
    while start.duration(to: .now) < .seconds(1) {
      guard pwrite(file, block, block.count, off_t(syncs % 256 * block.count)) == block.count, fdatasync(file) == 0
      else {
        throw CocoaError(.fileWriteUnknown)
      }
      syncs += 1
    }
    let elapsed = start.duration(to: .now).components
    return Double(syncs) / (Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18)
  }
}

/// The same work by `python/sqlite_queue.py`.
enum PythonQueue {
  private struct Figures: Decodable {
    var rate: Double
    private enum CodingKeys: String, CodingKey { case rate = "messages_per_second" }
  }

  static func measure(_ durability: String, seconds: Double, in directory: String) throws -> Double {
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../python/sqlite_queue.py")
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", script.standardized.path, directory, durability, "\(seconds)"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return try JSONDecoder().decode(Figures.self, from: bytes).rate
  }
}
