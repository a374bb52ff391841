import AWSKit
import FoundationEssentials

/// One run to a snapshot: the steps, each recorded in a tag when it is done.
///
/// What was temporary is removed by whoever called ``make()``, with ``remove()``.
struct SnapshotRun: Sendable {
  let services: SnapshotServices
  let request: SnapshotRequest
  let id: String
  let owner: RunOwner
  /// What there is of it already, when it goes on.
  let found: FoundRun?
  let digests: ImageDigests
  let report: @Sendable (SnapshotEvent) -> Void

  private var stackName: String { RunFinder.stackPrefix + id }
  private var ec2: EC2 { services.ec2 }
  private var pace: Pace { services.pace }

  private static let heartbeat = Duration.seconds(60)

  /// Makes the snapshot; it is ready when this returns.
  func make() async throws -> EC2.Snapshot {
    report(.began(run: id, region: services.region, isResumed: found != nil))
    let instance = try await instance()
    let done = found?.step ?? .stack
    return try await withThrowingTaskGroup(of: EC2.Snapshot?.self) { group in
      group.addTask {
        try await beat(instance)
        return nil
      }
      group.addTask { try await snapshot(of: instance, after: done) }
      defer { group.cancelAll() }
      while let result = try await group.next() {
        if let result { return result }
      }
      throw CancellationError()
    }
  }

  /// Says again and again that somebody works on it; ends by being cancelled.
  private func beat(_ instance: String) async throws {
    while true {
      try await services.client.time.sleep(Self.heartbeat)
      // A sign of life that is not heard is no reason to stop.
      try? await tag(instance, [:])
    }
  }

  private func snapshot(of instance: String, after done: SnapshotStep) async throws -> EC2.Snapshot {
    let watch = InstanceWatch(id: instance, ec2: ec2, pace: pace)
    let shell = InstanceShell(ssm: services.ssm, instance: watch, pace: pace)
    if done < .online { try await waitUntilOnline(watch) }
    if done < .kubelet { try await stopKubelet(shell) }
    if done < .emptied { try await removeImages(shell) }
    if done < .pulled { try await pull(shell) }
    if done < .stopped { try await stop(watch) }
    return try await snapshot(watch)
  }

  // MARK: The instance

  private func instance() async throws -> String {
    if let instance = found?.instance?.id {
      try await tag(instance, [SnapshotTag.kept: "false"])
      return instance
    }
    report(.started(.stack, "stack \(stackName) with an instance of type \(request.instanceType)"))
    if found?.stack == nil {
      var stack = CloudFormation.StackInput(
        name: stackName, template: .body(SnapshotTemplate.text),
        parameters: SnapshotTemplate.parameters(request, run: id, machineImage: try await machineImage()))
      stack.capabilities = ["CAPABILITY_IAM"]
      stack.tags = [
        SnapshotTag.run: id, SnapshotTag.name: request.name, SnapshotTag.owner: owner.text,
        SnapshotTag.request: request.digest,
      ]
      _ = try await services.cloudFormation.createStack(stack)
    }
    let instance = try await pace.wait(upTo: .seconds(15 * 60), for: "stack \(stackName)") {
      let stack = try await services.cloudFormation.describeStack(name: stackName)
      switch stack.status {
      case "CREATE_COMPLETE": return stack.outputs[SnapshotTemplate.instance]
      case "CREATE_IN_PROGRESS", "REVIEW_IN_PROGRESS": return nil
      default:
        throw SnapshotError(.stackFailed, "stack \(stackName) was not created: \(try await stackReason(stack))")
      }
    }
    try await tag(
      instance, [SnapshotTag.run: id, SnapshotTag.name: request.name, SnapshotTag.step: SnapshotStep.stack.rawValue])
    report(.finished(.stack, "instance \(instance)"))
    return instance
  }

  /// The machine image's id: as given, or what the SSM parameter says.
  func machineImage() async throws -> String {
    let given = request.machineImage
    if given.hasPrefix("ami-") { return given }
    let found: String?
    do throws(AWSError) { found = try await services.ssm.getParameter(name: given).value } catch {
      guard error.code == "ParameterNotFound" else { throw error }
      throw SnapshotError(
        .invalid,
        "there is no parameter \(given) in \(services.region): name a machine image by its id or its parameter")
    }
    guard let found, found.hasPrefix("ami-") else {
      throw SnapshotError(.invalid, "the parameter \(given) holds no machine image")
    }
    return found
  }

