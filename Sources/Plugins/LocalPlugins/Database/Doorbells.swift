import Synchronization

/// Wakes those who wait for messages: a bell a queue, rung whenever something changed that may be received.
///
/// A waiter notes the bell's count before it looks into the queue and waits for a count past it, so that no ring
/// between looking and waiting is lost.
final class Doorbells: Sendable {
  private struct Bell {
    var count: UInt64 = 0
    var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
  }

  private struct State {
    var bells: [Int64: Bell] = [:]
    var cancelled: Set<UInt64> = []
    var lastID: UInt64 = 0
    /// How often all bells have rung together, those included that nobody has listened to yet.
    var common: UInt64 = 0
    var waiting = 0

    func count(of queue: Int64) -> UInt64 { common + (bells[queue]?.count ?? 0) }
  }

  private let state = Mutex(State())
  /// Told when there is a first waiter.
  private let onFirstWaiter: @Sendable () -> Void

  init(onFirstWaiter: @escaping @Sendable () -> Void) { self.onFirstWaiter = onFirstWaiter }

  /// Whether anybody waits.
  var isAwaited: Bool { state.withLock { $0.waiting > 0 } }

  /// How often a queue's bell has rung.
  func count(of queue: Int64) -> UInt64 { state.withLock { $0.count(of: queue) } }

  /// Rings the bells of queues.
  func ring(_ queues: some Collection<Int64>) {
    guard !queues.isEmpty else { return }
    wake { state in
      queues.flatMap { queue in
        state.bells[queue, default: Bell()].count += 1
        return state.bells[queue]?.waiters.keys.map { (queue, $0) } ?? []
      }
    }
  }

  /// Rings every bell.
  func ringAll() {
    wake { state in
      state.common += 1
      return state.bells.flatMap { queue, bell in bell.waiters.keys.map { (queue, $0) } }
    }
  }

  private func wake(_ choose: (inout State) -> [(Int64, UInt64)]) {
    let woken = state.withLock { state in
      let woken = choose(&state).compactMap { queue, id in state.bells[queue]?.waiters.removeValue(forKey: id) }
      state.waiting -= woken.count
      return woken
    }
    for waiter in woken { waiter.resume() }
  }

  /// Waits until a queue's bell has rung more often than `count`, or the task is cancelled.
  func wait(for queue: Int64, past count: UInt64) async {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        enum Verdict { case over, waits, waitsFirst }
        let verdict: Verdict = state.withLock { state in
          if state.cancelled.remove(id) != nil || state.count(of: queue) > count { return .over }
          state.bells[queue, default: Bell()].waiters[id] = continuation
          state.waiting += 1
          return state.waiting == 1 ? .waitsFirst : .waits
        }
        switch verdict {
        case .over: continuation.resume()
        case .waits: break
        case .waitsFirst: onFirstWaiter()
        }
      }
    } onCancel: {
      let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
        guard let waiter = state.bells[queue]?.waiters.removeValue(forKey: id) else {
          state.cancelled.insert(id)
          return nil
        }
        state.waiting -= 1
        return waiter
      }
      waiter?.resume()
    }
    _ = state.withLock { $0.cancelled.remove(id) }
  }
}
