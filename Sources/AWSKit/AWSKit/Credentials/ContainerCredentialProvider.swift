public import HTTPTransport
import HTTPTypes

/// Credentials of a container: ECS tasks, EKS Pod Identity, Greengrass.
///
/// `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` is asked at 169.254.170.2, `AWS_CONTAINER_CREDENTIALS_FULL_URI` as it
/// stands, over plain HTTP only at loopback addresses and the two agents' addresses. The authorization comes from
/// `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`, read anew each time, or from `AWS_CONTAINER_AUTHORIZATION_TOKEN`.
public struct ContainerCredentialProvider: CredentialProvider {
  private let environment: Environment
  private let fetcher: MetadataFetcher
  private let time: TimeSource
  private static let attempts = 3

  /// A provider that reads these variables.
  public init(_ environment: Environment = .process, transport: any Transport, time: TimeSource = .system) {
    (self.environment, self.time) = (environment, time)
    fetcher = MetadataFetcher(transport: transport)
  }

  /// What the container's agent answers.
  public func credentials() async throws(AWSError) -> Credentials {
    let (endpoint, target, policy) = try place()
    var attempt = 1
    while true {
      do throws(AWSError) {
        let (status, body) = try await fetcher.send(.get, endpoint, target, fields: try fields(), policy: policy)
        guard status == 200 else {
          throw AWSError(.credentialsFailed, "the container's credentials endpoint answered \(status)")
        }
        return try CredentialsAnswer(json: body, from: "the container's agent").credentials(source: "container")
      } catch {
        guard attempt < Self.attempts, error.code != .cancelled, error.code != .invalidConfiguration else {
          throw error.code == .cancelled
            ? error : AWSError(.credentialsFailed, "asking the container's agent: \(error.message)", underlying: error)
        }
      }
      attempt += 1
      do { try await time.sleep(.seconds(1)) } catch {
        throw AWSError(.cancelled, "cancelled while asking the container's agent")
      }
    }
  }

  private func place() throws(AWSError) -> (Endpoint, String, any ConnectionPolicy) {
    if let target = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
      guard target.hasPrefix("/") else {
        throw AWSError(.invalidConfiguration, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with a slash")
      }
      return (Endpoint(scheme: "http", authority: "169.254.170.2"), target, AgentPolicy())
    }
    guard let url = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] else {
      throw AWSError(.noCredentials, "no container's credentials are announced")
    }
    // The query belongs to the target, which an endpoint does not have.
    let mark = url.firstIndex(of: "?") ?? url.endIndex
    let endpoint = try Endpoint(url: String(url[..<mark]))
    if endpoint.scheme == "https" {
      return (
        endpoint, endpoint.path.isEmpty ? "/" + url[mark...] : String(url[mark...]),
        OpenPolicy(usesEnvironmentProxies: false)
      )
    }
    let host = String(endpoint.host)
    guard AgentPolicy.hosts.contains(host) || Self.isLoopback(host) else {
      throw AWSError(
        .invalidConfiguration,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI is plain HTTP to \(host), which is neither loopback nor an agent's address")
    }
    return (endpoint, endpoint.path.isEmpty ? "/" + url[mark...] : String(url[mark...]), AgentPolicy())
  }

  private static func isLoopback(_ host: String) -> Bool {
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    if parts.count == 4, parts[0] == "127", parts.allSatisfy({ UInt8($0) != nil }) { return true }
    return host == "::1" || host == "0:0:0:0:0:0:0:1"
  }

  private func fields() throws(AWSError) -> HTTPFields {
    var fields: HTTPFields = [.accept: "application/json"]
    var token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
    if let path = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
      guard let text = try SmallFile.text(path, limit: 64 * 1024) else {
        throw AWSError(.invalidConfiguration, "reading the container's authorization token: there is no \(path)")
      }
      token = text
    }
    guard let token else { return fields }
    guard !token.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
      throw AWSError(.invalidConfiguration, "the container's authorization token has a line break")
    }
    fields[.authorization] = token
    return fields
  }
}

/// Lets a request with credentials go to loopback and to the agents of ECS and EKS only, judged by the address.
struct AgentPolicy: ConnectionPolicy {
  static let hosts: Set<String> = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"]
  private static let agents: [[UInt8]] = [
    [169, 254, 170, 2], [169, 254, 170, 23], [0xFD, 0x00, 0x0E, 0xC2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x23],
  ]
  private static let loopback6: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]

  var usesEnvironmentProxies: Bool { false }

  func refusal(of address: SocketAddress) -> String? {
    if address.bytes.count == 4, address.bytes[0] == 127 { return nil }
    if address.bytes == Self.loopback6 || Self.agents.contains(address.bytes) { return nil }
    return "not an address of a container's agent"
  }
}
