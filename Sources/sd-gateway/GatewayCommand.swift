import ArgumentParser
import FoundationEssentials
import Logging
import SDCore
import SDGateway
import SDRuntime

/// `sd-gateway`: the HTTP API of a deployment.
@main
struct GatewayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sd-gateway",
    abstract:
      "Serves the HTTP API: takes tasks in, publishes them to the runtimes' queues, and tells what becomes of them.",
    discussion: """
      Every flag is also a key of the YAML file of --config and an environment variable: --public-url is public-url and \
      SD_PUBLIC_URL. A flag beats the file, the file beats the environment.

      On one machine, beside agents on the same directory:
        sd-gateway --state ./.sd
        sd-agent --state ./.sd --runtime sdruntime --backend test-pattern:

      Then:
        curl http://127.0.0.1:8811/v1/runtimes

      Started by AWS Lambda (AWS_LAMBDA_RUNTIME_API is set) it listens nowhere and asks for its invocations: requests \
      through API Gateway or a function URL, messages of the queue of webhooks, and a schedule's events.

      The runtimes that tasks can be sent to are described in runtimes.yaml of the state directory, which is made where it \
      is not there, or in the file of --runtimes.

      SIGTERM or SIGINT: no more connections, the answers under way are finished. Exit status: 0 ended as told, 70 \
      something is not there or broken, 78 the configuration cannot work, 64 a flag makes no sense.
      """,
    version: Program.version)

  @OptionGroup(title: "Listening") var listen: ListenOptions
  @OptionGroup(title: "Access") var access: AccessOptions
  @OptionGroup(title: "Places") var door: DoorOptions
  @OptionGroup(title: "Places") var places: PlacesOptions
  @OptionGroup(title: "General") var common: CommonOptions

  func run() async throws {
    let status = await Program.run(
      "sd-gateway", options: [listen, access, door, places, common], file: common.file, defaults: Listening.defaults,
      services: { program in
        let listening = Listening(program.composition.configuration)
        let composition = program.composition
        var services = try await composition.door(catalog: composition.catalog(creating: .standard))
        services.metrics = { program.metrics.prometheusText() }
        var configuration = GatewayConfiguration(
          host: listening.host, port: listening.port, allowedHosts: listening.allowedHosts,
          queueLimit: composition.configuration.count(.queueLimit), proxies: listening.proxies,
          dashboard: listening.dashboard)
        if let authority = ProcessInfo.processInfo.environment["AWS_LAMBDA_RUNTIME_API"], !authority.isEmpty {
          // Nothing listens: hosts are API Gateway's to judge.
          configuration.host = ""
          return [
            LambdaGateway(
              authority: authority, configuration: configuration, services: services,
              transport: composition.context.transport, afterwards: program.flushSpans, logger: program.logger)
          ]
        }
        return composition.gauges(of: services) + [
          Gateway(
            configuration: configuration, services: services, transport: composition.context.transport,
            logger: program.logger,
            onReady: { port in
              program.logger.notice("listening", metadata: ["address": "\(listening.address(port: port))"])
            })
        ]
      })
    throw ExitCode(status.rawValue)
  }
}
