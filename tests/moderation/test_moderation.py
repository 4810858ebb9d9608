"""Moderation against a real endpoint, played: what it is asked, what comes of its answers, and of none."""

import asyncio
import io
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import structlog
from clients import PNG
from descriptors import temporary_files
from moderations import KEY, PlayedModeration, moderating, moderation
from pictures import plain, written
from upstreams import Hang, Reset, json_answer, sized

from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.edits import EditRequest, InputImage
from streamedit.errors import InvalidRequest, ModerationBlocked, ModerationUnavailable
from streamedit.moderation import Moderation
from streamedit.telemetry import Telemetry
from streamedit.uploads import Upload
from streamedit.upstream.client import Upstream, UpstreamLimits

JPEG = b"\xff\xd8\xff\xe0"


@pytest.fixture
def played() -> Iterator[PlayedModeration]:
    """The endpoint."""
    with moderating() as running:
        yield running


class House:
    """A moderation, with what it logs and counts."""

    def __init__(self, played: PlayedModeration, **settings: Any) -> None:
        self._log = io.StringIO()
        logger = structlog.wrap_logger(structlog.PrintLogger(self._log), processors=[structlog.processors.JSONRenderer()])
        self.telemetry = Telemetry(logger)
        self.upstream = Upstream(UpstreamLimits(connect_s=2, silence_s=5))
        self.moderation = Moderation(played.settings(**settings), self.upstream, self.telemetry, SYSTEM_CLOCKS.clock)

    @property
    def log_text(self) -> str:
        return self._log.getvalue()

    @property
    def counted(self) -> dict[str, float]:
        """By outcome: the requests by their word, the prompts and files with `item` before theirs."""
        lines = [line for line in self.telemetry.exposition().decode().splitlines() if line.startswith("streamedit_moderation")]
        samples = (line.removeprefix("streamedit_moderation").rpartition(" ") for line in lines if "_total{" in line)
        return {("item " if name.startswith("_items") else "") + name.split('"')[1]: float(count) for name, _, count in samples}


@asynccontextmanager
async def house(played: PlayedModeration, **settings: Any) -> AsyncIterator[House]:
    """One whose connections are closed in the end."""
    made = House(played, **settings)
    async with made.upstream.running():
        yield made
        assert made.upstream.open_connections == 0


def image(content: bytes = PNG, filename: str = "a.png") -> InputImage:
    """An upload whose client has left its type open."""
    return InputImage(Upload(content), filename, "application/octet-stream")


def request(prompt: str = "a nice day", *contents: bytes, **more: Any) -> EditRequest:
    """A request with these images; with one when there are none."""
    return EditRequest(prompt, tuple(map(image, contents or (PNG,))), "m", **more)


