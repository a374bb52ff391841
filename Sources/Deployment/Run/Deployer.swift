public import AWSKit
import Crypto
public import SDCore

/// Carries a plan out: stacks in the order that their outputs ask for, then releases.
///
/// Every step may be done again: a run that was cut short is gone on with by the next one.
public struct Deployer: Sendable {
  /// What it is given besides the plan.
  public struct Tools: Sendable {
    /// A `kubeconfig` in place of the one that is made for the cluster.
    public var kubeconfig: String?
    /// The program and the arguments that print a token for a cluster, whose name is added.
    public var tokenCommand: [String]
    /// The text of a catalog of runtimes, as the gateway reads it.
    public var catalogText: @Sendable (RuntimeCatalog) -> String

    /// The tools.
    public init(tokenCommand: [String], catalogText: @escaping @Sendable (RuntimeCatalog) -> String) {
      (self.tokenCommand, self.catalogText) = (tokenCommand, catalogText)
    }
  }

  let plan: DeploymentPlan
  let client: AWSClient
  let tools: Tools
  let editor: StackEditor
  let report: @Sendable (DeploymentEvent) -> Void

  /// A deployer of a plan.
  ///
  /// - Parameter report: hears what happens, from any thread.
  public init(
    _ plan: DeploymentPlan, assets: DeploymentAssets, client: AWSClient, tools: Tools,
    report: @escaping @Sendable (DeploymentEvent) -> Void
  ) throws {
    (self.plan, self.client, self.tools, self.report) = (plan, client, tools, report)
    editor = StackEditor(
      cloudFormation: try CloudFormation(client), assets: assets, deployment: plan.pipeline.name, time: client.time,
      report: report)
  }

  // MARK: Looking

  /// Sees whether everything is there that deploying needs, before anything is changed.
  ///
  /// - Throws: `.imagesMissing`, `.programMissing`, and what AWS answers.
  public func check(stacksOnly: Bool) async throws {
    try await ImageCheck(client: client).run(plan.images, needed: plan.neededImages)
    if !stacksOnly { try await Helm(kubeconfig: "/dev/null").check() }
  }

  /// What is to be done to each stack, in their order. Makes change sets: they are carried out by ``apply(_:confirm:)``,
  /// or thrown away by ``discard(_:)``.
  public func prepare() async throws -> [StackChange] {
    let outputs = try await currentOutputs()
    var changes: [StackChange] = []
    do {
      for stack in plan.stacks {
        changes.append(try await editor.prepare(stack, parameters: try await parameters(of: stack, outputs)))
      }
    } catch {
      await discard(changes)
      throw error
    }
    return changes
  }

  /// Throws away what ``prepare()`` made.
  public func discard(_ changes: [StackChange]) async {
    // Also when the caller was cancelled: it is for that.
    await Task { for change in changes { await editor.discard(change) } }.value
  }

  /// The outputs of the stacks that are there.
  func currentOutputs() async throws -> [String: [String: String]] {
    var outputs: [String: [String: String]] = [:]
    for stack in plan.stacks {
      guard let found = try await editor.stack(stack.name) else { continue }
      let status = StackStatus(found.status)
      if !status.isFailedCreation, !status.isOnlyReviewed { outputs[stack.name] = found.outputs }
    }
    return outputs
  }

  /// A stack's parameters; `nil` while they are not known. The pipeline's is left with the runtimes that it knows.
  private func parameters(of stack: DeploymentPlan.Stack, _ outputs: [String: [String: String]]) async throws
    -> [String: String]?
  {
    guard var parameters = stack.resolved(outputs) else { return nil }
    guard stack.name == plan.pipeline.name else { return parameters }
    parameters[Self.version] = try await editor.stack(stack.name)?.parameters[Self.version] ?? ""
    return parameters
  }

  /// The parameter of the pipeline's stack that makes the gateway read the runtimes anew.
  private static let version = "RuntimesVersion"

  // MARK: Stacks

