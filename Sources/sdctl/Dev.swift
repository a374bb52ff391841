import ArgumentParser
import Glibc
import Logging
import SDCore
import SDGateway
import SDRuntime
import ServiceLifecycle

/// `sdctl dev`: gateway, topic, queues and workers in one process.
struct Dev: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dev",
    abstract: "Run the whole system in one process on this machine.",
    discussion: """
      Gateway, topic, queues, task records, images and one worker a runtime, with nothing else to install or start. What \
      clients see is the same as on AWS. Everything is kept in ./.sd, or in the directory of --state: Ctrl-C ends it, the \
      next start goes on where it was. Ctrl-C a second time does not wait for the running task.

      The runtimes are those of runtimes.yaml in the state directory, made with sdruntime and sdruntime-job at the first \
      start. Pictures are test patterns unless an engine is named, which then serves them all:
        sdctl dev --backend webui+http://127.0.0.1:7860

      Another port, or any free one (0):
        sdctl dev --port 9000

      Slow pictures, or failing ones, to see how clients take it:
        sdctl dev --backend 'test-pattern:?seconds=5'
        sdctl dev --backend 'test-pattern:?fail=engine_failed&times=1'
      """)

  @OptionGroup(title: "Listening") var listen: ListenOptions
  @OptionGroup(title: "Access") var access: AccessOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup(title: "General") var common: CommonOptions

  func run() async throws {
    let defaults = Listening.defaults.merging([
      .state: ".sd", .backend: "test-pattern:", .privateWebhooks: "true", .dashboard: "true",
    ]) { first, _ in first }
    let status = await Program.run(
      "sdctl dev", options: [listen, access, engine, common], file: common.file, defaults: defaults,
      services: { program in try await Self.services(of: program) })
    throw ExitCode(status.rawValue)
  }

  private static func services(of program: Program) async throws -> [any Service] {
    let composition = program.composition
    let listening = Listening(composition.configuration)
    let catalog = try await composition.catalog(creating: .standard).served(by: composition.backend().kind)
    var door = try await composition.door(catalog: catalog)
    door.metrics = { program.metrics.prometheusText() }
    // One engine serves them all, one task after the other.
    var workers: [ComposedWorker] = []
    for runtime in catalog.runtimes {
      guard let ordinary = door.queues[runtime.name] else { continue }
      let queue = door.priorityQueues[runtime.name].map {
        UrgentFirstQueue(urgent: $0, ordinary: ordinary, clocks: door.clocks) as any MessageQueue
      }
      let composed = try await composition.worker(
        for: runtime, queue: queue ?? ordinary, store: door.store, ledger: door.ledger, events: door.events,
        beside: workers.first)
      workers.append(composed)
    }
    let gateway = Gateway(
      configuration: GatewayConfiguration(
        host: listening.host, port: listening.port, allowedHosts: listening.allowedHosts,
        queueLimit: composition.configuration.count(.queueLimit), proxies: listening.proxies,
        dashboard: listening.dashboard),
      services: door, transport: composition.context.transport, logger: program.logger,
      onReady: { port in
        let welcome = Welcome(
          address: listening.address(port: port), configuration: composition.configuration, catalog)
        print(welcome.text)
        // Whoever reads it through a pipe waits for it.
        fflush(nil)
      })
    // Shut down from the last to the first: the door closes, then the workers end together.
    return composition.gauges(of: door) + [ConcurrentServices(workers.map(\.worker)), gateway]
  }
}
