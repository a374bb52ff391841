-- Reads of a hundred tasks by turns: read-0 to read-99.
dofile((debug.getinfo(1, "S").source:match("@(.*/)") or "./") .. "report.lua")
local turn = 0
request = function()
  turn = (turn + 1) % 100
  return wrk.format("GET", "/v1/tasks/read-" .. turn)
end
done = report
