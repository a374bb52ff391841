import FoundationEssentials
import Logging
import SDCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The processes beside ours in a pod that shares its process namespace: engine and telemetry, which would keep a job's
/// pod alive where there are no native sidecars.
struct PodProcesses: Sendable {
  /// A process as the kernel tells of it.
  struct Process: Hashable, Sendable {
    var id: pid_t
    /// When it began, in ticks: with the id, what tells it from a later one of the same id.
    var began: UInt64
  }

  /// Names of programs or scripts: `xray`, `python3`, `launch.py`.
  let names: [String]
  let clocks: Clocks
  let logger: Logger
  var root = "/proc"
  /// How long a process may take to end by itself.
  var patience = Duration.seconds(10)

  /// Ends them: SIGTERM, and SIGKILL for those that are still there after a while. Answers whether all are gone.
  func end() async -> Bool {
    let found = matching()
    guard !found.isEmpty else {
      logger.notice("there is no process to end", metadata: ["names": "\(names.joined(separator: ","))"])
      return true
    }
    logger.info("ending processes", metadata: ["ids": "\(found.map { "\($0.id)" }.joined(separator: ","))"])
    for process in found { kill(process.id, SIGTERM) }
    if await areGone(found, within: patience) { return true }
    for process in found where isThere(process) {
      logger.warning("a process does not end, killing it", metadata: ["id": "\(process.id)"])
      kill(process.id, SIGKILL)
    }
    return await areGone(found, within: .seconds(2))
  }

  private func areGone(_ processes: [Process], within limit: Duration) async -> Bool {
    let end = clocks.instant.advanced(by: limit)
    while processes.contains(where: isThere) {
      guard clocks.instant < end else { return false }
      do { try await clocks.sleep(for: .milliseconds(50)) } catch { return false }
    }
    return true
  }

  private func isThere(_ process: Process) -> Bool { state(of: process.id)?.began == process.began }

  /// Every process of the namespace whose program or script has one of the names, but us.
  func matching() -> [Process] {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    return all.compactMap { pid_t($0) }.filter { $0 != getpid() }.sorted().compactMap { id in
      guard let state = state(of: id), !Set(words(of: id) + [state.name]).isDisjoint(with: names) else { return nil }
      return Process(id: id, began: state.began)
    }
  }

  /// The last parts of the paths of a program and its script: an interpreter's first argument is what it really runs.
  private func words(of id: pid_t) -> [String] {
    guard let line = try? Data(contentsOf: URL(filePath: "\(root)/\(id)/cmdline")) else { return [] }
    return line.prefix(4096).split(separator: 0).prefix(2).map { word in
      String(decoding: word.split(separator: UInt8(ascii: "/")).last ?? word, as: UTF8.self)
    }
  }

  /// Name and start of a living process, by proc(5).
  private func state(of id: pid_t) -> (name: String, began: UInt64)? {
    guard let data = try? Data(contentsOf: URL(filePath: "\(root)/\(id)/stat")) else { return nil }
    let text = String(decoding: data, as: UTF8.self)
    guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"), open < close else { return nil }
    let fields = text[text.index(after: close)...].split(separator: " ")
    guard fields.count > 19, fields[0] != "Z", let began = UInt64(fields[19]) else { return nil }
    return (String(text[text.index(after: open)..<close]), began)
  }
}
