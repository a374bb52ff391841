/// What a task asks an engine to do.
public enum TaskType: String, Sendable, Hashable, Codable, CaseIterable {
  case textToImage = "text-to-image"
  case imageToImage = "image-to-image"
  case extraSingleImage = "extra-single-image"
  case extraBatchImages = "extra-batch-images"
  /// A ComfyUI graph.
  case pipeline

  /// A task type by its name on the wire; the successor's documents also say `extra-batch-image`.
  public init?(wire name: String) {
    guard let type = name == "extra-batch-image" ? .extraBatchImages : TaskType(rawValue: name) else { return nil }
    self = type
  }
}

/// The API that a task came in by; it decides on the forms of its notice and its `.out` object.
public enum APIVersion: String, Sendable, Hashable, Codable, CaseIterable {
  /// The reference's.
  case v1alpha1
  /// The successor's.
  case v1alpha2
  /// A v1alpha1 request through the successor's door: v1alpha1 in content, v1alpha2 in everything else.
  case legacy
  /// Ours.
  case v1
}

/// Where a task stands.
public enum TaskState: String, Sendable, Hashable, Codable, CaseIterable {
  case queued, running, succeeded, failed, cancelled, expired

  /// Whether it will not change any more.
  public var isTerminal: Bool {
    switch self {
    case .queued, .running: false
    case .succeeded, .failed, .cancelled, .expired: true
    }
  }
}
