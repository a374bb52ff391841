import AWSKit
import ArgumentParser

/// Which account and region a command works in.
struct AWSOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The region.",
      discussion: "Default: AWS_REGION, AWS_DEFAULT_REGION, the profile's, or that of the instance this runs on."))
  var region: String?
  @Option(help: "A profile of the AWS CLI's files.") var profile: String?

  /// A client, with the region of the machine that this runs on where nothing else names one.
  func client() async throws -> AWSClient {
    var client = try AWSClient.load(profile: profile, region: region)
    if client.configuration.region == nil {
      client.configuration.region = try? await InstanceMetadata(client.configuration, transport: client.transport)
        .region()
    }
    guard client.configuration.region != nil else {
      throw CommandFailure.usage("Which region? Say --region, or set AWS_REGION.")
    }
    return client
  }
}
