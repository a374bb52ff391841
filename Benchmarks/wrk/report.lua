-- What a run came to, as a line of JSON for gateway-benchmark.
function report(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %f, "p99": %f, "errors": %d}\n', summary.requests, summary.duration / 1e6,
    latency:percentile(99) / 1e6, errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
