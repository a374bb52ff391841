import AWSKit
import HTTPTransport
import HTTPTypes
import Logging

/// Asks registries for the digests of images: what a tag points to at present.
struct ImageDigests: Sendable {
  let client: AWSClient
  let transport: any Transport
  let logger: Logger

  /// The digest of an image: that of its name, else the one that its registry tells.
  func digest(of image: ImageReference) async throws -> String {
    if let digest = image.digest { return digest }
    if let ecr = image.privateECR { return try await digest(of: image, in: ecr) }
    return try await RegistryClient(transport: transport).digest(of: image)
  }

  /// The digests that can be found out, and why the others cannot.
  func digests(of images: [ImageReference]) async -> (
    known: [ImageReference: String], failed: [ImageReference: any Error]
  ) {
    await withTaskGroup(of: (ImageReference, Result<String, any Error>).self) { group in
      for image in images {
        group.addTask {
          do { return (image, .success(try await digest(of: image))) } catch { return (image, .failure(error)) }
        }
      }
      var (known, failed): ([ImageReference: String], [ImageReference: any Error]) = ([:], [:])
      for await (image, result) in group {
        switch result {
        case .success(let digest): known[image] = digest
        case .failure(let error): failed[image] = error
        }
      }
      return (known, failed)
    }
  }

  private func digest(of image: ImageReference, in ecr: ImageReference.PrivateECR) async throws -> String {
    let found = try await ECR(client, region: ecr.region).describeImages(
      repository: image.repository, tag: image.tag, registryID: ecr.account)
    guard let digest = found.first?.imageDigest else {
      throw SnapshotError(.pullFailed, "ECR tells no digest of \(image)")
    }
    return digest
  }
}
