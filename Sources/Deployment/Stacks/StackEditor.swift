import AWSKit
import FoundationEssentials
import SDCore

/// Creates, changes and deletes stacks by change sets, and follows what becomes of them.
struct StackEditor: Sendable {
  let cloudFormation: CloudFormation
  let assets: DeploymentAssets
  /// Name of the deployment, for the stacks' tag.
  let deployment: String
  let time: TimeSource
  let report: @Sendable (DeploymentEvent) -> Void

  static let tag = "stable-diffusion-on-demand"
  private static let pause = Duration.seconds(2)
  private static let changeSetLimit = Duration.seconds(10 * 60)
  /// A cluster takes a quarter of an hour; deleting one whose load balancers hang, longer.
  private static let limit = Duration.seconds(2 * 60 * 60)

  /// A stack; `nil` where there is none.
  func stack(_ name: String) async throws -> CloudFormation.Stack? {
    do throws(AWSError) { return try await cloudFormation.describeStack(name: name) } catch {
      guard error.code == "ValidationError", error.message.contains("does not exist") else { throw error }
      return nil
    }
  }

  // MARK: Change sets

  /// What is to be done to a stack.
  ///
  /// - Parameter parameters: `nil` while they depend on stacks that are not there yet.
  func prepare(_ stack: DeploymentPlan.Stack, parameters: [String: String]?) async throws -> StackChange {
    let existing = try await settled(stack.name)
    let status = existing.map { StackStatus($0.status) }
    if let status, status.isStuck { throw Self.stuck(stack.name, status) }
    if status?.isFailedCreation == true {
      return StackChange(stack: stack, action: .recreate, templateResources: try countResources(of: stack))
    }
    let isNew = status == nil || status?.isOnlyReviewed == true
    guard let parameters else {
      return StackChange(
        stack: stack, action: isNew ? .create : .update, templateResources: try countResources(of: stack))
    }
    return try await changeSet(of: stack, parameters, isNew: isNew)
  }

  private func changeSet(of stack: DeploymentPlan.Stack, _ parameters: [String: String], isNew: Bool) async throws
    -> StackChange
  {
    var input = CloudFormation.StackInput(
      name: stack.name, template: .body(try assets.template(stack.template)), parameters: parameters)
    input.capabilities = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
    input.tags = [Self.tag: deployment]
    let name = "sdctl-\(UUID().uuidString.lowercased())"
    let id = try await cloudFormation.createChangeSet(
      .init(stack: input, name: name, kind: isNew ? .create : .update))
    var change = StackChange(
      stack: stack, action: isNew ? .create : .update, templateResources: isNew ? try countResources(of: stack) : nil,
      changeSet: id, parameters: parameters)
    do {
      guard let resources = try await changes(of: id, in: stack.name) else {
        try await cloudFormation.deleteChangeSet(name: id, stackName: stack.name)
        change.action = .keep
        change.changeSet = nil
        return change
      }
      change.resources = resources
      return change
    } catch {
      await discard(change)
      throw error
    }
  }

  /// What a change set says; `nil` where there is nothing to change.
  private func changes(of id: String, in stack: String) async throws -> [CloudFormation.ResourceChange]? {
    let end = time.uptime() + Self.changeSetLimit
    while true {
      let set = try await cloudFormation.describeChangeSet(name: id, stackName: stack)
      switch set.status {
      case "CREATE_COMPLETE": return try await allChanges(of: set, in: stack)
      case "FAILED":
        let reason = set.statusReason ?? ""
        if reason.contains("didn't contain changes") || reason.contains("No updates are to be performed") { return nil }
        throw DeploymentError(.stackFailed, "stack \(stack) cannot be changed as wanted: \(reason)")
      default: break
      }
      guard time.uptime() < end else {
        throw DeploymentError(.timeout, "the change set of stack \(stack) was not ready within 10 minutes")
      }
      try await time.sleep(Self.pause)
    }
  }

  private func allChanges(of first: CloudFormation.ChangeSet, in stack: String) async throws
    -> [CloudFormation.ResourceChange]
  {
    var (changes, token) = (first.changes, first.nextToken)
    for _ in 0..<100 {
      guard let next = token, let id = first.id else { break }
      let page = try await cloudFormation.describeChangeSet(name: id, stackName: stack, nextToken: next)
      changes += page.changes
      token = page.nextToken
    }
    return changes
  }

