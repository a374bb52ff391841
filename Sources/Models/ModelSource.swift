/// Where models lie: an object of S3, or all of them below a prefix.
public struct ModelSource: Sendable, Hashable {
  /// The bucket.
  public let bucket: String
  /// The key of one object, or what the keys of many begin with; a slash at its end where a folder was named.
  public let prefix: String

  /// Reads an address: `s3://BUCKET`, `s3://BUCKET/FOLDER/`, `s3://BUCKET/FOLDER/FILE`.
  ///
  /// - Throws: `.invalid`.
  public init(_ text: String) throws(ModelError) {
    let scheme = "s3://"
    guard text.hasPrefix(scheme) else { throw ModelError(.invalid, "\(text.debugDescription) is no s3:// address") }
    let rest = text.dropFirst(scheme.count)
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    bucket = String(rest[..<slash])
    prefix = String(rest[slash...].dropFirst())
    // Buckets of S3, access points and their aliases.
    guard (3...255).contains(bucket.utf8.count), bucket.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != 0x40 }) else {
      throw ModelError(.invalid, "\(text.debugDescription) names no bucket")
    }
  }

  /// The folder that was named, with its slash; empty for the whole bucket.
  var folder: String { prefix.isEmpty || prefix.hasSuffix("/") ? prefix : prefix + "/" }

  /// Where below the directory an object goes; `nil` for one that is not meant, and for markers of folders.
  ///
  /// - Throws: `.invalid` for a key that is no path below a directory.
  func path(of key: String) throws(ModelError) -> String? {
    let path: Substring
    if key == prefix {
      path = key.split(separator: "/").last ?? ""
    } else if key.hasPrefix(folder) {
      path = key.dropFirst(folder.count)
    } else {
      return nil
    }
    if path.isEmpty || path.hasSuffix("/") { return nil }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let isPlain = parts.allSatisfy { part in
      !part.isEmpty && part != "." && part != ".." && part.utf8.count <= 255 && !part.utf8.contains(0)
    }
    guard isPlain, parts.first.map({ $0 != ModelFolder.ownName }) == true else {
      throw ModelError(.invalid, "the key \(key.debugDescription) cannot be a file's path")
    }
    return String(path)
  }
}

extension ModelSource: CustomStringConvertible {
  /// The address.
  public var description: String { "s3://\(bucket)/\(prefix)" }
}
