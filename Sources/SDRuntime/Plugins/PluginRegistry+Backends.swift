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
        guard let base = uri.serverURL, uri.authority?.isEmpty == false else {
          throw SDError(.configuration, "it must name a server, as in \(scheme)://HOST:PORT")
        }
        let credentials = uri.user.map { (user: $0, password: uri.password ?? "") }
        return WebUIBackend(base: base, transport: context.transport, credentials: credentials, clocks: context.clocks)
      }
    }
    inputs = { store, context in
      let objects = try InputObjects(store, context)
      return HTTPInputSource(transport: context.transport, clocks: context.clocks) { bucket, key in
        try await objects.read(key, in: bucket)
      }
    }
  }
}
