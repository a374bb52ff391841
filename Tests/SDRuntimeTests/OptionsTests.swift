import ArgumentParser
import SDCore
import Testing

@testable import SDRuntime

@Suite struct OptionsTests {
  private struct AgentFlags: ParsableArguments {
    @OptionGroup var places: PlacesOptions
    @OptionGroup var worker: WorkerOptions
    @OptionGroup var agent: AgentOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var common: CommonOptions
  }

  private struct OtherFlags: ParsableArguments {
    @OptionGroup var job: JobOptions
    @OptionGroup var door: DoorOptions
    @OptionGroup var listen: ListenOptions
    @OptionGroup var access: AccessOptions
  }

  private func sample(of key: ConfigurationKey) -> [String] {
    switch key.kind {
    case .boolean: ["--no-\(key.name)"]
    case .text, .path, .uri, .secret: ["--\(key.name)", "test:\(key.name)"]
    case .count: ["--\(key.name)", "7"]
    case .bytes: ["--\(key.name)", "7MiB"]
    case .duration: ["--\(key.name)", "7s"]
    case .choice(let words): ["--\(key.name)", words[0]]
    case .size: ["--\(key.name)", "64x48"]
    }
  }

  @Test func everyKeyIsAFlag() throws {
    let agent: (ConfigurationKey) -> Bool = { $0.programs.contains(.agent) }
    let flags = try AgentFlags.parse(ConfigurationKey.all.filter(agent).flatMap(sample))
    let others = try OtherFlags.parse(ConfigurationKey.all.filter { !agent($0) }.flatMap(sample))
    let groups: [any ConfigurationOptions] = [
      flags.places, flags.worker, flags.agent, flags.engine, flags.common, others.job, others.door, others.listen,
      others.access,
    ]
    let said = groups.reduce(into: [ConfigurationKey: String]()) { $0.merge($1.flags) { a, _ in a + " twice" } }
    for key in ConfigurationKey.all {
      let wanted = key.kind == .boolean ? "false" : sample(of: key)[1]
      #expect(said[key] == wanted, "\(key.name)")
    }
    _ = try Configuration(flags: said)
  }

  @Test func whatIsNotSaidIsNotThere() throws {
    let flags = try AgentFlags.parse([])
    #expect(flags.worker.flags.isEmpty && flags.common.flags.isEmpty && flags.common.file == nil)
  }
}
