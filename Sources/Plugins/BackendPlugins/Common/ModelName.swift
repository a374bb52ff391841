/// A model as people and engines call it: by path, file name, stem, or title with a short hash behind it.
struct ModelName: Sendable, Hashable {
  /// The name without folders, extension and hash.
  let stem: String

  init(_ text: String) {
    var name = Self.withoutHash(text)
    if let slash = name.lastIndex(where: { $0 == "/" || $0 == "\\" }) { name = name[name.index(after: slash)...] }
    for ending in Self.endings where name.lowercased().hasSuffix(ending) && name.count > ending.count {
      name = name.dropLast(ending.count)
      break
    }
    stem = String(name)
  }

  /// Whether two names may well mean the same file; capitals are not looked at.
  func resembles(_ other: ModelName) -> Bool { stem.lowercased() == other.stem.lowercased() }

  /// A title such as `folder/file.safetensors [6ce0161689]` without its hash.
  static func withoutHash(_ text: String) -> Substring {
    guard text.hasSuffix("]"), let open = text.range(ofLast: " [") else { return text[...] }
    return text[..<open]
  }

  private static let endings = [".safetensors", ".ckpt", ".gguf", ".pth", ".pt", ".bin", ".sft"]
}

extension String {
  /// Where a text of two characters last begins.
  fileprivate func range(ofLast pair: String) -> String.Index? {
    guard let first = pair.first, let second = pair.last else { return nil }
    return indices.last { index in
      let next = self.index(after: index)
      return next < endIndex && self[index] == first && self[next] == second
    }
  }
}
