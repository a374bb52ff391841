/// What CloudFormation's words for a stack's state mean to whoever wants to change it.
public struct StackStatus: Sendable, Hashable {
  /// As CloudFormation writes it: `UPDATE_COMPLETE`.
  public var text: String

  init(_ text: String) { self.text = text }

  /// Whether something is being done to it.
  var isUnderWay: Bool { text.hasSuffix("_IN_PROGRESS") && text != "REVIEW_IN_PROGRESS" }
  /// Whether there are only change sets of it.
  var isOnlyReviewed: Bool { text == "REVIEW_IN_PROGRESS" }
  /// Whether its creation failed, so that nothing can be done to it but deleting it.
  var isFailedCreation: Bool { ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"].contains(text) }
  /// Whether it was left between two states.
  var isStuck: Bool { ["UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"].contains(text) }
  /// Whether what was begun has come to the end that was wanted.
  var isSuccess: Bool { ["CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE", "IMPORT_COMPLETE"].contains(text) }
}
