import AWSKit
import FoundationEssentials
public import SDCore

extension Deployer {
  /// Installs the releases with what the stacks put out, one after the other.
  public func install(_ outputs: [String: [String: String]]) async throws {
    try await withHelm(outputs) { helm, folder in
      for release in plan.releases {
        report(.releaseBegan(name: release.name, namespace: release.namespace))
        let values = YAMLText.text(of: .object(release.values(outputs)))
        let file = try folder.write(values, to: "\(release.namespace).\(release.name).yaml")
        try await helm.upgrade(release, values: file, waits: release.isNeededByOthers)
        report(.releaseEnded(name: release.name, namespace: release.namespace))
      }
    }
  }

  /// What would be other values, for each release that there is; `nil` for those that there are not.
  public func differences() async throws -> [(release: DeploymentPlan.Release, values: [ValueDifference]?)] {
    let outputs = try await currentOutputs()
    return try await withHelm(outputs) { helm, _ in
      var all: [(release: DeploymentPlan.Release, values: [ValueDifference]?)] = []
      for release in plan.releases {
        let there = try await helm.values(of: release)
        all.append((release, there.map { ValueDifference.all(from: $0, to: release.values(outputs)) }))
      }
      return all
    }
  }

  /// How a stack or a release stands.
  public struct Standing: Sendable {
    /// Its name.
    public var name: String
    /// A release's namespace.
    public var namespace: String?
    /// CloudFormation's or Helm's word; `nil` where there is none of that name.
    public var status: String?
    /// When it was changed last.
    public var updatedAt: Timestamp?
    /// What it says of itself: a stack's outputs, a release's chart.
    public var details: [String: String] = [:]
  }

  /// How the stacks stand, in their order.
  public func stacks() async throws -> [Standing] {
    var all: [Standing] = []
    for stack in plan.stacks {
      let found = try await editor.stack(stack.name)
      all.append(
        Standing(
          name: stack.name, status: found?.status,
          updatedAt: (found?.updatedAt ?? found?.createdAt).map { Timestamp($0) }, details: found?.outputs ?? [:]))
    }
    return all
  }

  /// How the releases stand, in their order.
  public func releases() async throws -> [Standing] {
    try await withHelm(try await currentOutputs()) { helm, _ in
      let listed = try await helm.list()
      return plan.releases.map { release in
        let found = listed.first { $0.name == release.name && $0.namespace == release.namespace }
        return Standing(
          name: release.name, namespace: release.namespace, status: found?.status,
          details: found.map { ["chart": $0.chart, "updated": $0.updated] } ?? [:])
      }
    }
  }

  // MARK: Taking away

  /// Removes releases and stacks, the last first. Buckets with what is in them stay.
  ///
  /// - Parameter stacksOnly: whether the releases are left: the cluster may be gone already.
  public func destroy(stacksOnly: Bool) async throws {
    if !stacksOnly, let cluster = try await clusterName(try await currentOutputs()) {
      try await withHelm(try await currentOutputs()) { helm, _ in
        for release in plan.releases.reversed() {
          report(.releaseBegan(name: release.name, namespace: release.namespace))
          try await helm.uninstall(release)
          report(.releaseEnded(name: release.name, namespace: release.namespace))
        }
      }
      report(.notice("the cluster \(cluster) has none of our releases any more"))
    }
    // A bucket is deleted with its stack if nothing is in it; one that could not be emptied fails there, by name.
    if let place = Self.object(try await currentOutputs()[plan.pipeline.name]?["RuntimesUri"]) {
      _ = try? await S3(client).deleteObject(bucket: place.bucket, key: place.key)
    }
    var open = plan.stacks
    while !open.isEmpty {
      let needed = open.reduce(into: Set<String>()) { $0.formUnion($1.dependencies) }
      let ready = open.filter { !needed.contains($0.name) }
      open.removeAll { !needed.contains($0.name) }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for stack in ready { group.addTask { try await editor.delete(stack.name) } }
        try await group.waitForAll()
      }
    }
  }

  // MARK: The cluster

  /// The cluster's name: of the stack that makes it, or as configured.
  private func clusterName(_ outputs: [String: [String: String]]) async throws -> String? {
    guard plan.configuration.cluster.create else { return plan.configuration.cluster.name }
    return plan.cluster.flatMap { outputs[$0.name]?["ClusterName"] }
  }

  private func withHelm<Result>(
    _ outputs: [String: [String: String]], _ body: (Helm, borrowing PrivateFolder) async throws -> Result
  ) async throws -> Result {
    let folder = try PrivateFolder()
    if let given = tools.kubeconfig { return try await body(Helm(kubeconfig: given), folder) }
    guard let cluster = try await clusterName(outputs) else {
      throw DeploymentError(.stuck, "there is no cluster yet: deploy the stacks first")
    }
    let access = ClusterAccess(cluster: cluster, client: client, tokenCommand: tools.tokenCommand + [cluster])
    let file = try folder.write(try await access.kubeconfig(), to: "kubeconfig")
    return try await body(Helm(kubeconfig: file), folder)
  }
}
