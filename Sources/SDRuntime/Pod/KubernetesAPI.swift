import FoundationEssentials
import HTTPTransport
import HTTPTypes
import SDCore

/// As much of the Kubernetes API as a pod needs that changes its own annotations.
///
/// Everything is found as the documentation of service accounts has it: the address in `KUBERNETES_SERVICE_HOST` and
/// `KUBERNETES_SERVICE_PORT`, token, namespace and certificate authority in the mounted folder. The token is read anew
/// for each call, since the kubelet replaces it.
struct KubernetesAPI: Sendable {
  static let defaultFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

  let transport: any Transport
  let authority: String
  let scheme: String
  let namespace: String
  let pod: String
  private let tokenPath: String

  /// The API as the environment and a service account's folder describe it.
  ///
  /// - Throws: `.configuration` when this is no pod, or it has no service account token.
  init(environment: [String: String], folder: String = defaultFolder, transport: (any Transport)? = nil) throws(SDError)
  {
    func variable(_ name: String) throws(SDError) -> String {
      if let value = environment[name], !value.isEmpty { return value }
      throw SDError(.configuration, "mark-pod is set, and \(name) is not: this is no Kubernetes pod")
    }
    let host = try variable("KUBERNETES_SERVICE_HOST")
    let port = environment["KUBERNETES_SERVICE_PORT_HTTPS"] ?? environment["KUBERNETES_SERVICE_PORT"] ?? "443"
    authority = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    scheme = "https"
    // A pod's host name is its name, unless it uses the host's network.
    if let name = environment["POD_NAME"], !name.isEmpty { pod = name } else { pod = try variable("HOSTNAME") }
    if let name = environment["POD_NAMESPACE"], !name.isEmpty {
      namespace = name
    } else {
      namespace = try Self.text(of: folder + "/namespace")
    }
    tokenPath = folder + "/token"
    _ = try Self.text(of: tokenPath)
    if let transport {
      self.transport = transport
    } else {
      var configuration = CurlTransport.Configuration()
      configuration.certificateAuthorityFile = folder + "/ca.crt"
      configuration.maximumIdleConnections = 1
      configuration.policy = OpenPolicy(usesEnvironmentProxies: false)
      self.transport = CurlTransport(configuration: configuration)
    }
  }

  /// Sets annotations of this pod; `nil` removes one.
  func annotate(_ annotations: [String: String?]) async throws {
    let members = annotations.sorted { $0.key < $1.key }.map { name, value in
      (name: name, value: value.map(JSONValue.string) ?? .null)
    }
    let patch: JSONValue = ["metadata": ["annotations": .object(JSONObject(members))]]
    var request = HTTPRequest(
      method: .patch, scheme: scheme, authority: authority, path: "/api/v1/namespaces/\(namespace)/pods/\(pod)")
    request.headerFields[.contentType] = "application/merge-patch+json"
    request.headerFields[.accept] = "application/json"
    request.headerFields[.authorization] = "Bearer \(try Self.text(of: tokenPath))"
    var options = TransferOptions(totalTimeout: .seconds(10), maximumResponseBytes: 4 << 20)
    options.connectTimeout = .seconds(5)
    let answer: (head: HTTPResponse, body: [UInt8])
    do {
      answer = try await transport.send(request, body: .bytes(patch.serialized()), upTo: 4 << 20, options: options)
    } catch {
      throw SDError(.unavailable, "annotating pod \(pod): the Kubernetes API cannot be reached", underlying: error)
    }
    guard answer.head.status.kind == .successful else {
      let message = (try? JSONValue(parsing: answer.body))?["message"]?.string ?? ""
      let code: SDError.Code = answer.head.status.code == 403 ? .denied : .unavailable
      throw SDError(
        code, "annotating pod \(pod): the Kubernetes API answered \(answer.head.status.code) \(message.prefix(300))")
    }
  }

  private static func text(of path: String) throws(SDError) -> String {
    guard let data = try? Data(contentsOf: URL(filePath: path)), data.count <= 64 << 10,
      case let text = String(decoding: data, as: UTF8.self).filter({ !$0.isWhitespace }), !text.isEmpty
    else { throw SDError(.configuration, "mark-pod is set, and \(path) cannot be read: mount a service account token") }
    return text
  }
}
