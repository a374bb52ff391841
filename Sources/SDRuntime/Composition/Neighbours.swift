import SDCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Queues and the topic that feeds them, where both lie in one place or not at all.
enum Neighbours {
  /// Throws when a topic cannot reach a queue: a local topic delivers within its own directory, one in memory within its
  /// own system.
  static func check(queue: ConfigurationValue, topic: ConfigurationValue) throws(SDError) {
    guard let near = PluginURI(queue.text), let far = PluginURI(topic.text), near.scheme == far.scheme else { return }
    let isReached =
      switch near.scheme {
      case "file": place(near.directory ?? "") == place(far.directory ?? "")
      case "memory": (near["queue"] == nil ? "" : near.path) == far.path
      default: true
      }
    guard isReached else {
      throw SDError(
        .configuration,
        "queue is \(near) in \(queue.source) and topic is \(far) in \(topic.source): such a topic only reaches queues of its own place"
      )
    }
  }

  /// A directory's real path, as far as it is there.
  private static func place(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else {
      return path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}
