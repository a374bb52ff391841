public import AWSKit
public import FoundationEssentials

/// The snapshots that were made here: listed, pruned, and what runs left behind.
public struct SnapshotCatalog: Sendable {
  /// A snapshot of ours.
  public struct Entry: Sendable, Hashable {
    /// The id, `snap-…`.
    public var id: String
    /// The name that it was made under.
    public var name: String
    /// When it was begun.
    public var startedAt: Date?
    /// GiB of the volume.
    public var size: Int?
    /// Whether it is encrypted.
    public var isEncrypted: Bool
    /// The images in it, as far as its tags tell.
    public var images: [String]
  }

  /// A run with something temporary.
  public struct Run: Sendable, Hashable {
    /// The run's id.
    public var id: String
    /// `alive`, `dead` or `kept`.
    public var standing: String
    /// The last step that it finished.
    public var step: SnapshotStep?
    /// Its stack.
    public var stack: String?
    /// Its instance.
    public var instance: String?
    /// The snapshot that it had begun.
    public var snapshot: String?
  }

  private let services: SnapshotServices

  /// The snapshots of the client's region.
  public init(_ client: AWSClient) throws(AWSError) { services = try SnapshotServices(client) }

  /// Ready snapshots, the newest first.
  ///
  /// - Parameter name: only those of this name.
  public func list(name: String? = nil) async throws -> [Entry] {
    var filters = [EC2.Filter("tag:\(SnapshotTag.state)", ["ready"])]
    if let name { filters.append(EC2.Filter("tag:\(SnapshotTag.name)", [name])) }
    return try await services.snapshots(filters: filters).map { snapshot in
      Entry(
        id: snapshot.id, name: snapshot.tags[SnapshotTag.name] ?? "", startedAt: snapshot.startedAt,
        size: snapshot.volumeSize, isEncrypted: snapshot.isEncrypted, images: SnapshotTag.images(in: snapshot.tags))
    }.sorted { ($0.startedAt ?? .distantPast, $0.id) > ($1.startedAt ?? .distantPast, $1.id) }
  }

  /// Deletes all ready snapshots of a name but the newest.
  ///
  /// - Parameters:
  ///   - keeping: how many stay, at least one.
  ///   - kept: one that stays whatever its age.
  /// - Returns: what was deleted, and why others could not be: one that a machine image uses stays.
  public func prune(name: String, keeping: Int, kept: String? = nil) async throws
    -> (deleted: [String], failed: [String: String])
  {
    var (deleted, failed): ([String], [String: String]) = ([], [:])
    for entry in try await list(name: name).dropFirst(max(1, keeping)) where entry.id != kept {
      do {
        try await RunFinder(services: services).removeSnapshot(entry.id)
        deleted.append(entry.id)
      } catch let error as AWSError where error.origin == .service {
        failed[entry.id] = error.message
      }
    }
    return (deleted, failed)
  }

  /// Runs that have something temporary.
  public func runs() async throws -> [Run] {
    let now = services.client.time.now()
    return try await RunFinder(services: services).runs().map { run in
      Run(
        id: run.id, standing: run.standing(at: now).rawValue, step: run.step, stack: run.stack?.name,
        instance: run.instance?.id, snapshot: run.snapshot?.id)
    }
  }

  /// Removes what is temporary of runs.
  ///
  /// - Parameter ids: these, whatever they are at; `nil` for those that are dead.
  /// - Returns: the runs that were removed.
  public func clean(_ ids: Set<String>? = nil) async throws -> [String] {
    let finder = RunFinder(services: services)
    let now = services.client.time.now()
    var removed: [String] = []
    for run in try await finder.runs() where ids?.contains(run.id) ?? (run.standing(at: now) == .dead) {
      try await finder.remove(run)
      removed.append(run.id)
    }
    return removed
  }
}
