/// A body of `multipart/form-data` (RFC 7578).
struct MultipartForm {
  /// What separates the parts; random, so that no file can hold it but by a chance of one in 2^128.
  let boundary: String
  private var bytes: [UInt8] = []

  init(boundary: String = (0..<4).map { _ in String(UInt32.random(in: .min ... .max), radix: 16) }.joined()) {
    self.boundary = "sd-" + boundary
  }

  var contentType: String { "multipart/form-data; boundary=\(boundary)" }

  /// Adds a field.
  mutating func add(_ name: String, _ value: String) {
    open("Content-Disposition: form-data; name=\"\(Self.quoted(name))\"")
    bytes += Array(value.utf8)
    bytes += Array("\r\n".utf8)
  }

  /// Adds a file.
  mutating func add(_ name: String, fileName: String, type: String, _ content: some Collection<UInt8>) {
    open(
      "Content-Disposition: form-data; name=\"\(Self.quoted(name))\"; filename=\"\(Self.quoted(fileName))\"",
      "Content-Type: \(type)")
    bytes.reserveCapacity(bytes.count + content.count + 64)
    bytes += content
    bytes += Array("\r\n".utf8)
  }

  /// The whole body.
  consuming func body() -> [UInt8] {
    bytes += Array("--\(boundary)--\r\n".utf8)
    return bytes
  }

  private mutating func open(_ lines: String...) {
    bytes += Array("--\(boundary)\r\n\(lines.joined(separator: "\r\n"))\r\n\r\n".utf8)
  }

  /// What would end the quotes or the line, percent-encoded as browsers do.
  private static func quoted(_ text: String) -> String {
    text.replacing("\"", with: "%22").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
  }
}
