import AWSKit
import ArgumentParser
import Models
import SDCore

/// `sdctl models pull`.
struct ModelsPullCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull", abstract: "Copy model files from S3 into a directory.",
    discussion: """
      Large files come in parts, several at once. A file gets its name when all of its bytes are there and its checksum \
      holds. A pull that was cut short is gone on with by the same command; what is there and unchanged is left alone.

      Examples:

        sdctl models pull s3://my-models/sd15/ /models
        sdctl models pull s3://my-models/sd15/v1-5-pruned-emaonly.safetensors ./models
        sdctl models pull s3://my-models /models --concurrency 16 --output json

      The second one copies a single file. Credentials and region are found as the AWS CLI finds them; the caller needs \
      s3:ListBucket on the bucket and s3:GetObject on its objects.
      """)

  @Argument(help: ArgumentHelp("Where they are: s3://BUCKET/FOLDER/ or s3://BUCKET/FILE.", valueName: "source"))
  var source: String
  @Argument(help: ArgumentHelp("Where they go.", valueName: "dir"), completion: .directory) var directory: String
  @OptionGroup var aws: AWSOptions
  @Option(help: "Parts that are read at once.") var concurrency = 8
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (1...64).contains(concurrency) else { throw ValidationError("--concurrency is not from 1 to 64.") }
  }

  func run() async throws {
    try await CommandExit.reporting {
      let source = try ModelSource(source)
      let client = try await aws.client()
      let display = PullDisplay(shows: output.format == .text)
      var options = ModelPull.Options()
      options.concurrency = concurrency
      let (directory, chosen) = (directory, options)
      let pulled = try await Interruption.guarding("Interrupted: the same command goes on from here.") {
        defer { display.end() }
        return try await ModelPull(source, into: directory, client: client, options: chosen) { display.show($0) }.run()
      }
      let bytes = pulled.files.reduce(0) { $0 + $1.bytes }
      output.show(pulled.json) {
        let fresh = pulled.files.count { !$0.wasPresent }
        Terminal.print(
          "\(pulled.files.count) files, \(ByteCount(bytes)), in \(directory): \(fresh) pulled, "
            + "\(pulled.files.count - fresh) already there")
      }
    }
  }
}

extension PulledModels {
  /// As programs read it.
  fileprivate var json: JSONValue {
    [
      "files": .array(
        files.map { file in
          ["path": .string(file.path), "bytes": .int(Int(file.bytes)), "present": .bool(file.wasPresent)]
        }),
      "pulled_bytes": .int(Int(received)),
    ]
  }
}
