import HTTPTypes
import Testing

@testable import AWSKit

struct ErrorAnswerTests {
  func read(_ body: String, _ format: ErrorFormat, status: Int = 400, _ fields: HTTPFields = [:]) -> AWSError {
    AWSError.answer(
      HTTPResponse(status: .init(code: status), headerFields: fields), body: Array(body.utf8), format: format)
  }

  @Test func queryErrorsAreRead() {
    let error = read(
      """
      <ErrorResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><Error><Type>Sender</Type>\
      <Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>gone</Message><Detail/></Error>\
      <RequestId>r-1</RequestId></ErrorResponse>
      """, .query)
    #expect(error.code == "AWS.SimpleQueueService.NonExistentQueue")
    #expect(error.message == "gone" && error.requestID == "r-1" && error.status == 400 && error.origin == .service)
    #expect(error.details == ["Type": "Sender"])
  }

  @Test func ec2ErrorsAreRead() {
    let error = read(
      """
      <?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>\
      <Message>no i-1</Message></Error></Errors><RequestID>r-2</RequestID></Response>
      """, .query)
    #expect(error.code == "InvalidInstanceID.NotFound" && error.message == "no i-1" && error.requestID == "r-2")
  }

  @Test func s3ErrorsAreReadWithoutTheTextsThatWereSigned() {
    let error = read(
      """
      <Error><Code>SignatureDoesNotMatch</Code><Message>m</Message><Endpoint>b.s3.eu-west-1.amazonaws.com</Endpoint>\
      <AWSAccessKeyId>AKID</AWSAccessKeyId><StringToSign>secret text</StringToSign><CanonicalRequest>GET</CanonicalRequest>\
      <RequestId>r-3</RequestId><HostId>h-3</HostId></Error>
      """, .s3, status: 403)
    #expect(error.code == "SignatureDoesNotMatch" && error.requestID == "r-3" && error.hostID == "h-3")
    #expect(error.details == ["Endpoint": "b.s3.eu-west-1.amazonaws.com"])
  }

  @Test func anAnswerWithoutABodyHasItsStatusAsCode() {
    let error = read("", .s3, status: 404, [.amzRequestID: "r", .amzID2: "h"])
    #expect(error.code == "404" && error.status == 404 && error.requestID == "r" && error.hostID == "h")
  }

  @Test(arguments: ["<html><body>503</body></html>", "not xml", "<Error><Code", "{\"__type\":1}", "[]", "\u{0}"])
  func nonsenseIsStillAnError(body: String) {
    for format in [ErrorFormat.query, .s3, .json] {
      let error = read(body, format, status: 503)
      #expect(error.code == "503" && error.status == 503)
    }
  }

  @Test(arguments: [
    (#"{"__type":"com.amazonaws.ssm#ParameterNotFound","message":"m"}"#, "ParameterNotFound", "m"),
    (#"{"__type":"RepositoryNotFoundException","Message":"n"}"#, "RepositoryNotFoundException", "n"),
    (#"{"code":"ResourceNotFoundException:http://internal","message":"o"}"#, "ResourceNotFoundException", "o"),
    (#"{"message":"p"}"#, "400", "p"),
  ])
  func jsonErrorsAreRead(body: String, code: String, message: String) {
    let error = read(body, .json, [.amznRequestID: "r-4"])
    #expect(error.code.rawValue == code && error.message == message && error.requestID == "r-4")
  }

  @Test func headerFieldsOfJSONErrorsGoFirst() {
    let body = #"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"m"}"#
    #expect(read(body, .json, [.amznErrorType: "Other:http://x/"]).code == "Other")
    #expect(
      read(body, .json, [.amznQueryError: "AWS.SimpleQueueService.NonExistentQueue;Sender"]).code
        == "AWS.SimpleQueueService.NonExistentQueue")
  }

  @Test func anErrorHiddenUnderStatus200IsFound() throws {
    let head = HTTPResponse(status: .ok, headerFields: [.amzRequestID: "r"])
    let document = try XMLDocument(Array("<Error><Code>SlowDown</Code><Message>m</Message></Error>".utf8))
    let error = try #require(AWSError.hidden(in: document, of: head))
    #expect(error.code == "SlowDown" && error.status == 500 && error.requestID == "r")
    #expect(AWSError.hidden(in: try XMLDocument(Array("<CopyObjectResult/>".utf8)), of: head) == nil)
  }
}
