import AWSPlugins
import BackendPlugins
import SDCore

/// The objects that a task's `s3:` inputs may come from: the deployment's own store, and what `s3-inputs` allows.
///
/// Judged before anything is asked. Ours alone, `.sd/` and its like, is for no task to read.
struct InputObjects: Sendable {
  /// A bucket, or what lies in it below a prefix.
  struct Place: Sendable, Hashable {
    let bucket: String
    let prefix: String

    /// A place from `bucket` or `bucket/prefix`; `nil` for what is none.
    init?(_ text: some StringProtocol) {
      let rest = text.hasPrefix("s3://") ? text.dropFirst(5) : text[...]
      let bucket = rest.prefix { $0 != "/" }
      let prefix = rest.dropFirst(bucket.count + 1)
      guard !bucket.isEmpty, !prefix.hasPrefix("/") else { return nil }
      self.bucket = String(bucket)
      self.prefix = prefix.isEmpty || prefix.hasSuffix("/") ? String(prefix) : prefix + "/"
    }

    func holds(_ key: String, in bucket: String) -> Bool {
      self.bucket.utf8.elementsEqual(bucket.utf8) && key.utf8.starts(with: prefix.utf8)
    }
  }

  /// The largest input.
  private static let maximumBytes = 32 << 20

  private let store: any ObjectStore
  private let places: [Place]
  private let context: PluginContext

  init(_ store: any ObjectStore, _ context: PluginContext) throws(SDError) {
    (self.store, self.context) = (store, context)
    var places: [Place] = []
    for text in (context.configuration.text(.s3Inputs) ?? "").split(separator: ",") {
      let trimmed = text.trimming { $0 == " " }
      if trimmed.isEmpty { continue }
      guard let place = Place(trimmed) else {
        throw SDError(
          .configuration,
          "s3-inputs has \(trimmed.debugDescription); it must be a bucket or bucket/prefix, or several with commas between"
        )
      }
      places.append(place)
    }
    self.places = places
  }

  /// An object; `nil` when it still has the entity tag that is known. Throws `.denied` for what no task may read.
  func read(_ key: String, in bucket: String, unless known: String? = nil) async throws -> InputObject? {
    let segments = key.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard !segments.contains(where: { $0.first == UInt8(ascii: ".") }) else {
      throw SDError(.denied, "reading an input whose key has a segment that begins with a dot")
    }
    if bucket.utf8.elementsEqual(store.bucket.utf8), key.utf8.starts(with: store.prefix.utf8) {
      let own = String(decoding: key.utf8.dropFirst(store.prefix.utf8.count), as: UTF8.self)
      return try await Self.read(own, of: store, unless: known)
    }
    guard places.contains(where: { $0.holds(key, in: bucket) }) else {
      throw SDError(.denied, "reading an input from bucket \(bucket.debugDescription): it is not among those allowed")
    }
    let other = try S3ObjectStore(bucket: bucket, client: try context.aws(), clocks: context.clocks)
    return try await Self.read(key, of: other, unless: known)
  }

  private static func read(_ key: String, of store: any ObjectStore, unless known: String?) async throws -> InputObject?
  {
    if let known, try await store.head(key).etag == known { return nil }
    let object = try await store.get(key, range: nil, limit: maximumBytes)
    return InputObject(bytes: object.bytes, etag: object.info.etag)
  }
}

extension Substring {
  fileprivate func trimming(_ isTrimmed: (Character) -> Bool) -> Substring {
    let start = drop(while: isTrimmed)
    return start.lastIndex { !isTrimmed($0) }.map { start[...$0] } ?? start.prefix(0)
  }
}
