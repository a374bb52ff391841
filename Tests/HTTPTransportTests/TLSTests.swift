import Foundation
import HTTPTransport
import HTTPTypes
import SDTestKit
import Testing

/// A TLS server of the `openssl` program, with certificates made for the occasion.
final class TLSServer {
  struct Failure: Error { var text: String }

  static let isAvailable = (try? openssl(["version"])) != nil

  let port: Int
  /// The authority that signed the certificate.
  let authority: String
  private let directory: URL
  private let process = Process()

  /// - Parameter name: what the certificate is for, as in a subjectAltName: `DNS:localhost`.
  init(name: String, days: Int = 1, options: [String] = []) throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let file = { [directory] in directory.appendingPathComponent($0).path }
    authority = file("ca.pem")
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    try Self.openssl(
      ["req", "-x509"] + key + [
        "-keyout", file("ca.key"), "-out", authority, "-days", "2", "-subj", "/CN=test authority",
      ])
    try Self.openssl(["req"] + key + ["-keyout", file("key"), "-out", file("csr"), "-subj", "/CN=test"])
    try "subjectAltName=\(name)".write(toFile: file("ext"), atomically: true, encoding: .utf8)
    try Self.openssl([
      "x509", "-req", "-in", file("csr"), "-CA", authority, "-CAkey", file("ca.key"), "-CAcreateserial", "-extfile",
      file("ext"), "-days", "\(days)", "-out", file("pem"),
    ])
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", file("pem"), "-key", file("key"), "-www"] + options
    let output = Pipe()
    (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
    process.standardInput = Pipe()
    try process.run()
    // It says where it listens as soon as it does.
    var said = ""
    while !said.contains("ACCEPT") || !said.hasSuffix("\n") {
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { throw Failure(text: "openssl s_server ended: \(said)") }
      said += String(decoding: more, as: UTF8.self)
    }
    guard
      let port = said.split(separator: ":").last.flatMap({ Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) })
    else {
      throw Failure(text: said)
    }
    self.port = port
  }

  deinit {
    // It may have been started with other signals blocked: the threads that tasks run on block them.
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    try? FileManager.default.removeItem(at: directory)
  }

  @discardableResult private static func openssl(_ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure(text: "openssl \(arguments.first ?? "") failed") }
    return 0
  }
}

@Suite("TLS", .timeLimit(.minutes(5)), .enabled(if: TLSServer.isAvailable, "the openssl program is missing"))
struct TLSTests {
  private func get(_ server: TLSServer, host: String = "localhost", authority: String?) async throws -> Result<
    Int, TransportError
  > {
    var configuration = CurlTransport.Configuration()
    configuration.certificateAuthorityFile = authority
    let request = try HTTPRequest(url: "https://\(host):\(server.port)/")
    return try await withTransport(configuration) { transport in
      do throws(TransportError) {
        return .success(try await transport.send(request, upTo: 1 << 20).head.status.code)
      } catch {
        return .failure(error)
      }
    }
  }

  private func expectRefused(_ result: Result<Int, TransportError>, _ comment: Comment) {
    guard case .failure(let error) = result else {
      Issue.record(comment)
      return
    }
    #expect(error.code == .tlsFailed, comment)
    #expect(!error.requestMayHaveBeenSent, comment)
  }

  @Test func aCertificateOfTheGivenAuthorityIsTaken() async throws {
    let server = try TLSServer(name: "DNS:localhost")
    #expect(try await get(server, authority: server.authority).get() == 200)
  }

  @Test func attack13WhatCannotBeVerifiedIsRefusedBeforeAnythingIsSent() async throws {
    let server = try TLSServer(name: "DNS:localhost")
    let other = try TLSServer(name: "DNS:elsewhere.invalid")
    let expired = try TLSServer(name: "DNS:localhost", days: -1)
    expectRefused(try await get(server, authority: nil), "an authority that nobody knows")
    expectRefused(try await get(server, authority: other.authority), "another authority")
    expectRefused(
      try await get(server, host: "127.0.0.1", authority: server.authority), "an address that it is not for")
    expectRefused(try await get(other, authority: other.authority), "a name that it is not for")
    expectRefused(try await get(expired, authority: expired.authority), "a certificate past its end")
    expectRefused(try await get(server, authority: "/no/such/file.pem"), "no file of authorities")
  }

  @Test func attack13OldVersionsAreRefused() async throws {
    let lax = ["-cipher", "DEFAULT@SECLEVEL=0"]
    let old = try TLSServer(name: "DNS:localhost", options: ["-tls1_1"] + lax)
    expectRefused(try await get(old, authority: old.authority), "TLS 1.1")
    let good = try TLSServer(name: "DNS:localhost", options: ["-tls1_2"] + lax)
    #expect(try await get(good, authority: good.authority).get() == 200)
  }

  @Test func attack13APeerThatSpeaksNoTLSIsRefused() async throws {
    let server = try ScriptedHTTPServer { _ in .respond() }
    try await withTransport { transport in
      let request = try HTTPRequest(url: "https://127.0.0.1:\(server.port)/", headerFields: [.authorization: "secret"])
      let error = await failure { () throws(TransportError) in
        try await transport.send(request, upTo: 0, options: .with { $0.connectTimeout = .seconds(1) })
      }
      #expect(error?.code == .tlsFailed || error?.code == .timeout || error?.code == .connectionFailed)
      #expect(error?.requestMayHaveBeenSent == false)
      #expect(server.requests.isEmpty)
    }
  }
}
