import Snapshots
import Testing

@Suite("An image's name")
struct ImageReferenceTests {
  @Test(
    "is read as Docker reads it",
    arguments: [
      ("nginx", "docker.io/library/nginx:latest"), ("nginx:1.29", "docker.io/library/nginx:1.29"),
      ("bitnami/redis", "docker.io/bitnami/redis:latest"), ("docker.io/nginx", "docker.io/library/nginx:latest"),
      ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
      ("localhost/a", "localhost/a:latest"), ("localhost:5000/a/b:c", "localhost:5000/a/b:c"),
      ("ghcr.io/a/b:V1.0_x", "ghcr.io/a/b:V1.0_x"), ("a-b/d__e/f.g", "docker.io/a-b/d__e/f.g:latest"),
      (
        "quay.io/a/b@sha256:\(String(repeating: "0a", count: 32))",
        "quay.io/a/b@sha256:\(String(repeating: "0a", count: 32))"
      ),
      (
        "quay.io/a/b:c@sha256:\(String(repeating: "0a", count: 32))",
        "quay.io/a/b:c@sha256:\(String(repeating: "0a", count: 32))"
      ),
    ])
  func reads(_ text: String, _ whole: String) throws {
    #expect(try ImageReference(text).description == whole)
  }

  @Test(
    "with what a registry cannot have, or a shell would understand, is refused",
    arguments: [
      "", ":", "a b", "a;b", "a$(b)", "a'b", "A", "a:", "a:b:c", "a@b", "a@sha256:00", "a/", "/a", "a//b", "-a", "a-",
      "ghcr.io/", "ghcr.io:99999/a", "exa_mple.com/a", "a:\(String(repeating: "x", count: 129))", "a\nb", "é", "a:-b",
    ])
  func refuses(_ text: String) {
    #expect(throws: SnapshotError.self) { try ImageReference(text) }
  }

  @Test(
    "tells a private ECR registry in any partition",
    arguments: [
      ("123456789012.dkr.ecr.us-west-2.amazonaws.com", "us-west-2"),
      ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
      ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
      ("123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
      ("123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"),
      ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
      ("123456789012.dkr-ecr.eu-west-1.on.aws", "eu-west-1"),
    ])
  func privateECR(_ registry: String, _ region: String) throws {
    let ecr = try #require(try ImageReference("\(registry)/a/b:c").privateECR)
    #expect(ecr.account == "123456789012")
    #expect(ecr.region == region)
  }

  @Test(
    "is not private ECR elsewhere",
    arguments: [
      "public.ecr.aws", "123456789012.dkr.ecr.us-west-2.example.com", "12345.dkr.ecr.us-west-2.amazonaws.com",
      "123456789012.dkr.ecr.cn-north-1.amazonaws.com", "docker.io",
    ])
  func elsewhere(_ registry: String) throws {
    #expect(try ImageReference("\(registry)/a/b:c").privateECR == nil)
  }
}
