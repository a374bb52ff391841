import AWSKit

/// Who the environment makes of this process: variables, shared files, and whoever they name.
enum Identity {
  static func tell() async throws {
    do {
      try Probe.report(Reflection.json(try await STS(try AWSClient.load()).getCallerIdentity()))
    } catch let error as AWSError {
      try Probe.report(.object(["code": .string(error.code.rawValue), "text": .string("\(error)")]))
    }
  }
}
