/// Something that can be configured: a flag, a YAML key and an environment variable, and what it means.
///
/// The table in ``all`` is the one place that says so: flags, `--help`, the check of configuration files and the reference page
/// are made from it.
public struct ConfigurationKey: Sendable, Hashable {
  /// What a value looks like.
  public enum Kind: Sendable, Hashable {
    /// Text as it stands.
    case text
    /// A path of a file or directory.
    case path
    /// Text that is shown to nobody.
    case secret
    /// The address of a plugin; see ``PluginURI``.
    case uri
    /// A whole number within bounds.
    case count(ClosedRange<Int>)
    /// A number of bytes: `1048576`, `256MiB`, `1GB`.
    case bytes
    /// A time: `90`, `90s`, `1m30s`, `500ms`, `2h`; a number alone is seconds.
    case duration
    /// `true` or `false`; as a flag `--key` or `--no-key`.
    case boolean
    /// One of these words.
    case choice([String])
    /// A picture's size: `512x512`.
    case size
  }

  /// The programs that have a key as a flag. Files and environments may hold every key for every program.
  public struct Programs: OptionSet, Sendable, Hashable {
    public let rawValue: Int
    public init(rawValue: Int) { self.rawValue = rawValue }
    /// `sd-agent`
    public static let agent = Programs(rawValue: 1)
    /// `sd-job`
    public static let job = Programs(rawValue: 2)
    /// `sd-gateway`
    public static let gateway = Programs(rawValue: 4)
    /// `sdctl dev`
    public static let dev = Programs(rawValue: 8)
    /// Those that drive an engine.
    public static let workers: Programs = [.agent, .job]
    /// Every program.
    public static let all: Programs = [.agent, .job, .gateway, .dev]
  }

  /// The name as a flag without its dashes, and as a YAML key: `dead-letter`.
  public let name: String
  /// What a value looks like.
  public let kind: Kind
  /// The programs that have it as a flag.
  public let programs: Programs
  /// What it does, in a sentence.
  public let summary: String
  /// What holds when nobody says anything, in words.
  public let fallback: String?

  /// The name as an environment variable: `SD_DEAD_LETTER`.
  public var variable: String { "SD_" + name.uppercased().replacing("-", with: "_") }

  /// What a value is called in a usage line.
  public var placeholder: String {
    switch kind {
    case .text: "name"
    case .path: "path"
    case .secret: "secret"
    case .uri: "uri"
    case .count: "n"
    case .bytes: "bytes"
    case .duration: "time"
    case .boolean: "bool"
    case .choice(let words): words.joined(separator: "|")
    case .size: "WxH"
    }
  }

  /// The key of a name.
  public init?(named name: String) {
    guard let key = Self.all.first(where: { $0.name == name }) else { return nil }
    self = key
  }

  init(
    _ name: String, _ kind: Kind, _ programs: Programs, default fallback: String? = nil, _ summary: String
  ) {
    (self.name, self.kind, self.programs, self.summary, self.fallback) = (name, kind, programs, summary, fallback)
  }

  public static func == (a: Self, b: Self) -> Bool { a.name == b.name }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
