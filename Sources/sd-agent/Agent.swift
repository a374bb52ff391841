import ArgumentParser
import SDRuntime

/// `sd-agent`: works on the tasks of one runtime until it is told to end.
@main
struct Agent: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sd-agent",
    abstract: "Takes tasks from a runtime's queue and has the engine beside it make the pictures.",
    discussion: """
      Every flag is also a key of the YAML file of --config and an environment variable: --dead-letter is dead-letter and \
      SD_DEAD_LETTER. A flag beats the file, the file beats the environment. The environment variables of earlier agents \
      (SQS_QUEUE_URL, S3_BUCKET, SNS_TOPIC_ARN, RUNTIME_NAME, API_BASE_URL, ...) are understood too.

      On one machine, beside a web UI on port 7860:
        sd-agent --state .sd --runtime sdruntime \\
          --backend webui+http://localhost:7860

      Without any engine, to see how things go:
        sd-agent --state .sd --runtime sdruntime --backend test-pattern:

      SIGTERM or SIGINT: nothing new is begun, the running task may end within --grace, then the agent exits with 0. A \
      second signal gives the task back at once. Exit status: 0 ended as told, 70 something is not there or broken, 78 the \
      configuration cannot work, 64 a flag makes no sense.
      """,
    version: Program.version)

  @OptionGroup(title: "Places") var places: PlacesOptions
  @OptionGroup(title: "Work") var worker: WorkerOptions
  @OptionGroup(title: "Work") var agent: AgentOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup(title: "General") var common: CommonOptions

  func run() async throws {
    let status = await Program.run(
      "sd-agent", options: [places, worker, agent, engine, common], file: common.file,
      services: { program in try await program.workerServices() })
    throw ExitCode(status.rawValue)
  }
}
