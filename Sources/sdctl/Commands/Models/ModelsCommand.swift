import ArgumentParser

/// `sdctl models`.
struct ModelsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "Bring model files to where engines read them.",
    discussion: """
      Example:

        sdctl models pull s3://my-models/sd15/ ./models
      """,
    subcommands: [ModelsPullCommand.self])
}
