import FoundationEssentials
public import SDCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The file that holds a catalog.
public struct RuntimesFile: Sendable {
  /// Where it lies.
  public let path: String

  /// The file at a path.
  public init(_ path: String) { self.path = path }

  /// Whether there is one.
  public var exists: Bool { access(path, F_OK) == 0 }

  /// The catalog in it; the given one is written first where there is no file.
  ///
  /// Of processes that come at once one writes, and all read the same.
  public func read(orCreate catalog: RuntimeCatalog) throws(SDError) -> RuntimeCatalog {
    if !exists { try create(catalog) }
    return try RuntimeCatalog(contentsOf: path)
  }

  private func create(_ catalog: RuntimeCatalog) throws(SDError) {
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    do {
      if !folder.isEmpty { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
      let temporary = "\(path).\(UUID().uuidString.prefix(8)).new"
      defer { unlink(temporary) }
      try Data(catalog.yaml.utf8).write(to: URL(filePath: temporary))
      // A link never replaces: whoever comes second keeps the first one's file.
      guard link(temporary, path) == 0 || errno == EEXIST else {
        throw SDError(.configuration, "writing the runtimes file \(path): \(String(cString: strerror(errno)))")
      }
    } catch let error as SDError {
      throw error
    } catch {
      throw SDError(.configuration, "writing the runtimes file \(path) failed", underlying: error)
    }
  }
}
