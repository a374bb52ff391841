import AWSKit

/// Runs scripts on the instance, and notices when it goes away.
struct InstanceShell: Sendable {
  let ssm: SSM
  let instance: InstanceWatch
  let pace: Pace

  /// Runs a script to its end; gives its output.
  ///
  /// - Parameter timeout: how long it may take on the instance.
  /// - Throws: `.commandFailed` with what it said, `.timeout`, `.instanceLost`.
  func run(_ script: HostScript, timeout: Duration) async throws -> String {
    var input = SSM.SendCommandInput(shellScript: script.lines, instanceIDs: [instance.id])
    input.comment = script.comment
    input.timeoutSeconds = 600
    input.parameters["executionTimeout"] = ["\(max(30, timeout.components.seconds))"]
    let command = try await ssm.sendCommand(input)
    // Run Command keeps its own time; ours is for when nothing is heard from it any more.
    return try await pace.wait(upTo: timeout + .seconds(120), for: "\(script.comment) on \(instance.id)") {
      guard let invocation = try await invocation(of: command) else { return nil }
      switch invocation.status {
      case "Success": return invocation.output ?? ""
      case "Pending", "InProgress", "Delayed", "Cancelling":
        try await instance.check()
        return nil
      default:
        throw SnapshotError(.commandFailed, "\(script.comment) on \(instance.id): \(Self.reason(invocation))")
      }
    }
  }

  private func invocation(of command: String) async throws -> SSM.CommandInvocation? {
    do throws(AWSError) {
      return try await ssm.getCommandInvocation(commandID: command, instanceID: instance.id)
    } catch {
      guard error.code == "InvocationDoesNotExist" else { throw error }
      return nil  // not yet
    }
  }

  /// What went wrong: the last lines that it said, else its status.
  private static func reason(_ invocation: SSM.CommandInvocation) -> String {
    let said = [invocation.errors, invocation.output].compactMap(\.self).first { !$0.isEmpty } ?? ""
    let lines = said.split(separator: "\n").map { $0.filter { !$0.isNewline } }.filter {
      !$0.hasPrefix("failed to run commands:")
    }
    let tail = lines.suffix(3).joined(separator: " ").prefix(600)
    let status = invocation.statusDetails.flatMap { $0.isEmpty ? nil : $0 } ?? invocation.status
    return tail.isEmpty ? "\(status), exit status \(invocation.responseCode ?? -1)" : String(tail)
  }
}

/// Looks now and then whether the instance is still there.
final class InstanceWatch: Sendable {
  let id: String
  private let ec2: EC2
  private let pace: Pace
  private let lookedAt: LastLook

  init(id: String, ec2: EC2, pace: Pace) {
    (self.id, self.ec2, self.pace) = (id, ec2, pace)
    lookedAt = LastLook(pace.time.uptime())
  }

  /// Throws `.instanceLost` when it runs no more; asks at most every ten seconds.
  func check() async throws {
    guard lookedAt.isDue(at: pace.time.uptime(), after: .seconds(10)) else { return }
    try await checkNow()
  }

  /// Throws `.instanceLost` when it runs no more.
  func checkNow() async throws {
    let instance = try await describe()
    guard ["pending", "running"].contains(instance?.state) else {
      let reason = instance?.stateReason.map { ": \($0)" } ?? ""
      throw SnapshotError(.instanceLost, "instance \(id) is \(instance?.state ?? "gone")\(reason)")
    }
  }

  /// The instance; `nil` when there is none.
  func describe() async throws -> EC2.Instance? {
    do throws(AWSError) {
      return try await ec2.describeInstances(ids: [id]).elements.first
    } catch {
      guard error.code == "InvalidInstanceID.NotFound" else { throw error }
      return nil
    }
  }
}
