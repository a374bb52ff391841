import FoundationEssentials
public import HTTPTransport

/// Credentials of an EC2 instance's role; ``InstanceMetadata`` says by which settings.
public struct InstanceMetadataCredentialProvider: CredentialProvider {
  private let metadata: InstanceMetadata
  private let time: TimeSource
  private static let path = "meta-data/iam/security-credentials/"

  /// A provider that reads this configuration's variables and profile.
  public init(_ configuration: AWSConfiguration, transport: any Transport, time: TimeSource = .system) {
    metadata = InstanceMetadata(configuration, transport: transport, time: time)
    self.time = time
  }

  /// What the metadata service answers.
  ///
  /// - Throws: ``AWSError/Code/noCredentials`` when there is no metadata service, or the instance has no role.
  public func credentials() async throws(AWSError) -> Credentials {
    let role = try await text(Self.path)
    guard let name = role.split(separator: "\n").first, !name.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
      throw AWSError(.noCredentials, "the instance has no role")
    }
    let body = try await text(Self.path + PercentEncoding.encode(String(name)))
    var found = try CredentialsAnswer(json: Array(body.utf8), from: "the metadata service").credentials(source: "IMDS")
    extend(&found)
    return found
  }

  private func text(_ path: String) async throws(AWSError) -> String {
    do throws(AWSError) {
      if let text = try await metadata.text(path) { return text }
    } catch {
      guard error.code == .noInstanceMetadata else { throw error }
      throw AWSError(.noCredentials, error.message, underlying: error)
    }
    throw AWSError(.noCredentials, "the instance has no role")
  }

  /// The metadata service may hand out expired credentials while it is out of order: AWS's services take them
  /// longer then, so they are kept, and asked for again before long.
  private func extend(_ found: inout Credentials) {
    let now = time.now()
    let window = 15 * 60 + 120 + 480 * time.random()
    guard let expiration = found.expiration, expiration < now.addingTimeInterval(window) else { return }
    found.expiration = now.addingTimeInterval(window)
  }
}
