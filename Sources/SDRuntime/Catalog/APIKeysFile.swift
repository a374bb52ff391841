public import Logging
public import SDCore
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The file of API keys, read anew when it has changed: keys come and go without a restart.
///
/// A change that cannot be read is told and passed over: the keys before it go on being good.
public final class APIKeysFile: Sendable {
  private struct State {
    var ring: APIKeyRing
    var stamp: Stamp?
    var lookedAt: MonotonicInstant
  }

  /// What tells one version of the file from another; a mounted secret is a link that is swapped.
  private struct Stamp: Equatable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    var seconds: Int
    var nanoseconds: Int
  }

  private let path: String
  private let clocks: Clocks
  private let logger: Logger
  private let state: Mutex<State>
  private static let interval: Duration = .seconds(1)

  /// The file at a path, which is read at once; throws `.configuration` for one that cannot be.
  public init(_ path: String, clocks: Clocks, logger: Logger) throws(SDError) {
    (self.path, self.clocks, self.logger) = (path, clocks, logger)
    let stamp = Self.stamp(path)
    state = Mutex(State(ring: try Self.read(path), stamp: stamp, lookedAt: clocks.instant))
  }

  /// The keys as they stand; the file is looked at once a second at most.
  public var ring: APIKeyRing {
    let now = clocks.instant
    return state.withLock { state in
      guard state.lookedAt.duration(to: now) >= Self.interval else { return state.ring }
      state.lookedAt = now
      let stamp = Self.stamp(path)
      guard stamp != state.stamp else { return state.ring }
      state.stamp = stamp
      do throws(SDError) {
        state.ring = try Self.read(path)
        logger.notice("API keys read", metadata: ["file": "\(path)", "count": "\(state.ring.keys.count)"])
      } catch {
        logger.error(
          "the API keys file cannot be read; the keys before it stay good",
          metadata: ["file": "\(path)", "error": "\(error.message)"])
      }
      return state.ring
    }
  }

  private static func read(_ path: String) throws(SDError) -> APIKeyRing {
    try APIKeyRing(yaml: YAMLFile.text(of: path, attempting: "reading the API keys file"), path: path)
  }

  private static func stamp(_ path: String) -> Stamp? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    #if canImport(Darwin)
    let modified = status.st_mtimespec
    #else
    let modified = status.st_mtim
    #endif
    return Stamp(
      device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
      seconds: modified.tv_sec, nanoseconds: modified.tv_nsec)
  }
}
