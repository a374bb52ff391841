import FoundationEssentials
import SDCore
import Yams

/// What our images are called: below the configured registry, by digest where a release has recorded them, else by tag.
struct ImageNames: Sendable {
  let registry: String
  let tag: String
  /// Digests by image name; empty where tags are used.
  let digests: [String: String]

  init(_ images: DeploymentConfiguration.Images, version: String) throws(SDError) {
    guard let registry = images.registry else {
      throw SDError(
        .configuration,
        "images.registry does not say where our images are. Build and push them with `make images push REGISTRY=...`, and write REGISTRY there, or say --registry REGISTRY"
      )
    }
    self.registry = registry
    tag = images.tag ?? version
    digests = try images.digests.map(Self.read) ?? [:]
  }

  /// An image by its whole name.
  func reference(_ name: String) -> String {
    digests[name].map { "\(registry)/\(name)@\($0)" } ?? "\(registry)/\(name):\(tag)"
  }

  /// The members `tag` and `digest` of an image in the chart's values.
  func values(_ name: String) -> JSONObject {
    digests[name].map { ["digest": .string($0)] } ?? ["tag": .string(tag)]
  }

  private static func read(_ path: String) throws(SDError) -> [String: String] {
    guard let data = try? Data(contentsOf: URL(filePath: path)), data.count <= 1 << 20,
      let node = try? compose(yaml: String(decoding: data, as: UTF8.self)), let mapping = node.mapping
    else {
      throw SDError(.configuration, "images.digests names \(path), which is no YAML mapping from images to digests")
    }
    var digests: [String: String] = [:]
    for (name, digest) in mapping {
      guard let name = name.string, let digest = digest.string,
        digest.wholeMatch(of: /sha256:[0-9a-f]{64}/) != nil
      else { throw SDError(.configuration, "\(path) has a line that is not `image: sha256:...`") }
      digests[name] = digest
    }
    return digests
  }
}
