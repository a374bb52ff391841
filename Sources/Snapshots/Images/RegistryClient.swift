import FoundationEssentials
import HTTPTransport
import HTTPTypes

/// Asks a public registry what a tag points to (OCI Distribution Specification 1.1, "Pulling manifests"; Docker's
/// "Token Authentication Specification" for anonymous tokens).
struct RegistryClient: Sendable {
  let transport: any Transport

  private static let accept = [
    "application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json",
  ].joined(separator: ", ")

  /// The digest of an image's tag.
  func digest(of image: ImageReference) async throws -> String {
    let host = image.registry == "docker.io" ? "registry-1.docker.io" : image.registry
    let scheme = Self.isLocal(image.registry) ? "http" : "https"
    var request = try HTTPRequest(
      method: .head, url: "\(scheme)://\(host)/v2/\(image.repository)/manifests/\(image.tag ?? "latest")")
    request.headerFields[.accept] = Self.accept
    var answer = try await send(request)
    if answer.head.status.code == 401, let challenge = answer.head.headerFields[.wwwAuthenticate],
      let question = BearerChallenge(challenge)
    {
      request.headerFields[.authorization] = "Bearer \(try await token(question, isLocal: scheme == "http"))"
      answer = try await send(request)
    }
    let status = answer.head.status.code
    guard status == 200, let digest = answer.head.headerFields[.contentDigest], digest.hasPrefix("sha256:") else {
      let why =
        switch status {
        case 200: "tells no digest"
        case 401, 403: "asks for a password, or has no such image (\(status))"
        case 404: "has no such image"
        default: "answered \(status)"
        }
      throw SnapshotError(.pullFailed, "\(image.registry) \(why): \(image)")
    }
    return digest
  }

  private func token(_ challenge: BearerChallenge, isLocal: Bool) async throws -> String {
    guard isLocal || challenge.realm.hasPrefix("https://") else {
      throw SnapshotError(.pullFailed, "the registry sends for its token to a server without TLS")
    }
    let answer = try await send(try HTTPRequest(method: .get, url: challenge.url))
    struct Token: Decodable {
      var token: String?
      var accessToken: String?
      enum CodingKeys: String, CodingKey {
        case token
        case accessToken = "access_token"
      }
    }
    guard answer.head.status.code == 200, let token = try? JSONDecoder().decode(Token.self, from: Data(answer.body)),
      let text = token.token ?? token.accessToken
    else { throw SnapshotError(.pullFailed, "the registry's token server answered \(answer.head.status.code)") }
    return text
  }

  private func send(_ request: HTTPRequest) async throws -> (head: HTTPResponse, body: [UInt8]) {
    do throws(TransportError) {
      return try await transport.send(
        request, body: .none, upTo: 1 << 20, options: TransferOptions(totalTimeout: .seconds(15)))
    } catch {
      throw SnapshotError(.pullFailed, "\(request.authority ?? "the registry") does not answer: \(error.message)")
    }
  }

  private static func isLocal(_ registry: String) -> Bool {
    ["localhost", "127.0.0.1"].contains(registry.prefix { $0 != ":" })
  }
}

/// What a registry says about where a token is to be had: `Bearer realm="…",service="…",scope="…"`.
struct BearerChallenge: Sendable, Hashable {
  let realm: String
  let service: String?
  let scope: String?

  init?(_ field: String) {
    guard field.lowercased().hasPrefix("bearer ") else { return nil }
    var values: [String: String] = [:]
    var rest = field.dropFirst(7)
    while let equals = rest.firstIndex(of: "=") {
      let name = rest[..<equals].drop { $0 == " " || $0 == "," }
      rest = rest[rest.index(after: equals)...]
      guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { return nil }
      values[name.lowercased()] = String(rest[rest.index(after: rest.startIndex)..<end])
      rest = rest[rest.index(after: end)...]
    }
    guard let realm = values["realm"] else { return nil }
    (self.realm, service, scope) = (realm, values["service"], values["scope"])
  }

  /// The address of the token.
  var url: String {
    let query = [("service", service), ("scope", scope)].compactMap { name, value in
      value.map { "\(name)=\(Self.encoded($0))" }
    }
    return query.isEmpty ? realm : realm + (realm.contains("?") ? "&" : "?") + query.joined(separator: "&")
  }

  private static func encoded(_ text: String) -> String {
    text.utf8.map { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: String(UnicodeScalar(byte))
      default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }
}

extension HTTPField.Name {
  static let contentDigest = HTTPField.Name("Docker-Content-Digest")!
}
