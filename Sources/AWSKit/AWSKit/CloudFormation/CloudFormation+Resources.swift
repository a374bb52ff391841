public import FoundationEssentials

extension CloudFormation {
  /// A resource of a stack.
  public struct StackResource: Sendable, Hashable {
    /// The name in the template.
    public var logicalID: String
    /// The resource's own id.
    public var physicalID: String?
    /// `AWS::SQS::Queue` and so on.
    public var resourceType: String?
    /// `CREATE_COMPLETE` and so on.
    public var status: String?
    /// Why.
    public var reason: String?

    init(xml member: XMLElement) throws(AWSError) {
      logicalID = try member.required("LogicalResourceId")
      physicalID = member.string("PhysicalResourceId")
      resourceType = member.string("ResourceType")
      status = member.string("ResourceStatus")
      reason = member.string("ResourceStatusReason")
    }
  }

  /// The resources of a stack, up to a hundred, also of one that was deleted.
  public func describeStackResources(name: String) async throws(AWSError) -> [StackResource] {
    try await core.query("DescribeStackResources") {
      $0.add("StackName", name)
    } read: { result throws(AWSError) in
      try result.list("StackResources") { member throws(AWSError) in try StackResource(xml: member) }
    }
  }

  /// One page of resources.
  public struct ResourcePage: Sendable, Hashable {
    /// The resources.
    public var resources: [StackResource]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextToken: String?
  }

  /// One page of the resources of a stack.
  public func listStackResources(name: String, nextToken: String? = nil) async throws(AWSError) -> ResourcePage {
    try await core.query("ListStackResources") { form in
      form.add("StackName", name)
      form.add("NextToken", nextToken)
    } read: { result throws(AWSError) in
      let found = try result.list("StackResourceSummaries") { member throws(AWSError) in try StackResource(xml: member)
      }
      return ResourcePage(resources: found, nextToken: result.string("NextToken"))
    }
  }

  // MARK: Events

  /// Something that happened to a stack or one of its resources.
  public struct StackEvent: Sendable, Hashable {
    /// The event's id.
    public var id: String
    /// The stack: itself, or one nested in it.
    public var stackID: String?
    /// The stack's name.
    public var stackName: String?
    /// When it happened.
    public var timestamp: Date?
    /// The resource's name in the template.
    public var logicalID: String?
    /// The resource's own id.
    public var physicalID: String?
    /// `AWS::SQS::Queue` and so on.
    public var resourceType: String?
    /// `CREATE_FAILED` and so on.
    public var status: String?
    /// Why.
    public var reason: String?
    /// The token of the call that it came of.
    public var clientRequestToken: String?
  }

  /// One page of events, the newest first.
  public struct EventPage: Sendable, Hashable {
    /// The events.
    public var events: [StackEvent]
    /// What the next page is asked for with; `nil` on the last one.
    public var nextToken: String?
  }

  /// One page of a stack's events, the newest first.
  public func describeStackEvents(name: String, nextToken: String? = nil) async throws(AWSError) -> EventPage {
    try await core.query("DescribeStackEvents") { form in
      form.add("StackName", name)
      form.add("NextToken", nextToken)
    } read: { result throws(AWSError) in
      let events = try result.list("StackEvents") { member throws(AWSError) in
        StackEvent(
          id: try member.required("EventId"), stackID: member.string("StackId"), stackName: member.string("StackName"),
          timestamp: try member.date("Timestamp"), logicalID: member.string("LogicalResourceId"),
          physicalID: member.string("PhysicalResourceId"), resourceType: member.string("ResourceType"),
          status: member.string("ResourceStatus"), reason: member.string("ResourceStatusReason"),
          clientRequestToken: member.string("ClientRequestToken"))
      }
      return EventPage(events: events, nextToken: result.string("NextToken"))
    }
  }
}