  /// Carries changes out, those that wait for nothing at once, and tells the gateway of the runtimes; answers all
  /// stacks' outputs.
  ///
  /// - Parameters:
  ///   - changes: what ``prepare()`` answered.
  ///   - confirm: asked before a stack loses something that no change set has shown before; throws where it is not wanted.
  public func apply(
    _ changes: [StackChange], confirm: @escaping @Sendable (StackChange) async throws -> Void
  ) async throws -> [String: [String: String]] {
    var outputs: [String: [String: String]] = [:]
    var open = changes
    while !open.isEmpty {
      let names = Set(open.map(\.stack.name))
      let ready = open.filter { $0.stack.dependencies.isDisjoint(with: names) }
      open.removeAll { change in ready.contains { $0.stack.name == change.stack.name } }
      do {
        for (name, found) in try await together(ready, outputs, confirm) { outputs[name] = found }
      } catch {
        await discard(open)
        throw error
      }
    }
    outputs[plan.pipeline.name] = try await tellGateway(outputs)
    return outputs
  }

  /// Changes that do not wait for each other. All come to their end, whatever becomes of one.
  private func together(
    _ changes: [StackChange], _ outputs: [String: [String: String]],
    _ confirm: @escaping @Sendable (StackChange) async throws -> Void
  ) async throws -> [(String, [String: String])] {
    try await withTaskGroup(of: (String, Result<[String: String], any Error>).self) { group in
      for change in changes {
        group.addTask {
          do { return (change.stack.name, .success(try await carryOut(change, outputs, confirm))) } catch {
            return (change.stack.name, .failure(error))
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }.map { name, result in (name, try result.get()) }
  }

  private func carryOut(
    _ change: StackChange, _ outputs: [String: [String: String]],
    _ confirm: @Sendable (StackChange) async throws -> Void
  ) async throws -> [String: String] {
    guard let parameters = try await parameters(of: change.stack, outputs) else {
      await editor.discard(change)
      throw DeploymentError(
        .stackFailed, "stack \(change.stack.name) needs \(change.stack.missing(outputs)), which there is not")
    }
    // What was shown is what is done, if it was made of the same.
    if change.parameters == parameters { return try await editor.execute(change) }
    await editor.discard(change)
    if change.action == .recreate { try await editor.delete(change.stack.name) }
    let known = Set(change.losses.compactMap(\.logicalID))
    let change = try await editor.prepare(change.stack, parameters: parameters)
    if !known.isSuperset(of: change.losses.compactMap(\.logicalID)) {
      do { try await confirm(change) } catch {
        await discard([change])
        throw error
      }
    }
    return try await editor.execute(change)
  }

  /// Bucket and key of an address as `s3://bucket/key`.
  static func object(_ uri: String?) -> (bucket: String, key: String)? {
    guard let match = uri?.wholeMatch(of: /s3:\/\/([^\/]+)\/(.+)/) else { return nil }
    return (String(match.1), String(match.2))
  }

  /// Writes which runtimes there are, and has the gateway read it; answers the outputs of the pipeline's stack.
  private func tellGateway(_ outputs: [String: [String: String]]) async throws -> [String: String] {
    let name = plan.pipeline.name
    guard let uri = outputs[name]?["RuntimesUri"], let place = Self.object(uri),
      var parameters = try await parameters(of: plan.pipeline, outputs)
    else { throw DeploymentError(.stackFailed, "stack \(name) does not say where the runtimes are told") }
    let bytes = Array(tools.catalogText(plan.catalog(outputs)).utf8)
    var input = S3.PutObjectInput(bucket: place.bucket, key: place.key, bytes: bytes[...])
    input.settings.contentType = "application/yaml"
    _ = try await S3(client).putObject(input)
    // Set after the object is written: a run that is cut short between the two is made good by the next.
    parameters[Self.version] = SHA256.hash(data: bytes).prefix(8).map { String($0, radix: 16) }.joined(separator: "-")
    report(.notice("\(uri) names the runtimes: \(plan.configuration.runtimes.map(\.name).joined(separator: ", "))"))
    return try await editor.execute(try await editor.prepare(plan.pipeline, parameters: parameters))
  }
}

extension DeploymentPlan.Stack {
  /// The stacks whose outputs it needs.
  var dependencies: Set<String> {
    Set(
      parameters.values.compactMap { value in
        if case .output(let stack, _) = value { stack } else { nil }
      })
  }

  /// The parameters, all being known.
  func resolved(_ outputs: [String: [String: String]]) -> [String: String]? {
    let known = parameters.compactMapValues { $0.resolved(outputs) }
    return known.count == parameters.count ? known : nil
  }

  /// What is not known, in words.
  func missing(_ outputs: [String: [String: String]]) -> String {
    parameters.values.filter { $0.resolved(outputs) == nil }.map(\.shown).sorted().joined(separator: ", ")
  }
}
