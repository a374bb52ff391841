import FoundationEssentials
public import SDCore

/// Where templates and charts lie: beside `sdctl`, or in a checkout.
public struct DeploymentAssets: Sendable {
  /// The folder that has `infra/` and `charts/`.
  public var root: String

  /// The list of the cluster's charts.
  public var charts: String { "\(root)/infra/charts.yaml" }
  /// Our chart.
  public var chart: String { "\(root)/charts/stable-diffusion" }

  /// Assets in a folder.
  ///
  /// - Throws: `.configuration` where they are not there.
  public init(root: String) throws(SDError) {
    self.root = root
    guard Self.isThere(root) else {
      throw SDError(.configuration, "\(root) has no infra/pipeline.yaml: name the folder of templates and charts")
    }
  }

  /// Assets as they are found from a program's path: `../share/stable-diffusion`, or the checkout that it was built in.
  public static func find(from program: String) throws(SDError) -> DeploymentAssets {
    var folder = URL(filePath: program).deletingLastPathComponent()
    let shared = folder.deletingLastPathComponent().appending(path: "share/stable-diffusion").path()
    if isThere(shared) { return try DeploymentAssets(root: shared) }
    for _ in 0..<6 {
      if isThere(folder.path()) { return try DeploymentAssets(root: trimmed(folder.path())) }
      folder = folder.deletingLastPathComponent()
    }
    throw SDError(
      .configuration,
      "templates and charts are not beside \(program): name their folder with --assets, as a checkout of the project")
  }

  /// The text of a template.
  public func template(_ name: String) throws(SDError) -> String {
    let path = "\(root)/infra/\(name)"
    guard let data = try? Data(contentsOf: URL(filePath: path)), let text = String(bytes: data, encoding: .utf8) else {
      throw SDError(.configuration, "the template \(path) cannot be read")
    }
    return text
  }

  private static func isThere(_ root: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(trimmed(root))/infra/pipeline.yaml")
  }

  private static func trimmed(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }
}
