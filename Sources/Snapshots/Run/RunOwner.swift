import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The process that works on a run, written so that another one can tell whether it still lives.
public struct RunOwner: Sendable, Hashable {
  /// What can be told from here.
  enum Verdict: Sendable, Hashable {
    case alive
    case dead
    /// It is of another machine.
    case elsewhere
  }

  let host: String
  /// Which start of the machine.
  let boot: String
  let process: Int32
  /// When the process was started, on the machine's own clock: numbers of processes are used again.
  let start: String

  /// The present process.
  public static var current: RunOwner {
    RunOwner(host: hostName, boot: bootID, process: getpid(), start: startTime(of: getpid()) ?? "-")
  }

  var text: String { "\(host) \(boot) \(process) \(start)" }

  init(host: String, boot: String, process: Int32, start: String) {
    (self.host, self.boot, self.process, self.start) = (host, boot, process, start)
  }

  init?(_ text: String) {
    let words = text.split(separator: " ").map(String.init)
    guard words.count == 4, let process = Int32(words[2]) else { return nil }
    self.init(host: words[0], boot: words[1], process: process, start: words[3])
  }

  /// Whether the process lives, as far as the present one can tell.
  var verdict: Verdict {
    guard host == Self.hostName, boot == Self.bootID else { return .elsewhere }
    guard kill(process, 0) == 0 || errno == EPERM else { return .dead }
    return start == (Self.startTime(of: process) ?? "-") ? .alive : .dead
  }

  private static var hostName: String {
    var bytes = [CChar](repeating: 0, count: 256)
    guard gethostname(&bytes, bytes.count - 1) == 0 else { return "unknown" }
    let name = String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let plain = name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ".") }
    return plain.isEmpty ? "unknown" : String(plain.prefix(100))
  }

  private static var bootID: String { file("/proc/sys/kernel/random/boot_id").map { String($0.prefix(36)) } ?? "-" }

  /// The 22nd field of `/proc/PID/stat` (proc_pid_stat(5)); the second one may hold anything, in parentheses.
  private static func startTime(of process: Int32) -> String? {
    guard let text = file("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[end...].dropFirst().split(separator: " ")
    return fields.count > 19 ? String(fields[19]) : nil
  }

  private static func file(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}
