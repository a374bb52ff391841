public import AWSKit
import FoundationEssentials
import Glibc
public import SDCore

/// How a program enters an EKS cluster: a `kubeconfig` whose tokens `sdctl` makes, so that no AWS CLI is needed.
public struct ClusterAccess: Sendable {
  /// The cluster's name.
  public let cluster: String
  private let client: AWSClient
  /// The program and the arguments that print a token, as ``credential(token:expiresAt:)`` makes it.
  private let tokenCommand: [String]

  /// The way into a cluster.
  public init(cluster: String, client: AWSClient, tokenCommand: [String]) {
    (self.cluster, self.client, self.tokenCommand) = (cluster, client, tokenCommand)
  }

  /// The `kubeconfig`.
  public func kubeconfig() async throws -> String {
    let found = try await EKS(client).describeCluster(name: cluster)
    guard let endpoint = found.endpoint, let authority = found.certificateAuthority?.data else {
      throw DeploymentError(.stuck, "the cluster \(cluster) is \(found.status ?? "not there yet"): it has no address")
    }
    let name: JSONValue = .string(found.arn ?? cluster)
    let user: JSONValue = [
      "exec": [
        "apiVersion": "client.authentication.k8s.io/v1", "command": .string(tokenCommand.first ?? "sdctl"),
        "args": .array(tokenCommand.dropFirst().map(JSONValue.string)), "interactiveMode": "Never",
      ]
    ]
    let config: JSONValue = [
      "apiVersion": "v1", "kind": "Config", "current-context": name,
      "clusters": [
        ["name": name, "cluster": ["server": .string(endpoint), "certificate-authority-data": .string(authority)]]
      ],
      "users": [["name": name, "user": user]],
      "contexts": [["name": name, "context": ["cluster": name, "user": name]]],
    ]
    return YAMLText.text(of: config)
  }

  /// What a program that is asked for a token prints (`client.authentication.k8s.io/v1`).
  public static func credential(token: String, expiresAt: Timestamp) -> JSONValue {
    [
      "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
      "status": ["token": .string(token), "expirationTimestamp": .string(expiresAt.description)],
    ]
  }
}

/// A folder of files that only this user reads, removed with what is in it.
struct PrivateFolder: ~Copyable {
  let path: String

  init() throws {
    var template = Array((FileManager.default.temporaryDirectory.path() + "/sdctl-XXXXXX").utf8CString)
    guard let made = mkdtemp(&template) else {
      throw SDError(.unavailable, "making a temporary folder failed: \(String(cString: strerror(errno)))")
    }
    path = String(cString: made)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file; answers its path.
  func write(_ text: String, to name: String) throws -> String {
    let file = "\(path)/\(name)"
    guard
      FileManager.default.createFile(atPath: file, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
    else { throw SDError(.unavailable, "writing \(file) failed: \(String(cString: strerror(errno)))") }
    return file
  }
}
