public import AWSKit

/// What is to be done to a stack, as far as it can be known before.
public struct StackChange: Sendable {
  /// What is done.
  public enum Action: String, Sendable, Hashable {
    /// It is created.
    case create
    /// It is left over from a creation that failed: it is deleted, and created.
    case recreate
    /// It is changed.
    case update
    /// It is as it is to be.
    case keep
    /// It is deleted.
    case delete
  }

  /// The stack as it is to be.
  public let stack: DeploymentPlan.Stack
  /// What is done.
  public var action: Action
  /// What a change set says; empty where the stack waits for the outputs of others.
  public var resources: [CloudFormation.ResourceChange] = []
  /// The number of resources that the template of a new stack has at most.
  public var templateResources: Int?
  /// The change set, while there is one.
  var changeSet: String?
  /// The parameters that the change set was made with; `nil` where they are not known yet.
  var parameters: [String: String]?

  /// Changes that lose what a resource holds: removals, and replacements by a new one.
  public var losses: [CloudFormation.ResourceChange] {
    resources.filter { $0.action == "Remove" || $0.replacement == "True" || $0.replacement == "Conditional" }
  }
}
