import FoundationEssentials
import SDCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where the signing secret of a deployment's webhooks is kept.
enum WebhookSecretFile {
  /// The secret that a configured value stands for: itself, or the content of a file after `@`.
  static func secret(_ text: String) throws(SDError) -> WebhookSecret {
    var text = text
    if text.hasPrefix("@") { text = try content(of: String(text.dropFirst())) }
    guard let secret = WebhookSecret(text) else {
      throw SDError(
        .configuration, "webhook-secret must be whsec_ and 24 to 64 bytes in base64, or @ and a file's path")
    }
    return secret
  }

  /// The secret of a state directory, made at its first use; of processes that come at once all get the same.
  static func secret(of directory: String) throws(SDError) -> WebhookSecret {
    let path = directory.hasSuffix("/") ? directory + "webhook-secret" : directory + "/webhook-secret"
    if access(path, F_OK) != 0 { try create(path) }
    guard let secret = WebhookSecret(try content(of: path)) else {
      throw SDError(.configuration, "\(path) does not hold a webhook secret; remove it to have another made")
    }
    return secret
  }

  private static func content(of path: String) throws(SDError) -> String {
    String(try YAMLFile.text(of: path, attempting: "reading the webhook secret of").trimmingSpaces)
  }

  private static func create(_ path: String) throws(SDError) {
    let temporary = "\(path).\(RandomName.make()).new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure(path) }
    defer { unlink(temporary) }
    let bytes = Array((WebhookSecret.random().text + "\n").utf8)
    let written = write(descriptor, bytes, bytes.count)
    guard close(descriptor) == 0, written == bytes.count, link(temporary, path) == 0 || errno == EEXIST else {
      throw failure(path)
    }
  }

  private static func failure(_ path: String) -> SDError {
    SDError(.configuration, "making a webhook secret in \(path) failed: \(String(cString: strerror(errno)))")
  }
}
