import SDCore

/// Which of our images a configuration needs.
struct ImageList: Sendable {
  /// Names, each once, in a fixed order.
  let names: [String]

  init(_ configuration: DeploymentConfiguration) {
    var names: Set<String> = ["sd-gateway"]
    for runtime in configuration.runtimes {
      let values = runtime.extraValues
      names.insert(values["mode"]?.string == "job" ? "sd-job" : "sd-agent")
      if let engine = runtime.engineImage { names.insert(engine) }
      if values["models"]?["source"]?.string == "pull" { names.insert("sdctl") }
      let network = values["networkPolicy"]
      if network?["enabled"]?.bool != false, network?["engineEgress"]?.string ?? "deny" == "deny" {
        names.insert("sd-guard")
      }
    }
    self.names = names.sorted()
  }
}

extension DeploymentConfiguration.Runtime {
  /// The name of the engine's image where it is one of ours; those with a slash in their name are others'.
  var engineImage: String? {
    let standard = engine == .comfyui ? "engine-comfyui" : "engine-forge"
    let image = extraValues["engine"]?["image"]?["repository"]?.string ?? standard
    return image.contains("/") ? nil : image
  }
}
