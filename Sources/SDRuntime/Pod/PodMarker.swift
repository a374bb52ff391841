import Logging
import SDCore
import ServiceLifecycle

/// Marks the pod while it is busy, so that neither a scale-in nor Karpenter takes it away in the midst of a task.
///
/// `controller.kubernetes.io/pod-deletion-cost` has the ReplicaSet's controller delete idle pods first,
/// `karpenter.sh/do-not-disrupt` keeps Karpenter from disrupting the node by its own will. Both are hints: whatever
/// goes wrong here is told and tried again, and never holds a task up.
struct PodMarker: Service {
  static let deletionCost = "controller.kubernetes.io/pod-deletion-cost"
  static let doNotDisrupt = "karpenter.sh/do-not-disrupt"

  let clocks: Clocks
  let logger: Logger
  /// Sets annotations of the pod.
  let annotate: @Sendable ([String: String?]) async throws -> Void
  let isBusy: @Sendable () -> Bool
  /// How often is looked.
  var interval = Duration.milliseconds(500)
  /// How long the pod must be idle before the marks are taken off: between two short tasks they stay.
  var calm = Duration.seconds(5)
  private static let longestPause = Duration.seconds(60)

  func run() async throws {
    await cancelWhenGracefulShutdown { await watch() }
    // A pod that is being ended is not marked anew; the marks of a task that still runs stay until the pod goes.
  }

  private func watch() async {
    var isMarked: Bool?
    var idleSince = clocks.instant
    var pause = Duration.seconds(1)
    while !Task.isCancelled {
      let now = clocks.instant
      let busy = isBusy()
      if busy { idleSince = now }
      let wanted = busy || (isMarked == true && idleSince.duration(to: now) < calm)
      if wanted == isMarked {
        guard await sleep(interval) else { return }
        continue
      }
      do {
        try await annotate(wanted ? [Self.deletionCost: "1000", Self.doNotDisrupt: "true"] : Self.none)
        isMarked = wanted
        pause = .seconds(1)
      } catch is CancellationError {
        return
      } catch {
        let denied = (error as? SDError)?.code == .denied
        logger.warning(
          "the pod could not be marked\(denied ? "; its service account needs the verb patch on pods" : "")",
          metadata: ["busy": "\(wanted)", "error": "\(error)"])
        guard await sleep(denied ? Self.longestPause : pause) else { return }
        pause = min(pause * 2, Self.longestPause)
      }
    }
  }

  private static let none: [String: String?] = [deletionCost: nil, doNotDisrupt: nil]

  private func sleep(_ duration: Duration) async -> Bool {
    do { try await clocks.sleep(for: duration) } catch { return false }
    return true
  }
}