class TestQuestions:
    """What the endpoint is asked."""

    async def test_the_prompt_and_every_file_are_judged_each_by_itself(self, played: PlayedModeration) -> None:
        """Mask and markup, too; by the documented route, with the key and the model."""
        asked = request("a nice day", PNG + b"1", JPEG + b"2", mask=image(PNG + b"mask"), markup=image(PNG + b"markup"))
        async with house(played) as made:
            assert not (await made.moderation.check(asked)).flagged
        contents = {"a nice day", PNG + b"1", JPEG + b"2", PNG + b"mask", PNG + b"markup"}
        assert (set(played.judged), len(played.judged)) == (contents, 5)
        for each in played.asked:
            assert (each.method, each.path, each.headers["authorization"]) == ("POST", "/v1/moderations", f"Bearer {KEY}")
            assert b'"model":"omni-moderation-latest"' in each.body
        assert sum(b"data:image/jpeg;base64," in each.body for each in played.asked) == 1
        assert made.counted == {"passed": 1, "item answered": 5}

    async def test_every_text_that_a_provider_may_get_is_judged(self, played: PlayedModeration) -> None:
        """The fields that only the provider knows, for some are prompts; and what a caller's config puts in their place."""
        asked = request("a nice day", extra=(("seed", "5"), ("instructions", "paint"), ("negative_prompt", "rain")))
        async with house(played, images=False) as made:
            assert not (await made.moderation.check(asked, variants=[asked, replace(asked, prompt="night")])).flagged
            for bad in (replace(asked, extra=(("instructions", "violence"),)), replace(asked, prompt="violence")):
                assert (await made.moderation.judge(asked, variants=[bad])).is_blocked
        assert sorted(map(str, played.judged)) == ["a nice day", "night", "paint\nrain", "violence"]
        async with house(played, api_key=None, keywords=("red dragon",)) as keyless:
            assert (await keyless.moderation.judge(request(extra=(("instructions", "a red dragon"),)))).is_blocked
            assert (await keyless.moderation.judge(asked, variants=[request("a red dragon")])).is_blocked

    async def test_a_large_image_is_sent_from_disk(self, played: PlayedModeration) -> None:
        """Just as it came, and nothing is left behind."""
        before = temporary_files()
        content = PNG + bytes(range(256)) * (3 << 12)
        large = Upload()
        large.feed(content)
        await large.flush()
        asked = EditRequest("a nice day", (InputImage(large, "a.png", "image/png"),))
        async with house(played) as made:
            await made.moderation.check(asked)
        asked.close()
        assert content in played.judged
        assert temporary_files() == before

    async def test_images_may_be_left_out(self, played: PlayedModeration) -> None:
        """Then the prompt alone is judged."""
        async with house(played, images=False) as made:
            await made.moderation.check(request("a nice day", PNG, b"no image"))
        assert played.judged == ["a nice day"]

    async def test_four_are_asked_for_at_a_time(self, played: PlayedModeration) -> None:
        """However many images there are."""
        at_work, most, lock = [0], [0], threading.Lock()
        four = threading.Barrier(4)

        def together(_: object) -> Iterator[bytes]:
            with lock:
                at_work[0] += 1
                most[0] = max(most[0], at_work[0])
            four.wait(10)
            with lock:
                at_work[0] -= 1
            yield moderation({})

        played.scripted.serve(together)
        async with house(played) as made:
            await made.moderation.check(request("a nice day", *(PNG + b"%d" % number for number in range(15))))
        assert (len(played.asked), most[0]) == (16, 4)


class TestVerdicts:
    """What comes of the answers."""

    @pytest.mark.parametrize("asked", [request("violence"), request("a nice day", PNG, PNG + b" violence")])
    async def test_what_counts_is_refused_by_name(self, played: PlayedModeration, asked: EditRequest) -> None:
        """In the prompt as in any image."""
        async with house(played) as made:
            with pytest.raises(ModerationBlocked, match=r"by this server's moderation: violence\.$"):
                await made.moderation.check(asked)
        assert made.counted["blocked"] == 1

    async def test_who_observes_takes_note_and_lets_pass(self, played: PlayedModeration) -> None:
        """Of all that was found, keywords too."""
        async with house(played, mode="observe", keywords=["Red Dragon"]) as made:
            verdict = await made.moderation.check(request("a red dragon's violence", PNG + b"sexual"))
        assert (verdict.flagged, verdict.is_blocked) == (("keyword", "sexual", "violence"), False)
        assert made.counted == {"flagged": 1, "item answered": 2}

    async def test_a_judgement_tells_what_was_found_without_raising(self, played: PlayedModeration) -> None:
        """For whoever keeps a record of it before it refuses."""
        async with house(played) as made:
            verdict = await made.moderation.judge(request("violence"))
        assert (verdict.flagged, verdict.is_blocked) == (("violence",), True)

    @pytest.mark.parametrize(("threshold", "is_blocked"), [(0.3, True), (0.4, True), (0.41, False), (1, False)])
    async def test_thresholds_decide(self, played: PlayedModeration, threshold: float, is_blocked: bool) -> None:
        """Below and above the endpoint's own word."""
        played.play(moderation({"violence": 0.4}, {"hate": 0.2}))
        async with house(played, thresholds={"violence": threshold}, ignored_categories=["sexual"]) as made:
            assert (await made.moderation.judge(request())).is_blocked is is_blocked

    async def test_a_keyword_needs_no_endpoint(self, played: PlayedModeration) -> None:
        """Nobody is told of what is known to be bad; without a key nobody is told of anything."""
        async with house(played, keywords=["red dragon"]) as made:
            with pytest.raises(ModerationBlocked, match=r": keyword\.$") as caught:
                await made.moderation.check(request("A RED DRAGON"))
        async with house(played, keywords=["red dragon"], api_key=None) as keyless:
            assert not (await keyless.moderation.check(request("a red dragonfly"))).flagged
        assert (played.asked, "ragon" in caught.value.detail.message) == ([], False)


