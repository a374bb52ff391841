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
      return HTTPInputSource(transport: context.transport, clocks: context.clocks) { bucket, key, known in
        try await objects.read(key, in: bucket, unless: known)
      }
    }
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
