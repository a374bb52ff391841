public import FoundationEssentials

/// AWS Systems Manager: parameters, and commands on instances.
public struct SSM: Sendable {
  let core: ServiceClient

  /// A client of SSM.
  ///
  /// - Parameters:
  ///   - client: what it shares with the other services.
  ///   - region: goes before the client's.
  /// - Throws: ``AWSError/Code/invalidEndpoint`` without a region.
  public init(_ client: AWSClient, region: String? = nil) throws(AWSError) {
    core = try ServiceClient(.ssm, client, region: region, errorFormat: .json)
  }

  private func call<Input: Encodable & Sendable, Output: Decodable & Sendable>(_ operation: String, _ input: Input)
    async throws(AWSError) -> Output
  {
    try await core.json(operation, target: "AmazonSSM", input)
  }

  // MARK: Parameters

  /// A parameter of the store.
  public struct Parameter: Sendable, Hashable, Decodable {
    /// The name.
    public var name: String?
    /// `String`, `StringList`, `SecureString`.
    public var type: String?
    /// The value.
    public var value: String?
    /// The version.
    public var version: Int?
    /// When it was changed.
    public var lastModifiedDate: Date?
    /// The ARN.
    public var arn: String?

    enum CodingKeys: String, CodingKey {
      case name = "Name"
      case type = "Type"
      case value = "Value"
      case version = "Version"
      case lastModifiedDate = "LastModifiedDate"
      case arn = "ARN"
    }
  }

  /// A parameter by name; public ones begin with `/aws/service/`.
  public func getParameter(name: String, decrypts: Bool? = nil) async throws(AWSError) -> Parameter {
    struct Input: Encodable {
      var name: String
      var decrypts: Bool?
      enum CodingKeys: String, CodingKey {
        case name = "Name"
        case decrypts = "WithDecryption"
      }
    }
    struct Output: Decodable {
      var parameter: Parameter
      enum CodingKeys: String, CodingKey { case parameter = "Parameter" }
    }
    let output: Output = try await call("GetParameter", Input(name: name, decrypts: decrypts))
    return output.parameter
  }

  /// Writes a parameter; gives its version.
  public func putParameter(name: String, value: String, type: String = "String", overwrites: Bool = false)
    async throws(AWSError) -> Int
  {
    struct Input: Encodable {
      var name, value, type: String
      var overwrites: Bool
      enum CodingKeys: String, CodingKey {
        case name = "Name"
        case value = "Value"
        case type = "Type"
        case overwrites = "Overwrite"
      }
    }
    struct Output: Decodable {
      var version: Int?
      enum CodingKeys: String, CodingKey { case version = "Version" }
    }
    let output: Output = try await call(
      "PutParameter", Input(name: name, value: value, type: type, overwrites: overwrites))
    return output.version ?? 0
  }

  // MARK: Commands

  /// An instance that Systems Manager knows.
  public struct InstanceInformation: Sendable, Hashable, Decodable {
    /// The instance's id.
    public var instanceID: String
    /// `Online`, `ConnectionLost`, `Inactive`.
    public var pingStatus: String?
    /// The agent's version.
    public var agentVersion: String?
    /// The platform's name.
    public var platformName: String?

    enum CodingKeys: String, CodingKey {
      case instanceID = "InstanceId"
      case pingStatus = "PingStatus"
      case agentVersion = "AgentVersion"
      case platformName = "PlatformName"
    }
  }

  /// What Systems Manager knows of instances.
  public func describeInstanceInformation(instanceIDs: [String]) async throws(AWSError) -> [InstanceInformation] {
    struct Input: Encodable {
      struct Filter: Encodable {
        var key = "InstanceIds"
        var values: [String]
        enum CodingKeys: String, CodingKey {
          case key = "Key"
          case values = "Values"
        }
      }
      var filters: [Filter]
      enum CodingKeys: String, CodingKey { case filters = "Filters" }
    }
    struct Output: Decodable {
      var list: [InstanceInformation]?
      enum CodingKeys: String, CodingKey { case list = "InstanceInformationList" }
    }
    let output: Output = try await call(
      "DescribeInstanceInformation", Input(filters: [.init(values: instanceIDs)]))
    return output.list ?? []
  }

  /// A command to run on instances.
  public struct SendCommandInput: Sendable, Hashable, Encodable {
    /// The document, `AWS-RunShellScript`.
    public var documentName: String
    /// The instances.
    public var instanceIDs: [String]
    /// The document's parameters; SSM keeps them, so no secret belongs here.
    public var parameters: [String: [String]]
    /// What is told with it.
    public var comment: String?
    /// How long an instance may take to receive it, in seconds, at least 30.
    public var timeoutSeconds: Int?

    /// A command to run.
    public init(documentName: String, instanceIDs: [String], parameters: [String: [String]] = [:]) {
      (self.documentName, self.instanceIDs, self.parameters) = (documentName, instanceIDs, parameters)
    }

    /// A shell script to run, line by line.
    public init(shellScript lines: [String], instanceIDs: [String]) {
      self.init(documentName: "AWS-RunShellScript", instanceIDs: instanceIDs, parameters: ["commands": lines])
    }

    enum CodingKeys: String, CodingKey {
      case documentName = "DocumentName"
      case instanceIDs = "InstanceIds"
      case parameters = "Parameters"
      case comment = "Comment"
      case timeoutSeconds = "TimeoutSeconds"
    }
  }

  /// Begins a command; gives its id.
  public func sendCommand(_ input: SendCommandInput) async throws(AWSError) -> String {
    struct Output: Decodable {
      struct Command: Decodable {
        var id: String
        enum CodingKeys: String, CodingKey { case id = "CommandId" }
      }
      var command: Command
      enum CodingKeys: String, CodingKey { case command = "Command" }
    }
    let output: Output = try await call("SendCommand", input)
    return output.command.id
  }

  /// How a command goes on one instance.
  public struct CommandInvocation: Sendable, Hashable, Decodable {
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

    enum CodingKeys: String, CodingKey {
      case status = "Status"
      case statusDetails = "StatusDetails"
      case responseCode = "ResponseCode"
      case output = "StandardOutputContent"
      case errors = "StandardErrorContent"
    }
  }

  /// How a command goes on an instance.
  ///
  /// - Throws: `InvocationDoesNotExist` in the first moments after the command was sent.
  public func getCommandInvocation(commandID: String, instanceID: String) async throws(AWSError) -> CommandInvocation {
    struct Input: Encodable {
      var commandID, instanceID: String
      enum CodingKeys: String, CodingKey {
        case commandID = "CommandId"
        case instanceID = "InstanceId"
      }
    }
    return try await call("GetCommandInvocation", Input(commandID: commandID, instanceID: instanceID))
  }

  /// Ends a command.
  public func cancelCommand(commandID: String, instanceIDs: [String]? = nil) async throws(AWSError) {
    struct Input: Encodable {
      var commandID: String
      var instanceIDs: [String]?
      enum CodingKeys: String, CodingKey {
        case commandID = "CommandId"
        case instanceIDs = "InstanceIds"
      }
    }
    let _: NoFields = try await call("CancelCommand", Input(commandID: commandID, instanceIDs: instanceIDs))
  }
}
