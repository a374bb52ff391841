import SDCore

/// Where an object lies below its bucket's directory: one path a key, and one key a path.
///
/// A key is cut at its slashes. Letters, digits and `-_.~+=@,!()` stand for themselves, every other byte is `%XX`, a
/// leading dot too, so that no name is `.` or `..` and names that begin with a dot are ours. `a` and `a/b` may both be
/// objects, so file and folder names must differ: files have a dot in them or end in `%`, folders have none or end in
/// `%` (`307/307-1.png`, `README%`, `v1.5%/x.png`). An empty segment is `%_`. A segment too long for a name goes on in
/// folders that end in `%+`.
struct ObjectPath {
  /// The folders from the bucket down.
  var folders: [String]
  /// The file with the bytes.
  var name: String

  /// The path of a key.
  init(key: String) {
    folders = []
    name = ""
    let segments = Array(key.utf8).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    for (index, segment) in segments.enumerated() {
      let pieces = Self.encode(segment)
      folders += pieces.dropLast().map { $0 + "%+" }
      let last = pieces.last ?? ""
      if index == segments.count - 1 { name = Self.file(last) } else { folders.append(Self.folder(last)) }
    }
  }

  /// A folder, with nothing in it.
  init(folders: [String]) { (self.folders, name) = (folders, "") }

  /// The file beside the bytes that says what they are.
  var sidecar: String { "." + name }

  // MARK: Names

  /// The longest piece of a name; with marks and the sidecar's dot it stays below the 255 bytes of file systems.
  private static let longest = 240

  /// A segment as pieces of names, all but the last one full.
  static func encode(_ segment: some Collection<UInt8>) -> [String] {
    if segment.isEmpty { return ["%_"] }
    var pieces: [String] = []
    var piece = ""
    for byte in segment {
      var text = isPlain(byte) ? String(UnicodeScalar(byte)) : escape(byte)
      if piece.utf8.count + text.utf8.count > longest {
        pieces.append(piece)
        piece = ""
      }
      if piece.isEmpty && byte == UInt8(ascii: ".") { text = escape(byte) }
      piece += text
    }
    return pieces + [piece]
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch UnicodeScalar(byte) {
    case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".", "~", "+", "=", "@", ",", "!", "(", ")": true
    default: false
    }
  }

  private static func escape(_ byte: UInt8) -> String {
    "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
  }

  private static func file(_ piece: String) -> String { piece.utf8.contains(UInt8(ascii: ".")) ? piece : piece + "%" }
  private static func folder(_ piece: String) -> String { piece.utf8.contains(UInt8(ascii: ".")) ? piece + "%" : piece }

  /// What a name in a bucket stands for.
  enum Meaning {
    /// An object, by the last segment of its key.
    case object([UInt8])
    /// A folder, by its segment.
    case folder([UInt8])
    /// A folder in which the names of a long segment go on, by the pieces so far.
    case continuation([String])
  }

  /// What a name stands for; `nil` for names that no key leads to.
  ///
  /// - Parameter pieces: the pieces of a long segment that the folders above hold.
  static func meaning(of name: String, isFolder: Bool, after pieces: [String]) -> Meaning? {
    if isFolder, name.hasSuffix("%+") { return .continuation(pieces + [String(name.dropLast(2))]) }
    let piece = name.hasSuffix("%") ? String(name.dropLast()) : name
    guard (isFolder ? folder(piece) : file(piece)) == name, let segment = decode(pieces + [piece]),
      encode(segment) == pieces + [piece]
    else { return nil }
    return isFolder ? .folder(segment) : .object(segment)
  }

  private static func decode(_ pieces: [String]) -> [UInt8]? {
    if pieces == ["%_"] { return [] }
    var bytes: [UInt8] = []
    var rest = pieces.joined().utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return nil
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return bytes
  }
}