class TestMemory:
    """What was judged before is not judged again."""

    async def test_equal_parts_are_asked_for_once(self, played: PlayedModeration) -> None:
        """One request after the other, all at once, or twice in one request; a changed byte is another image."""
        async with house(played) as made:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(20):
                    tasks.create_task(made.moderation.check(request("one", PNG + b"1", PNG + b"1", mask=image(PNG + b"1"))))
            await made.moderation.check(request("one", PNG + b"1"))
            assert sorted(map(str, played.judged)) == sorted(map(str, ["one", PNG + b"1"]))
            await made.moderation.check(request("one", PNG + b"2"))
            await made.moderation.check(request("two", PNG + b"1"))
        assert len(played.judged) == 4
        assert (made.counted["item answered"], made.counted["item cached"]) == (4, 20 * 4 + 2 + 2 - 4 + 2)

    async def test_what_was_bad_stays_bad(self, played: PlayedModeration) -> None:
        """Without another word to the endpoint."""
        async with house(played) as made:
            for _ in range(2):
                with pytest.raises(ModerationBlocked):
                    await made.moderation.check(request("violence"))
        assert len(played.asked) == 2

    async def test_a_text_is_no_image_though_its_bytes_are(self, played: PlayedModeration) -> None:
        """They are known apart."""
        content = b"GIF89a" + bytes(10)
        async with house(played) as made:
            await made.moderation.check(request(content.decode(), content))
        assert len(played.asked) == 2


AWAY: list[tuple[Any, int, str]] = [
    ([Hang()], 2, "TimeoutError"),
    ([Reset()], 2, "UpstreamBroken"),
    ([json_answer({"error": {"message": f"{KEY} a nice day"}}, "500 Oh")], 2, "500"),
    ([json_answer({}, "429 Slow down")], 2, "429"),
    ([json_answer({"error": {"message": f"{KEY} a nice day"}}, "401 Unauthorized")], 1, "401"),
    ([json_answer({}, "302 Found", location="http://127.0.0.1:1/")], 1, "302"),
    ([json_answer({"results": []})], 1, "malformed answer"),
    ([sized(b"a nice day" * (1 << 17))], 2, "UpstreamBroken"),
]
"""What it plays, how often it is asked, and what the log says of it."""


