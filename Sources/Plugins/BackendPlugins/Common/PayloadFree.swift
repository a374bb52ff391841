import SDCore

extension JSONValue {
  /// The value without image payloads: what may be echoed in a notice.
  ///
  /// Members that carry images are left out wherever they stand, and so is every long text that can only be base64.
  var withoutImages: JSONValue {
    switch self {
    case .object(let object):
      .object(
        JSONObject(
          object.members.compactMap { member in
            guard !Self.imageMembers.contains(member.name) || !member.value.carriesText else { return nil }
            return member.value.isImagePayload ? nil : (member.name, member.value.withoutImages)
          }))
    case .array(let elements): .array(elements.filter { !$0.isImagePayload }.map(\.withoutImages))
    default: self
    }
  }

  /// The value with every text cut to a length, and no image payloads: what may be kept of an engine's complaint.
  func shortened(to length: Int) -> JSONValue {
    switch self {
    case .string(let text):
      text.utf8.count <= length ? self : .string(String(text.unicodeScalars.prefix(length)) + "...")
    case .object(let object):
      .object(
        JSONObject(
          object.members.compactMap { $0.value.isImagePayload ? nil : ($0.name, $0.value.shortened(to: length)) }))
    case .array(let elements):
      .array(elements.prefix(32).filter { !$0.isImagePayload }.map { $0.shortened(to: length) })
    default: self
    }
  }

  private static let imageMembers: Set<String> = [
    "init_images", "mask", "image", "input_image", "imageList", "image_mask", "latent_mask", "init_img",
  ]

  /// Whether it is text, or has some in it.
  private var carriesText: Bool {
    switch self {
    case .string: true
    case .array(let elements): elements.contains { $0.carriesText }
    case .object(let object): object.members.contains { $0.value.carriesText }
    default: false
    }
  }

  private var isImagePayload: Bool {
    guard case .string(let text) = self, text.utf8.count >= 512 else { return false }
    return text.utf8.starts(with: "data:".utf8)
      || text.utf8.prefix(512).allSatisfy { byte in
        switch byte {
        case 0x41...0x5A, 0x61...0x7A, 0x30...0x39, UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): true
        default: false
        }
      }
  }
}
