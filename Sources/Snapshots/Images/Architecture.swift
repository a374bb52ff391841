/// A processor that images are made for.
public enum Architecture: String, Sendable, Hashable, CaseIterable {
  case amd64
  case arm64

  /// The platform in the words of OCI: `linux/amd64`.
  public var platform: String { "linux/\(rawValue)" }

  /// Reads a name, that of the kernel included: `x86_64`, `aarch64`.
  public init?(_ text: String) {
    switch text.lowercased() {
    case "amd64", "x86_64": self = .amd64
    case "arm64", "aarch64": self = .arm64
    default: return nil
    }
  }
}
