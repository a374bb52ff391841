// swift-tools-version: 6.3
import PackageDescription

// The program of AWSKit's getting-started page, word for word: it imports the AWS client and nothing else.
let package = Package(
  name: "aws",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "stable-diffusion-on-demand", path: "../..")],
  targets: [
    .executableTarget(name: "aws", dependencies: [.product(name: "AWSKit", package: "stable-diffusion-on-demand")])
  ]
)
