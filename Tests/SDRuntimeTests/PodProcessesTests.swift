import Foundation
import Logging
import SDCore
import SDTestKit
import Testing

@testable import SDRuntime

@Suite(
  "Processes beside a job", .timeLimit(.minutes(1)), .enabled(if: FileManager.default.fileExists(atPath: "/proc/self")))
struct PodProcessesTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// A shell under a name that no other process has.
  private func start(_ name: String, _ script: String) throws -> Process {
    let path = "\(directory.path)/\(name)"
    try FileManager.default.copyItem(
      atPath: URL(fileURLWithPath: "/bin/sh").resolvingSymlinksInPath().path, toPath: path)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = ["-c", script]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    // It has set its traps once it speaks.
    _ = output.fileHandleForReading.availableData
    return process
  }

  private func processes(_ names: [String], patience: Duration = .seconds(10)) -> PodProcesses {
    var processes = PodProcesses(
      names: names, clocks: .system, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    processes.patience = patience
    return processes
  }

  @Test("are found by their program's name and ended by signal; others are left alone")
  func ended() async throws {
    let name = "side-\(RandomName.make().prefix(8))"
    let one = try start(name, "echo; while :; do sleep 0.05; done")
    let other = try start(name + "x", "echo; while :; do sleep 0.05; done")
    defer { kill(other.processIdentifier, SIGKILL) }
    // A shell about to run its next command is two of the name for a moment.
    let found = processes([name]).matching().map(\.id)
    #expect(found.contains(one.processIdentifier) && !found.contains(other.processIdentifier))
    #expect(await processes([name]).end())
    one.waitUntilExit()
    #expect(one.terminationReason == .uncaughtSignal)
    #expect(other.isRunning)
  }

  @Test("that do not hear the signal are killed")
  func killed() async throws {
    let name = "deaf-\(RandomName.make().prefix(8))"
    let one = try start(name, "trap '' TERM; echo; while :; do sleep 0.05; done")
    #expect(await processes([name], patience: .milliseconds(200)).end())
    one.waitUntilExit()
    #expect(one.terminationStatus == SIGKILL)
  }

  @Test("that are not there are no failure")
  func none() async throws {
    #expect(await processes(["no-such-\(RandomName.make())"]).end())
  }
}
