import SDCore
import Testing

@testable import SDRuntime

/// The environments that the two earlier systems give their agents.
@Suite struct ReferenceEnvironmentTests {
  @Test func theReferencesAgentIsUnderstood() throws {
    let configuration = try Configuration(environment: [
      "AWS_DEFAULT_REGION": "eu-west-1", "SQS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/sd-queue",
      "S3_BUCKET": "outputs", "SNS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:done", "DYNAMIC_SD_MODEL": "true",
      "AWS_XRAY_DAEMON_ADDRESS": "localhost:2000", "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    ])
    #expect(configuration.text(.queue) == "https://sqs.eu-west-1.amazonaws.com/123456789012/sd-queue")
    #expect(configuration.text(.store) == "s3://outputs")
    #expect(configuration.text(.events) == "arn:aws:sns:eu-west-1:123456789012:done")
    #expect(configuration.boolean(.dynamicModel) == true)
    #expect(configuration.text(.traces) == "xray://localhost:2000")
    #expect(configuration.values.count == 5)
  }

  @Test func theSuccessorsAgentIsUnderstood() throws {
    let configuration = try Configuration(environment: [
      "SQS_QUEUE_URL": "https://sqs/1/q", "S3_BUCKET": "outputs", "SNS_TOPIC_ARN": "arn:aws:sns:eu-west-1:1:done",
      "RUNTIME_NAME": "sdruntime", "RUNTIME_TYPE": "sdwebui", "API_BASE_URL": "http://localhost:8080/sdapi/v1/",
      "EXP_CALLBACK_WHEN_RUNNING": "true", "LOGLEVEL": "WARNING", "DISABLE_XRAY": "true",
      "AWS_XRAY_DAEMON_ADDRESS": "localhost:2000", "DYNAMIC_SD_MODEL": "false",
      "SD_MODEL_CHECKPOINT": "v1-5-pruned-emaonly.safetensors", "API_ONLY": "true",
    ])
    #expect(configuration.text(.runtime) == "sdruntime")
    #expect(configuration.text(.backend) == "webui+http://localhost:8080")
    #expect(configuration.boolean(.announceStart) == true)
    #expect(configuration.text(.logLevel) == "warning")
    #expect(configuration.text(.traces) == "none:")
    #expect(configuration.boolean(.dynamicModel) == false)
    #expect(configuration.text(.model) == "v1-5-pruned-emaonly.safetensors")
  }

  @Test(arguments: [
    (["RUNTIME_TYPE": "comfyui", "API_BASE_URL": "localhost:8080"], "comfyui+http://localhost:8080"),
    (["RUNTIME_TYPE": "comfyui"], "comfyui+http://localhost:8080"),
    (["RUNTIME_TYPE": "sdwebui"], "webui+http://localhost:8080"),
    (["API_BASE_URL": "https://engine/base/sdapi/v1"], "webui+https://engine/base"),
  ]) func theEnginesAddressFollowsFromKindAndBase(environment: [String: String], backend: String) throws {
    let configuration = try Configuration(environment: environment)
    #expect(configuration.text(.backend) == backend)
    #expect(PluginURI(backend)?.serverURL == backend.split(separator: "+", maxSplits: 1).last.map(String.init))
  }

  @Test func spansGoToTheDaemonsUDPAddress() throws {
    let configuration = try Configuration(environment: [
      "AWS_XRAY_DAEMON_ADDRESS": "tcp:127.0.0.1:2000 udp:127.0.0.2:2001"
    ])
    #expect(configuration.text(.traces) == "xray://127.0.0.2:2001")
  }

  @Test(
    arguments: ["DISABLE_XRAY": "false", "DYNAMIC_SD_MODEL": "True", "LOGLEVEL": "debug"].sorted { $0.key < $1.key })
  func wordsAreReadAsTheirPythonDoes(name: String, text: String) throws {
    let configuration = try Configuration(environment: [name: text])
    switch name {
    case "DISABLE_XRAY": #expect(configuration[.traces] == nil)
    case "DYNAMIC_SD_MODEL": #expect(configuration.boolean(.dynamicModel) == true)
    default: #expect(configuration.text(.logLevel) == "debug")
    }
  }

  @Test(arguments: [("LOGLEVEL", "loud"), ("RUNTIME_TYPE", "invokeai")])
  func whatCannotBeIsNamed(name: String, text: String) {
    #expect {
      _ = try Configuration(environment: [name: text])
    } throws: { error in
      let message = (error as? SDError)?.message ?? ""
      return message.contains(name) && message.contains(text)
    }
  }

  @Test func ourOwnNamesCountMore() throws {
    let configuration = try Configuration(environment: ["S3_BUCKET": "old", "SD_STORE": "file:/new", "SD_STATE": "/d"])
    #expect(configuration.text(.store) == "file:/new")
    #expect(configuration.text(.ledger) == "file:/d")
  }
}
