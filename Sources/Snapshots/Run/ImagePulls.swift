import AWSKit

/// Pulls the images of a request, a few at once, each for one architecture after the other.
struct ImagePulls: Sendable {
  let request: SnapshotRequest
  let shell: InstanceShell
  let pace: Pace
  let report: @Sendable (SnapshotEvent) -> Void

  private static let tries = 3

  /// Pulls all; gives the digests that the instance told.
  ///
  /// - Throws: `.pullFailed` with the first image that failed for good; the others are left alone then.
  func run() async throws -> [ImageReference: String] {
    for image in request.images {
      for architecture in request.architectures { report(.image(image, architecture, .waiting)) }
    }
    return try await withThrowingTaskGroup(of: (ImageReference, String?).self) { group in
      var rest = request.images[...]
      var digests: [ImageReference: String] = [:]
      while let image = rest.popFirst() {
        if request.images.count - rest.count > request.concurrency, let (done, digest) = try await group.next() {
          digests[done] = digest
        }
        group.addTask { (image, try await pull(image)) }
      }
      for try await (image, digest) in group { digests[image] = digest }
      return digests
    }
  }

  /// Pulls an image for all architectures; they have one digest.
  private func pull(_ image: ImageReference) async throws -> String? {
    var digest: String?
    for architecture in request.architectures { digest = try await pull(image, architecture) ?? digest }
    return digest
  }

  private func pull(_ image: ImageReference, _ architecture: Architecture) async throws -> String? {
    for attempt in 1... {
      report(.image(image, architecture, .pulling))
      do {
        let output = try await shell.run(.pull(image, architecture), timeout: request.pullTimeout)
        report(.image(image, architecture, .pulled))
        return HostScript.digest(in: output)
      } catch let error as SnapshotError where error.code == .commandFailed {
        guard attempt < Self.tries, !Self.isPermanent(error.message) else {
          report(.image(image, architecture, .failed(error.message)))
          throw SnapshotError(.pullFailed, "\(image) for \(architecture.platform): \(error.message)")
        }
        report(.image(image, architecture, .retrying(error.message)))
        try await pace.time.sleep(.seconds(5 * attempt))
      }
    }
    return nil
  }

  /// Whether a failure will be the same at the next try: what containerd says of wrong names, rights and platforms.
  static func isPermanent(_ message: String) -> Bool {
    let message = message.lowercased()
    return [
      "not found", "denied", "unauthorized", "forbidden", "no match for platform", "no token for ecr",
      "no space left on device", "no basic auth credentials",
    ].contains { message.contains($0) }
  }
}