class TestFailures:
    """An endpoint that is away, refuses, or talks nonsense."""

    @pytest.mark.parametrize(("script", "tries", "why"), AWAY)
    async def test_an_open_door_lets_pass(self, played: PlayedModeration, script: Any, tries: int, why: str) -> None:
        """After another try where that may help; one line of the log says so, and nothing of the request."""
        played.play(*script)
        async with house(played, images=False, timeout_s=0.3) as made:
            verdict = await made.moderation.check(request(), "edit_1")
        assert (verdict.flagged, verdict.unjudged) == ((), (why,))
        assert len(played.asked) == tries
        assert made.counted == {"failed": 1, "item failed": 1}
        (line,) = made.log_text.splitlines()
        assert line == f'{{"edit_id": "edit_1", "why": ["{why}"], "event": "moderation failed"}}'

    @pytest.mark.parametrize(("script", "tries", "why"), AWAY[2:5])
    async def test_a_closed_door_stays_closed(self, played: PlayedModeration, script: Any, tries: int, why: str) -> None:
        """Nothing of what the endpoint said is told."""
        played.play(*script)
        async with house(played, images=False, on_error="closed") as made:
            with pytest.raises(ModerationUnavailable) as caught:
                await made.moderation.check(request())
        detail = caught.value.detail
        assert (detail.status, detail.code, detail.retryable) == (503, "moderation_unavailable", True)
        assert (detail.message, len(played.asked)) == ("This server's moderation does not answer.", tries)
        assert why in made.log_text

    async def test_nobody_to_speak_to(self, played: PlayedModeration) -> None:
        """No connection is a failure like any other."""
        async with house(played, images=False) as made:
            played.scripted.stop_listening()
            assert (await made.moderation.check(request())).unjudged == ("UpstreamUnreachable",)

    async def test_a_second_try_may_do_better(self, played: PlayedModeration) -> None:
        """Then all is well, and nothing is logged."""
        answers = iter([json_answer({}, "503 Busy"), moderation({})])
        played.scripted.serve(lambda _: [next(answers)])
        async with house(played, images=False) as made:
            assert (await made.moderation.check(request())).outcome == "passed"
        assert (len(played.asked), made.log_text) == (2, "")

    async def test_who_is_silent_is_not_waited_for_long(self, played: PlayedModeration) -> None:
        """Each try has its bound, whatever drips in meanwhile."""
        stuck = threading.Event()
        played.play(b"HTTP/1.1 200 OK\r\n", stuck)
        began_s = time.monotonic()
        async with house(played, images=False, timeout_s=0.2, retries=2) as made:
            assert (await made.moderation.check(request())).unjudged == ("TimeoutError",)
        stuck.set()
        assert 0.6 <= time.monotonic() - began_s < 5

    async def test_one_bad_image_hides_no_other(self, played: PlayedModeration) -> None:
        """What can be judged is, and counts."""
        async with house(played) as made:
            with pytest.raises(ModerationBlocked):
                await made.moderation.check(request("a nice day", b"not an image", PNG + b"violence"))
        assert made.counted == {"blocked": 1, "item answered": 2, "item failed": 1}

    @pytest.mark.parametrize(
        "content",
        [b"not an image", PNG + bytes(20 << 20), written(plain(), "AVIF"), written(plain(), "HEIC")],
        ids=["unknown", "large", "avif", "heic"],
    )
    async def test_what_no_endpoint_takes_is_not_sent(self, played: PlayedModeration, content: bytes) -> None:
        """Through an open door it goes unjudged; at a closed one its caller is told what is taken."""
        async with house(played) as made:
            assert (await made.moderation.check(request("a nice day", content))).unjudged == ("unsuitable file",)
        async with house(played, on_error="closed") as closed:
            with pytest.raises(InvalidRequest, match="PNG, JPEG, WebP and GIF images of at most 20 MB") as caught:
                await closed.moderation.check(request("a nice day", content))
        assert caught.value.detail.param == "image"
        assert played.judged == ["a nice day"] * 2


async def test_who_is_cancelled_leaves_nothing_behind(played: PlayedModeration) -> None:
    """The calls end at once; another who waits for the same answer gets one."""
    played.play(Hang())
    async with house(played, timeout_s=30) as made:
        first = asyncio.create_task(made.moderation.check(request()))
        for _ in range(2):
            assert await asyncio.to_thread(played.scripted.came.acquire, timeout=10)
        second = asyncio.create_task(made.moderation.check(request()))
        await asyncio.sleep(0)
        played.play(moderation({}))
        first.cancel()
        for _ in range(2):
            assert await asyncio.to_thread(played.scripted.left.acquire, timeout=10)
        assert (await second).outcome == "passed"
        assert first.cancelled()


async def test_nothing_of_a_request_is_told(played: PlayedModeration) -> None:
    """Neither prompt nor image nor key nor keyword: not in the log, the metrics, the refusal, nor in what stands for them."""
    asked = request("canary-prompt violence canary-keyword", PNG + b"canary-image")
    canaries = ("canary-prompt", "canary-image", "canary-keyword", KEY)
    told = []
    for script in (None, json_answer({"error": {"message": " ".join(canaries)}}, "500 Oh")):
        if script:
            played.play(script)
        async with house(played, mode="observe", keywords=["canary-keyword"], cache_s=0) as made:
            told.append(str(await made.moderation.check(asked)))
            told += [made.log_text, made.telemetry.exposition().decode(), repr(made.moderation.settings)]
    async with house(played, keywords=["canary-keyword"]) as made:
        told.append(str((await made.moderation.judge(asked)).refusal))
    assert "moderation failed" in "".join(told)
    assert [canary for canary in canaries if canary in "".join(told)] == []
