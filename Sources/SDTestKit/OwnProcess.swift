internal import Glibc

/// What this process holds, as `/proc` tells it.
package enum OwnProcess {
  /// Files and sockets; the runtime's own timers and event queues come and go.
  package static var descriptors: Int {
    entries("/proc/self/fd").count {
      var target = [CChar](repeating: 0, count: 256)
      let count = readlink("/proc/self/fd/" + $0, &target, target.count)
      return count > 0 && !target.starts(with: "anon_inode:".utf8.map { CChar(bitPattern: $0) })
    }
  }
  package static var threads: Int { entries("/proc/self/task").count }

  /// Whether a sanitizer is built in, whose own memory says nothing of ours.
  package static var isSanitized: Bool { dlsym(nil, "__tsan_init") != nil || dlsym(nil, "__asan_init") != nil }

  /// Resident memory in bytes.
  package static var residentBytes: Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 256)
    guard fgets(&buffer, Int32(buffer.count), file) != nil else { return 0 }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  private static func entries(_ path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(
        withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names
  }
}