  /// Deletes a change set that is not wanted, and the stack if there is nothing else of it. Says what could not be.
  func discard(_ change: StackChange) async {
    guard let id = change.changeSet else { return }
    do {
      try await cloudFormation.deleteChangeSet(name: id, stackName: change.stack.name)
      guard change.action == .create, let stack = try await stack(change.stack.name),
        StackStatus(stack.status).isOnlyReviewed
      else { return }
      try await cloudFormation.deleteStack(name: change.stack.name)
    } catch {
      report(.notice("a change set of stack \(change.stack.name) could not be deleted: \(error)"))
    }
  }

  // MARK: Doing

  /// Carries a change set out; answers the stack's outputs.
  func execute(_ change: StackChange) async throws -> [String: String] {
    let name = change.stack.name
    guard let id = change.changeSet, change.action != .keep else {
      return try await stack(name)?.outputs ?? [:]
    }
    let known = try await EventReader.known(cloudFormation, stack: name)
    report(.stackBegan(name: name, action: change.action))
    try await cloudFormation.executeChangeSet(name: id, stackName: name)
    try await follow(name, id: name, since: known, action: change.action)
    report(.stackEnded(name: name, action: change.action))
    return try await stack(name)?.outputs ?? [:]
  }

  /// Deletes a stack, if there is one.
  func delete(_ name: String) async throws {
    guard let stack = try await settled(name) else { return }
    let id = stack.id ?? name
    let known = try await EventReader.known(cloudFormation, stack: id)
    report(.stackBegan(name: name, action: .delete))
    try await cloudFormation.deleteStack(name: name)
    try await follow(name, id: id, since: known, action: .delete)
    report(.stackEnded(name: name, action: .delete))
  }

  /// The stack once nothing is being done to it: an earlier run may have been cut short, and CloudFormation goes on.
  private func settled(_ name: String) async throws -> CloudFormation.Stack? {
    guard let found = try await stack(name) else { return nil }
    guard StackStatus(found.status).isUnderWay else { return found }
    report(.notice("stack \(name) is \(found.status): waiting for what was begun before"))
    let end = time.uptime() + Self.limit
    while let now = try await stack(name) {
      if !StackStatus(now.status).isUnderWay { return now }
      guard time.uptime() < end else { throw DeploymentError(.timeout, "stack \(name) is still \(now.status)") }
      try await time.sleep(Self.pause)
    }
    return nil
  }

  /// Tells of events until one says that it is over.
  private func follow(_ name: String, id: String, since known: Set<String>, action: StackChange.Action) async throws {
    var reader = EventReader(cloudFormation, stack: id, known: known)
    let end = time.uptime() + Self.limit
    while true {
      for event in try await reader.next() { report(.stackEvent(name: name, event)) }
      if action == .delete, try await stack(id).map({ $0.status == "DELETE_COMPLETE" }) ?? true { return }
      if let status = reader.end {
        if status.isSuccess { return }
        throw DeploymentError(.stackFailed, Self.failure(of: name, action, status, cause: reader.cause))
      }
      guard time.uptime() < end else {
        throw DeploymentError(.timeout, "stack \(name) was not ready within 2 hours; CloudFormation goes on with it")
      }
      try await time.sleep(Self.pause)
    }
  }

  // MARK: Words

  private static func failure(
    of name: String, _ action: StackChange.Action, _ status: StackStatus, cause: CloudFormation.StackEvent?
  ) -> String {
    let done =
      switch action {
      case .create, .recreate: "created"
      case .delete: "deleted"
      case .update, .keep: "changed"
      }
    var text = "stack \(name) was not \(done)"
    if let cause {
      text += ": \(cause.logicalID ?? "a resource") (\(cause.resourceType ?? "?"))"
      text += " failed first: \(cause.reason ?? "CloudFormation does not say why")"
    }
    let rest =
      switch status.text {
      case "ROLLBACK_COMPLETE": "What had been made was removed again. Mend it, and deploy again."
      case "UPDATE_ROLLBACK_COMPLETE": "It is again what it was before. Mend it, and deploy again."
      case "DELETE_FAILED": "Remove what holds it, and try again."
      default: "It is \(status.text)."
      }
    return "\(text)\n\(rest)"
  }

  private static func stuck(_ name: String, _ status: StackStatus) -> DeploymentError {
    let advice =
      status.text == "DELETE_FAILED"
      ? "its deletion failed half way: see why in its events, then `aws cloudformation delete-stack --stack-name \(name)`"
      : "going back to what it was failed: `aws cloudformation continue-update-rollback --stack-name \(name)`"
    return DeploymentError(.stuck, "stack \(name) is \(status.text), \(advice)")
  }

  private func countResources(of stack: DeploymentPlan.Stack) throws -> Int {
    TemplateText(try assets.template(stack.template)).resources
  }
}
