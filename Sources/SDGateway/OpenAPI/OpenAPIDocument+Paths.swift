extension OpenAPIDocument {
  /// What there is to call, in OpenAPI's JSON.
  static let paths = #"""
    {
    "/v1/tasks": {
      "post": {
        "operationId": "submitTask", "tags": ["tasks"], "summary": "Submit a task",
        "description": "Takes a task in and publishes it to its runtime's queue. Answers 201 for a new one. With an `Idempotency-Key`, or an id of one's own, the same body again is the same task and answers 200; another body is a 409. With `Prefer: wait=N` the answer is held until the task has ended, N seconds at most.",
        "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}, {"$ref": "#/components/parameters/Prefer"}],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TaskSubmission"}}}},
        "responses": {
          "200": {"$ref": "#/components/responses/KnownTask"},
          "201": {"$ref": "#/components/responses/NewTask"},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "409": {"$ref": "#/components/responses/Conflict"}, "413": {"$ref": "#/components/responses/TooLarge"},
          "422": {"$ref": "#/components/responses/Unprocessable"}, "429": {"$ref": "#/components/responses/TooMany"},
          "503": {"$ref": "#/components/responses/Unavailable"}
        }
      },
      "get": {
        "operationId": "listTasks", "tags": ["tasks"], "summary": "List tasks",
        "description": "The caller's tasks, newest first, a page at a time. A page may be short, even empty, and not the last: the last one has no `next`.",
        "parameters": [
          {"name": "state", "in": "query", "description": "Only those in one of these states; separated by commas or given several times.", "schema": {"type": "array", "items": {"$ref": "#/components/schemas/TaskState"}, "minItems": 1}, "style": "form", "explode": false},
          {"name": "runtime", "in": "query", "description": "Only those of a runtime.", "schema": {"type": "string"}},
          {"name": "limit", "in": "query", "description": "At most so many.", "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50}},
          {"name": "cursor", "in": "query", "description": "The `next` of the page before.", "schema": {"type": "string", "minLength": 1}}
        ],
        "responses": {
          "200": {"description": "A page.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TaskPage"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "429": {"$ref": "#/components/responses/TooMany"}, "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/tasks:batch": {
      "post": {
        "operationId": "submitTasks", "tags": ["tasks"], "summary": "Submit up to a hundred tasks",
        "description": "Each task has an outcome of its own, in their order: one that cannot be taken spoils no other. One `Idempotency-Key` makes the whole batch safe to repeat.",
        "parameters": [{"$ref": "#/components/parameters/IdempotencyKey"}],
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TaskBatch"}}}},
        "responses": {
          "200": {"description": "What became of each.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/BatchOutcome"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "413": {"$ref": "#/components/responses/TooLarge"}, "422": {"$ref": "#/components/responses/Unprocessable"},
          "429": {"$ref": "#/components/responses/TooMany"}
        }
      }
    },
    "/v1/tasks/{id}": {
      "parameters": [{"$ref": "#/components/parameters/TaskID"}, {"$ref": "#/components/parameters/Run"}],
      "get": {
        "operationId": "getTask", "tags": ["tasks"], "summary": "Show a task",
        "responses": {
          "200": {"$ref": "#/components/responses/KnownTask"},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "404": {"$ref": "#/components/responses/NotFound"}, "429": {"$ref": "#/components/responses/TooMany"},
          "503": {"$ref": "#/components/responses/Unavailable"}
        }
      },
      "delete": {
        "operationId": "cancelTask", "tags": ["tasks"], "summary": "Cancel a task",
        "description": "A queued task ends at once and never runs: 200. A running one is interrupted, and no other with it: 202, and its state tells when. One that has ended is a 409.",
        "responses": {
          "200": {"$ref": "#/components/responses/KnownTask"},
          "202": {"description": "The task is being stopped.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "404": {"$ref": "#/components/responses/NotFound"}, "409": {"$ref": "#/components/responses/Conflict"},
          "429": {"$ref": "#/components/responses/TooMany"}, "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/tasks/{id}/events": {
      "get": {
        "operationId": "watchTask", "tags": ["tasks"], "summary": "Watch a task",
        "description": "Server-sent events: `state` with the task whenever it stands differently, `progress` (`fraction` from 0 to 1, `step`, `steps`, `eta` in seconds) and `preview` (`content_type`, `base64`) while it runs, and `end` with the task as the last one. A stream that ends without `end` is to be asked for again; who sends the id of the last event as `Last-Event-ID` is not told it anew.",
        "parameters": [
          {"$ref": "#/components/parameters/TaskID"}, {"$ref": "#/components/parameters/Run"},
          {"name": "Last-Event-ID", "in": "header", "description": "The id of the last event of a stream that ended.", "schema": {"type": "string", "pattern": "^[!-~]{0,128}$"}}
        ],
        "responses": {
          "200": {"description": "Events.", "content": {"text/event-stream": {"schema": {"$ref": "#/components/schemas/TaskEvent"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "404": {"$ref": "#/components/responses/NotFound"}, "429": {"$ref": "#/components/responses/TooMany"},
          "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/tasks/{id}/retry": {
      "post": {
        "operationId": "retryTask", "tags": ["tasks"], "summary": "Run a task again",
        "description": "Opens the next run of a task that failed, expired or was cancelled, with the same request. With `run`, the run that is to be followed, a repeat answers the run that the first one opened: 200.",
        "parameters": [{"$ref": "#/components/parameters/TaskID"}, {"$ref": "#/components/parameters/Run"}],
        "responses": {
          "200": {"$ref": "#/components/responses/KnownTask"},
          "201": {"description": "The next run.", "headers": {"Location": {"required": true, "description": "The run.", "schema": {"type": "string"}}}, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "404": {"$ref": "#/components/responses/NotFound"}, "409": {"$ref": "#/components/responses/Conflict"},
          "422": {"$ref": "#/components/responses/Unprocessable"}, "429": {"$ref": "#/components/responses/TooMany"},
          "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/tasks/{id}/outputs/{n}": {
      "get": {
        "operationId": "getOutput", "tags": ["tasks"], "summary": "Fetch an output",
        "description": "The bytes, or a redirect to where the store itself hands them out. Ranges and conditional requests are honoured. A thumbnail is a WebP, always whole; PNG, JPEG and WebP have them, other outputs answer 422.",
        "parameters": [
          {"$ref": "#/components/parameters/TaskID"}, {"$ref": "#/components/parameters/Run"},
          {"name": "n", "in": "path", "required": true, "description": "Which output, from 1.", "schema": {"type": "integer", "minimum": 1, "maximum": 1000000}},
          {"name": "thumb", "in": "query", "description": "Make it a thumbnail that fits a square of so many pixels.", "schema": {"type": "integer", "minimum": 16, "maximum": 1024}}
        ],
        "responses": {
          "200": {"description": "The output, whole.", "headers": {"ETag": {"description": "The entity's tag.", "schema": {"type": "string"}}}, "content": {"*/*": {}}},
          "206": {"description": "The part that was asked for.", "content": {"*/*": {}}},
          "302": {"description": "It is handed out under another URL, for an hour.", "headers": {"Location": {"required": true, "description": "Where to.", "schema": {"type": "string"}}}},
          "304": {"description": "It is what the client has."},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "404": {"$ref": "#/components/responses/NotFound"},
          "416": {"description": "It has no such part.", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
          "422": {"$ref": "#/components/responses/Unprocessable"}, "429": {"$ref": "#/components/responses/TooMany"},
          "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/tasks/{id}/outputs/{n}/link": {
      "parameters": [{"$ref": "#/components/parameters/TaskID"}, {"$ref": "#/components/parameters/Run"}],
      "get": {
        "operationId": "getOutputLink", "tags": ["tasks"], "summary": "Get a link to an output",
        "description": "A URL that opens the output without a key, in a browser for instance, for an hour.",
        "parameters": [{"name": "n", "in": "path", "required": true, "description": "Which output, from 1.", "schema": {"type": "integer", "minimum": 1, "maximum": 1000000}}],
        "responses": {
          "200": {"description": "The link.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OutputLink"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "404": {"$ref": "#/components/responses/NotFound"},
          "429": {"$ref": "#/components/responses/TooMany"}, "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/tasks/{id}/request": {
      "parameters": [{"$ref": "#/components/parameters/TaskID"}, {"$ref": "#/components/parameters/Run"}],
      "get": {
        "operationId": "getTaskRequest", "tags": ["tasks"], "summary": "Show a task as it was submitted",
        "description": "To look at it, or to submit the same again.",
        "responses": {
          "200": {"description": "The request.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TaskAsSubmitted"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "404": {"$ref": "#/components/responses/NotFound"}, "429": {"$ref": "#/components/responses/TooMany"},
          "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/tasks/{id}/manifest": {
      "get": {
        "operationId": "getManifest", "tags": ["tasks"], "summary": "Tell how a task was made",
        "description": "The request with the seed that was used, engine, model, sampler, times, and the SHA-256 of every output. Its `request` can be posted as a task again.",
        "parameters": [{"$ref": "#/components/parameters/TaskID"}, {"$ref": "#/components/parameters/Run"}],
        "responses": {
          "200": {"description": "The manifest.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Manifest"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "404": {"$ref": "#/components/responses/NotFound"}, "429": {"$ref": "#/components/responses/TooMany"},
          "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/tasks/{id}/trace": {
      "parameters": [{"$ref": "#/components/parameters/TaskID"}, {"$ref": "#/components/parameters/Run"}],
      "get": {
        "operationId": "getTaskTrace", "tags": ["tasks"], "summary": "Show a task's trace",
        "description": "Its id, to look it up where traces are kept; and its spans where that is here.",
        "responses": {
          "200": {"description": "The trace.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Trace"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "404": {"$ref": "#/components/responses/NotFound"}, "429": {"$ref": "#/components/responses/TooMany"},
          "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/events": {
      "get": {
        "operationId": "watchAll", "tags": ["tasks"], "summary": "Watch all tasks, runtimes and workers",
        "description": "Server-sent events: `overview` with `tasks` (the newest, and those that run with their `progress`), `runtimes` and `workers`; then `change` with those of them that stand differently. A stream that ends is to be asked for again, with the id of the last event as `Last-Event-ID`.",
        "parameters": [
          {"name": "seconds", "in": "query", "description": "How long it goes on at most.", "schema": {"type": "integer", "minimum": 1, "maximum": 900, "default": 900}},
          {"name": "Last-Event-ID", "in": "header", "description": "The id of the last event of a stream that ended.", "schema": {"type": "string", "pattern": "^[!-~]{0,128}$"}}
        ],
        "responses": {
          "200": {"description": "Events.", "content": {"text/event-stream": {"schema": {"$ref": "#/components/schemas/StreamEvent"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "429": {"$ref": "#/components/responses/TooMany"}, "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/runtimes": {
      "get": {
        "operationId": "listRuntimes", "tags": ["runtimes"], "summary": "List the runtimes",
        "description": "What tasks can be sent to, with the counts of the queues where they can be had in time.",
        "responses": {
          "200": {"description": "The runtimes.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Runtimes"}}}},
          "401": {"$ref": "#/components/responses/Unauthorized"}, "429": {"$ref": "#/components/responses/TooMany"}
        }
      }
    },
    "/v1/workers": {
      "get": {
        "operationId": "listWorkers", "tags": ["runtimes"], "summary": "List the workers",
        "description": "Those that the caller's newest tasks name: who has never taken one is not known.",
        "responses": {
          "200": {"description": "The workers, those that work first.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Workers"}}}},
          "401": {"$ref": "#/components/responses/Unauthorized"}, "429": {"$ref": "#/components/responses/TooMany"},
          "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/runtimes/{name}/dead-letters": {
      "parameters": [{"$ref": "#/components/parameters/RuntimeName"}],
      "get": {
        "operationId": "listDeadLetters", "tags": ["dead letters"], "summary": "List dead letters",
        "description": "Messages that could not be worked, of all tenants. For operators: keys with `operator: true`. On SQS a look counts as a receive.",
        "parameters": [{"name": "limit", "in": "query", "description": "At most so many.", "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}}],
        "responses": {
          "200": {"description": "The letters.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Letters"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "403": {"$ref": "#/components/responses/Forbidden"}, "404": {"$ref": "#/components/responses/NotFound"},
          "429": {"$ref": "#/components/responses/TooMany"}, "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/runtimes/{name}/dead-letters:redrive": {
      "parameters": [{"$ref": "#/components/parameters/RuntimeName"}],
      "post": {
        "operationId": "redriveDeadLetters", "tags": ["dead letters"], "summary": "Send dead letters back to their queue",
        "description": "Each opens the next run of its task; the record of the failed one stays. At most 1,000 are looked at: call again for more. For operators.",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LetterSelection"}}}},
        "responses": {
          "200": {"description": "What became of each.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LetterOutcome"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "403": {"$ref": "#/components/responses/Forbidden"}, "404": {"$ref": "#/components/responses/NotFound"},
          "413": {"$ref": "#/components/responses/TooLarge"}, "422": {"$ref": "#/components/responses/Unprocessable"},
          "429": {"$ref": "#/components/responses/TooMany"}, "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/runtimes/{name}/dead-letters:drop": {
      "parameters": [{"$ref": "#/components/parameters/RuntimeName"}],
      "post": {
        "operationId": "dropDeadLetters", "tags": ["dead letters"], "summary": "Remove dead letters for good",
        "description": "The records of their tasks stay. At most 1,000 are looked at: call again for more. For operators.",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LetterSelection"}}}},
        "responses": {
          "200": {"description": "What became of each.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LetterOutcome"}}}},
          "400": {"$ref": "#/components/responses/BadRequest"}, "401": {"$ref": "#/components/responses/Unauthorized"},
          "403": {"$ref": "#/components/responses/Forbidden"}, "404": {"$ref": "#/components/responses/NotFound"},
          "413": {"$ref": "#/components/responses/TooLarge"}, "422": {"$ref": "#/components/responses/Unprocessable"},
          "429": {"$ref": "#/components/responses/TooMany"}, "503": {"$ref": "#/components/responses/Unavailable"}
        }
      }
    },
    "/v1/webhooks/secret": {
      "get": {
        "operationId": "getWebhookSecret", "tags": ["webhooks"], "summary": "Show the signing secret of one's webhooks",
        "description": "What `webhook-signature` is made with, as Standard Webhooks has it: `whsec_` and base64.",
        "responses": {
          "200": {"description": "The secret.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/WebhookSecret"}}}},
          "401": {"$ref": "#/components/responses/Unauthorized"}, "404": {"$ref": "#/components/responses/NotFound"},
          "429": {"$ref": "#/components/responses/TooMany"}
        }
      }
    },
    "/": {"post": {
      "operationId": "submitReferenceTask", "tags": ["earlier systems"], "summary": "Submit a task as to kangks/stable-diffusion-aws-eks",
      "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ReferenceTask"}}}},
      "responses": {
        "200": {"description": "It is taken.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ReferenceAnswer"}}}},
        "400": {"$ref": "#/components/responses/EarlierRefusal"}, "403": {"$ref": "#/components/responses/EarlierForbidden"},
        "413": {"$ref": "#/components/responses/EarlierTooLarge"}, "429": {"$ref": "#/components/responses/EarlierTooMany"},
        "503": {"$ref": "#/components/responses/EarlierUnavailable"}
      }
    }},
    "/v1alpha1": {"post": {
      "operationId": "submitV1Alpha1Task", "tags": ["earlier systems"], "summary": "Submit a v1alpha1 task",
      "description": "With an `sdname` as to kangks/stable-diffusion-aws-eks; without one as to AWS's guidance for asynchronous inference with Stable Diffusion.",
      "requestBody": {"required": true, "content": {"application/json": {"schema": {"anyOf": [{"$ref": "#/components/schemas/ReferenceTask"}, {"$ref": "#/components/schemas/LegacyTask"}]}}}},
      "responses": {
        "200": {"description": "It is taken.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ReferenceAnswer"}}}},
        "400": {"$ref": "#/components/responses/EarlierRefusal"}, "403": {"$ref": "#/components/responses/EarlierForbidden"},
        "413": {"$ref": "#/components/responses/EarlierTooLarge"}, "429": {"$ref": "#/components/responses/EarlierTooMany"},
        "503": {"$ref": "#/components/responses/EarlierUnavailable"}
      }
    }},
    "/v1alpha2": {"post": {
      "operationId": "submitV1Alpha2Task", "tags": ["earlier systems"], "summary": "Submit a v1alpha2 task",
      "description": "As to AWS's guidance for asynchronous inference with Stable Diffusion. At most 1 MiB.",
      "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/SuccessorTask"}}}},
      "responses": {
        "200": {"description": "It is taken.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/SuccessorAnswer"}}}},
        "400": {"$ref": "#/components/responses/EarlierRefusal"}, "403": {"$ref": "#/components/responses/EarlierForbidden"},
        "413": {"$ref": "#/components/responses/EarlierTooLarge"}, "429": {"$ref": "#/components/responses/EarlierTooMany"},
        "503": {"$ref": "#/components/responses/EarlierUnavailable"}
      }
    }},
    "/healthz": {"get": {
      "operationId": "getHealth", "tags": ["service"], "summary": "Whether the process answers", "security": [],
      "responses": {"200": {"description": "It does.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}}}
    }},
    "/readyz": {"get": {
      "operationId": "getReadiness", "tags": ["service"], "summary": "Whether tasks can be taken", "security": [],
      "responses": {
        "200": {"description": "They can.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}},
        "503": {"description": "They cannot.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}}
      }
    }},
    "/metrics": {"get": {
      "operationId": "getMetrics", "tags": ["service"], "summary": "Metrics in Prometheus's text format",
      "responses": {
        "200": {"description": "The metrics of this process.", "content": {"text/plain": {"schema": {"type": "string"}}}},
        "401": {"$ref": "#/components/responses/Unauthorized"}, "404": {"$ref": "#/components/responses/NotFound"},
        "429": {"$ref": "#/components/responses/TooMany"}
      }
    }},
    "/openapi.json": {"get": {
      "operationId": "getOpenAPI", "tags": ["service"], "summary": "This document", "security": [],
      "responses": {"200": {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {"type": "object"}}}}}
    }},
    "/docs": {"get": {
      "operationId": "getDocs", "tags": ["service"], "summary": "This document as a page", "security": [],
      "responses": {"200": {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}}
    }}
    }
    """#
}
