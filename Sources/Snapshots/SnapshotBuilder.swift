public import AWSKit
import FoundationEssentials
import HTTPTransport
import Logging

/// Makes snapshots of Bottlerocket's data volume with container images in it, so that nodes start with them.
///
/// A temporary instance pulls the images; its data volume becomes an EBS snapshot; then everything temporary is removed,
/// also after a failure and when the task is cancelled. What a process leaves that was killed is found by its tags, and
/// removed by the next run.
public struct SnapshotBuilder: Sendable {
  /// How a snapshot is made.
  public struct Options: Sendable, Hashable {
    /// Whether what is temporary stays, to be looked at.
    public var keeps = false
    /// Whether a run of the same request that was cut short is gone on with.
    public var resumes = false
    /// Whether a ready snapshot with the same images, as registries have them now, will do.
    public var onlyIfChanged = false
    /// An SSM parameter that gets the snapshot's id.
    public var outputParameter: String?

    /// Makes it anew, and removes what is temporary.
    public init() {}
  }

  private let services: SnapshotServices
  private let digests: ImageDigests
  private let owner: RunOwner
  private let report: @Sendable (SnapshotEvent) -> Void

  /// A builder in the client's region.
  ///
  /// - Parameter report: hears how it goes, from several tasks.
  /// - Throws: `InvalidEndpoint` without a region.
  public init(_ client: AWSClient, report: @escaping @Sendable (SnapshotEvent) -> Void = { _ in }) throws(AWSError) {
    services = try SnapshotServices(client)
    digests = ImageDigests(client: client, transport: client.transport, logger: client.logger)
    owner = .current
    self.report = report
  }

  /// What would be done, and what is known already.
  public func plan(_ request: SnapshotRequest) async throws -> SnapshotPlan {
    try request.validate()
    let (known, failed) = await digests.digests(of: request.images)
    var plan = SnapshotPlan(request: request, region: services.region)
    plan.digests = known.reduce(into: [:]) { $0["\($1.key)"] = $1.value }
    plan.problems = failed.map { "\($0.key): \(Self.text($0.value))" }.sorted()
    plan.existing = try await ready(request, known)
    plan.machineImage = try await SnapshotRun(
      services: services, request: request, id: "", owner: owner, found: nil, digests: digests, report: report
    ).machineImage()
    plan.leftOvers = try await RunFinder(services: services).runs()
      .filter { $0.standing(at: services.client.time.now()) == .dead }.map(\.id)
    return plan
  }

  /// Makes a snapshot, or finds the one that will do.
  public func build(_ request: SnapshotRequest, _ options: Options = .init()) async throws -> BuiltSnapshot {
    try request.validate()
    let adopted = try await tidy(for: request, resumes: options.resumes)
    if options.onlyIfChanged, adopted == nil, let existing = try await unchanged(request) {
      report(.notice("snapshot \(existing.id) holds the same images: nothing to do"))
      try await publish(existing.id, options, request)
      return BuiltSnapshot(existing, isNew: false, run: nil)
    }
    let run = SnapshotRun(
      services: services, request: request, id: adopted?.id ?? Self.newID(), owner: owner, found: adopted,
      digests: digests, report: report)
    do {
      let snapshot = try await run.make()
      try await publish(snapshot.id, options, request)
      return try await end(run, BuiltSnapshot(snapshot, isNew: true, run: run.id), keeps: options.keeps)
    } catch {
      throw await failed(run, error, keeps: options.keeps)
    }
  }

  // MARK: Before

  /// Removes what dead runs left; gives the one to go on with.
  private func tidy(for request: SnapshotRequest, resumes: Bool) async throws -> FoundRun? {
    let finder = RunFinder(services: services)
    var adopted: FoundRun?
    for run in try await finder.runs() {
      let standing = run.standing(at: services.client.time.now())
      let isSame = run.request == request.digest
      if resumes, isSame, standing == .alive {
        throw SnapshotError(
          .busy,
          "run \(run.id) is being worked on, by process \(run.owner?.process ?? 0) on \(run.owner?.host ?? "another machine")"
        )
      }
      if resumes, isSame, run.isResumable, adopted == nil {
        adopted = run
        continue
      }
      switch standing {
      case .alive: break
      case .kept: report(.notice("run \(run.id) was kept: remove it with 'sdctl snapshot clean \(run.id)'"))
      case .dead:
        report(.notice("removing what run \(run.id) left behind"))
        try await finder.remove(run)
      }
    }
    if resumes, adopted == nil { report(.notice("there is no run to go on with: a new one begins")) }
    return adopted
  }

