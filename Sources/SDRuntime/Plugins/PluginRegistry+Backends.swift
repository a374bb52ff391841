import BackendPlugins
import SDCore

extension PluginRegistry {
  mutating func registerBackends() {}
}
