import HTTPTypes

/// What a path names.
///
/// A closed set, so that every carrier offers the same.
enum Route: Hashable {
  /// `/`: the reference's clients post anywhere under their stage.
  case root
  case v1alpha1
  case v1alpha2
  case tasks
  /// `/v1/tasks:batch`
  case batch
  case task(String)
  case events(String)
  case output(String, Int)
  case retry(String)
  case runtimes
  case webhookSecret
  case health
  case readiness
  case metrics
  case openAPI
  case docs
  /// An object behind a presigned URL.
  case object(bucket: String, key: String)

  /// What a path names; `nil` for nothing that we have.
  init?(path: String) {
    guard path.utf8.first == UInt8(ascii: "/") else { return nil }
    let raw = path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    var segments: [String] = []
    for segment in raw {
      guard let text = PercentCoding.decoded(Substring(segment)) else { return nil }
      segments.append(text)
    }
    // One slash at the end is forgiven, save in keys, where it counts.
    if segments.count > 2 || segments.first?.isEmpty == false, segments.last?.isEmpty == true, segments.first != "files"
    {
      segments.removeLast()
    }
    switch segments.first {
    case "" where segments.count == 1, nil: self = .root
    case "v1alpha1" where segments.count == 1: self = .v1alpha1
    case "v1alpha2" where segments.count == 1: self = .v1alpha2
    case "healthz" where segments.count == 1: self = .health
    case "readyz" where segments.count == 1: self = .readiness
    case "metrics" where segments.count == 1: self = .metrics
    case "openapi.json" where segments.count == 1: self = .openAPI
    case "docs" where segments.count == 1: self = .docs
    case "v1":
      guard let route = Route(v1: segments.dropFirst()) else { return nil }
      self = route
    case "files" where segments.count >= 3:
      self = .object(bucket: segments[1], key: segments[2...].joined(separator: "/"))
    default: return nil
    }
  }

  private init?(v1 segments: ArraySlice<String>) {
    switch Array(segments) {
    case ["tasks"]: self = .tasks
    case ["tasks:batch"]: self = .batch
    case ["webhooks", "secret"]: self = .webhookSecret
    case ["runtimes"]: self = .runtimes
    case let parts where parts.count >= 2 && parts[0] == "tasks":
      switch Array(parts.dropFirst(2)) {
      case []: self = .task(parts[1])
      case ["events"]: self = .events(parts[1])
      case ["retry"]: self = .retry(parts[1])
      case let rest where rest.count == 2 && rest[0] == "outputs":
        guard let number = Int(rest[1]), number >= 1, String(number) == rest[1] else { return nil }
        self = .output(parts[1], number)
      default: return nil
      }
    default: return nil
    }
  }

  /// The methods that it has, HEAD as GET.
  var methods: [HTTPRequest.Method] {
    switch self {
    case .root, .v1alpha1, .v1alpha2, .batch, .retry: [.post]
    case .tasks: [.get, .post]
    case .task: [.get, .delete]
    case .events, .output, .runtimes, .webhookSecret, .health, .readiness, .metrics, .openAPI, .docs: [.get]
    case .object: [.get, .put]
    }
  }

  /// Whether it is one of the older doors, which answer errors in words of their own.
  var isLegacy: Bool {
    switch self {
    case .root, .v1alpha1, .v1alpha2: true
    default: false
    }
  }

  /// Whether it is for everybody, keys or no keys: probes, the documentation, and what a presigned URL opens.
  var isOpen: Bool {
    switch self {
    case .health, .readiness, .openAPI, .docs, .object: true
    default: false
    }
  }

  /// The route without what varies, for logs and metrics.
  var pattern: String {
    switch self {
    case .root: "/"
    case .v1alpha1: "/v1alpha1"
    case .v1alpha2: "/v1alpha2"
    case .tasks: "/v1/tasks"
    case .batch: "/v1/tasks:batch"
    case .task: "/v1/tasks/{id}"
    case .events: "/v1/tasks/{id}/events"
    case .output: "/v1/tasks/{id}/outputs/{n}"
    case .retry: "/v1/tasks/{id}/retry"
    case .runtimes: "/v1/runtimes"
    case .webhookSecret: "/v1/webhooks/secret"
    case .health: "/healthz"
    case .readiness: "/readyz"
    case .metrics: "/metrics"
    case .openAPI: "/openapi.json"
    case .docs: "/docs"
    case .object: "/files/{bucket}/{key}"
    }
  }
}
