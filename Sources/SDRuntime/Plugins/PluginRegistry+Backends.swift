import BackendPlugins
import SDCore

extension PluginRegistry {
  mutating func registerBackends() {
    backends.register("test-pattern", usage: "test-pattern:?seconds=2") { uri, context in
      let query = uri.text.firstIndex(of: "?").map { String(uri.text[uri.text.index(after: $0)...]) }
      return TestPatternBackend(configuration: try .init(query: query), clocks: context.clocks)
    }
    for scheme in ["webui+http", "webui+https"] {
      backends.register(scheme, usage: "\(scheme)://HOST:PORT") { uri, context in
        WebUIBackend(
          base: try Self.server(of: uri), transport: context.transport, credentials: Self.credentials(of: uri),
          clocks: context.clocks)
      }
    }
    for scheme in ["comfyui+http", "comfyui+https"] {
      backends.register(scheme, usage: "\(scheme)://HOST:PORT?workflows=DIR") { uri, context in
        let base = try Self.server(of: uri)
        let workflows = try uri["workflows"].map { try ComfyWorkflows(directory: $0) } ?? .standard
        return ComfyBackend(
          base: base, transport: context.transport, credentials: Self.credentials(of: uri), workflows: workflows,
          clocks: context.clocks, logger: context.logger)
      }
    }
    for scheme in ["openai+http", "openai+https"] {
      backends.register(scheme, usage: "\(scheme)://HOST:PORT") { uri, context in
        OpenAIBackend(
          base: try Self.server(of: uri), transport: context.transport,
          key: uri.password ?? context.configuration.text(.backendKey))
      }
    }
    inputs = { store, context in
      let objects = try InputObjects(store, context)
      var configuration = HTTPInputSource.Configuration()
      configuration.hosts = try Self.inputHosts(context.configuration)
      return HTTPInputSource(
        transport: context.transport, configuration: configuration, clocks: context.clocks
      ) { bucket, key, known in
        try await objects.read(key, in: bucket, unless: known)
      }
    }
  }

  /// `name=http://127.0.0.1:8000,...` by name.
  private static func inputHosts(_ configuration: Configuration) throws(SDError) -> [String: String] {
    var hosts: [String: String] = [:]
    for entry in (configuration.text(.inputHosts) ?? "").split(separator: ",") {
      let parts = entry.split(separator: "=", maxSplits: 1).map { String($0.trimmingSpaces) }
      guard parts.count == 2, let server = PluginURI(parts[1]), ["http", "https"].contains(server.scheme),
        server.authority?.isEmpty == false, server.path.isEmpty
      else {
        throw SDError(
          .configuration,
          "input-hosts has \(entry.debugDescription); it must be NAME=http://HOST:PORT, with commas between")
      }
      hosts[parts[0].lowercased()] = parts[1]
    }
    return hosts
  }

  private static func server(of uri: PluginURI) throws(SDError) -> String {
    guard let base = uri.serverURL, uri.authority?.isEmpty == false else {
      throw SDError(.configuration, "it must name a server, as in \(uri.scheme)://HOST:PORT")
    }
    return base
  }

  private static func credentials(of uri: PluginURI) -> (user: String, password: String)? {
    uri.user.map { (user: $0, password: uri.password ?? "") }
  }
}
