public import SDCore

extension TestPatternBackend {
  /// What the engine does with every task; a task's own `test_pattern` member comes before it.
  public struct Configuration: Sendable, Hashable {
    /// How long a task takes.
    public var duration = Duration.zero
    /// What tasks fail with, once their time has passed; `nil`: they succeed.
    public var failure: TaskError.Code?
    /// How many attempts of a run fail before one succeeds; `nil`: all fail.
    public var failingAttempts: Int?
    /// Whether tasks go on until they are interrupted or cancelled.
    public var hangs = false
    /// The model that is said to be loaded; any other that a task names will do as well.
    public var model = "test-pattern.safetensors"

    /// An engine that makes each picture at once.
    public init() {}

    /// A configuration from a URI's query: `seconds=2&fail=engine_failed&times=1&hang=true&model=NAME`, each optional.
    ///
    /// - Throws: `SDError` with `configuration` for unknown names and unusable values, by their name.
    public init(query: String?) throws(SDError) {
      for item in (query ?? "").split(separator: "&") {
        let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count == 2 ? parts[1] : ""
        try set(String(parts[0]), to: PercentEncoding.decode(value) ?? String(value))
      }
    }

    private mutating func set(_ name: String, to value: String) throws(SDError) {
      let isUnderstood: Bool
      switch name {
      case "seconds":
        let duration = Double(value).flatMap(TestPatternOrders.duration)
        self.duration = duration ?? .zero
        isUnderstood = duration != nil
      case "fail":
        failure = TaskError.Code(rawValue: value)
        isUnderstood = failure != nil
      case "times":
        failingAttempts = Int(value)
        isUnderstood = (failingAttempts ?? -1) >= 0
      case "hang":
        hangs = value == "true"
        isUnderstood = value == "true" || value == "false"
      case "model":
        model = value
        isUnderstood = !value.isEmpty
      default:
        throw SDError(
          .configuration, "the backend test-pattern: has no option \(name); it has seconds, fail, times, hang, model")
      }
      guard isUnderstood else {
        throw SDError(.configuration, "the backend test-pattern: cannot use \(name)=\(value)")
      }
    }
  }
}
