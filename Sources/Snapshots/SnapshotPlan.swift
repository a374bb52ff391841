public import AWSKit

/// What making a snapshot would do.
public struct SnapshotPlan: Sendable {
  /// What is wanted.
  public var request: SnapshotRequest
  /// Where.
  public var region: String
  /// The machine image's id.
  public var machineImage = ""
  /// The images' digests, as far as registries tell them.
  public var digests: [String: String] = [:]
  /// Why other digests are not known.
  public var problems: [String] = []
  /// A ready snapshot that holds the same.
  public var existing: EC2.Snapshot?
  /// Dead runs whose remains would be removed.
  public var leftOvers: [String] = []

  init(request: SnapshotRequest, region: String) { (self.request, self.region) = (request, region) }
}

/// A snapshot that can be used.
public struct BuiltSnapshot: Sendable, Hashable {
  /// The id, `snap-…`.
  public var id: String
  /// Whether this call made it.
  public var isNew: Bool
  /// The run that made it.
  public var run: String?
  /// The images in it, with their digests where they are known, as far as its tags can hold them.
  public var images: [String]
  /// Something temporary that could not be removed.
  public var leftOver: String?

  init(_ snapshot: EC2.Snapshot, isNew: Bool, run: String?) {
    (id, self.isNew, self.run) = (snapshot.id, isNew, run)
    images = SnapshotTag.images(in: snapshot.tags)
  }
}
