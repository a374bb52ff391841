import Foundation
import SDCore

@testable import Deployment

/// Files of the repository that these tests read.
enum Samples {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
    .deletingLastPathComponent().path

  static func assets() throws -> DeploymentAssets { try DeploymentAssets(root: root) }
  static var example: String { "\(root)/infra/config.example.yaml" }
  static func before(_ name: String) -> String { "\(root)/Tests/Infra/samples/\(name).yaml" }

  /// The plan of a file, as its user would have it once the registry is named.
  static func plan(_ path: String) throws -> DeploymentPlan {
    var configuration = try DeploymentConfiguration(contentsOf: path)
    configuration.images.registry = configuration.images.registry ?? "123456789012.dkr.ecr.us-west-2.amazonaws.com/sd"
    return try DeploymentPlan(configuration, region: "us-west-2", assets: assets(), version: "0.1.0")
  }

  static func minimal(_ more: String = "") -> String {
    "stackName: sd\nimages: {registry: registry.example/sd}\nmodelsRuntime: [{name: a, type: sdwebui}]\n" + more
  }
}
