import SDCore

/// An object that holds a catalog, for programs without files of their own: `s3://bucket/.sd/runtimes.yaml`.
///
/// Read once, at the start: who writes it anew starts the programs anew.
struct RuntimesObject: Sendable {
  /// The address of the store that it lies in.
  let store: ConfigurationValue
  /// Its key there.
  let key: String

  /// The object of an address; `nil` where it is the path of a file.
  ///
  /// Throws `.configuration` for the address of a store that names no object in it.
  init?(_ value: ConfigurationValue, stores schemes: [String]) throws(SDError) {
    guard let uri = PluginURI(value.text), schemes.contains(uri.scheme), let bucket = uri.authority, !bucket.isEmpty
    else { return nil }
    let key = String(uri.path.drop { $0 == "/" })
    guard !key.isEmpty else {
      throw SDError(
        .configuration,
        "runtimes is \(uri) in \(value.source): it must name an object, as in \(uri.scheme)://bucket/key")
    }
    store = ConfigurationValue("\(uri.scheme)://\(bucket)", from: value.source)
    self.key = key
  }

  /// The catalog in it.
  ///
  /// Throws `.configuration` when there is no such object or it holds no catalog, and what the store throws.
  func read(from store: any ObjectStore) async throws -> RuntimeCatalog {
    let place = store.uri(of: key)
    let bytes: [UInt8]
    do {
      bytes = try await store.get(key, range: nil, limit: ConfigurationFile.maximumBytes).bytes
    } catch let error as SDError where error.code == .notFound || error.code == .tooLarge {
      let reason = error.code == .notFound ? "there is no such object" : "it is too large"
      throw SDError(.configuration, "reading the runtimes from \(place): \(reason)", underlying: error)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw SDError(.configuration, "reading the runtimes from \(place): it is not UTF-8")
    }
    return try RuntimeCatalog(yaml: text, path: place)
  }
}
