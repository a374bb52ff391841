/// What is told while models are pulled.
public enum PullEvent: Sendable, Hashable {
  /// What there is to do: all files, those that are there already, and the bytes that are still to come.
  case planned(files: Int, present: Int, bytes: Int64)
  /// Bytes of a file have come.
  case received(path: String, bytes: Int)
  /// Bytes that had come are thrown away: they were not the object's.
  case discarded(path: String, bytes: Int64)
  /// A file is whole and in its place.
  case finished(path: String, bytes: Int64)
  /// Something went wrong, and is tried again.
  case retrying(path: String, reason: String)
  /// Something that whoever looks after it should know.
  case notice(String)
}

/// What a pull did.
public struct PulledModels: Sendable, Hashable {
  /// A file below the directory.
  public struct File: Sendable, Hashable {
    /// Where it is, below the directory.
    public var path: String
    /// How large it is.
    public var bytes: Int64
    /// Whether it was there already.
    public var wasPresent: Bool
  }

  /// The files, in the order of their keys.
  public var files: [File]
  /// Bytes that were received.
  public var received: Int64
}
