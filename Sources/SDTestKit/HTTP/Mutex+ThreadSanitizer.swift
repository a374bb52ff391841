#if SD_TSAN
internal import Glibc

/// `Synchronization.Mutex` as Thread Sanitizer understands it; it takes that one's place in builds for the sanitizer.
///
/// A contended `Synchronization.Mutex` is handed on by the kernel (`FUTEX_LOCK_PI`), which the sanitizer does not see, so
/// that it reports races between critical sections of one lock. It does know the locks of pthreads.
struct Mutex<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)

  init(_ initial: consuming sending Value) {
    lock.initialize(to: pthread_mutex_t())
    pthread_mutex_init(lock, nil)
    value.initialize(to: initial)
  }

  deinit {
    value.deinitialize(count: 1)
    value.deallocate()
    pthread_mutex_destroy(lock)
    lock.deallocate()
  }

  borrowing func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return try body(&value.pointee)
  }
}
#endif
