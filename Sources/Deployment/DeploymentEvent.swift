public import AWSKit

/// Something that happens while a plan is carried out.
public enum DeploymentEvent: Sendable {
  /// Work on a stack began.
  case stackBegan(name: String, action: StackChange.Action)
  /// Something happened to a stack or a resource of it.
  case stackEvent(name: String, CloudFormation.StackEvent)
  /// A stack is as it is to be.
  case stackEnded(name: String, action: StackChange.Action)
  /// A Helm release is being installed, changed or removed.
  case releaseBegan(name: String, namespace: String)
  /// A Helm release is as it is to be.
  case releaseEnded(name: String, namespace: String)
  /// Something else that people want to know.
  case notice(String)
}
