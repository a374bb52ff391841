/// How a worker goes about its work. The defaults suit one GPU and pictures of a few megabytes.
public struct WorkerConfiguration: Sendable {
  /// What this worker is called in records and logs; unique among the workers of a deployment.
  public var name: String
  /// The version of its program, for manifests.
  public var version: String?
  /// The runtime that it serves, as written into records of tasks that name none.
  public var runtime: String?
  /// The model that the runtime has loaded; `nil` when each task names its own.
  public var model: String?
  /// Whether a task may make the engine load another model.
  public var dynamicModel = false
  /// How long a lease runs before it must be extended; the queue's own where that is shorter.
  public var visibility = Duration.seconds(30)
  /// How long one receive waits for a message.
  public var receiveWait = Duration.seconds(20)
  /// How many tasks to take before ending; `nil` for no end.
  public var maximumTasks: Int?
  /// Whether to end when the queue is empty.
  public var endsWhenEmpty = false
  /// How long a worker that ends when the queue is empty waits for an engine that is away, while something is in the queue.
  public var engineWait = Duration.seconds(1800)
  /// Whether the next task may be taken and prepared while the engine works.
  public var looksAhead = true
  /// How far the end of the running inference may be, beyond the time that preparing takes, for looking ahead.
  public var lookAheadMargin = Duration.seconds(2)
  /// The most tasks that are ahead of the engine at once.
  public var maximumAhead = 4
  /// The most tasks held at once, in whatever stage: as many as pictures may be on their way to a distant store.
  public var maximumHeld = 12
  /// Whether tasks ahead of the engine that want the model used last go before those that want another.
  public var prefersLoadedModel = false
  /// The size in pixels of a picture that the engine makes before it counts as ready; `nil` for none.
  public var warmUp: PixelSize?
  /// Bytes from which on an engine that tells is made to let go of what earlier tasks have left in its memory.
  public var engineMemoryLimit: Int?
  /// Bytes of inputs, answers and outputs in memory, and of what converting them takes, from which on no further task is
  /// taken and no further input fetched but the oldest task's; one task's inputs may have no more.
  public var memoryBudget = 256 << 20
  /// Engine starts that a task is given; twice as many failures before the engine was started are borne.
  public var maximumAttempts = 5
  /// The longest that the engine may take for one task.
  public var inferenceTimeout = Duration.seconds(1800)
  /// The longest that an engine which tells progress may stand still.
  public var stallTimeout = Duration.seconds(300)
  /// How often the record is looked at for a cancellation while the engine works.
  public var cancelInterval = Duration.seconds(2)
  /// After a signal: how long the running task may go on before it is interrupted and given back.
  public var grace = Duration.seconds(90)
  /// Whether a start is announced too.
  public var announcesStart = false
  /// How pictures are stored where their tasks do not say.
  public var outputs = OutputOptions()
  /// How long a retryable failure keeps its task from being taken again: doubled each time, with jitter, up to the cap.
  public var retryDelay = Duration.seconds(2)
  public var maximumRetryDelay = Duration.seconds(120)
  /// How long a task that is ready waits for an engine that something went wrong with, before it is given back.
  public var engineSettling = Duration.seconds(5)
  /// How often an engine that is away is asked whether it is back.
  public var enginePollInterval = Duration.milliseconds(250)

  /// The defaults, for a worker of that name.
  public init(name: String) { self.name = name }
}

/// The size of a picture.
public struct PixelSize: Sendable, Hashable {
  /// In pixels.
  public var width: Int
  public var height: Int

  /// A size in pixels.
  public init(width: Int, height: Int) { (self.width, self.height) = (width, height) }
}
