import FoundationEssentials
import SDCore
import Yams

/// The charts that a cluster needs besides ours: `infra/charts.yaml`.
struct ClusterCharts: Sendable {
  private struct Chart: Sendable {
    var release: String
    var chart: String
    var repository: String?
    var version: String
    var namespace: String
    /// The add-on that asks for it; `nil` for what is always there.
    var addon: String?
    var values: JSONValue
  }

  private let charts: [Chart]

  init(contentsOf path: String) throws(SDError) {
    let problems = ConfigurationProblems()
    guard let data = try? Data(contentsOf: URL(filePath: path)),
      let root = try? compose(yaml: String(decoding: data, as: UTF8.self))
    else { throw SDError(.configuration, "the list of charts \(path) cannot be read") }
    let list = ConfigurationNode(node: root, path: "", problems: problems).members(["charts"])["charts"]
    charts = (list?.items ?? []).compactMap(Self.chart)
    guard problems.all.isEmpty else {
      throw SDError(.configuration, "\(path) makes no sense: \(problems.all.joined(separator: "; "))")
    }
  }

  private static func chart(_ node: ConfigurationNode) -> Chart? {
    let members = node.members(["release", "when", "repository", "chart", "version", "namespace", "values"])
    guard let release = members["release"]?.text, let chart = members["chart"]?.text,
      let version = members["version"]?.text, let namespace = members["namespace"]?.text
    else {
      node.note("needs release, chart, version and namespace")
      return nil
    }
    let addon = members["when"]?.text(like: /cluster\.addons\.[A-Za-z0-9]+/, "cluster.addons.NAME")
    return Chart(
      release: release, chart: chart, repository: members["repository"]?.text, version: version, namespace: namespace,
      addon: addon?.split(separator: ".").last.map(String.init), values: members["values"]?.json ?? [:])
  }

  /// The releases that a configuration asks for.
  func releases(_ planner: ReleasePlanner) -> [DeploymentPlan.Release] {
    let addons = planner.configuration.cluster.addons
    // What the templates turn on by themselves.
    let standard: Set = ["loadBalancerController", "ebsCsi", "s3Csi"]
    return charts.filter { chart in chart.addon.map { addons[$0] ?? standard.contains($0) } ?? true }.map { chart in
      DeploymentPlan.Release(
        name: chart.release, namespace: chart.namespace, chart: chart.chart, version: chart.version,
        repository: chart.repository, isNeededByOthers: true,
        values: { outputs in
          let known = (outputs[planner.names.cluster] ?? [:]).merging(["Region": planner.region]) { _, region in region
          }
          guard case .object(let values) = Self.filled(chart.values, known) else { return [:] }
          return values
        })
    }
  }

  /// `${NAME}` in texts replaced by what is known by that name.
  private static func filled(_ value: JSONValue, _ known: [String: String]) -> JSONValue {
    switch value {
    case .string(let text):
      return .string(
        text.replacing(/\$\{([A-Za-z]+)\}/) { match in known[String(match.output.1)] ?? String(match.output.0) })
    case .array(let items): return .array(items.map { filled($0, known) })
    case .object(let object):
      return .object(JSONObject(object.members.map { (name: $0.name, value: filled($0.value, known)) }))
    default: return value
    }
  }
}
