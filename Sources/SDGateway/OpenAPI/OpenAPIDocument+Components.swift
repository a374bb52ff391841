extension OpenAPIDocument {
  /// What calls have in common, in OpenAPI's JSON; what depends on the deployment is put in later.
  static let components = #"""
    {
    "securitySchemes": {
      "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
      "bearer": {"type": "http", "scheme": "bearer"}
    },
    "parameters": {
      "TaskID": {"name": "id", "in": "path", "required": true, "description": "The task's id.", "schema": {"$ref": "#/components/schemas/TaskID"}},
      "Run": {"name": "run", "in": "query", "description": "Which run of it; the newest unless said.", "schema": {"type": "integer", "minimum": 1, "maximum": 1000000000}},
      "IdempotencyKey": {"name": "Idempotency-Key", "in": "header", "description": "Calls with the same key are one call.", "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"}},
      "RuntimeName": {"name": "name", "in": "path", "required": true, "description": "The runtime's name.", "schema": {"$ref": "#/components/schemas/TaskID"}},
      "Prefer": {"name": "Prefer", "in": "header", "description": "`wait=N`: hold the answer until the end, at most N seconds (60; 25 behind API Gateway). What else is preferred is passed over, as RFC 7240 has it.", "schema": {"type": "string"}, "examples": {"wait": {"value": "wait=5"}}}
    },
    "responses": {
      "NewTask": {"description": "The task, which is new.", "headers": {"Location": {"required": true, "description": "Where the task can be looked at.", "schema": {"type": "string"}}}, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}},
      "KnownTask": {"description": "The task.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}},
      "BadRequest": {"description": "The request is not one that can be read.", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
      "Unauthorized": {"description": "An API key is needed, or this one is not good.", "headers": {"WWW-Authenticate": {"required": true, "description": "How to authenticate.", "schema": {"type": "string"}}}, "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
      "Forbidden": {"description": "The API key may not do this.", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
      "NotFound": {"description": "There is no such thing.", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
      "Conflict": {"description": "It cannot be done as things stand.", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
      "TooLarge": {"description": "The body is too large.", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
      "Unprocessable": {"description": "What is asked for cannot be done; `errors` says what is wrong field by field, all of it at once.", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
      "TooMany": {"description": "Too many calls, or too many tasks wait.", "headers": {"Retry-After": {"required": true, "description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}, "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
      "Unavailable": {"description": "It cannot be done for now.", "headers": {"Retry-After": {"required": true, "description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}, "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
      "EarlierRefusal": {"description": "Why it is not taken.", "content": {"text/plain": {"schema": {"type": "string"}}}},
      "EarlierForbidden": {"description": "An API key is needed, or this one is not good.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/GatewayMessage"}}}},
      "EarlierTooLarge": {"description": "The body is too large.", "content": {"text/plain": {"schema": {"type": "string"}}}},
      "EarlierTooMany": {"description": "Too many calls, or too many tasks wait.", "headers": {"Retry-After": {"required": true, "description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/GatewayMessage"}}}},
      "EarlierUnavailable": {"description": "It cannot be done for now.", "headers": {"Retry-After": {"required": true, "description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}}, "content": {"text/plain": {"schema": {"type": "string"}}}}
    },
    "schemas": {
      "TaskID": {"type": "string", "description": "1 to 64 letters, digits, dashes and underscores, one letter or digit among them.", "maxLength": 64, "pattern": "^[_-]*[A-Za-z0-9][A-Za-z0-9_-]*$", "examples": ["lighthouse-1"]},
      "TaskType": {"type": "string", "enum": ["text-to-image", "image-to-image", "extra-single-image", "extra-batch-images", "pipeline"]},
      "TaskState": {"type": "string", "enum": ["queued", "running", "succeeded", "failed", "cancelled", "expired"]},
      "Prefix": {"type": "string", "description": "Where the outputs go in the store, in 512 bytes of UTF-8: no slash at its start, no empty segment, none that begins with a dot.", "anyOf": [{"maxLength": 128}, {"maxLength": 512, "pattern": "^[ -~]*$"}], "pattern": "^([^\\u0000-\\u001f\\u007f\\\\/.%][^\\u0000-\\u001f\\u007f\\\\/]*(/[^\\u0000-\\u001f\\u007f\\\\/.%][^\\u0000-\\u001f\\u007f\\\\/]*)*/?)?$", "examples": ["campaign/march"]},
      "TaskSubmission": {
        "type": "object", "additionalProperties": false, "required": ["type", "content"],
        "anyOf": [{"required": ["runtime"]}, {"required": ["model"]}],
        "properties": {
          "runtime": {"type": "string", "description": "The runtime that is to do it."},
          "model": {"type": "string", "description": "The model file that it is to be done with; chooses the runtime where none is named.", "minLength": 1, "maxLength": 256},
          "type": {"$ref": "#/components/schemas/TaskType"},
          "content": {"type": "object", "description": "What the engine is sent, in its own terms. Images may be http, https, s3 or data URLs, in the fields that carry images.", "examples": [{"prompt": "a lighthouse", "steps": 20, "width": 512, "height": 512}]},
          "id": {"$ref": "#/components/schemas/TaskID"},
          "prefix": {"$ref": "#/components/schemas/Prefix"},
          "context": {"description": "Anything; it comes back with the task and in its notice."},
          "priority": {"type": "string", "description": "`high` where the runtime has a queue for urgent tasks.", "enum": ["normal", "high"]},
          "expires_in": {"type": "integer", "description": "Seconds after which it is no longer worth beginning.", "minimum": 1, "maximum": 1209600},
          "webhook": {
            "description": "Where the task is posted to at its end, signed as Standard Webhooks 1.0 has it. Public addresses only.",
            "anyOf": [
              {"$ref": "#/components/schemas/WebhookURL"},
              {"type": "object", "additionalProperties": false, "required": ["url"], "properties": {
                "url": {"$ref": "#/components/schemas/WebhookURL"},
                "when_running": {"type": "boolean", "description": "Whether its start is posted too.", "default": false}}}
            ]
          },
          "outputs": {"$ref": "#/components/schemas/OutputOptions"}
        }
      },
      "OutputOptions": {
        "type": "object", "additionalProperties": false,
        "description": "How PNG, JPEG and WebP pictures are stored; other media stay as they are. Where nothing is said, every byte is the engine's.",
        "properties": {
          "format": {"type": "string", "description": "What pictures are made into; what they have besides pixels is lost then.", "enum": ["png", "jpeg", "webp"]},
          "quality": {"type": "integer", "description": "Of JPEG and of WebP that is not lossless; 90 unless said.", "minimum": 1, "maximum": 100},
          "lossless": {"type": "boolean", "description": "Whether WebP keeps every pixel as it is."},
          "metadata": {"type": "string", "description": "Whether prompts, seeds and graphs that engines write into pictures stay there.", "enum": ["keep", "strip"]},
          "thumbnail": {"type": "integer", "description": "The longest side of a small WebP that is stored beside each picture.", "minimum": 16, "maximum": 1024}
        },
        "dependentSchemas": {
          "quality": {"required": ["format"], "properties": {"format": {"enum": ["jpeg", "webp"]}, "lossless": {"const": false}}},
          "lossless": {"anyOf": [{"properties": {"lossless": {"const": false}}}, {"required": ["format"], "properties": {"format": {"const": "webp"}}}]}
        }
      },
      "Manifest": {
        "type": "object", "required": ["id", "run", "request", "engine", "outputs"],
        "properties": {
          "id": {"$ref": "#/components/schemas/TaskID"}, "run": {"type": "integer", "minimum": 1},
          "request": {"type": "object", "description": "A task that makes the same pictures."},
          "engine": {"type": "object"}, "outputs": {"type": "array", "items": {"type": "object"}}
        }
      },
      "WebhookURL": {"type": "string", "maxLength": 2048, "pattern": "^https?://[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~/-]*)?$", "examples": ["https://example.com/hooks/pictures"]},
      "Task": {
        "type": "object", "required": ["id", "run", "type", "state", "attempts", "cancel_requested", "created_at", "timings", "outputs"],
        "properties": {
          "id": {"$ref": "#/components/schemas/TaskID"},
          "run": {"type": "integer", "description": "Which run of it: through the earlier doors an id may be used again.", "minimum": 1},
          "runtime": {"type": "string"}, "model": {"type": "string"},
          "type": {"$ref": "#/components/schemas/TaskType"},
          "title": {"type": "string", "description": "The beginning of its prompt, where it has one in words."},
          "state": {"$ref": "#/components/schemas/TaskState"},
          "priority": {"type": "string", "enum": ["normal", "high"]},
          "position": {"type": "integer", "description": "Where it stands in its queue, 1 being the next, where that is known.", "minimum": 1},
          "attempts": {"type": "integer", "description": "How often an engine was started for it.", "minimum": 0},
          "cancel_requested": {"type": "boolean"},
          "worker": {"type": "string", "description": "Who works on it, or did last."},
          "trace_id": {"type": "string", "description": "The trace that it is a part of, where one is known.", "pattern": "^[0-9a-f]{32}$"},
          "created_at": {"type": "string", "format": "date-time"}, "started_at": {"type": "string", "format": "date-time"},
          "finished_at": {"type": "string", "format": "date-time"}, "expires_at": {"type": "string", "format": "date-time"},
          "timings": {"type": "object", "description": "Seconds by stage of the last attempt.", "additionalProperties": {"type": "number"}},
          "outputs": {"type": "array", "items": {"$ref": "#/components/schemas/Output"}},
          "error": {"$ref": "#/components/schemas/Failure"},
          "context": {"description": "The client's own."}
        }
      },
      "Output": {
        "type": "object", "required": ["n", "role", "uri", "url", "content_type", "bytes", "sha256"],
        "properties": {
          "n": {"type": "integer", "description": "Which one, from 1.", "minimum": 1},
          "role": {"type": "string", "description": "`image`: what was asked for; `extra`: what came along, such as masks.", "enum": ["image", "extra"]},
          "uri": {"type": "string", "description": "Where the store has it."},
          "url": {"type": "string", "description": "Where this server hands it out, relative to its address."},
          "content_type": {"type": "string"}, "bytes": {"type": "integer", "minimum": 0},
          "sha256": {"type": "string"}, "width": {"type": "integer"}, "height": {"type": "integer"},
          "seed": {"type": "integer", "description": "The seed that made it, up to 64 bits."},
          "thumbnail": {
            "type": "object", "description": "The small picture beside it, where the task wanted one.",
            "required": ["uri", "content_type", "bytes", "width", "height"],
            "properties": {
              "uri": {"type": "string"}, "content_type": {"type": "string"}, "bytes": {"type": "integer"},
              "width": {"type": "integer"}, "height": {"type": "integer"}}
          }
        }
      },
      "Failure": {
        "type": "object", "required": ["code", "stage", "message", "retryable"],
        "properties": {
          "code": {"type": "string", "enum": ["invalid_request", "engine_unreachable", "engine_rejected", "engine_failed", "engine_timeout", "out_of_memory", "model_not_found", "input_unreachable", "input_refused", "input_invalid", "output_invalid", "store_failed", "cancelled", "expired", "attempts_exhausted", "internal"]},
          "stage": {"type": "string", "enum": ["receive", "prepare", "infer", "deliver"]},
          "message": {"type": "string"}, "retryable": {"type": "boolean"}
        }
      },
      "TaskPage": {
        "type": "object", "required": ["tasks", "next"],
        "properties": {"tasks": {"type": "array", "items": {"$ref": "#/components/schemas/Task"}}, "next": {"type": ["string", "null"], "description": "The cursor of the next page; null at the end."}}
      },
      "TaskBatch": {
        "type": "object", "additionalProperties": false, "required": ["tasks"],
        "properties": {"tasks": {"type": "array", "description": "Tasks as `POST /v1/tasks` takes them; each is judged by itself.", "minItems": 1, "maxItems": 100, "items": {}}},
        "examples": [{"tasks": [{"runtime": "sdruntime", "type": "text-to-image", "content": {"prompt": "a lighthouse"}}]}]
      },
      "BatchOutcome": {
        "type": "object", "required": ["results"],
        "properties": {"results": {"type": "array", "items": {
          "type": "object", "required": ["status"],
          "properties": {"status": {"type": "integer", "description": "What the task alone would have been answered with."}, "task": {"$ref": "#/components/schemas/Task"}, "problem": {"$ref": "#/components/schemas/Problem"}}}}}
      },
      "Runtimes": {
        "type": "object", "required": ["runtimes"],
        "properties": {"runtimes": {"type": "array", "items": {
          "type": "object", "required": ["name", "engine", "dynamic_model", "job"],
          "properties": {
            "name": {"type": "string"}, "engine": {"type": "string"}, "model": {"type": "string"},
            "dynamic_model": {"type": "boolean", "description": "Whether a task may name any model."},
            "job": {"type": "boolean", "description": "Whether its workers take one task each and end."},
            "routing": {"type": "string", "enum": ["successor", "reference"], "description": "There where its queue has the filter policy of an earlier system: with `reference` only tasks of `/v1alpha1` reach it."},
            "queue": {"type": "object", "required": ["waiting", "in_flight", "delayed"], "properties": {
              "waiting": {"type": "integer"}, "in_flight": {"type": "integer"}, "delayed": {"type": "integer"},
              "dead": {"type": "integer", "description": "Letters in its dead-letter queue."},
              "oldest_age": {"type": "number", "description": "Seconds that the oldest has waited."}}}}}}}
      },
      "TaskAsSubmitted": {
        "type": "object", "required": ["type", "content"], "description": "What `POST /v1/tasks` makes the same task of; id, folder, webhook and expiry are left out.",
        "properties": {
          "runtime": {"type": "string"}, "model": {"type": "string"}, "type": {"$ref": "#/components/schemas/TaskType"},
          "content": {"type": "object"}, "context": {}, "priority": {"type": "string", "enum": ["normal", "high"]}}
      },
      "Trace": {
        "type": "object", "required": ["trace_id", "xray_id"],
        "properties": {
          "trace_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"}, "xray_id": {"type": "string", "description": "The same in X-Ray's form."},
          "spans": {"type": "array", "description": "Its spans by their begin; not there where they are kept elsewhere.", "items": {"$ref": "#/components/schemas/Span"}}}
      },
      "Span": {
        "type": "object", "required": ["trace_id", "span_id", "service", "name", "kind", "start", "duration_ms", "start_unix_nano", "end_unix_nano"],
        "properties": {
          "trace_id": {"type": "string"}, "span_id": {"type": "string"}, "parent_id": {"type": "string"},
          "service": {"type": "string"}, "name": {"type": "string"}, "kind": {"type": "string"},
          "start": {"type": "string", "format": "date-time"}, "duration_ms": {"type": "number"},
          "start_unix_nano": {"type": "string"}, "end_unix_nano": {"type": "string"},
          "status": {"type": "string", "enum": ["ok", "error"]}, "status_message": {"type": "string"},
          "attributes": {"type": "object"}}
      },
      "OutputLink": {
        "type": "object", "required": ["url", "expires_at"],
        "properties": {"url": {"type": "string"}, "expires_at": {"type": "string", "format": "date-time"}}
      },
      "Workers": {
        "type": "object", "required": ["workers"],
        "properties": {"workers": {"type": "array", "items": {
          "type": "object", "required": ["name", "seen_at", "ended"],
          "properties": {
            "name": {"type": "string"}, "runtime": {"type": "string"},
            "task": {"type": "string", "description": "What it works on."}, "run": {"type": "integer", "minimum": 1},
            "since": {"type": "string", "format": "date-time", "description": "When it began that."},
            "seen_at": {"type": "string", "format": "date-time", "description": "When it was last known to do something."},
            "ended": {"type": "integer", "description": "How many of the newest tasks it has ended.", "minimum": 0}}}}}
      },
      "Letters": {
        "type": "object", "required": ["letters"],
        "properties": {"letters": {"type": "array", "description": "The oldest first, where the queue tells their times.", "items": {
          "type": "object", "required": ["id", "code", "reason", "receives", "bytes"],
          "properties": {
            "id": {"type": "string"}, "code": {"type": "string", "description": "The reason in a word; `received_too_often` where the queue itself moved it."},
            "reason": {"type": "string"}, "receives": {"type": "integer", "minimum": 0}, "bytes": {"type": "integer", "minimum": 0},
            "sent_at": {"type": "string", "format": "date-time"}, "task": {"type": "string"}, "tenant": {"type": "string"},
            "run": {"type": "integer", "minimum": 1}, "type": {"$ref": "#/components/schemas/TaskType"},
            "problem": {"type": "string", "description": "Why no task can be read."}}}}}
      },
      "LetterSelection": {
        "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1, "description": "Which letters: one of these.",
        "properties": {
          "ids": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1000},
          "code": {"type": "string", "description": "All with this code."},
          "all": {"const": true}},
        "examples": [{"ids": ["9b2f6c1e"]}, {"code": "engine_failed"}, {"all": true}]
      },
      "LetterOutcome": {
        "type": "object", "required": ["missing", "failed"],
        "properties": {
          "redriven": {"type": "array", "items": {"type": "string"}}, "dropped": {"type": "array", "items": {"type": "string"}},
          "missing": {"type": "array", "description": "Asked for and not met: no such letters, or in somebody's hands.", "items": {"type": "string"}},
          "failed": {"type": "object", "description": "What stays where it is, with the reason.", "additionalProperties": {"type": "string"}}}
      },
      "StreamEvent": {
        "type": "object", "description": "One event of a stream.", "required": ["event", "data"],
        "properties": {
          "event": {"type": "string"}, "data": {"type": "string", "contentMediaType": "application/json"},
          "id": {"type": "string"}, "retry": {"type": "integer"}}
      },
      "TaskEvent": {
        "allOf": [{"$ref": "#/components/schemas/StreamEvent"}],
        "properties": {"event": {"enum": ["state", "progress", "preview", "end"]}}
      },
      "WebhookSecret": {"type": "object", "required": ["secret"], "properties": {"secret": {"type": "string", "pattern": "^whsec_"}}},
      "Health": {"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}, "detail": {"type": "string"}}},
      "Problem": {
        "type": "object", "description": "RFC 9457.", "required": ["type", "title", "status", "detail", "instance"],
        "properties": {
          "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
          "detail": {"type": "string"}, "instance": {"type": "string"},
          "errors": {"type": "array", "items": {"type": "object", "required": ["pointer", "detail"], "properties": {
            "pointer": {"type": "string", "description": "Where, as a JSON pointer."}, "detail": {"type": "string"}}}}
        }
      },
      "GatewayMessage": {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}},
      "ScriptsID": {"description": "A task's id; a number does as well.", "anyOf": [{"$ref": "#/components/schemas/TaskID"}, {"type": "integer"}]},
      "ReferenceTask": {
        "type": "object", "required": ["sdname", "alwayson_scripts"], "description": "A request of the web UI with what is the queue's in `alwayson_scripts`.",
        "properties": {
          "sdname": {"type": "string", "description": "The runtime's name, with or without `Addon` at its end."},
          "alwayson_scripts": {"type": "object", "required": ["task", "id_task", "sd_model_checkpoint"], "properties": {
            "task": {"$ref": "#/components/schemas/TaskType"}, "id_task": {"$ref": "#/components/schemas/ScriptsID"},
            "sd_model_checkpoint": {"type": "string", "description": "A model file's name.", "maxLength": 256, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f\\ufffe\\uffff]+$"},
            "image_link": {"description": "URLs of input images, separated by commas; the worker looks at them, not the door."}}}
        },
        "examples": [{"sdname": "sdruntime-jobAddon", "alwayson_scripts": {"task": "text-to-image", "sd_model_checkpoint": "v1-5-pruned-emaonly.safetensors", "id_task": "307", "uid": "456"}, "prompt": "A dog", "steps": 16, "width": 512, "height": 512}]
      },
      "LegacyTask": {
        "type": "object", "required": ["alwayson_scripts"], "not": {"required": ["sdname"]},
        "properties": {
          "alwayson_scripts": {"type": "object", "required": ["task", "id_task", "sd_model_checkpoint"], "properties": {
            "task": {"$ref": "#/components/schemas/TaskType"}, "id_task": {"$ref": "#/components/schemas/ScriptsID"},
            "sd_model_checkpoint": {"type": "string", "minLength": 1}, "save_dir": {"$ref": "#/components/schemas/Prefix"}}}
        }
      },
      "ReferenceAnswer": {
        "type": "object", "required": ["id_task", "sd_model_checkpoint", "output_location"],
        "properties": {"id_task": {"type": ["string", "integer"]}, "task": {"type": "string"}, "sd_model_checkpoint": {"type": "string"}, "output_location": {"type": "string"}}
      },
      "SuccessorTask": {
        "type": "object", "required": ["task"],
        "properties": {"task": {"type": "object", "required": ["metadata", "content"], "properties": {
          "metadata": {"type": "object", "required": ["id", "runtime", "tasktype"], "properties": {
            "id": {"$ref": "#/components/schemas/TaskID"}, "runtime": {"type": "string"},
            "tasktype": {"type": "string", "enum": ["text-to-image", "image-to-image", "extra-single-image", "extra-batch-image", "extra-batch-images", "pipeline"]},
            "prefix": {"$ref": "#/components/schemas/Prefix"}, "context": {}}},
          "content": {"type": "object"}}}},
        "examples": [{"task": {"metadata": {"id": "test-t2i", "runtime": "sdruntime", "tasktype": "text-to-image", "prefix": "output", "context": ""}, "content": {"alwayson_scripts": {}, "prompt": "A dog", "steps": 16, "width": 512, "height": 512}}}]
      },
      "SuccessorAnswer": {
        "type": "object", "required": ["id", "runtime", "output_location"],
        "properties": {"id": {"type": "string"}, "runtime": {"type": "string"}, "output_location": {"type": "string"}}
      }
    }
    }
    """#
}
