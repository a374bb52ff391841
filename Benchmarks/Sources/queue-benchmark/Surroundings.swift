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
