import Foundation
import Glibc
import HTTPTransport
import HTTPTypes
import SDTestKit
import Testing

/// The `openssl` program at work. By hand, since Foundation's `Process` leaks some bytes, which a leak checker tells.
private struct OpenSSL {
  struct Failure: Error { var text: String }

  private let process: pid_t
  private let output: Int32

  init(_ arguments: [String]) throws {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Failure(text: "no pipe: \(String(cString: strerror(errno)))") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var words = (["openssl"] + arguments).map { strdup($0) } + [nil]
    var started: pid_t = 0
    let result = posix_spawnp(&started, "openssl", &actions, nil, &words, environ)
    for word in words { free(word) }
    posix_spawn_file_actions_destroy(&actions)
    close(ends[1])
    (process, output) = (started, ends[0])
    guard result == 0 else {
      close(ends[0])
      throw Failure(text: "openssl cannot be started: \(String(cString: strerror(result)))")
    }
  }

  /// What it prints next; empty at its end.
  func read() -> String {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(output, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }

  /// Waits for its end; its exit status. Nothing else is to be asked afterwards.
  func wait() -> Int32 {
    close(output)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : -1
  }

  func end() {
    // It may have been started with other signals blocked: the threads that tasks run on block them.
    kill(process, SIGKILL)
    _ = wait()
  }

  static func run(_ arguments: [String]) throws {
    guard try OpenSSL(arguments).wait() == 0 else { throw Failure(text: "openssl \(arguments.first ?? "") failed") }
  }
}

/// A TLS server of the `openssl` program, with certificates made for the occasion.
final class TLSServer {
  static let isAvailable = (try? OpenSSL.run(["version"])) != nil

  let port: Int
  /// The authority that signed the certificate.
  let authority: String
  private let directory: URL
  private let server: OpenSSL

  /// - Parameter name: what the certificate is for, as in a subjectAltName: `DNS:localhost`.
  init(name: String, days: Int = 1, options: [String] = []) throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let file = { [directory] in directory.appendingPathComponent($0).path }
    authority = file("ca.pem")
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    try OpenSSL.run(
      ["req", "-x509"] + key + [
        "-keyout", file("ca.key"), "-out", authority, "-days", "2", "-subj", "/CN=test authority",
      ])
    try OpenSSL.run(["req"] + key + ["-keyout", file("key"), "-out", file("csr"), "-subj", "/CN=test"])
    try "subjectAltName=\(name)".write(toFile: file("ext"), atomically: true, encoding: .utf8)
    try OpenSSL.run([
      "x509", "-req", "-in", file("csr"), "-CA", authority, "-CAkey", file("ca.key"), "-CAcreateserial", "-extfile",
      file("ext"), "-days", "\(days)", "-out", file("pem"),
    ])
    let server = try OpenSSL(
      ["s_server", "-accept", "127.0.0.1:0", "-cert", file("pem"), "-key", file("key"), "-www"] + options)
    // It says where it listens as soon as it does.
    var said = ""
    while !said.contains("ACCEPT") || !said.hasSuffix("\n") {
      let more = server.read()
      guard !more.isEmpty else { break }
      said += more
    }
    guard
      let port = said.split(separator: ":").last.flatMap({ Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) })
    else {
      server.end()
      throw OpenSSL.Failure(text: "openssl s_server ended: \(said)")
    }
    self.port = port
    self.server = server
  }

  deinit {
    server.end()
    try? FileManager.default.removeItem(at: directory)
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
