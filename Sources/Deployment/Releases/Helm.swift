import FoundationEssentials
import SDCore
import Subprocess

/// Calls `helm`, versions 3 and 4, as `PATH` has it.
struct Helm: Sendable {
  /// The file that says where the cluster is and how it is entered.
  let kubeconfig: String

  private static let outputLimit = 8 << 20
  /// How long the pods of a cluster's own charts may take to be ready.
  private static let patience = "15m"

  /// A release as `helm list` tells of it.
  struct Listed: Sendable {
    var name: String
    var namespace: String
    var status: String
    var chart: String
    var updated: String
  }

  /// Sees whether there is a program.
  func check() async throws { _ = try await call(["version", "--short"]) }

  /// Installs or changes a release, and waits for its pods where others need what it brings.
  func upgrade(_ release: DeploymentPlan.Release, values: String, waits: Bool) async throws {
    var arguments = ["upgrade", "--install", release.name, release.chart, "--namespace", release.namespace]
    arguments += ["--create-namespace", "--values", values, "--history-max", "10"]
    if let version = release.version { arguments += ["--version", version] }
    if let repository = release.repository { arguments += ["--repo", repository] }
    if waits { arguments += ["--wait", "--timeout", Self.patience] }
    _ = try await call(arguments, what: "installing the release \(release.name)")
  }

  /// Removes a release, and waits until what it made is gone; one that is not there counts as removed.
  func uninstall(_ release: DeploymentPlan.Release) async throws {
    let arguments = ["uninstall", release.name, "--namespace", release.namespace]
    _ = try await call(
      arguments + ["--ignore-not-found", "--wait", "--timeout", Self.patience],
      what: "removing the release \(release.name)")
  }

  /// All releases of the cluster.
  func list() async throws -> [Listed] {
    let text = try await call(["list", "--all-namespaces", "--all", "--max", "0", "--output", "json"])
    guard case .array(let releases)? = try? JSONValue(parsing: Array(text.utf8)) else {
      throw DeploymentError(.releaseFailed, "helm list printed no JSON")
    }
    return releases.compactMap { release in
      guard let name = release["name"]?.string, let namespace = release["namespace"]?.string else { return nil }
      return Listed(
        name: name, namespace: namespace, status: release["status"]?.string ?? "",
        chart: release["chart"]?.string ?? "",
        updated: release["updated"]?.string ?? "")
    }
  }

  /// The values that a release was given; `nil` where there is no such release.
  func values(of release: DeploymentPlan.Release) async throws -> JSONObject? {
    let arguments = ["get", "values", release.name, "--namespace", release.namespace, "--output", "json"]
    let result = try await run(arguments)
    if !result.isSuccess, result.errors.contains("not found") { return nil }
    guard result.isSuccess else { throw failure(arguments, result, "reading the values of \(release.name)") }
    guard let value = try? JSONValue(parsing: Array(result.output.utf8)) else {
      throw DeploymentError(.releaseFailed, "helm get values printed no JSON")
    }
    return value.object ?? [:]
  }

  // MARK: Calls

  private struct Outcome {
    var isSuccess: Bool
    var output: String
    var errors: String
  }

  private func call(_ arguments: [String], what: String = "calling helm") async throws -> String {
    let result = try await run(arguments)
    guard result.isSuccess else { throw failure(arguments, result, what) }
    return result.output
  }

  private func run(_ arguments: [String]) async throws -> Outcome {
    var options = PlatformOptions()
    // Helm undoes nothing by itself; a release that was cut short is taken up by the next call.
    options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(10))]
    do {
      let result = try await Subprocess.run(
        .name("helm"), arguments: Arguments(arguments), environment: .inherit.updating(["KUBECONFIG": kubeconfig]),
        platformOptions: options, output: .string(limit: Self.outputLimit), error: .string(limit: Self.outputLimit))
      return Outcome(
        isSuccess: result.terminationStatus.isSuccess, output: result.standardOutput, errors: result.standardError)
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw DeploymentError(
        .programMissing,
        "helm is not installed: https://helm.sh/docs/intro/install (3 or 4), or deploy with --stacks-only")
    }
  }

  private func failure(_ arguments: [String], _ outcome: Outcome, _ what: String) -> DeploymentError {
    let words = outcome.errors.split(separator: "\n").filter { !$0.hasPrefix("WARNING") }.suffix(6)
    return DeploymentError(
      .releaseFailed,
      "\(what) failed: \(words.joined(separator: "\n"))\nIt was: helm \(arguments.joined(separator: " "))"
    )
  }
}
