public import SDCore

extension RuntimeCatalog {
  /// The runtimes as they are when one engine of a kind serves them all, as in dev mode.
  ///
  /// What is described for that kind is left as it is. Of an engine that took another one's place nobody has said which
  /// model it has loaded: tasks may name any that it has.
  public func served(by kind: String) -> RuntimeCatalog {
    var catalog = self
    for index in catalog.runtimes.indices where catalog.runtimes[index].engine != kind {
      catalog.runtimes[index].engine = kind
      // A test pattern has whatever model it is asked for.
      if kind == "test-pattern" { continue }
      catalog.runtimes[index].model = nil
      catalog.runtimes[index].dynamicModel = true
    }
    return catalog
  }
}