  private func unchanged(_ request: SnapshotRequest) async throws -> EC2.Snapshot? {
    let (known, failed) = await digests.digests(of: request.images)
    for (image, error) in failed {
      report(.notice("the digest of \(image) is not known, so it counts as changed: \(Self.text(error))"))
    }
    return try await ready(request, known)
  }

  /// The newest ready snapshot that holds these images.
  private func ready(_ request: SnapshotRequest, _ digests: [ImageReference: String]) async throws -> EC2.Snapshot? {
    guard let contents = request.contents(digests) else { return nil }
    return try await services.snapshots(filters: [
      EC2.Filter("tag:\(SnapshotTag.name)", [request.name]), EC2.Filter("tag:\(SnapshotTag.state)", ["ready"]),
      EC2.Filter("tag:\(SnapshotTag.contents)", [contents]),
    ]).max { ($0.startedAt ?? .distantPast) < ($1.startedAt ?? .distantPast) }
  }

  // MARK: After

  /// Tells others of a ready snapshot.
  private func publish(_ id: String, _ options: Options, _ request: SnapshotRequest) async throws {
    do throws(AWSError) {
      try await announce(id, options, request)
    } catch {
      if error.code == .cancelled { throw error }
      throw SnapshotError(.publishFailed, "snapshot \(id) is ready, but could not be announced", underlying: error)
    }
  }

  private func announce(_ id: String, _ options: Options, _ request: SnapshotRequest) async throws(AWSError) {
    let zones = request.fastRestoreZones
    if !zones.isEmpty {
      _ = try await services.ec2.enableFastSnapshotRestores(snapshotIDs: [id], availabilityZones: zones)
      report(.notice("\(id) is being made ready in \(zones.joined(separator: ", ")): about an hour a TiB"))
    }
    if let name = options.outputParameter {
      _ = try await services.ssm.putParameter(.init(name: name, value: id, overwrites: true))
      report(.notice("parameter \(name) is \(id)"))
    }
  }

  private func end(_ run: SnapshotRun, _ built: BuiltSnapshot, keeps: Bool) async throws -> BuiltSnapshot {
    if keeps, try await run.keep() { return built }
    var built = built
    do { try await shielded { try await run.remove(keepingSnapshot: true) } } catch {
      // The snapshot is good, whatever lies around.
      built.leftOver = Self.leftOver(run, error)
    }
    return built
  }

  /// Clears up after a failure; gives the error to throw.
  private func failed(_ run: SnapshotRun, _ error: any Error, keeps: Bool) async -> any Error {
    let isReady = (error as? SnapshotError)?.code == .publishFailed
    do {
      let isKept = try await shielded { if keeps { try await run.keep() } else { false } }
      if !isKept { try await shielded { try await run.remove(keepingSnapshot: isReady) } }
      return error
    } catch let second {
      return SnapshotError(.leftOver, "\(Self.text(error)); \(Self.leftOver(run, second))", underlying: nil)
    }
  }

  private static func leftOver(_ run: SnapshotRun, _ error: any Error) -> String {
    "what is temporary of run \(run.id) could not be removed (\(text(error))): the next run tries again, and so does "
      + "'sdctl snapshot clean'"
  }

  /// Clears up to the end although the task is cancelled: an instance that stays costs money.
  private func shielded<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
    try await Task { try await body() }.value
  }

  private static func newID() -> String {
    (0..<6).map { _ in
      let text = String(UInt8.random(in: 0...255), radix: 16)
      return text.utf8.count == 1 ? "0" + text : text
    }.joined()
  }

  static func text(_ error: any Error) -> String { "\(error)" }
}
