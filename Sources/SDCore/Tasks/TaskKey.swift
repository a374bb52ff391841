/// Whose task it is, and its id.
public struct TaskKey: Sendable, Hashable, Codable {
  /// The tenant that the API key belongs to; empty for deployments without tenants.
  public var tenant: String
  /// The task's id, unique in its tenant.
  public var id: String

  /// A task by tenant and id.
  public init(tenant: String = "", id: String) { (self.tenant, self.id) = (tenant, id) }
}

/// One run of a task: an id may be used again, and each use is a run of its own.
public struct RunKey: Sendable, Hashable, Codable {
  /// The task.
  public var task: TaskKey
  /// Which run, from 1.
  public var run: Int

  /// A run of a task.
  public init(_ task: TaskKey, run: Int) { (self.task, self.run) = (task, run) }
}

extension RunKey: CustomStringConvertible {
  /// `id`, or `id/run` for later runs, for logs.
  public var description: String { run == 1 ? task.id : "\(task.id)/\(run)" }
}

/// The rules for what clients may call things.
public enum TaskNaming {
  /// Whether it may be a task's id: 1 to 64 letters, digits, `_` and `-`, one letter or digit at least.
  public static func isTaskID(_ text: String) -> Bool { text.utf8.count <= 64 && isName(text) }

  /// Whether it may be a runtime's name: as an id, up to 64 characters.
  public static func isRuntimeName(_ text: String) -> Bool { isTaskID(text) }

  /// Whether it may be a model's name, which travels as an attribute: 1 to 256 characters (Unicode
  /// scalars, as JSON Schema counts), no control characters.
  public static func isModelName(_ text: String) -> Bool {
    (1...256).contains(text.unicodeScalars.count)
      && !text.unicodeScalars.contains {
        $0.properties.generalCategory == .control || $0.value > 0xFFFD && $0.value < 0x10000
      }
  }

  private static func isName(_ text: String) -> Bool {
    var hasAlphanumeric = false
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"):
        hasAlphanumeric = true
      case UInt8(ascii: "_"), UInt8(ascii: "-"): break
      default: return false
      }
    }
    return hasAlphanumeric
  }

  /// Why a text may not be an output prefix, or `nil` if it may.
  ///
  /// Up to 512 bytes; no leading slash, no empty segment, none that starts with a dot, no control characters and no
  /// backslash. A trailing slash is forgiven.
  public static func refusal(ofPrefix prefix: String) -> String? {
    if prefix.isEmpty { return nil }
    if prefix.utf8.count > 512 { return "is longer than 512 bytes" }
    // By bytes: a combining mark after a slash or a dot would hide it from a look at characters.
    if prefix.utf8.first == UInt8(ascii: "/") { return "starts with a slash" }
    if prefix.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F || $0 == "\\" }) {
      return "has a control character or a backslash"
    }
    let segments = prefix.trimmingTrailingSlash.utf8.split(
      separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    for segment in segments {
      if segment.isEmpty { return "has an empty segment" }
      if segment.first == UInt8(ascii: ".") || segment.starts(with: "%2e".utf8) || segment.starts(with: "%2E".utf8) {
        return "has a segment that starts with a dot"
      }
    }
    return nil
  }
}

extension String {
  /// The text without one slash at its end.
  package var trimmingTrailingSlash: Substring { hasSuffix("/") ? dropLast() : self[...] }
}

/// What the objects of a run are called: by task and run alone, so that a second attempt repeats the first's names.
public struct OutputNames: Sendable, Hashable {
  /// The folder, without a slash at its end.
  public var folder: String
  /// The task's id.
  public var id: String
  /// The run, from 1.
  public var run: Int

  /// Names of a run's objects.
  public init(folder: String, id: String, run: Int) { (self.folder, self.id, self.run) = (folder, id, run) }

  /// Whether the folder is this task's own by its name, as every door has it.
  private var isOwnFolder: Bool { folder == id || folder.hasSuffix("/" + id) }

  private var stem: String {
    // In a folder that tasks share, `a-r2` is what the task of that id has: no id has a dot.
    "\(folder)/\(id)" + (run == 1 ? "" : isOwnFolder ? "-r\(run)" : ".r\(run)")
  }

  /// Whether the folder is another task's own, whose later runs have names that this task's would have as well.
  package var meetsLaterRuns: Bool {
    let owner = folder.utf8.split(separator: UInt8(ascii: "/")).last ?? [][...]
    guard id.utf8.starts(with: owner) else { return false }
    let rest = id.utf8.dropFirst(owner.count)
    return rest.starts(with: "-r".utf8) && rest.count > 2
      && rest.dropFirst(2).allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }

  /// The key of output `n`, from 1; the extension has its dot.
  public func output(_ n: Int, fileExtension: String) -> String { "\(stem)-\(n)\(fileExtension)" }
  /// The key of the small picture beside output `n`; the extension has its dot.
  public func thumbnail(_ n: Int, fileExtension: String) -> String {
    output(n, fileExtension: ".thumb\(fileExtension)")
  }
  /// The key of the answer in the older APIs' form.
  public var answer: String { "\(stem).out" }
  /// The key of the manifest.
  public var manifest: String { "\(stem).json" }
  /// What every output of this run starts with; another run's outputs may do so too, see `isOutput`.
  public var outputPrefix: String { "\(stem)-" }
  /// Whether a key is one that this run's outputs may have.
  public func isOutput(_ key: String) -> Bool {
    // In a folder that tasks share, `a-1.out` is the answer of task `a-1`.
    guard key.startsWithBytes(of: outputPrefix), !key.hasSuffix(".out"), !key.hasSuffix(".json") else { return false }
    let number = key.utf8.dropFirst(outputPrefix.utf8.count).prefix { $0 != UInt8(ascii: ".") }
    return !number.isEmpty && number.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
  }
}