  /// Why a stack failed: the first resource that did.
  private func stackReason(_ stack: CloudFormation.Stack) async throws -> String {
    let events = try await services.cloudFormation.describeStackEvents(name: stackName).events
    // The newest come first, and what failed first made the others fail.
    let first = events.last { $0.status == "CREATE_FAILED" && $0.logicalID != stackName }
    return first.map { "\($0.logicalID ?? ""): \($0.reason ?? "")" } ?? stack.statusReason ?? stack.status
  }

  private func waitUntilOnline(_ instance: InstanceWatch) async throws {
    report(.started(.online, "until Systems Manager reaches \(instance.id)"))
    do {
      try await pace.wait(upTo: .seconds(15 * 60), until: "Systems Manager to reach \(instance.id)") {
        let known = try await services.ssm.describeInstanceInformation(instanceIDs: [instance.id])
        if known.first?.pingStatus == "Online" { return true }
        try await instance.check()
        return false
      }
    } catch let error as SnapshotError where error.code == .timeout {
      throw SnapshotError(
        .timeout,
        "\(error.message): it needs a way to the Internet or VPC endpoints for Systems Manager, and a machine image "
          + "that starts on a \(request.instanceType)")
    }
    try await finish(.online, instance.id, "instance \(instance.id) is online")
  }

  private func stopKubelet(_ shell: InstanceShell) async throws {
    report(.started(.kubelet, "kubelet"))
    // The admin container, which it goes through, comes up a while after Systems Manager's agent.
    let end = pace.time.uptime() + .seconds(5 * 60)
    while true {
      do {
        _ = try await shell.run(.stopKubelet, timeout: .seconds(120))
        break
      } catch let error as SnapshotError {
        guard error.code == .commandFailed, pace.time.uptime() < end else { throw error }
        report(.progress(.kubelet, error.message))
        try await pace.time.sleep(pace.longest)
      }
    }
    try await finish(.kubelet, shell.instance.id, "kubelet is stopped")
  }

  private func removeImages(_ shell: InstanceShell) async throws {
    report(.started(.emptied, "images that came with the system"))
    _ = try await shell.run(.removeImages, timeout: .seconds(5 * 60))
    try await finish(.emptied, shell.instance.id, "images that came with the system are removed")
  }

  // MARK: Images

  private func pull(_ shell: InstanceShell) async throws {
    let count = request.images.count
    report(.started(.pulled, "\(count) image\(count == 1 ? "" : "s")"))
    var pulled = try await ImagePulls(request: request, shell: shell, pace: pace, report: report).run()
    // What the instance did not tell is asked of the registries; there it may be newer by moments.
    let untold = request.images.filter { pulled[$0] == nil }
    if !untold.isEmpty { pulled.merge(await digests.digests(of: untold).known) { told, _ in told } }
    var tags = SnapshotTag.images(request.images, pulled)
    tags[SnapshotTag.contents] = request.contents(pulled)
    try await finish(.pulled, shell.instance.id, "\(count) image\(count == 1 ? " is" : "s are") there", tags)
  }

  // MARK: The snapshot

  private func stop(_ instance: InstanceWatch) async throws {
    report(.started(.stopped, "instance \(instance.id)"))
    _ = try await ec2.stopInstances(ids: [instance.id])
    do {
      try await waitUntilStopped(instance, limit: .seconds(5 * 60))
    } catch let error as SnapshotError where error.code == .timeout {
      report(.notice("instance \(instance.id) does not stop by itself and is forced to"))
      _ = try await ec2.stopInstances(ids: [instance.id], force: true)
      try await waitUntilStopped(instance, limit: .seconds(10 * 60))
    }
    try await finish(.stopped, instance.id, "instance \(instance.id) has stopped")
  }

  private func waitUntilStopped(_ instance: InstanceWatch, limit: Duration) async throws {
    try await pace.wait(upTo: limit, until: "instance \(instance.id) to stop") {
      switch try await instance.describe()?.state {
      case "stopped": return true
      case "running", "stopping", "pending": return false
      case let state: throw SnapshotError(.instanceLost, "instance \(instance.id) is \(state ?? "gone")")
      }
    }
  }

