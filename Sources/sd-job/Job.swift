import ArgumentParser
import SDRuntime

/// `sd-job`: works on one task, or a number of them, and ends.
@main
struct Job: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sd-job",
    abstract: "Takes one task from a runtime's queue, has the engine beside it make the pictures, and ends.",
    discussion: """
      For Kubernetes jobs that are made for each task. The flags, files and environment variables are those of sd-agent; \
      --max-tasks is 1, nothing is taken ahead, and an empty queue ends the job within seconds, whether or not the engine is \
      there. While tasks wait, an engine that is away is waited for as long as --engine-wait.

      One task:
        sd-job --state .sd --runtime sdruntime-job --backend test-pattern:

      All that there is, then stop the engine too:
        sd-job --state .sd --runtime sdruntime-job --max-tasks 100 --stop-engine

      Exit status: 0 the task ended with pictures, was given back, or there was none; 1 a task ended as failed (it has been \
      announced, and is not tried again); 70 something is not there or broken, the engine after --engine-wait too; 78 the configuration cannot work; 64 a flag \
      makes no sense.
      """,
    version: Program.version)

  @OptionGroup(title: "Places") var places: PlacesOptions
  @OptionGroup(title: "Work") var worker: WorkerOptions
  @OptionGroup(title: "Work") var job: JobOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup(title: "General") var common: CommonOptions

  func run() async throws {
    let status = await Program.runJob("sd-job", options: [places, worker, job, engine, common], file: common.file)
    throw ExitCode(status.rawValue)
  }
}
