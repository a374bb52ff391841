import Synchronization

/// What is known of the files of a directory, written down with each that is proven.
final class PullIndex: Sendable {
  private let folder: ModelFolder
  private let files: Mutex<[String: ModelFolder.Known]>

  init(_ folder: ModelFolder) {
    self.folder = folder
    files = Mutex(folder.index())
  }

  subscript(path: String) -> ModelFolder.Known? { files.withLock { $0[path] } }

  /// Notes that a file has its object's bytes as it lies there.
  func note(_ file: WantedFile) throws(ModelError) {
    guard let status = folder.status(of: file.path) else { return }
    try files.withLock { files throws(ModelError) in
      files[file.path] = .init(eTag: file.eTag, bytes: status.bytes, changed: status.changed)
      try folder.write(files)
    }
  }
}
