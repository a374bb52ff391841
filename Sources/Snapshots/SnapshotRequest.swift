import AWSKit
import Crypto

/// The snapshot that is wanted.
public struct SnapshotRequest: Sendable, Hashable {
  /// The images, each once.
  public var images: [ImageReference]
  /// The processors that they are pulled for.
  public var architectures: [Architecture] = [.amd64]
  /// What tells snapshots of one purpose from others: `--if-changed` and pruning look at those of the same name.
  public var name = "default"
  /// The machine image: an id `ami-…`, or the path of an SSM parameter that holds one.
  public var machineImage = SnapshotRequest.currentMachineImage
  /// The type of the instance that pulls.
  public var instanceType = "m5.large"
  /// GiB of the volume.
  public var size = 50
  /// Whether the snapshot is encrypted.
  public var isEncrypted = false
  /// The key of KMS that it is encrypted with; the account's own for EBS unless said.
  public var kmsKeyID: String?
  /// The name of a role for the instance; one is made for the run unless said.
  public var instanceRole: String?
  /// The subnet; the default VPC's unless said.
  public var subnetID: String?
  /// The security group; the VPC's default one unless said.
  public var securityGroupID: String?
  /// Whether the instance gets a public address.
  public var hasPublicIP = true
  /// Tags of the snapshot, besides ours.
  public var tags: [String: String] = [:]
  /// Zones in which the snapshot is held ready.
  public var fastRestoreZones: [String] = []
  /// Images that are pulled at once.
  public var concurrency = 3
  /// The longest that one image may take.
  public var pullTimeout = Duration.seconds(3600)
  /// The longest that EBS may take with the snapshot.
  public var snapshotTimeout = Duration.seconds(3 * 3600)

  /// The parameter of the current Bottlerocket with NVIDIA's drivers (Bottlerocket, "Retrieving AMI IDs").
  ///
  /// The data volume depends on containerd alone: the snapshot fits every variant.
  public static let currentMachineImage = "/aws/service/bottlerocket/aws-k8s-1.36-nvidia/x86_64/latest/image_id"

  /// A snapshot of images.
  public init(_ images: [ImageReference]) {
    var seen: Set<ImageReference> = []
    self.images = images.filter { seen.insert($0).inserted }
  }

  /// What cannot be right.
  public func validate() throws(SnapshotError) {
    func check(_ condition: Bool, _ message: String) throws(SnapshotError) {
      if !condition { throw SnapshotError(.invalid, message) }
    }
    try check(!images.isEmpty, "there are no images to pull")
    try check(images.count <= 100, "\(images.count) images are more than the 100 that one snapshot takes")
    try check(!architectures.isEmpty, "there are no architectures to pull images for")
    try check((1...16384).contains(size), "a volume of \(size) GiB: EBS makes them of 1 to 16,384")
    try check(kmsKeyID == nil || isEncrypted, "a KMS key is for encrypted snapshots: say so as well")
    try check(Self.isName(name), "the name \(name.debugDescription) has other characters than letters, digits, _ . -")
    try check((1...10).contains(concurrency), "\(concurrency) pulls at once: 1 to 10 make sense")
    try check(tags.count <= 12, "\(tags.count) tags are more than the 12 that there is room for")
    for key in tags.keys {
      try check(
        !key.hasPrefix("aws:") && !key.hasPrefix(SnapshotTag.prefix),
        "the tag \(key.debugDescription) begins as those of others do")
    }
  }

  private static func isName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"): true
        default: false
        }
      }
  }

  /// What the volume will hold and be like, for two requests to be compared: a run goes on only for an equal one.
  var digest: String {
    let lines =
      images.map(\.description) + architectures.map(\.rawValue) + [
        name, machineImage, instanceType, "\(size)", "\(isEncrypted)", kmsKeyID ?? "", instanceRole ?? "",
        subnetID ?? "", securityGroupID ?? "", "\(hasPublicIP)",
      ]
    return Fingerprint.of(lines)
  }

  /// What a snapshot of these images holds; `nil` when a digest is not known.
  func contents(_ digests: [ImageReference: String]) -> String? {
    var lines: [String] = []
    for image in images {
      guard let digest = digests[image] else { return nil }
      lines.append("\(image) \(digest)")
    }
    lines.sort()
    lines += architectures.map(\.rawValue).sorted() + ["\(size)", "\(isEncrypted)", kmsKeyID ?? ""]
    return Fingerprint.of(lines)
  }
}

/// A short name for a list of lines: the same for the same lines, and for no others.
enum Fingerprint {
  static func of(_ lines: [String]) -> String {
    var hash = SHA256()
    for line in lines { hash.update(data: Array((line + "\n").utf8)) }
    return hash.finalize().prefix(20).map { byte in
      let text = String(byte, radix: 16)
      return byte < 16 ? "0" + text : text
    }.joined()
  }
}
