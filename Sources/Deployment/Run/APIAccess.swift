public import AWSKit

/// Where a deployed API is, and with what key it is called.
public struct APIAccess: Sendable {
  /// Its address.
  public let address: String
  /// The key; `nil` where the stack has none.
  public let key: String?

  /// What the pipeline's stack says.
  ///
  /// - Throws: `.stuck` where there is no such stack, or it is not ready.
  public static func find(stack name: String, client: AWSClient) async throws -> APIAccess {
    let cloudFormation = try CloudFormation(client)
    let stack: CloudFormation.Stack
    do throws(AWSError) { stack = try await cloudFormation.describeStack(name: name) } catch {
      guard error.code == "ValidationError" else { throw error }
      throw DeploymentError(.stuck, "there is no stack \(name): deploy first")
    }
    guard let address = stack.outputs["FrontApiEndpoint"] else {
      throw DeploymentError(.stuck, "stack \(name) is \(stack.status) and says no FrontApiEndpoint")
    }
    let resources = try await cloudFormation.describeStackResources(name: name)
    let id = resources.first { $0.resourceType == "AWS::ApiGateway::ApiKey" }?.physicalID
    guard let id else { return APIAccess(address: address, key: nil) }
    return APIAccess(address: address, key: try await APIGateway(client).getAPIKey(id: id).value)
  }
}
