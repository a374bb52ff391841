import SDCore

/// The API's description in OpenAPI 3.1, as it holds for one deployment: its runtimes and models are named, and what it
/// has not is left out.
struct OpenAPIDocument: Sendable {
  /// The document.
  let json: JSONValue

  /// - Parameters:
  ///   - catalog: the runtimes that tasks may be sent to.
  ///   - asksForKeys: whether calls need an API key.
  ///   - hasWebhooks: whether tasks may ask for webhooks.
  init(_ catalog: RuntimeCatalog, asksForKeys: Bool, hasWebhooks: Bool) {
    var components = Self.parsed(Self.components)
    var task = components["schemas"]?["TaskSubmission"] ?? [:]
    let names = catalog.runtimes.map(\.name)
    task["properties"]?["runtime"]?["enum"] = .strings(names)
    if !catalog.runtimes.contains(where: \.dynamicModel) {
      task["properties"]?["model"]?["enum"] = .strings(Set(catalog.runtimes.compactMap(\.model)).sorted())
    }
    if catalog.runtimes.allSatisfy({ $0.priorityQueue == nil }) {
      task["properties"]?["priority"]?["enum"] = ["normal"]
    }
    if !hasWebhooks { task["properties"]?["webhook"] = nil }
    components["schemas"]?["TaskSubmission"] = task
    if !catalog.runtimes.contains(where: \.dynamicModel) {
      components["schemas"]?["LegacyTask"]?["properties"]?["alwayson_scripts"]?["properties"]?["sd_model_checkpoint"]?[
        "enum"] = .strings(Set(catalog.runtimes.compactMap(\.model)).sorted())
    }
    let addons: [JSONValue] = names.map { .string($0.lowercased() + "Addon") }
    components["schemas"]?["ReferenceTask"]?["properties"]?["sdname"]?["enum"] = .array(
      names.map(JSONValue.string) + addons)
    components["schemas"]?["SuccessorTask"]?["properties"]?["task"]?["properties"]?["metadata"]?["properties"]?[
      "runtime"]?[
        "enum"] = .strings(names)
    var json: JSONValue = [
      "openapi": "3.1.0",
      "info": [
        "title": "Stable Diffusion on demand", "version": "1.0.0",
        "description":
          "Tasks are posted, queued, worked by engines that scale from zero, and announced. `/v1` is this system's own API; `/`, `/v1alpha1` and `/v1alpha2` are those of two earlier ones.",
        "license": ["name": "MIT", "identifier": "MIT"],
      ],
      "servers": [["url": "/"]],
    ]
    if asksForKeys { json["security"] = [["key": []], ["bearer": []]] }
    json["paths"] = Self.parsed(Self.paths)
    json["components"] = components
    self.json = json
  }

  /// Our own text; a test sees to it that it is JSON.
  private static func parsed(_ text: String) -> JSONValue { (try? JSONValue(parsing: text)) ?? [:] }
}
