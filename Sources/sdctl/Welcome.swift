import SDCore
import SDRuntime

/// What `sdctl dev` says once it can be used.
struct Welcome {
  let text: String

  init(address: String, configuration: Configuration, _ catalog: RuntimeCatalog) {
    let runtimes = catalog.runtimes.map(\.name).joined(separator: ", ")
    let runtime = catalog.runtimes.first?.name ?? "sdruntime"
    let backend = configuration[.backend].map { PluginURI($0.text)?.description ?? "" } ?? ""
    // As it was called: after a build it is on nobody's path yet.
    let sdctl = CommandLine.arguments.first ?? "sdctl"
    let server = address == "http://127.0.0.1:8811" ? "" : " --server \(address)"
    text = """

      Stable Diffusion on demand is at  \(address)/
        runtimes  \(runtimes)
        engine    \(backend)
        state     \(configuration.text(.state) ?? "as configured")

      Try it:
        \(sdctl) submit\(server) --prompt "a lighthouse at dusk" --wait --out .

        curl -s -H 'Prefer: wait=30' -H 'Content-Type: application/json' \(address)/v1/tasks -d \\
          '{"runtime":"\(runtime)","type":"text-to-image","content":{"prompt":"a lighthouse at dusk","width":512,"height":512}}'

      Ctrl-C ends it; what is not done yet goes on at the next start.

      """
  }
}
