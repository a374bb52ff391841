import Synchronization

/// Runs a task to its end on the thread that asks for it: with no other thread to wait for, an input takes microseconds.
final class OwnThread: TaskExecutor {
  private let jobs = Mutex<[UnownedJob]>([])

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.append(job) }
  }

  /// - Parameter body: must wait for nothing that another thread does.
  static func run(_ body: @escaping @Sendable () async -> Void) {
    let executor = OwnThread()
    _ = Task.detached(executorPreference: executor) { await body() }
    while let job = executor.jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
      job.runSynchronously(on: executor.asUnownedTaskExecutor())
    }
  }
}
