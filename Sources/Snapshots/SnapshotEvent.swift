/// The steps to a snapshot, in their order. Their names are kept in a tag.
public enum SnapshotStep: String, Sendable, Hashable, CaseIterable, Comparable {
  /// The stack with the instance.
  case stack
  /// Systems Manager reaches the instance.
  case online
  /// Kubelet does nothing any more.
  case kubelet
  /// The images that came with the system are gone.
  case emptied
  /// The wanted images are there.
  case pulled
  /// The instance has stopped, and written everything.
  case stopped
  /// The snapshot is whole.
  case snapshot
  /// What was temporary is gone.
  case cleaned

  public static func < (a: Self, b: Self) -> Bool { a.number < b.number }

  /// Its place, from 1.
  public var number: Int { (Self.allCases.firstIndex(of: self) ?? 0) + 1 }
}

/// What is told while a snapshot is made.
public enum SnapshotEvent: Sendable {
  /// A run begins, or goes on.
  case began(run: String, region: String, isResumed: Bool)
  /// A step has begun; the text says what is done on what.
  case started(SnapshotStep, String)
  /// How far a step is, where that is known: `42%`.
  case progress(SnapshotStep, String)
  /// A step is done.
  case finished(SnapshotStep, String)
  /// Where an image stands.
  case image(ImageReference, Architecture, ImageProgress)
  /// Something that whoever looks after it should know.
  case notice(String)
}

/// Where an image stands.
public enum ImageProgress: Sendable, Hashable {
  case waiting
  case pulling
  /// It failed, and is tried again.
  case retrying(String)
  case pulled
  case failed(String)
}
