import Foundation
import Synchronization

/// An AWS to talk to: moto, in a process of its own that ends with this one.
///
/// One a test process, started when it is first asked for. It needs the Python packages of `requirements.txt`
/// (`make setup-python`); where they are missing `isAvailable` is false, and tests that want it are left out loudly.
public final class MotoServer: Sendable {
  /// The one of this process; `nil` when it did not start.
  public static let shared: MotoServer? = isAvailable ? MotoServer() : nil

  /// Where it answers: `http://127.0.0.1:PORT`.
  public let url: String
  /// What keeps it alive: it ends when this pipe does.
  private let lifeline: Pipe

  /// Whether moto is installed here.
  public static let isAvailable: Bool = {
    let isThere = FileManager.default.fileExists(atPath: python) && FileManager.default.fileExists(atPath: motoPackage)
    if !isThere {
      FileHandle.standardError.write(
        Data("MOTO IS MISSING: what talks to AWS is not tested. Install it with: make setup-python\n".utf8))
    }
    return isThere
  }()

  private static let root = String(#filePath.prefix(upTo: #filePath.range(of: "/Sources/SDTestKit/")!.lowerBound))
  private static var python: String { root + "/.venv/bin/python" }
  private static var script: String { root + "/Tests/Integration/support/moto_server.py" }

  /// The folder of the installed package.
  private static var motoPackage: String {
    let libraries = root + "/.venv/lib"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: libraries)) ?? []
    let candidates = versions.map { "\(libraries)/\($0)/site-packages/moto/server.py" }
    return candidates.first { FileManager.default.fileExists(atPath: $0) } ?? "none"
  }

  private init?() {
    let (process, output) = (Process(), Pipe())
    lifeline = Pipe()
    process.executableURL = URL(filePath: Self.python)
    process.arguments = [Self.script]
    process.standardInput = lifeline
    process.standardOutput = output
    do { try process.run() } catch { return nil }
    // The first line is the address; the end of the output before it means that it did not start.
    var line = Data()
    while let byte = try? output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty, byte.first != 0x0A {
      line += byte
    }
    let url = String(decoding: line, as: UTF8.self)
    guard url.hasPrefix("http://") else { return nil }
    self.url = url
  }
}
