import HTTPTypes
import SDCore
import Synchronization

/// Inputs that were brought in and found good, kept for a while: a campaign uses one picture a thousand times.
///
/// An entry is used again when its server says that nothing has changed, or has said for how long that holds (RFC 9111).
/// Equal contents under several addresses are kept once.
final class InputCache: Sendable {
  /// What an entry was given with, to be shown to its server again.
  struct Validators: Sendable, Hashable {
    var etag: String?
    var modified: String?
    var isEmpty: Bool { etag == nil && modified == nil }
  }

  /// What is known under an address.
  struct Found: Sendable {
    var bytes: [UInt8]
    var validators: Validators
    /// Whether it may be used without asking.
    var isFresh: Bool
  }

  private struct Entry {
    var digest: String
    var validators: Validators
    var storedAt: MonotonicInstant
    var freshUntil: MonotonicInstant
    var usedAt: UInt64
  }

  private struct State {
    var entries: [String: Entry] = [:]
    var contents: [String: [UInt8]] = [:]
    var bytes = 0
    var uses: UInt64 = 0
  }

  private let budget: Int
  private let clocks: Clocks
  private let state = Mutex(State())
  private static let maximumEntries = 256
  /// However long a server says that nothing will change, and whether or not it still says so.
  private static let longest = Duration.seconds(600)

  /// - Parameter budget: bytes of contents; a larger one than a quarter of it is not kept.
  init(budget: Int, clocks: Clocks) { (self.budget, self.clocks) = (budget, clocks) }

  func find(_ address: String) -> Found? {
    let now = clocks.instant
    return state.withLock { state in
      guard let entry = state.entries[address], let bytes = state.contents[entry.digest] else { return nil }
      guard entry.storedAt.duration(to: now) < Self.longest else {
        Self.remove(address, &state)
        return nil
      }
      state.uses += 1
      state.entries[address]?.usedAt = state.uses
      return Found(bytes: bytes, validators: entry.validators, isFresh: now < entry.freshUntil)
    }
  }

  /// Keeps a content that was found good.
  ///
  /// - Parameter freshness: how long it may be used without asking.
  func keep(_ bytes: [UInt8], for address: String, _ validators: Validators, freshness: Duration = .zero) {
    guard bytes.count <= budget / 4, !validators.isEmpty || freshness > .zero else { return }
    let (digest, now) = (Digest.hex(bytes), clocks.instant)
    state.withLock { state in
      Self.remove(address, &state)
      state.uses += 1
      state.entries[address] = Entry(
        digest: digest, validators: validators, storedAt: now,
        freshUntil: now.advanced(by: min(freshness, Self.longest)), usedAt: state.uses)
      if state.contents[digest] == nil {
        state.contents[digest] = bytes
        state.bytes += bytes.count
      }
      while state.bytes > budget || state.entries.count > Self.maximumEntries,
        let oldest = state.entries.min(by: { $0.value.usedAt < $1.value.usedAt })
      { Self.remove(oldest.key, &state) }
    }
  }

  private static func remove(_ address: String, _ state: inout State) {
    guard let entry = state.entries.removeValue(forKey: address) else { return }
    guard !state.entries.values.contains(where: { $0.digest == entry.digest }) else { return }
    state.bytes -= state.contents.removeValue(forKey: entry.digest)?.count ?? 0
  }
}

extension InputCache {
  /// What an answer says of keeping it: `nil` where it must not be kept.
  static func terms(of fields: HTTPFields) -> (validators: Validators, freshness: Duration)? {
    let words = fields[values: .cacheControl].flatMap { $0.split(separator: ",") }
      .map { $0.lowercased().filter { !$0.isWhitespace } }
    guard !words.contains("no-store"), fields[.vary] != "*" else { return nil }
    let validators = Validators(etag: fields[.eTag], modified: fields[.lastModified])
    guard !words.contains("no-cache"), let age = words.first(where: { $0.hasPrefix("max-age=") }) else {
      return (validators, .zero)
    }
    let seconds = Int(age.dropFirst("max-age=".count)) ?? 0
    let passed = fields[.age].flatMap { Int($0) } ?? 0
    return (validators, .seconds(min(max(0, seconds), 86400) - min(max(0, passed), 86400)))
  }
}
