/// A part of AWS with its own regions, names and accounts.
public struct Partition: Sendable, Hashable {
  /// The name, such as `aws-cn`.
  public let id: String
  /// What hosts end with, `amazonaws.com`.
  public let dnsSuffix: String
  /// What hosts end with that answer over IPv6 too, `api.aws`.
  public let dualStackDNSSuffix: String
  /// The region that global services are signed for.
  public let globalRegion: String
  private let prefixes: [String]

  private init(_ id: String, _ suffix: String, _ dualStack: String, _ globalRegion: String, _ prefixes: [String]) {
    (self.id, dnsSuffix, dualStackDNSSuffix) = (id, suffix, dualStack)
    (self.globalRegion, self.prefixes) = (globalRegion, prefixes)
  }

  /// The commercial regions, and whatever no other partition claims.
  public static let aws = Partition(
    "aws", "amazonaws.com", "api.aws", "us-east-1", ["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"])

  /// All partitions known.
  public static let all: [Partition] = [
    aws,
    Partition("aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1", ["cn"]),
    Partition("aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1", ["eusc-de"]),
    Partition("aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1", ["us-iso"]),
    Partition("aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1", ["us-isob"]),
    Partition("aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1", ["eu-isoe"]),
    Partition("aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1", ["us-isof"]),
    Partition("aws-us-gov", "amazonaws.com", "api.aws", "us-gov-west-1", ["us-gov"]),
  ]

  /// The partition of a region, by its name's form: regions that do not exist yet have theirs too.
  public static func of(region: String) -> Partition {
    if region.hasSuffix("-global"), let named = all.first(where: { "\($0.id)-global" == region }) { return named }
    return all.first { $0.claims(region) } ?? aws
  }

  /// Whether a region is `prefix-word-digits`.
  private func claims(_ region: String) -> Bool {
    prefixes.contains { prefix in
      guard region.hasPrefix(prefix + "-") else { return false }
      let rest = region.dropFirst(prefix.count + 1).split(separator: "-", omittingEmptySubsequences: false)
      return rest.count == 2 && !rest[0].isEmpty && !rest[1].isEmpty
        && rest[0].unicodeScalars.allSatisfy {
          $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_"
        }
        && rest[1].utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
  }
}
