import Dispatch
import GRDB
import Glibc
import SDCore
import Synchronization

/// Wakes those who wait here when another process changed a queue, and tells the others when this one did.
///
/// Whoever commits a change to a queue writes a byte to `DIR/state.bell`, and whoever waits has the kernel watch that
/// file (inotify): nothing is polled. Whether it was another process tells SQLite's change counter, which does not
/// count one's own changes. Where the kernel has no watch left, and for the case of a process that dies between
/// committing and ringing, the counter is read now and then.
final class RivalWatch: Sendable {
  private struct State {
    var isRunning = false
    var isStopped = false
    var isLooking = false
    var watch: Int32 = -1
    var version: Int?
    weak var bells: Doorbells?
  }

  private let connection: DatabaseQueue
  private let bell: Descriptor
  private let events: Int32
  // Dispatch sources may be used from any thread; they only don't say so.
  nonisolated(unsafe) private let source: (any DispatchSourceRead)?
  private let queue = DispatchQueue(label: "sd.rivals")
  private let state = Mutex(State())

  /// Rings of one moment are looked at together.
  private static let coalescing = DispatchTimeInterval.milliseconds(1)

  init(_ connection: DatabaseQueue, directory: String) throws {
    self.connection = connection
    bell = try Descriptor.open(path: directory + "/state.bell", flags: O_RDWR | O_CREAT)
    events = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
    source = events < 0 ? nil : DispatchSource.makeReadSource(fileDescriptor: events, queue: queue)
    guard let source else { return }
    source.setEventHandler { [weak self] in self?.heard() }
    // The source must not outlive its descriptor.
    source.setCancelHandler { [events] in close(events) }
    source.resume()
  }

  deinit { source?.cancel() }

  /// Says whom to wake.
  func wakes(_ bells: Doorbells) { state.withLock { [weak bells] in $0.bells = bells } }

  /// Tells other processes that a queue changed.
  func ring() { _ = pwrite(bell.raw, "!", 1, 0) }

  /// Begins to watch, for as long as somebody waits.
  func start() {
    let starts = state.withLock { state in
      guard !state.isRunning && !state.isStopped else { return false }
      state.isRunning = true
      if events >= 0 { state.watch = inotify_add_watch(events, bell.path, UInt32(IN_MODIFY)) }
      return true
    }
    guard starts else { return }
    look()
    scheduleNext()
  }

  /// Ends watching for good.
  func stop() { state.withLock { $0.isStopped = true } }

  private func heard() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while read(events, &buffer, buffer.count) > 0 {}
    let looks = state.withLock { state in
      defer { state.isLooking = true }
      return !state.isLooking
    }
    if looks { queue.asyncAfter(deadline: .now() + Self.coalescing) { [weak self] in self?.look() } }
  }

  /// Looks once in a while in any case, and ends the watch when nobody waits any more.
  private func scheduleNext() {
    let pause: DispatchTimeInterval = state.withLock { $0.watch < 0 } ? .milliseconds(50) : .seconds(1)
    queue.asyncAfter(deadline: .now() + pause) { [weak self] in
      guard let self else { return }
      let (goesOn, bells) = self.state.withLock { state in
        if state.isStopped || !(state.bells?.isAwaited ?? false) {
          state.isRunning = false
          if state.watch >= 0 { inotify_rm_watch(self.events, state.watch) }
          state.watch = -1
        }
        return (state.isRunning, state.bells)
      }
      guard goesOn else {
        // Somebody may have come between the two.
        if bells?.isAwaited ?? false { self.start() }
        return
      }
      self.look()
      self.scheduleNext()
    }
  }

  private func look() {
    connection.asyncWriteWithoutTransaction { [weak self] db in
      guard let self else { return }
      let bells: Doorbells? = self.state.withLock { state in
        state.isLooking = false
        let version = try? Int.fetchOne(db.cachedStatement(sql: "PRAGMA data_version"))
        defer { state.version = version }
        return state.version == version ? nil : state.bells
      }
      bells?.ringAll()
    }
  }
}
