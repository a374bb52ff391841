/// The formats that engines are given and give.
public enum MediaFormat: String, Sendable, Hashable, CaseIterable {
  case png, jpeg, webp, gif, avif, mp4, webm, wav, flac, mp3, ogg, plainText

  /// The media type to store and serve the bytes under.
  public var mediaType: String {
    switch self {
    case .png: "image/png"
    case .jpeg: "image/jpeg"
    case .webp: "image/webp"
    case .gif: "image/gif"
    case .avif: "image/avif"
    case .mp4: "video/mp4"
    case .webm: "video/webm"
    case .wav: "audio/wav"
    case .flac: "audio/flac"
    case .mp3: "audio/mpeg"
    case .ogg: "audio/ogg"
    case .plainText: "text/plain; charset=utf-8"
    }
  }

  /// The file name's ending, with its dot.
  public var fileExtension: String {
    switch self {
    case .jpeg: ".jpg"
    case .plainText: ".txt"
    default: "." + rawValue
    }
  }

  /// Whether it is one of the picture formats, which `ImageInfo` looks into.
  public var isImage: Bool {
    switch self {
    case .png, .jpeg, .webp, .gif, .avif: true
    case .mp4, .webm, .wav, .flac, .mp3, .ogg, .plainText: false
    }
  }

  /// The format's name in messages.
  var name: String {
    switch self {
    case .webp: "WebP"
    case .webm: "WebM"
    case .plainText: "plain text"
    default: rawValue.uppercased()
    }
  }
}
