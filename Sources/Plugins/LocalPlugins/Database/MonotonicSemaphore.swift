import Glibc

/// A counting semaphore whose waits go by the monotonic clock.
///
/// `DispatchSemaphore` waits on Linux until a time of day: when somebody sets the clock back meanwhile, a wait of
/// milliseconds lasts as much longer.
final class MonotonicSemaphore: @unchecked Sendable {
  // Owned; their addresses stay what they are, as POSIX demands. `count` is touched with the lock held alone.
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let raised = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var count = 0

  /// A semaphore at zero.
  init() {
    pthread_mutex_init(lock, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(raised, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(raised)
    pthread_mutex_destroy(lock)
    raised.deallocate()
    lock.deallocate()
  }

  /// Raises it, and wakes one who waits.
  func signal() {
    pthread_mutex_lock(lock)
    count += 1
    pthread_cond_signal(raised)
    pthread_mutex_unlock(lock)
  }

  /// Lowers it, once it is above zero; `false` if it was not within so long.
  func wait(atMost limit: Duration) -> Bool {
    var end = timespec()
    clock_gettime(CLOCK_MONOTONIC, &end)
    let (seconds, attoseconds) = max(limit, .zero).components
    let nanoseconds = end.tv_nsec + Int(attoseconds / 1_000_000_000)
    end.tv_sec += Int(seconds) + nanoseconds / 1_000_000_000
    end.tv_nsec = nanoseconds % 1_000_000_000
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    while count == 0 { if pthread_cond_timedwait(raised, lock, &end) == ETIMEDOUT { break } }
    guard count > 0 else { return false }
    count -= 1
    return true
  }
}
