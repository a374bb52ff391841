/// What a state directory stands for.
struct StateDirectory {
  let path: String

  init(_ path: String) { self.path = path }

  /// The catalog of a directory.
  var runtimesFile: String { path.hasSuffix("/") ? path + "runtimes.yaml" : path + "/runtimes.yaml" }

  /// The keys that it stands for; the queue only with a runtime.
  func values(runtime: String?, from source: ConfigurationSource) -> Configuration.Layer {
    let uri = "file:" + Self.encoded(path)
    let traces = "file:" + Self.encoded(path.hasSuffix("/") ? path + "traces.jsonl" : path + "/traces.jsonl")
    var values = [
      ConfigurationKey.store: uri, .ledger: uri, .topic: uri, .events: uri, .traces: traces, .runtimes: runtimesFile,
    ]
    if let runtime { values[.queue] = uri + "?queue=" + Self.encoded(runtime) }
    return values.mapValues { ConfigurationValue($0, from: source) }
  }

  /// What means something in a URI's path is written with percent signs.
  static func encoded(_ path: String) -> String {
    var encoded = ""
    for scalar in path.unicodeScalars {
      switch scalar {
      case "%": encoded += "%25"
      case "?": encoded += "%3F"
      case "#": encoded += "%23"
      case "&": encoded += "%26"
      default: encoded.unicodeScalars.append(scalar)
      }
    }
    return encoded
  }
}
