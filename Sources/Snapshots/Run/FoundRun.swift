import AWSKit
import FoundationEssentials

/// A run as it is found in the account: by its stack, its instance, or the snapshot that it had begun.
struct FoundRun: Sendable {
  /// Whether somebody works on it.
  enum Standing: String, Sendable, Hashable {
    case alive
    case dead
    /// Its owner wanted it kept.
    case kept
  }

  let id: String
  var stack: CloudFormation.Stack?
  var instance: EC2.Instance?
  var snapshot: EC2.Snapshot?

  init(id: String) { self.id = id }

  /// How long after a sign of life an owner elsewhere is still taken to live.
  static let silence: TimeInterval = 10 * 60
  /// How long a stack may take until its instance gives signs of life.
  static let beginning: TimeInterval = 20 * 60

  private func tag(_ name: String) -> String? {
    instance?.tags[name] ?? stack?.tags[name] ?? snapshot?.tags[name]
  }

  var name: String? { tag(SnapshotTag.name) }
  var owner: RunOwner? { tag(SnapshotTag.owner).flatMap { RunOwner($0) } }
  /// The digest of the request that it was begun for.
  var request: String? { stack?.tags[SnapshotTag.request] }
  /// The last step that it finished.
  var step: SnapshotStep? { instance?.tags[SnapshotTag.step].flatMap { SnapshotStep(rawValue: $0) } }

  /// Whether there is something to go on with.
  var isResumable: Bool {
    switch stack?.status {
    case "CREATE_COMPLETE":
      // One that was stopped before its images were there will not do.
      guard let instance else { return false }
      return instance.state == "running" || instance.state == "pending" || step.map { $0 >= .pulled } == true
    case "CREATE_IN_PROGRESS": return true
    default: return false
    }
  }

  func standing(at now: Date) -> Standing {
    if instance?.tags[SnapshotTag.kept] == "true" { return .kept }
    switch owner?.verdict {
    case .alive: return .alive
    case .dead: return .dead
    case .elsewhere, nil: break
    }
    if let text = instance?.tags[SnapshotTag.alive], let seconds = TimeInterval(text) {
      return now.timeIntervalSince1970 - seconds < Self.silence ? .alive : .dead
    }
    guard let began = stack?.createdAt ?? snapshot?.startedAt else { return .dead }
    return now.timeIntervalSince(began) < Self.beginning ? .alive : .dead
  }
}

/// Finds the runs of an account and region, and removes what they left.
struct RunFinder: Sendable {
  let services: SnapshotServices

  /// Stacks of runs are called so, with the run's id behind it.
  static let stackPrefix = "sdsnapshot"

  /// All runs that have something temporary.
  ///
  /// Snapshots are looked at first: one that is begun meanwhile has its stack by then.
  func runs() async throws -> [FoundRun] {
    var runs: [String: FoundRun] = [:]
    func run(_ id: String, _ change: (inout FoundRun) -> Void) { change(&runs[id, default: FoundRun(id: id)]) }
    let pending = EC2.Filter("tag:\(SnapshotTag.state)", ["pending"])
    for snapshot in try await services.snapshots(filters: [pending]) {
      if let id = snapshot.tags[SnapshotTag.run] { run(id) { $0.snapshot = snapshot } }
    }
    for stack in try await stacks() {
      if let id = stack.tags[SnapshotTag.run] { run(id) { $0.stack = stack } }
    }
    for instance in try await instances() {
      if let id = instance.tags[SnapshotTag.run] { run(id) { $0.instance = instance } }
    }
    return runs.values.sorted { $0.id < $1.id }
  }

  private func stacks() async throws -> [CloudFormation.Stack] {
    var found: [CloudFormation.Stack] = []
    var token: String?
    for _ in 0..<1000 {
      let page = try await services.cloudFormation.describeStacks(nextToken: token)
      found += page.stacks.filter { $0.name.hasPrefix(Self.stackPrefix) && $0.status != "DELETE_COMPLETE" }
      guard let next = page.nextToken, next != token else { break }
      token = next
    }
    return found
  }

  private func instances() async throws -> [EC2.Instance] {
    let filters = [
      EC2.Filter("tag-key", [SnapshotTag.run]),
      EC2.Filter("instance-state-name", ["pending", "running", "stopping", "stopped"]),
    ]
    var found: [EC2.Instance] = []
    var token: String?
    for _ in 0..<1000 {
      let page = try await services.ec2.describeInstances(filters: filters, nextToken: token)
      found += page.elements
      guard let next = page.nextToken, next != token else { break }
      token = next
    }
    return found
  }

  // MARK: Removing

  /// Removes all that is temporary of a run, and waits until it is gone; what is gone already is fine.
  func remove(_ run: FoundRun) async throws {
    try await removePendingSnapshots(of: run.id)
    try await removeStack(run.stack?.id ?? run.stack?.name ?? Self.stackPrefix + run.id)
  }

  /// Removes the snapshots of a run that are not ready, as they stand now: one that was found a while ago may have become
  /// it since, and then its stack is gone because all is well.
  func removePendingSnapshots(of run: String) async throws {
    for snapshot in try await services.snapshots(filters: [EC2.Filter("tag:\(SnapshotTag.run)", [run])])
    where snapshot.tags[SnapshotTag.state] == "pending" {
      try await removeSnapshot(snapshot.id)
    }
  }

  func removeSnapshot(_ id: String) async throws {
    do throws(AWSError) { try await services.ec2.deleteSnapshot(id: id) } catch {
      guard error.code == "InvalidSnapshot.NotFound" else { throw error }
    }
  }

  func removeStack(_ name: String) async throws {
    try await services.cloudFormation.deleteStack(name: name)
    var retried = false
    try await services.pace.wait(upTo: .seconds(15 * 60), until: "stack \(name) to be deleted") {
      switch try await status(of: name) {
      case nil, "DELETE_COMPLETE": return true
      case "DELETE_FAILED" where retried:
        throw SnapshotError(
          .leftOver, "stack \(name) cannot be deleted: look at its events in the console, and delete it there")
      case "DELETE_FAILED":
        retried = true
        try await services.cloudFormation.deleteStack(name: name)
        return false
      default: return false
      }
    }
  }

  /// A stack's status; `nil` for one that is not there.
  private func status(of name: String) async throws -> String? {
    do throws(AWSError) {
      return try await services.cloudFormation.describeStack(name: name).status
    } catch {
      guard error.code == "ValidationError", error.message.contains("does not exist") else { throw error }
      return nil
    }
  }
}
