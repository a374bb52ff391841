extension SSM {
  /// A command to run on instances.
  public struct SendCommandInput: Sendable, Hashable {
    /// The document, `AWS-RunShellScript`.
    public var documentName: String
    /// The document's version, `$DEFAULT`, `$LATEST` or a number.
    public var documentVersion: String?
    /// The instances.
    public var instanceIDs: [String]
    /// The document's parameters; SSM keeps them, so no secret belongs here.
    public var parameters: [String: [String]]
    /// What is told with it.
    public var comment: String?
    /// How long an instance may take to receive it, in seconds, at least 30.
    public var timeoutSeconds: Int?
    /// The bucket that gets the whole output: SSM itself keeps but its beginning.
    public var outputBucket: String?
    /// What the output's keys begin with.
    public var outputKeyPrefix: String?
    /// The log group of CloudWatch that gets the whole output.
    public var outputLogGroup: String?
    /// How many instances run it at the same time: a number, or percent.
    public var maximumConcurrency: String?
    /// How many failures end it: a number, or percent.
    public var maximumErrors: String?

    /// A command to run.
    public init(documentName: String, instanceIDs: [String], parameters: [String: [String]] = [:]) {
      (self.documentName, self.instanceIDs, self.parameters) = (documentName, instanceIDs, parameters)
    }

    /// A shell script to run, line by line.
    public init(shellScript lines: [String], instanceIDs: [String]) {
      self.init(documentName: "AWS-RunShellScript", instanceIDs: instanceIDs, parameters: ["commands": lines])
    }
  }

  /// Begins a command; gives its id.
  public func sendCommand(_ input: SendCommandInput) async throws(AWSError) -> String {
    try await core.json("SendCommand") { form in
      form.add("DocumentName", input.documentName)
      form.add("DocumentVersion", input.documentVersion)
      form.add("InstanceIds", list: input.instanceIDs)
      let parameters = input.parameters.mapValues { JSONElement.array($0.map { .string($0) }) }
      form.add("Parameters", parameters.isEmpty ? nil : .object(parameters))
      form.add("Comment", input.comment)
      form.add("TimeoutSeconds", input.timeoutSeconds)
      form.add("OutputS3BucketName", input.outputBucket)
      form.add("OutputS3KeyPrefix", input.outputKeyPrefix)
      if let group = input.outputLogGroup {
        let settings = ["CloudWatchLogGroupName": JSONElement.string(group), "CloudWatchOutputEnabled": .bool(true)]
        form.add("CloudWatchOutputConfig", .object(settings))
      }
      form.add("MaxConcurrency", input.maximumConcurrency)
      form.add("MaxErrors", input.maximumErrors)
    } read: { result throws(AWSError) in
      guard let command = result["Command"] else { throw AWSError(.malformedAnswer, "the answer has no Command") }
      return try command.required("CommandId")
    }
  }

  /// How a command goes on one instance.
  public struct CommandInvocation: Sendable, Hashable {
    /// `Pending`, `InProgress`, `Delayed`, `Success`, `Cancelled`, `TimedOut`, `Failed`, `Cancelling`.
    public var status: String
    /// More of the status.
    public var statusDetails: String?
    /// The exit code; -1 while it runs.
    public var responseCode: Int?
    /// The first 24,000 characters of its output.
    public var output: String?
    /// The first 8,000 characters of its errors.
    public var errors: String?
    /// Where its whole output is, where a bucket was named.
    public var outputURL: String?
    /// Where its errors are, where a bucket was named.
    public var errorsURL: String?
  }

  /// How a command goes on an instance.
  ///
  /// - Parameter step: the document's step, where it has several.
  /// - Throws: `InvocationDoesNotExist` in the first moments after the command was sent.
  public func getCommandInvocation(commandID: String, instanceID: String, step: String? = nil) async throws(AWSError)
    -> CommandInvocation
  {
    try await core.json("GetCommandInvocation") { form in
      form.add("CommandId", commandID)
      form.add("InstanceId", instanceID)
      form.add("PluginName", step)
    } read: { result throws(AWSError) in
      CommandInvocation(
        status: try result.required("Status"), statusDetails: try result.string("StatusDetails"),
        responseCode: try result.integer("ResponseCode"), output: try result.string("StandardOutputContent"),
        errors: try result.string("StandardErrorContent"), outputURL: try result.string("StandardOutputUrl"),
        errorsURL: try result.string("StandardErrorUrl"))
    }
  }

  /// Ends a command.
  ///
  /// - Parameter instanceIDs: where; `nil` for everywhere.
  public func cancelCommand(commandID: String, instanceIDs: [String]? = nil) async throws(AWSError) {
    try await core.json("CancelCommand") { form in
      form.add("CommandId", commandID)
      form.add("InstanceIds", list: instanceIDs)
    } read: { _ in
    }
  }
}
