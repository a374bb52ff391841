/// AWS CloudFormation: stacks by change sets, their events and outputs.
public struct CloudFormation: Sendable {
  let core: ServiceClient
  static let version: StaticString = "2010-05-15"

  /// A client of CloudFormation.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.cloudFormation, client, region: region, errorFormat: .query)
  }

  private func call<Operation: QueryOperation>(_ operation: Operation) async throws(AWSError) -> Operation.Output {
    try await core.query(operation, version: Self.version)
  }

  // MARK: Stacks

  /// Creates a stack at once; gives its id.
  public func createStack(_ input: StackInput) async throws(AWSError) -> String {
    try await call(CreateStack(input: input))
  }

  /// Changes a stack at once; gives its id.
  ///
  /// - Throws: `ValidationError` where there is nothing to change.
  public func updateStack(_ input: StackInput) async throws(AWSError) -> String {
    try await call(UpdateStack(input: input))
  }

  /// Begins to delete a stack; one that is missing counts as deleted.
  public func deleteStack(name: String, retainedResources: [String] = []) async throws(AWSError) {
    try await call(DeleteStack(name: name, retained: retainedResources, token: IdempotencyToken.make()))
  }

  /// A stack, by name or id.
  ///
  /// - Throws: `ValidationError` where there is none.
  public func describeStack(name: String) async throws(AWSError) -> Stack {
    let page = try await call(DescribeStacks(name: name, nextToken: nil))
    guard let stack = page.stacks.first else {
      var error = AWSError(.malformedAnswer, "the answer has no stack")
      error.operation = "CloudFormation.DescribeStacks"
      throw error
    }
    return stack
  }

  /// One page of stacks; deleted ones are left out.
  public func describeStacks(nextToken: String? = nil) async throws(AWSError) -> StackPage {
    try await call(DescribeStacks(name: nil, nextToken: nextToken))
  }

  /// One page of a stack's events, the newest first.
  public func describeStackEvents(name: String, nextToken: String? = nil) async throws(AWSError) -> EventPage {
    try await call(DescribeStackEvents(name: name, nextToken: nextToken))
  }

  /// The resources of a stack, up to a hundred.
  public func describeStackResources(name: String) async throws(AWSError) -> [StackResource] {
    try await call(DescribeStackResources(name: name))
  }

  /// The template of a stack as it was given.
  public func getTemplate(name: String) async throws(AWSError) -> String { try await call(GetTemplate(name: name)) }

  /// Has a template looked at.
  ///
  /// - Throws: `ValidationError` with what is wrong.
  public func validateTemplate(_ template: Template) async throws(AWSError) {
    try await call(ValidateTemplate(template: template))
  }

  // MARK: Change sets

  /// Begins to make a change set; gives its id.
  public func createChangeSet(_ input: ChangeSetInput) async throws(AWSError) -> String { try await call(input) }

  /// A change set, with one page of its changes.
  public func describeChangeSet(name: String, stackName: String? = nil, nextToken: String? = nil) async throws(AWSError)
    -> ChangeSet
  {
    try await call(DescribeChangeSet(name: name, stackName: stackName, nextToken: nextToken))
  }

  /// Begins to do what a change set says.
  public func executeChangeSet(name: String, stackName: String? = nil) async throws(AWSError) {
    try await call(ExecuteChangeSet(name: name, stackName: stackName, token: IdempotencyToken.make()))
  }

  /// Deletes a change set.
  public func deleteChangeSet(name: String, stackName: String? = nil) async throws(AWSError) {
    try await call(DeleteChangeSet(name: name, stackName: stackName))
  }
}
