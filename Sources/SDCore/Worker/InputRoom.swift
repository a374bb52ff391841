import Synchronization

/// What one input takes of the memory budget: as much as the largest would, until it is known to need less.
final class InputRoom: Sendable {
  private let way: Way
  private let most: Int
  private let taken: Mutex<Int>

  /// Waits for room for an input of at most so many bytes.
  init(for most: Int, on way: Way) async throws {
    let bytes = Self.whileRead(most)
    try await way.reserve(bytes)
    (self.way, self.most) = (way, most)
    taken = Mutex(bytes)
  }

  /// It says that it has so many bytes; whoever says so may lie.
  func isDeclared(_ count: Int) { shrink(to: Self.whileRead(min(max(count, 0), most))) }

  /// It is there, as base64 of so many characters.
  func isRead(_ characters: Int) { shrink(to: characters) }

  /// The bytes, and the same as base64.
  private static func whileRead(_ count: Int) -> Int { count + (count + 2) / 3 * 4 }

  private func shrink(to bytes: Int) {
    let surplus = taken.withLock { taken in
      defer { taken = min(taken, bytes) }
      return max(taken - bytes, 0)
    }
    way.release(surplus)
  }
}
