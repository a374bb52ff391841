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
  /// A URL of an output that needs no key.
  case outputLink(String, Int)
  /// A task as it was submitted.
  case request(String)
  case manifest(String)
  case trace(String)
  case runtimes
  case workers
  /// What happens to all tasks, as events.
  case feed
  /// A runtime's dead letters.
  case letters(String)
  case redrive(String)
  case drop(String)
  case webhookSecret
  case health
  case readiness
  case metrics
  case openAPI
  case docs
  /// A file of the dashboard.
  case dashboard(String)
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
    case "dashboard" where segments.count == 2: self = .dashboard(segments[1])
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
    case ["workers"]: self = .workers
    case ["events"]: self = .feed
    case let parts where parts.count == 3 && parts[0] == "runtimes":
      switch parts[2] {
      case "dead-letters": self = .letters(parts[1])
      case "dead-letters:redrive": self = .redrive(parts[1])
      case "dead-letters:drop": self = .drop(parts[1])
      default: return nil
      }
    case let parts where parts.count >= 2 && parts[0] == "tasks":
      switch Array(parts.dropFirst(2)) {
      case []: self = .task(parts[1])
      case ["events"]: self = .events(parts[1])
      case ["retry"]: self = .retry(parts[1])
      case ["request"]: self = .request(parts[1])
      case ["manifest"]: self = .manifest(parts[1])
      case ["trace"]: self = .trace(parts[1])
      case let rest where (2...3).contains(rest.count) && rest[0] == "outputs":
        guard let number = Int(rest[1]), number >= 1, String(number) == rest[1] else { return nil }
        if rest.count == 2 {
          self = .output(parts[1], number)
        } else if rest[2] == "link" {
          self = .outputLink(parts[1], number)
        } else {
          return nil
        }
      default: return nil
      }
    default: return nil
    }
  }

  /// The methods that it has, HEAD as GET.
  var methods: [HTTPRequest.Method] {
    switch self {
    case .root, .v1alpha1, .v1alpha2, .batch, .retry, .redrive, .drop: [.post]
    case .tasks: [.get, .post]
    case .task: [.get, .delete]
    case .events, .output, .outputLink, .request, .manifest, .trace, .runtimes, .workers, .feed, .letters,
      .webhookSecret, .health, .readiness, .metrics, .openAPI, .docs, .dashboard:
      [.get]
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
    case .health, .readiness, .openAPI, .docs, .dashboard, .object: true
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
    case .outputLink: "/v1/tasks/{id}/outputs/{n}/link"
    case .request: "/v1/tasks/{id}/request"
    case .manifest: "/v1/tasks/{id}/manifest"
    case .trace: "/v1/tasks/{id}/trace"
    case .runtimes: "/v1/runtimes"
    case .workers: "/v1/workers"
    case .feed: "/v1/events"
    case .letters: "/v1/runtimes/{name}/dead-letters"
    case .redrive: "/v1/runtimes/{name}/dead-letters:redrive"
    case .drop: "/v1/runtimes/{name}/dead-letters:drop"
    case .webhookSecret: "/v1/webhooks/secret"
    case .health: "/healthz"
    case .readiness: "/readyz"
    case .metrics: "/metrics"
    case .openAPI: "/openapi.json"
    case .docs: "/docs"
    case .dashboard: "/dashboard/{file}"
    case .object: "/files/{bucket}/{key}"
    }
  }
}
