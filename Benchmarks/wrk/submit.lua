-- Submissions without ids of their own: each is a new task.
dofile((debug.getinfo(1, "S").source:match("@(.*/)") or "./") .. "report.lua")
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"runtime": "sdruntime", "type": "text-to-image", "content": {"prompt": "a lighthouse at dawn, oil on canvas", ' ..
  '"negative_prompt": "blurry", "steps": 20, "width": 512, "height": 512, "seed": 307, "cfg_scale": 7.5}}'
done = report
