"""What engines were seen to do, row by row, and which tests show that it is borne.

The stand-ins in `Sources/SDTestKit/Engines` do each of these things, marked where they do; sd-server is there itself.
"""

import pathlib

import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent
A1111, ANSWER, REQUEST, WATCHING, COMFY, COMFY_INPUT, COMFY_OUTPUT, OPENAI = (f"BackendPluginsTests/{name}Tests.swift" for name in (
    "WebUI/A1111", "WebUI/WebUIAnswer", "WebUI/WebUIRequest", "WebUI/WebUIWatching", "ComfyUI/Comfy", "ComfyUI/ComfyInput",
    "ComfyUI/ComfyOutput", "OpenAI/OpenAI"))
REAL, CRASHES = "Integration/test_engine.py", "Integration/test_engine_faults.py"

ROWS = {
    # A1111 and Forge
    "basic auth answers 401": [(A1111, "Credentials open the door")],
    "one answer at the end: images, parameters, info as a text": [(ANSWER, "Pictures come byte for byte, with type, size and seeds")],
    "extras need no checkpoint, and answer html_info": [
        (A1111, "Every type of task comes back with its pictures"), (A1111, "The extras need no checkpoint")],
    "progress answers during a job": [(WATCHING, "A1111 and Forge tell progress"), (A1111, "Progress is told step by step")],
    "interrupt is always 200 and hits whatever runs": [
        (A1111, "A partial picture is not taken, whoever interrupted; the next job is whole"),
        (A1111, "A request that was given up can still be interrupted, until the next one is with the engine")],
    "options and models are told; a hash may be null": [
        (A1111, "What an engine can do is found out without doing it"),
        (REQUEST, "The model that is loaded is not asked for, by whatever name")],
    "refresh-checkpoints waits for the running job": [(A1111, "A checkpoint that came later is found by having the engine look")],
    "unload-checkpoint does not wait": [(A1111, "Out of memory: it is freed, and the second try succeeds")],
    "server-stop exists only where it was asked for": [(A1111, "server-stop exists only with --api-server-stop")],
    "unknown fields are ignored, settings restored unless told": [
        (REQUEST, "The content goes out as it is, with what makes the answer usable"),
        (A1111, "Another checkpoint is loaded inside the job, by its title, and stays")],
    "titles of scripts in whatever letters": [(A1111, "ControlNet's maps come as extras, its title in whatever letters")],
    "inpainting, hires fix, scripts, settings": [(A1111, "Inpainting, hires fix, scripts and settings go out as they came")],
    "images come without data:, in samples_format": [
        (A1111, "The type of a picture is that of its bytes, whatever samples_format says"),
        (ANSWER, "A data: prefix, escaped slashes and other formats are taken")],
    "a grid comes first, maps come last": [(ANSWER, "A grid before the pictures and maps behind them are extras")],
    "no images, or fewer": [
        (ANSWER, "Answers without a usable picture are told apart"),
        (ANSWER, "Fewer pictures than the engine tells of are not taken for all")],
    "422 of many kinds": [
        (A1111, "A script that is not there is the task's fault"), (A1111, "Fields of the wrong type are refused with their names")],
    "500s that are the caller's fault": [(ANSWER, "Refusals are classed by what they say, not by their status alone")],
    "img2img without an image, or with a broken one": [(REQUEST, "Image-to-image is not begun without a readable image")],
    "out of memory": [
        (A1111, "Out of memory: it is freed"), (A1111, "Out of memory for good fails with advice, after one more try")],
    "another sampler in silence": [
        (ANSWER, "Another sampler than the one asked for is found out"), (A1111, "What the engine would replace without a word")],
    "another model in silence": [
        (ANSWER, "Another model than the one asked for is found out"), (REQUEST, "A model that is not there is refused")],
    "one queue, no answer until one's turn, no cancel by hanging up": [(A1111, "Requests wait their turn without a byte of an answer")],
    "refused connections until it listens": [
        (WATCHING, "An engine that is not there, or not ready, says why"), (ANSWER, "A lost connection and a refused one")],
    # ComfyUI
    "a prompt_id of the client's, and the history by it": [(COMFY, "A graph is done, its files fetched")],
    "a prompt_id used again runs again": [(COMFY, "A prompt whose answer was lost is found, and not sent twice")],
    "history is empty for unknown, queued, running and after a restart": [
        (COMFY, "A restart, which forgets queue and history, gives the task back")],
    "interrupt and failure both end in error": [
        (COMFY, "A node that fails is named"), (COMFY, "Somebody else's interrupt may be tried again")],
    "an interrupt by id, and of what is pending": [(COMFY, "An interrupt hits the task's own prompt, running or waiting, and no other")],
    "an interrupt before the start is lost": [(COMFY, "A prompt that was given up can still be interrupted")],
    "view: bytes, 404 with nothing": [(COMFY, "a file that is gone is no picture"), (COMFY, "Every kind of output is fetched")],
    "PNGs hold the graph": [(COMFY_OUTPUT, "The graph that ComfyUI writes into pictures stays there, or goes")],
    "uploads get other names": [(COMFY_INPUT, "Images in the graph are uploaded under a name of their content")],
    "413 above the limit": [(COMFY_INPUT, "An input larger than the engine takes is the task's fault")],
    "a truncated PNG is loaded": [(COMFY_INPUT, "what it would load unseen is looked at")],
    "free is deferred": [(COMFY, "Out of memory: models are let go of and it is done once more")],
    "system_stats, object_info, models": [(COMFY, "What it is and has is told")],
    "events go to the client that asked, previews as binary": [(COMFY, "Progress goes node by node and step by step, with previews")],
    "a reconnect loses events": [(COMFY, "Polling alone does where there is no WebSocket, or it breaks")],
    "an identical graph gives the first run's files": [(COMFY, "Of equal graphs each gets a file of its own")],
    "400 node by node": [(COMFY, "Faults are told node by node")],
    "a model that is absent": [(COMFY_INPUT, "The model that the runtime is for must be the graph's")],
    "200 with node_errors, a part left out": [(COMFY, "A graph of which ComfyUI would leave out a part is not done at all")],
    "SIGTERM loses the job": [(COMFY, "A server that is gone is the engine's absence")],
    # sd-server
    "half of the routes are missing": [(WATCHING, "sd-server does neither, and is not asked to")],
    "one model, a placeholder for its hash": [(REQUEST, "Engines whose word on models says nothing are not argued with")],
    "info is empty": [
        (ANSWER, "sd-server's empty info is made up for by what the pictures say"),
        (REAL, "test_an_unseeded_task_can_be_made_again_from_the_seed_that_is_told")],
    "settings, scripts, n_iter, sizes left out or changed in silence": [
        (REQUEST, "What sd-server would leave out or change without a word is refused"),
        (REQUEST, "Batches that sd-server would leave out are folded into one"),
        (REAL, "test_what_the_engine_would_do_wrong_in_silence_is_refused_in_words")],
    "requests wait for each other": [(CRASHES, "test_a_task_waits_for_an_engine_that_works_for_somebody_else")],
    "SIGTERM drops the connection": [(CRASHES, "test_an_engine_that_is_restarted_under_a_task_gets_it_again")],
    "a segfault over the first request": [(CRASHES, "test_a_crash_gives_the_task_back_and_it_succeeds_on_a_healthy_engine")],
    # OpenAI-style
    "created, data, b64_json": [(OPENAI, "A prompt comes back as pictures"), (REAL, "test_the_same_engine_by_openais_api")],
    "errors as a text or an object": [(OPENAI, "Refusals are classed by what they say, as a string or as an object")],
    "no seed, no progress, no cancel": [(OPENAI, "Types and contents that it does not do are refused")],
}


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_shown_by_a_test(row):
    for path, name in ROWS[row]:
        assert name in (TESTS / path).read_text(), f"{row}: {path} has no test of that name"
