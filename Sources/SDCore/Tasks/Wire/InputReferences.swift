/// The places in an engine's content where images belong.
///
/// Only these are ever fetched: the successor also fetched a prompt that happened to begin with `http`.
public enum InputReferences {
  /// A step into a JSON value.
  public enum Step: Sendable, Hashable {
    case member(String)
    case element(Int)
  }

  /// A place, and the reference that stands there.
  public struct Found: Sendable, Hashable {
    /// The way to it.
    public var path: [Step]
    /// What stands there.
    public var reference: String
  }

  /// The references in a content that point elsewhere (`http:`, `https:`, `s3:`, `data:`), in order.
  public static func find(in content: JSONValue, type: TaskType) -> [Found] {
    places(in: content, type: type).compactMap { path in
      guard let text = content[path]?.string, isReference(text) else { return nil }
      return Found(path: path, reference: text)
    }
  }

  /// Whether a text points elsewhere rather than being base64 itself.
  public static func isReference(_ text: String) -> Bool {
    let start = text.prefix(8).lowercased()
    return ["http://", "https://", "s3://", "data:"].contains { start.hasPrefix($0) }
  }

  private static func places(in content: JSONValue, type: TaskType) -> [[Step]] {
    if type == .pipeline { return graphPlaces(in: content) }
    var places: [[Step]] = []
    for name in ["image", "mask"] where content[name] != nil { places.append([.member(name)]) }
    for position in (content["init_images"]?.array ?? []).indices {
      places.append([.member("init_images"), .element(position)])
    }
    for position in (content["imageList"]?.array ?? []).indices {
      places.append([.member("imageList"), .element(position), .member("data")])
    }
    for script in content["alwayson_scripts"]?.object?.members ?? [] where script.name.lowercased() == "controlnet" {
      for (position, unit) in (script.value["args"]?.array ?? []).enumerated() {
        for name in ["input_image", "image", "mask"] where unit[name] != nil {
          let arguments: [Step] = [.member("alwayson_scripts"), .member(script.name), .member("args")]
          places.append(arguments + [.element(position), .member(name)])
        }
      }
    }
    return places
  }

  /// `inputs.image` of every node that loads an image, in a graph or in one under `prompt`; of a named workflow's
  /// parameters those that are called images or masks.
  private static func graphPlaces(in content: JSONValue) -> [[Step]] {
    if let parameters = content["parameters"]?.object, content["workflow"] != nil {
      return parameters.members.flatMap { member -> [[Step]] in
        guard isCalledImage(member.name) else { return [] }
        let place: [Step] = [.member("parameters"), .member(member.name)]
        guard let elements = member.value.array else { return [place] }
        return elements.indices.map { place + [.element($0)] }
      }
    }
    let isWrapped = content["prompt"]?.object != nil && content["prompt"]?["class_type"] == nil
    let start: [Step] = isWrapped ? [.member("prompt")] : []
    return ((isWrapped ? content["prompt"] : content)?.object?.members ?? []).compactMap { node in
      guard node.value["class_type"]?.string?.hasPrefix("LoadImage") == true else { return nil }
      return start + [.member(node.name), .member("inputs"), .member("image")]
    }
  }

  private static func isCalledImage(_ name: String) -> Bool {
    let name = name.lowercased()
    return ["image", "images", "mask"].contains { name == $0 || name.hasSuffix("_\($0)") || name.hasSuffix(".\($0)") }
  }
}

extension JSONValue {
  /// The value at the end of a path; setting where a step leads nowhere does nothing.
  public subscript(path: some Collection<InputReferences.Step>) -> JSONValue? {
    get {
      path.reduce(self as JSONValue?) { value, step in
        switch step {
        case .member(let name): value?[name]
        case .element(let position): value?.array.flatMap { $0.indices.contains(position) ? $0[position] : nil }
        }
      }
    }
    set {
      guard let step = path.first else {
        if let newValue { self = newValue }
        return
      }
      let rest = Array(path.dropFirst())
      switch (step, self) {
      case (.member(let name), .object(var object)):
        guard var value = object[name] else { return }
        value[rest] = newValue
        object[name] = value
        self = .object(object)
      case (.element(let position), .array(var array)) where array.indices.contains(position):
        array[position][rest] = newValue
        self = .array(array)
      default: break
      }
    }
  }
}
