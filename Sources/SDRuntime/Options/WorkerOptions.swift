import ArgumentParser

/// Flags of the programs that drive an engine.
public struct WorkerOptions: ConfigurationOptions {
  @Option(.runtime) var runtime: String?
  @Option(.queue) var queue: String?
  @Option(.priorityQueue) var priorityQueue: String?
  @Option(.deadLetter) var deadLetter: String?
  @Option(.model) var model: String?
  @Flag(.dynamicModel) var dynamicModel: Bool?
  @Option(.healthPort) var healthPort: String?
  @Option(.visibility) var visibility: String?
  @Option(.grace) var grace: String?
  @Option(.maximumAttempts) var maximumAttempts: String?
  @Option(.inferenceTimeout) var inferenceTimeout: String?
  @Option(.stallTimeout) var stallTimeout: String?
  @Option(.maximumTasks) var maximumTasks: String?
  @Flag(.announceStart) var announceStart: Bool?
  @Option(.memoryBudget) var memoryBudget: String?
  @Option(.warmUp) var warmUp: String?
  @Option(.engineMemoryLimit) var engineMemoryLimit: String?
  @Option(.spotNotices) var spotNotices: String?
  @Option(.s3Inputs) var s3Inputs: String?
  @Option(.outputMetadata) var outputMetadata: String?
  @Flag(.markPod) var markPod: Bool?
  @Option(.serviceAccount) var serviceAccount: String?

  public init() {}

  public var flags: [ConfigurationKey: String] {
    said(
      [
        .runtime: runtime, .queue: queue, .deadLetter: deadLetter, .model: model, .healthPort: healthPort,
        .visibility: visibility, .grace: grace, .maximumAttempts: maximumAttempts,
        .inferenceTimeout: inferenceTimeout, .stallTimeout: stallTimeout, .maximumTasks: maximumTasks,
        .memoryBudget: memoryBudget, .serviceAccount: serviceAccount,
        .s3Inputs: s3Inputs, .outputMetadata: outputMetadata, .priorityQueue: priorityQueue,
        .warmUp: warmUp, .engineMemoryLimit: engineMemoryLimit, .spotNotices: spotNotices,
      ], [.dynamicModel: dynamicModel, .announceStart: announceStart, .markPod: markPod])
  }
}

/// Flags of `sd-agent` alone.
public struct AgentOptions: ConfigurationOptions {
  @Flag(.lookAhead) var lookAhead: Bool?
  @Flag(.modelAffinity) var modelAffinity: Bool?

  public init() {}

  public var flags: [ConfigurationKey: String] {
    said([:], [.lookAhead: lookAhead, .modelAffinity: modelAffinity])
  }
}

/// Flags of `sd-job` alone.
public struct JobOptions: ConfigurationOptions {
  @Option(.emptyStatus) var emptyStatus: String?
  @Option(.engineWait) var engineWait: String?
  @Flag(.stopEngine) var stopEngine: Bool?
  @Option(.stopProcesses) var stopProcesses: String?

  public init() {}

  public var flags: [ConfigurationKey: String] {
    said(
      [.emptyStatus: emptyStatus, .engineWait: engineWait, .stopProcesses: stopProcesses], [.stopEngine: stopEngine])
  }
}
