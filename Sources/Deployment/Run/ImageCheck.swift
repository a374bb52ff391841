import AWSKit

/// Looks whether images are in their registry before anything is made that needs them.
struct ImageCheck: Sendable {
  let client: AWSClient

  /// Throws `.imagesMissing` with the command that makes and pushes those that are not there.
  func run(_ images: ImageNames, needed: [String]) async throws {
    guard
      let match = images.registry.wholeMatch(
        of: /([0-9]{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?:\/(.+))?/)
    else {
      throw DeploymentError(
        .imagesMissing,
        "images.registry is \(images.registry): Lambda takes the gateway's image from Amazon ECR alone, "
          + "as in 123456789012.dkr.ecr.us-west-2.amazonaws.com/sd")
    }
    let ecr = try ECR(client, region: String(match.2))
    let prefix = match.3.map { "\($0)/" } ?? ""
    var missing: [String] = []
    for name in needed where try await isMissing(prefix + name, images, name, ecr, account: String(match.1)) {
      missing.append(name)
    }
    guard !missing.isEmpty else { return }
    let tag = images.digests.isEmpty ? " TAG=\(images.tag)" : ""
    throw DeploymentError(
      .imagesMissing,
      """
      these images are not there, and nothing was deployed:
      \(missing.map { "  \(images.reference($0))" }.joined(separator: "\n"))
      Build and push them from a checkout of the project:
        make images push REGISTRY=\(images.registry)\(tag)
      """)
  }

  private func isMissing(_ repository: String, _ images: ImageNames, _ name: String, _ ecr: ECR, account: String)
    async throws -> Bool
  {
    let digest = images.digests[name]
    do throws(AWSError) {
      let found = try await ecr.describeImages(
        repository: repository, tag: digest == nil ? images.tag : nil, digest: digest, registryID: account)
      return found.isEmpty
    } catch {
      guard ["ImageNotFoundException", "RepositoryNotFoundException"].contains(error.code) else { throw error }
      return true
    }
  }
}
