import AWSKit
import Foundation
import Testing

@testable import Snapshots

@Suite("Scripts for the host") struct HostScriptTests {
  private func text(_ name: String, _ architecture: Architecture = .amd64) throws -> String {
    HostScript.pull(try ImageReference(name), architecture).lines.joined(separator: "\n")
  }

  @Test(
    "ask for a token for private registries of every partition, and name none",
    arguments: [
      "123456789012.dkr.ecr.us-west-2.amazonaws.com/a:1", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a:1",
      "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/a:1", "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/a",
      "123456789012.dkr-ecr.eu-west-1.on.aws/a",
    ])
  func privateImages(name: String) throws {
    let script = try text(name)
    #expect(script.contains("ecr-credential-provider") && script.contains("--user \"AWS:${BASH_REMATCH[1]}\""))
  }

  @Test("ask for none for public ones", arguments: ["nginx", "public.ecr.aws/a/b:1", "ghcr.io/a/b", "x.dkr.ecr.y/z"])
  func publicImages(name: String) throws {
    let script = try text(name, .arm64)
    #expect(!script.contains("credential") && !script.contains("--user"))
    #expect(script.contains("--platform linux/arm64"))
  }

  @Test("tell the digest in a line of its own, and nothing else is taken for it")
  func digests() {
    let digest = "sha256:" + String(repeating: "0a", count: 32)
    #expect(HostScript.digest(in: "noise\ndigest \(digest)\n") == digest)
    for text in ["", "digest", "digest sha256:0a", "digest \(digest) more", "digests \(digest)"] {
      #expect(HostScript.digest(in: text) == nil)
    }
  }
}

@Suite("The owner of a run") struct RunOwnerTests {
  @Test("is known to live, to be dead, or to be somebody elsewhere")
  func verdicts() throws {
    let own = RunOwner.current
    #expect(own.verdict == .alive)
    #expect(RunOwner(own.text)?.verdict == .alive)
    // A number that is used again by another process is not the owner.
    #expect(RunOwner(host: own.host, boot: own.boot, process: own.process, start: "1").verdict == .dead)
    #expect(RunOwner(host: own.host, boot: own.boot, process: 1 << 22 + 1, start: "1").verdict == .dead)
    #expect(RunOwner(host: "another", boot: own.boot, process: own.process, start: own.start).verdict == .elsewhere)
    #expect(RunOwner(host: own.host, boot: "another", process: own.process, start: own.start).verdict == .elsewhere)
    for text in ["", "a b c d", "a b 1", "a b 1 2 3"] { #expect(RunOwner(text) == nil) }
  }
}

@Suite("A registry's challenge") struct BearerChallengeTests {
  @Test("is read, whatever its order")
  func read() throws {
    let challenge = try #require(
      BearerChallenge(#"Bearer service="s", realm="https://auth.example/token",scope="repository:a/b:pull,push""#))
    #expect(challenge.url == "https://auth.example/token?service=s&scope=repository%3Aa%2Fb%3Apull%2Cpush")
    #expect(BearerChallenge(#"Basic realm="x""#) == nil)
    #expect(BearerChallenge(#"Bearer realm="x"#) == nil)
    #expect(BearerChallenge("Bearer service=\"s\"") == nil)
  }
}

@Suite("A request for a snapshot") struct SnapshotRequestTests {
  private func request(_ change: (inout SnapshotRequest) -> Void = { _ in }) throws -> SnapshotRequest {
    var request = SnapshotRequest([try ImageReference("a:1"), try ImageReference("b:1"), try ImageReference("a:1")])
    change(&request)
    return request
  }

  @Test("holds each image once, and has a digest of what decides whether a run can be gone on with")
  func digest() throws {
    let plain = try request()
    #expect(plain.images.count == 2)
    #expect(try request().digest == plain.digest)
    #expect(try request { $0.size = 51 }.digest != plain.digest)
    #expect(try request { $0.architectures = [.arm64] }.digest != plain.digest)
    #expect(try request { $0.tags = ["a": "b"] }.digest == plain.digest)
  }

  @Test("has the same contents whatever the order of its images, and none where a digest is not known")
  func contents() throws {
    let digests = try [ImageReference("a:1"): "sha256:1", ImageReference("b:1"): "sha256:2"]
    let reversed = SnapshotRequest([try ImageReference("b:1"), try ImageReference("a:1")])
    #expect(try request().contents(digests) == reversed.contents(digests))
    #expect(try request().contents([:]) == nil)
    #expect(try request { $0.isEncrypted = true }.contents(digests) != request().contents(digests))
  }

  @Test(
    "is refused where it cannot be right",
    arguments: [
      { @Sendable in $0.images = [] }, { $0.size = 0 }, { $0.size = 16385 }, { $0.kmsKeyID = "k" }, { $0.name = "a b" },
      { $0.concurrency = 0 }, { $0.architectures = [] }, { $0.tags = ["aws:x": ""] }, { $0.tags = ["sd-x": ""] },
    ] as [@Sendable (inout SnapshotRequest) -> Void])
  func refused(change: @Sendable (inout SnapshotRequest) -> Void) throws {
    let request = try request(change)
    #expect(throws: SnapshotError.self) { try request.validate() }
  }
}
