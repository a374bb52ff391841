import FoundationEssentials

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the kernel tells of this process, by the names that every Prometheus client library uses. Empty outside Linux.
enum ProcessFigures {
  typealias Figure = (name: String, kind: MetricDescription.Kind, help: String, value: Double)

  static var now: [Figure] {
    guard let stat = fields(of: "/proc/self/stat"), let page = positive(sysconf(Int32(_SC_PAGESIZE))),
      let ticks = positive(sysconf(Int32(_SC_CLK_TCK)))
    else { return [] }
    // Counted from the third field of proc(5), the state: the name before it may hold spaces.
    func value(_ field: Int) -> Double { stat.count > field - 3 ? Double(stat[field - 3]) ?? 0 : 0 }
    var figures: [Figure] = [
      (
        "process_cpu_seconds_total", .counter, "CPU seconds spent, in user and system mode.",
        (value(14) + value(15)) / ticks
      ),
      ("process_resident_memory_bytes", .gauge, "Bytes of memory in use.", value(24) * page),
      ("process_virtual_memory_bytes", .gauge, "Bytes of address space in use.", value(23)),
    ]
    if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
      figures.append(("process_open_fds", .gauge, "Open file descriptors.", Double(open)))
    }
    if let booted = bootTime {
      figures.append(
        (
          "process_start_time_seconds", .gauge, "When the process began, in seconds since 1970.",
          booted + value(22) / ticks
        ))
    }
    return figures
  }

  private static func positive(_ value: Int) -> Double? { value > 0 ? Double(value) : nil }

  private static func text(of path: String) -> String? {
    (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The fields behind the parenthesis that ends the name.
  private static func fields(of path: String) -> [Substring]? {
    guard let text = text(of: path), let end = text.lastIndex(of: ")") else { return nil }
    return text[text.index(after: end)...].split(separator: " ")
  }

  private static var bootTime: Double? {
    text(of: "/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
      .flatMap { Double($0.dropFirst("btime ".count)) }
  }
}
