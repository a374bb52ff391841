import HTTPTypes
import ImageCodecs
import ImageKit
import SDCore
import Synchronization

/// Small pictures of outputs, made when they are first asked for, and kept in memory while there is room.
///
/// Few are made at once, so that a gallery of large pictures costs neither the memory of all of them nor the time of
/// other requests; those who come for the same one meanwhile get what the first had made.
final class Thumbnails: Sendable {
  /// Which picture, how small.
  struct Name: Hashable {
    /// The output's key.
    var key: String
    /// The digest of its bytes.
    var sha256: String
    /// What neither side may exceed, in pixels.
    var side: Int
  }

  private struct Kept {
    var bytes: [UInt8]
    var lastUse: UInt64
  }

  private struct State {
    var pictures: [Name: Kept] = [:]
    var bytes = 0
    var uses: UInt64 = 0
  }

  /// The sides that may be asked for.
  static let sides = 16...1024
  /// The media type of what is made.
  static let contentType = "image/webp"
  /// What they can be made of.
  static let sources: Set<String> = ["image/png", "image/jpeg", "image/webp"]
  /// A picture of 8K and more; its pixels take 128 MiB where it must be decoded whole.
  private static let limits = ImageLimits(maxBytes: 32 << 20, maxPixels: 32 << 20)
  private static let atOnce = 4
  private static let mostWaiting = 256

  private let room: Int
  private let state = Mutex(State())
  private let turns = Turns(atOnce, mostWaiting: mostWaiting)
  private let shrinker = Shrinker()

  /// - Parameter room: the bytes of small pictures that are kept.
  init(room: Int = 32 << 20) { self.room = room }

  /// The small picture, of the bytes of an output in a store.
  ///
  /// Throws a 422 for what no picture can be made of, `SDError` of the store, and `.unavailable` when too many wait.
  func picture(_ name: Name, from store: any ObjectStore) async throws -> [UInt8] {
    if let kept = kept(name) { return kept }
    try await turns.take()
    defer { turns.give() }
    if let kept = kept(name) { return kept }
    do {
      let bytes = try await store.get(name.key, range: nil, limit: Self.limits.maxBytes).bytes
      // Whoever had the turn before may have come for the same.
      if let kept = kept(name) { return kept }
      let small = try await shrinker.shrink(bytes, to: name.side, limits: Self.limits)
      keep(small, as: name)
      return small
    } catch let error as ImageError {
      throw Problem(.unprocessableContent, "no thumbnail can be made of this output: \(error.message)")
    } catch let error as SDError where error.code == .tooLarge {
      throw Problem(.unprocessableContent, "this output is too large for thumbnails")
    }
  }

  private func kept(_ name: Name) -> [UInt8]? {
    state.withLock { state in
      state.uses += 1
      state.pictures[name]?.lastUse = state.uses
      return state.pictures[name]?.bytes
    }
  }

  private func keep(_ bytes: [UInt8], as name: Name) {
    guard bytes.count <= room else { return }
    state.withLock { state in
      state.uses += 1
      let before = state.pictures.updateValue(Kept(bytes: bytes, lastUse: state.uses), forKey: name)
      state.bytes += bytes.count - (before?.bytes.count ?? 0)
      guard state.bytes > room else { return }
      // A quarter at once, so that not every new one has to look for the oldest.
      for (name, kept) in state.pictures.sorted(by: { $0.value.lastUse < $1.value.lastUse }) {
        guard state.bytes > room - room / 4 else { break }
        state.pictures[name] = nil
        state.bytes -= kept.bytes.count
      }
    }
  }
}

/// Makes one picture small after the other: it takes a core for as long as that lasts.
private actor Shrinker {
  func shrink(_ bytes: [UInt8], to side: Int, limits: ImageLimits) throws(ImageError) -> [UInt8] {
    try Thumbnail.make(of: bytes.span, longestSide: side, limits: limits)
  }
}