  private func snapshot(_ instance: InstanceWatch) async throws -> EC2.Snapshot {
    report(.started(.snapshot, "of \(SnapshotTemplate.dataDevice)"))
    guard let description = try await instance.describe(), let volume = description.volumes[SnapshotTemplate.dataDevice]
    else { throw SnapshotError(.instanceLost, "instance \(instance.id) has no volume \(SnapshotTemplate.dataDevice)") }
    var tags = request.tags.merging(["Name": request.tags["Name"] ?? "sdctl snapshot \(request.name)"]) { $1 }
    for (key, value) in description.tags where key.hasPrefix("sd-snapshot-image-") || key == SnapshotTag.contents {
      tags[key] = value
    }
    tags.merge([
      SnapshotTag.run: id, SnapshotTag.name: request.name, SnapshotTag.owner: owner.text, SnapshotTag.state: "pending",
    ]) { $1 }
    var snapshot: EC2.Snapshot
    if found != nil, let begun = try await begun() {
      snapshot = begun
    } else {
      snapshot = try await ec2.createSnapshot(
        volumeID: volume, description: "Container images for Bottlerocket's data volume", tags: tags)
    }
    let snapshotID = snapshot.id
    report(.progress(.snapshot, snapshotID))
    // EBS tells every few seconds at most, and may take an hour.
    var patient = pace
    patient.longest = .seconds(15)
    snapshot = try await patient.wait(upTo: request.snapshotTimeout, for: "snapshot \(snapshotID)") {
      guard let seen = try await seen(snapshotID) else { return nil }
      switch seen.state {
      case "completed": return seen
      case "error":
        throw SnapshotError(.snapshotFailed, "snapshot \(snapshotID) failed: \(seen.stateMessage ?? "no reason given")")
      default:
        report(.progress(.snapshot, "\(snapshotID) \(seen.progress ?? "")"))
        return nil
      }
    }
    try await ec2.createTags(resourceIDs: [snapshotID], tags: [SnapshotTag.state: "ready"])
    snapshot.tags = tags.merging([SnapshotTag.state: "ready"]) { $1 }
    report(.finished(.snapshot, "snapshot \(snapshotID) is ready"))
    return snapshot
  }

  /// The snapshot that the run had begun before it was cut short.
  private func begun() async throws -> EC2.Snapshot? {
    try await services.snapshots(filters: [EC2.Filter("tag:\(SnapshotTag.run)", [id])]).first { $0.state != "error" }
  }

  /// The snapshot; `nil` in the first moments, when not every part of EC2 knows it.
  private func seen(_ id: String) async throws -> EC2.Snapshot? {
    do throws(AWSError) {
      return try await ec2.describeSnapshots(ids: [id]).elements.first
    } catch {
      guard error.code == "InvalidSnapshot.NotFound" else { throw error }
      return nil
    }
  }

  // MARK: Records

  private func finish(
    _ step: SnapshotStep, _ instance: String, _ text: String, _ tags: [String: String] = [:]
  ) async throws {
    try await tag(instance, tags.merging([SnapshotTag.step: step.rawValue]) { $1 })
    report(.finished(step, text))
  }

  /// Tags the instance; every tag is a sign of life as well.
  private func tag(_ instance: String, _ tags: [String: String]) async throws {
    let now = Int(services.client.time.now().timeIntervalSince1970)
    try await ec2.createTags(
      resourceIDs: [instance],
      tags: tags.merging([SnapshotTag.owner: owner.text, SnapshotTag.alive: "\(now)"]) { $1 })
  }

  // MARK: The end

  /// Removes what is temporary, the snapshot too unless it is ready.
  func remove(keepingSnapshot: Bool) async throws {
    report(.started(.cleaned, "what is temporary"))
    let finder = RunFinder(services: services)
    if !keepingSnapshot { try await finder.removePendingSnapshots(of: id) }
    try await finder.removeStack(stackName)
    report(.finished(.cleaned, "nothing temporary is left"))
  }

  /// Marks it to be kept; `false` when there is no instance to look at.
  func keep() async throws -> Bool {
    let filters = [
      EC2.Filter("tag:\(SnapshotTag.run)", [id]),
      EC2.Filter("instance-state-name", ["pending", "running", "stopping", "stopped"]),
    ]
    guard let instance = try await ec2.describeInstances(filters: filters).elements.first else { return false }
    try await tag(instance.id, [SnapshotTag.kept: "true"])
    report(
      .notice(
        "kept: stack \(stackName) with instance \(instance.id); look with 'aws ssm start-session --target \(instance.id)', "
          + "go on with --resume, remove it with 'sdctl snapshot clean \(id)'"))
    return true
  }
}
