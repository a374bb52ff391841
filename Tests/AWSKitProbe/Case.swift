import AWSKit
import FoundationEssentials
import Glibc
import HTTPTypes
import Synchronization

/// One call of a service, its answer, and where it goes.
struct Case: Sendable {
  let service, operation: String
  let params: JSONValue
  /// How a body is handed over: `bytes`, `stream`, `file`.
  let bodyKind: String
  /// The lifetime of a presigned URL in seconds.
  let presigned: Int?
  private let item: JSONValue
  private let transport: CannedTransport

  init(_ item: JSONValue) {
    (service, operation, params) = (item.text("service"), item.text("operation"), item["params"])
    (bodyKind, presigned) = (item.text("body"), item["presign"].int)
    self.item = item
    transport = CannedTransport(answer: item["answer"])
  }

  /// The client that the case asks for; its clock stands still.
  var client: AWSClient {
    var configuration = AWSConfiguration(region: item["region"].text)
    let settings = item["settings"]
    configuration.retry.maximumAttempts = 1
    configuration.endpoints.url = item["endpoint"].text
    configuration.endpoints.usesFIPS = settings["fips"].bool ?? false
    configuration.endpoints.usesDualStack = settings["dualstack"].bool ?? false
    configuration.s3.addressingStyle = .init(rawValue: settings.text("addressing")) ?? .auto
    configuration.s3.usesAccelerate = settings["accelerate"].bool ?? false
    configuration.s3.usesARNRegion = settings["arn_region"].bool ?? true
    configuration.s3.signsPayload = settings["payload_signing"].bool
    configuration.s3.paysForRequests = settings["pays"].bool ?? false
    let now = item["time"].date ?? Date(timeIntervalSince1970: 0)
    let time = TimeSource(now: { now }, uptime: { .zero }, sleep: { _ in }, random: { 0 })
    let keys = item["credentials"].texts
    return AWSClient(
      configuration: configuration,
      credentials: StaticCredentialProvider(
        accessKeyID: keys[0], secretAccessKey: keys[1], sessionToken: keys.count > 2 ? keys[2] : nil),
      transport: transport, time: time)
  }

  func run() async -> JSONValue {
    var result: [String: JSONValue] = [:]
    do {
      result["output"] = Reflection.json(try await call())
    } catch let error as AWSError {
      result["error"] = .object([
        "code": .string(error.code.rawValue), "message": .string(error.message),
        "origin": .string(error.origin.rawValue),
        "status": error.status.map { .number(Double($0)) } ?? .null, "text": .string("\(error)"),
        "requestID": error.requestID.map { .string($0) } ?? .null, "hostID": error.hostID.map { .string($0) } ?? .null,
      ])
    } catch {
      result["error"] = .object(["code": .string("\(error)")])
    }
    if let sent = transport.first.withLock({ $0 }) {
      let request = sent.request
      result["request"] = .object([
        "method": .string(request.method.rawValue),
        "url": .string("\(request.scheme ?? "")://\(request.authority ?? "")\(request.path ?? "")"),
        "headers": .array(request.headerFields.map { .array([.string($0.name.canonicalName), .string($0.value)]) }),
        "body": .string(Reflection.base64(sent.body)),
      ])
    }
    return .object(result)
  }

  private func call() async throws -> Any {
    switch service {
    case "sqs": try await sqs(SQS(client))
    case "sns": try await sns(SNS(client))
    case "sts": try await sts(STS(client))
    case "s3": try await s3(S3(client))
    case "ec2": try await ec2(EC2(client))
    case "ssm": try await ssm(SSM(client))
    case "cloudformation": try await cloudFormation(CloudFormation(client))
    case "ecr": try await ecr(ECR(client))
    case "eks": try await eks(EKS(client))
    case "xray": try await XRay(client).putTraceSegments(documents: params["TraceSegmentDocuments"].texts)
    case "apigateway":
      try await APIGateway(client).getAPIKey(
        id: params.text("apiKey"), includesValue: params["includeValue"].bool ?? false)
    default: throw UnknownCall(name: service)
    }
  }

  struct UnknownCall: Error { var name: String }
}
