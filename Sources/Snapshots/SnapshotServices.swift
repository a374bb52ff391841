import AWSKit
import Logging

/// The services that a snapshot needs, in one region.
struct SnapshotServices: Sendable {
  let client: AWSClient
  let region: String
  let ec2: EC2
  let ssm: SSM
  let cloudFormation: CloudFormation
  let pace: Pace

  init(_ client: AWSClient) throws(AWSError) {
    self.client = client
    region = client.configuration.region ?? ""
    ec2 = try EC2(client)
    ssm = try SSM(client)
    cloudFormation = try CloudFormation(client)
    pace = Pace(client.time)
  }

  /// All of the account's own snapshots that filters let through.
  func snapshots(filters: [EC2.Filter]) async throws -> [EC2.Snapshot] {
    var found: [EC2.Snapshot] = []
    var token: String?
    for _ in 0..<1000 {
      let page = try await ec2.describeSnapshots(owners: ["self"], filters: filters, nextToken: token)
      found += page.elements
      guard let next = page.nextToken, next != token else { break }
      token = next
    }
    return found
  }
}
