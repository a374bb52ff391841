// A service's side: a picture from a running system, `sdctl dev` for one.
//
//     swift run --package-path examples/minimal client http://127.0.0.1:8811 "a lighthouse"
//
// The five lines in the middle are those of SDClient's documentation.

import SDClient

if CommandLine.arguments.count == 3 {
  let (server, prompt) = (CommandLine.arguments[1], CommandLine.arguments[2])
  let client = try SDClient(server)
  let task = try await client.submit(
    .init(runtime: "sdruntime", type: .textToImage, content: ["prompt": .string(prompt)]))
  let done = try await client.wait(task.id)
  for output in done.outputs { try await client.download(output, to: output.fileName) }
  print("\(done.id) \(done.state.rawValue): \(done.outputs.map(\.fileName).joined(separator: ", "))")
} else {
  print("client SERVER PROMPT: leaves the pictures in the current directory")
}
