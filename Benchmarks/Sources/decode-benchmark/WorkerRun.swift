import BackendPlugins
import BenchmarkKit
import Foundation
import HTTPTransport
import LocalPlugins
import MemoryPlugins
import SDCore

/// A worker, in a process of its own, that has an engine's answer stored in a directory.
enum WorkerRun {
  static let argument = "--worker"
  private static let bucket = "pictures"

  /// Bytes by which the worker's memory rises while it works on an answer; it has worked on a small one before.
  static func measure(_ answer: [UInt8]) throws -> Double {
    let scratch = FileManager.default.temporaryDirectory.appending(path: "decode-benchmark-\(getpid())")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let (small, large) = (scratch.appending(path: "small"), scratch.appending(path: "large"))
    try Data(try Answer.bytes(pictures: 1, side: 64)).write(to: small)
    try Data(answer).write(to: large)
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../python/answer_server.py")
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let server = try Child(["python3", script.standardized.path, small.path, large.path], environment: ["PATH": path])
    defer { server.end() }
    // As the programs set their allocator.
    let allocator = ["MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "262144"]
    let result = try Child.run(
      [CommandLine.arguments[0], argument, try server.line(), scratch.appending(path: "state").path],
      environment: allocator)
    guard let rise = Double(result.output.split(separator: "\n").last ?? "") else {
      throw Child.Failure("the worker says \(result.output)")
    }
    return rise
  }

  /// The worker's process: the engine's address, and the directory.
  static func main(_ arguments: [String]) async throws {
    let engine = WebUIBackend(base: arguments[0], transport: CurlTransport.shared)
    let store = try FileObjectStore(directory: arguments[1], bucket: bucket)
    let system = MemorySystem(name: "decode-benchmark")
    try await work("small", 1, engine, store, system)
    try Memory.forgetPeak()
    let before = Memory.now("VmRSS:")
    try await work("large", 8, engine, store, system)
    print(Memory.now("VmHWM:") - before)
  }

  private static func work(
    _ id: String, _ pictures: Int, _ engine: WebUIBackend, _ store: FileObjectStore, _ system: MemorySystem
  ) async throws {
    let queue = system.queue("runtime")
    let task: JSONValue = [
      "metadata": ["id": .string(id), "runtime": "runtime", "tasktype": "text-to-image"],
      "content": ["prompt": .string(id), "batch_size": .int(pictures)],
    ]
    try await queue.send(OutgoingMessage(body: task.serialized()))
    var configuration = WorkerConfiguration(name: "worker")
    configuration.maximumTasks = 1
    try await Worker(
      queue: queue, ledger: system.ledger, store: store, backend: engine, configuration: configuration
    ).run()
    let record = try await system.ledger.latest(TaskKey(id: id))?.record
    guard record?.state == .succeeded, record?.outputs.count == pictures else {
      throw Child.Failure("the task failed: \(record?.error?.message ?? "there is no record of it")")
    }
  }
}

/// What Linux says of this process's memory.
enum Memory {
  /// Bytes that a line of `/proc/self/status` tells.
  static func now(_ name: String) -> Int {
    let lines = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8))?.split(separator: "\n") ?? []
    let words = lines.first { $0.hasPrefix(name) }?.split(whereSeparator: \.isWhitespace) ?? []
    return words.count > 1 ? (Int(words[1]) ?? 0) << 10 : 0
  }

  /// Lets the highest mark fall to what is resident now.
  static func forgetPeak() throws { try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8) }
}
