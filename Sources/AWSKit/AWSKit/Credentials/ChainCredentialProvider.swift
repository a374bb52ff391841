/// Asks one provider after the other until one has credentials.
public struct ChainCredentialProvider: CredentialProvider {
  private let providers: [any CredentialProvider]

  /// A chain, in the order of asking.
  public init(_ providers: [any CredentialProvider]) { self.providers = providers }

  /// The first credentials found.
  ///
  /// - Throws: the error of a provider that is set up and fails; ``AWSError/Code/noCredentials`` when none is set up,
  ///   with the reason of each.
  public func credentials() async throws(AWSError) -> Credentials {
    var reasons: [String] = []
    for provider in providers {
      do {
        return try await provider.credentials()
      } catch {
        guard error.code == .noCredentials else { throw error }
        reasons.append(error.message)
      }
    }
    throw AWSError(.noCredentials, "no credentials: \(reasons.joined(separator: "; "))")
  }

  /// Tells every provider.
  public func discard(_ credentials: Credentials) {
    for provider in providers { provider.discard(credentials) }
  }
}
