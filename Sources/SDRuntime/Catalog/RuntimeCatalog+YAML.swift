public import SDCore
import Yams

extension RuntimeCatalog {
  /// The catalog that a `runtimes` file describes.
  ///
  ///     runtimes:
  ///       - name: sdruntime
  ///         engine: webui
  ///         model: v1-5-pruned-emaonly.safetensors   # or dynamic-model: true
  ///         job: false
  ///         queue: sdruntime                         # its name, or a URI
  ///         priority-queue: sdruntime-high           # the same for urgent tasks, where they are to be taken
  ///         routing: attributes                      # or successor, reference: the queue's filter policy
  ///
  /// Throws `.configuration` with file and line for what is unknown, missing, double or malformed.
  public init(contentsOf path: String) throws(SDError) {
    try self.init(yaml: YAMLFile.text(of: path, attempting: "reading the runtimes file"), path: path)
  }

  /// The catalog that a YAML text describes; the path is for messages.
  public init(yaml: String, path: String) throws(SDError) {
    guard let root = try YAMLFile.node(of: yaml, path: path)?.mapping else {
      throw SDError(.configuration, "the runtimes file \(path) has no list of runtimes")
    }
    var runtimes: [RuntimeDescription] = []
    for (name, value) in root {
      let place = Place(path: path, line: name.mark?.line ?? 1)
      guard name.scalar?.string == "runtimes" else {
        throw UnknownKey.error(name.scalar?.string ?? "that is not a word", in: place, known: ["runtimes"])
      }
      guard let list = value.sequence else {
        throw SDError(.configuration, "runtimes in \(place) must be a list")
      }
      for entry in list {
        let runtime = try Self.runtime(entry, in: path)
        let line = Place(path: path, line: entry.mark?.line ?? place.line)
        guard !runtimes.contains(where: { $0.name.lowercased() == runtime.name.lowercased() }) else {
          throw SDError(.configuration, "the runtime \(runtime.name) is described twice, again in \(line)")
        }
        runtimes.append(runtime)
      }
    }
    guard !runtimes.isEmpty else { throw SDError(.configuration, "the runtimes file \(path) describes no runtime") }
    self.init(runtimes)
  }

  /// The text of a `runtimes` file.
  public var yaml: String {
    var text = """
      # The runtimes that tasks can be sent to, in the order in which a model is looked for.
      # engine: webui, comfyui, openai or test-pattern; model: the file that it has loaded;
      # dynamic-model: whether tasks choose the model; job: whether sd-job serves it; queue: where its tasks wait;
      # priority-queue: where its urgent tasks wait, without which none are taken; routing: attributes, or successor or
      # reference where the queue has the filter policy of an earlier system.
      runtimes:

      """
    for runtime in runtimes {
      text += "  - name: \(Self.scalar(runtime.name))\n    engine: \(Self.scalar(runtime.engine))\n"
      if let model = runtime.model { text += "    model: \(Self.scalar(model))\n" }
      if runtime.dynamicModel { text += "    dynamic-model: true\n" }
      if runtime.isJob { text += "    job: true\n" }
      if runtime.queue != runtime.name { text += "    queue: \(Self.scalar(runtime.queue))\n" }
      if let queue = runtime.priorityQueue { text += "    priority-queue: \(Self.scalar(queue))\n" }
      if runtime.routing != .attributes { text += "    routing: \(runtime.routing.rawValue)\n" }
    }
    return text
  }

  /// A place in a file.
  private struct Place: CustomStringConvertible {
    var path: String
    var line: Int
    var description: String { "\(path), line \(line)" }
  }

  private static func runtime(_ node: Node, in path: String) throws(SDError) -> RuntimeDescription {
    let start = Place(path: path, line: node.mark?.line ?? 1)
    guard let mapping = node.mapping else { throw SDError(.configuration, "a runtime in \(start) must be a mapping") }
    let known = ["name", "engine", "model", "dynamic-model", "job", "queue", "priority-queue", "routing"]
    var words: [String: String] = [:]
    for (name, value) in mapping {
      let place = Place(path: path, line: name.mark?.line ?? start.line)
      guard let word = name.scalar?.string, known.contains(word) else {
        throw UnknownKey.error(name.scalar?.string ?? "that is not a word", in: place, known: known)
      }
      guard let text = value.scalar?.string else {
        throw SDError(.configuration, "\(word) in \(place) must be one value, not a list or a mapping")
      }
      if value.tag == Tag(.null) || text.isEmpty { continue }
      words[word] = text
    }
    func truth(_ name: String) throws(SDError) -> Bool {
      guard let text = words[name] else { return false }
      if let value = Quantity.boolean(text) { return value }
      throw SDError(
        .configuration, "\(name) is \(text.debugDescription) in a runtime of \(start); it must be true or false")
    }
    guard let name = words["name"] else { throw SDError(.configuration, "a runtime in \(start) has no name") }
    guard isName(name) else {
      throw SDError(
        .configuration,
        "a runtime in \(start) is called \(name.debugDescription); names have letters, digits, - and _, up to 64")
    }
    let routings = RuntimeDescription.Routing.allCases.map(\.rawValue)
    let word = words["routing"] ?? RuntimeDescription.Routing.attributes.rawValue
    guard let routing = RuntimeDescription.Routing(rawValue: word) else {
      throw SDError(
        .configuration,
        "routing is \(word.debugDescription) in a runtime of \(start); there are: \(routings.joined(separator: ", "))")
    }
    return RuntimeDescription(
      name: name, engine: words["engine"] ?? "webui", model: words["model"], dynamicModel: try truth("dynamic-model"),
      isJob: try truth("job"), queue: words["queue"], priorityQueue: words["priority-queue"],
      routing: routing)
  }

  private static func isName(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count) && name.utf8.contains { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "_") }
      && name.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
      }
  }

  /// A YAML scalar: plain where nothing can be misread, else in double quotes, whose escapes are JSON's.
  private static func scalar(_ text: String) -> String {
    let isPlain =
      text.utf8.first.map { (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) } == true
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: false
        }
      } && Quantity.boolean(text) == nil && !["null", "y", "n"].contains(text.lowercased())
    return isPlain ? text : LineText.quoted(text)
  }
}
