/// The tags by which snapshots, and what is temporary beside them, are found again: by this run, by one that goes on
/// with it, by the next one that cleans up.
enum SnapshotTag {
  static let prefix = "sd-"
  /// The run's id; on everything.
  static let run = "sd-snapshot-run"
  /// The request's name; on everything.
  static let name = "sd-snapshot-name"
  /// The request's digest; on the stack.
  static let request = "sd-snapshot-request"
  /// Who works on it; on the stack, the instance and the snapshot.
  static let owner = "sd-snapshot-owner"
  /// When its owner was last alive, in seconds since 1970; on the instance.
  static let alive = "sd-snapshot-alive"
  /// The last step that was finished; on the instance.
  static let step = "sd-snapshot-step"
  /// Whether it is to be kept; on the instance.
  static let kept = "sd-snapshot-kept"
  /// `pending`, then `ready`; on the snapshot.
  static let state = "sd-snapshot-state"
  /// What the snapshot holds, as a fingerprint; on the snapshot.
  static let contents = "sd-snapshot-contents"

  /// The tag of an image, from 0: its name and digest.
  static func image(_ number: Int) -> String { "sd-snapshot-image-\(number < 10 ? "0" : "")\(number)" }
  /// How many images have tags of their own: EC2 takes 50 tags a resource, and 256 characters a value.
  static let maximumImages = 25

  /// The images with their digests, as far as tags can hold them.
  static func images(_ images: [ImageReference], _ digests: [ImageReference: String]) -> [String: String] {
    var tags: [String: String] = [:]
    for (number, image) in images.prefix(maximumImages).enumerated() {
      let value = image.digest == nil ? digests[image].map { "\(image)@\($0)" } ?? "\(image)" : "\(image)"
      if value.utf8.count <= 256 { tags[self.image(number)] = value }
    }
    return tags
  }

  /// The images that tags tell of, in order.
  static func images(in tags: [String: String]) -> [String] {
    (0..<maximumImages).compactMap { tags[image($0)] }
  }
}
