import AWSKit

/// The name of a container image: registry, repository, tag or digest.
///
/// The grammar is that of the distribution project's references, short names of Docker Hub included: `nginx` is
/// `docker.io/library/nginx:latest`. What it lets through has no meaning to a shell.
public struct ImageReference: Sendable, Hashable {
  /// The registry's host, with a port where one was given: `docker.io`.
  public let registry: String
  /// The repository: `library/nginx`.
  public let repository: String
  /// The tag; `latest` where neither tag nor digest was given.
  public let tag: String?
  /// The digest: `sha256:` and 64 hexadecimal digits.
  public let digest: String?

  /// Reads a name.
  ///
  /// - Throws: `.invalid`.
  public init(_ text: String) throws(SnapshotError) {
    func refusal(_ why: String) -> SnapshotError {
      SnapshotError(.invalid, "\(text.prefix(200).debugDescription) is no image: \(why)")
    }
    var rest = Substring(text)
    var digest: String?
    if let at = rest.firstIndex(of: "@") {
      digest = String(rest[rest.index(after: at)...])
      rest = rest[..<at]
      guard let digest, Self.isDigest(digest) else {
        throw refusal("its digest is not sha256: and 64 hexadecimal digits")
      }
    }
    var tag: String?
    if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
      tag = String(rest[rest.index(after: colon)...])
      rest = rest[..<colon]
      guard let tag, Self.isTag(tag) else { throw refusal("its tag has other characters than letters, digits, _ . -") }
    }
    var registry = "docker.io"
    if let slash = rest.firstIndex(of: "/") {
      let first = rest[..<slash]
      // Docker's rule: only what looks like a host is one.
      if first == "localhost" || first.contains(".") || first.contains(":") {
        registry = String(first)
        rest = rest[rest.index(after: slash)...]
      }
    }
    guard Self.isHost(registry) else { throw refusal("its registry is no host") }
    if registry == "index.docker.io" { registry = "docker.io" }
    if registry == "docker.io", !rest.contains("/") { rest = "library/\(rest)" }
    guard Self.isRepository(rest) else {
      throw refusal("a repository has lower-case letters and digits, with . _ - and / between them")
    }
    self.registry = registry
    repository = String(rest)
    self.tag = tag ?? (digest == nil ? "latest" : nil)
    self.digest = digest
  }

  // MARK: Grammar

  private static func isDigest(_ text: String) -> Bool {
    text.hasPrefix("sha256:") && text.utf8.count == 71
      && text.utf8.dropFirst(7).allSatisfy { isDigit($0) || (0x61...0x66).contains($0) }
  }

  private static func isTag(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "-")
      && text.utf8.first != UInt8(ascii: ".") && text.utf8.allSatisfy { isWord($0) || $0 == 0x2E || $0 == 0x2D }
  }

  private static func isHost(_ text: String) -> Bool {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count <= 2, let name = parts.first, !name.isEmpty, name.utf8.count <= 253 else { return false }
    if parts.count == 2 { guard let port = Int(parts[1]), (1...65535).contains(port) else { return false } }
    return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
      !label.isEmpty && label.first != "-" && label.last != "-"
        && label.utf8.allSatisfy { $0 != 0x5F && (isWord($0) || $0 == 0x2D) }
    }
  }

  private static func isRepository(_ text: Substring) -> Bool {
    guard (1...255).contains(text.utf8.count) else { return false }
    return text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
      let bytes = Array(part.utf8)
      guard let first = bytes.first, let last = bytes.last, isLower(first), isLower(last) else { return false }
      return bytes.allSatisfy { isLower($0) || $0 == 0x2E || $0 == 0x5F || $0 == 0x2D }
    }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
  private static func isLower(_ byte: UInt8) -> Bool { isDigit(byte) || (0x61...0x7A).contains(byte) }
  private static func isWord(_ byte: UInt8) -> Bool { isLower(byte) || (0x41...0x5A).contains(byte) || byte == 0x5F }
}

extension ImageReference: CustomStringConvertible {
  /// The whole name, as containerd keeps it: `docker.io/library/nginx:latest`.
  public var description: String {
    "\(registry)/\(repository)" + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
  }
}

extension ImageReference {
  /// A private registry of Amazon ECR.
  public struct PrivateECR: Sendable, Hashable {
    /// The account that it belongs to.
    public let account: String
    /// The region that it is in.
    public let region: String
  }

  /// The private ECR registry that it is in, in whatever partition; `nil` elsewhere.
  ///
  /// Hosts are `ACCOUNT.dkr.ecr.REGION.SUFFIX` (`dkr.ecr-fips`), and `ACCOUNT.dkr-ecr.REGION.on.SUFFIX` over IPv6 too
  /// (Amazon ECR User Guide, "Private registry authentication" and "Getting started with making requests over IPv6").
  public var privateECR: PrivateECR? {
    let labels = registry.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard labels.count >= 5, labels[0].utf8.count == 12, labels[0].utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else {
      return nil
    }
    if labels[1] == "dkr", labels[2] == "ecr" || labels[2] == "ecr-fips" {
      let suffix = labels[4...].joined(separator: ".")
      guard Partition.of(region: labels[3]).dnsSuffix == suffix else { return nil }
      return PrivateECR(account: labels[0], region: labels[3])
    }
    if labels[1] == "dkr-ecr" || labels[1] == "dkr-ecr-fips", labels[3] == "on" {
      return PrivateECR(account: labels[0], region: labels[2])
    }
    return nil
  }

  /// The ARN of its repository, where it is in a private ECR registry.
  var repositoryARN: String? {
    privateECR.map { ecr in
      "arn:\(Partition.of(region: ecr.region).id):ecr:\(ecr.region):\(ecr.account):repository/\(repository)"
    }
  }
}
