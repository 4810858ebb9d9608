"""Signed calls to Bedrock: each signature is checked from the wire, by rules that are written down a second time."""

import gc
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import pytest
from botocore.credentials import Credentials  # type: ignore[import-untyped]  # botocore has no types
from clients import Answer, post
from commands import started
from providers.bedrock.sigv4 import Signed, verified
from providers.fakes import Outcome, body_of
from providers.fakes.bedrock import Inpaint
from servers import serving, settings_of
from upstreams import END, Asked, Script, ScriptedUpstream, chunk, head, upstream

from streamedit.providers.bedrock.aws import Signer
from streamedit.routes import Route, Routes
from streamedit.targets import Target
from streamedit.upstream.client import Call

ACCESS, SECRET, TOKEN = "AKIDOFTHESERVER00001", "secret/of+the/server/0123456789abcdefghij", "token//of+the=server" * 20
KEYS = {"aws_access_key_id": ACCESS, "aws_secret_access_key": SECRET}
MODEL = "us.stability.stable-image-inpaint-v1:0"
PROFILE_ARN = "arn:aws:bedrock:us-east-2:123456789012:inference-profile/us.stability.stable-image-inpaint-v1:0"
PHOTO = Path(__file__).parent.parent.parent / "photos" / "chelsea.png"


class Signing(Inpaint):
    """Inpainting that takes what the right keys have signed; what was signed is in `seen`."""

    def __init__(self, secret_key: str = SECRET, model_id: str = MODEL) -> None:
        super().__init__()
        self.secret_key, self.invoked = secret_key, model_id
        self.seen: list[Signed] = []

    def check(self, asked: Asked) -> None:
        assert asked.path == f"/v1/model/{self.invoked.replace(':', '%3A').replace('/', '%2F')}/invoke", asked.path
        self.seen.append(verified(asked, self.secret_key))
        self.check_body(body_of(asked))


def edit(scripted: ScriptedUpstream, fake: Signing, params: Mapping[str, object], model: str = MODEL) -> Answer:
    """One edit through a server that is configured so."""
    scripted.serve(fake.answer)
    target = Target("bedrock", model, None, scripted.url, params)
    with serving(settings_of(target)) as server:
        return send(server.edits_url)


def send(url: str, **fields: str) -> Answer:
    """An edit of a photo."""
    return post(url, {"prompt": "a hat", "grow_mask": "3", **fields}, [("image", ("a.png", PHOTO.read_bytes(), "image/png"))])


def test_the_check_itself_is_right() -> None:
    """It takes the signature of AWS' own example, and no other."""
    authorization = (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z", "authorization": authorization}
    at = datetime(2015, 8, 30, 12, 40, tzinfo=UTC)
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    assert verified(Asked("GET", "/", headers), secret, at=at).access_key == "AKIDEXAMPLE"
    for wrong in (Asked("GET", "/x", headers), Asked("GET", "/", headers, b"x"), Asked("POST", "/", headers)):
        with pytest.raises(AssertionError, match="not the signature"):
            verified(wrong, secret, at=at)


def test_a_call_is_signed_with_the_configured_keys(scripted: ScriptedUpstream) -> None:
    """Path with its encoded colon, headers and body, for the service `bedrock` in the default region."""
    fake = Signing()
    answer = edit(scripted, fake, KEYS)
    assert answer.status == 200, answer.body
    assert fake.seen == [Signed(ACCESS, "us-west-2", "bedrock", None)]


def test_a_session_token_is_signed_and_sent(scripted: ScriptedUpstream) -> None:
    """As temporary keys need it; and the region that is configured."""
    fake = Signing()
    answer = edit(scripted, fake, {**KEYS, "aws_session_token": TOKEN, "aws_region_name": "us-east-1"})
    assert answer.status == 200, answer.body
    assert fake.seen == [Signed(ACCESS, "us-east-1", "bedrock", TOKEN)]


@pytest.mark.parametrize(
    ("model", "model_id"), [(PROFILE_ARN, None), (MODEL, PROFILE_ARN)], ids=["as the model", "as the model_id"]
)
def test_an_arn_is_encoded_and_says_the_region(scripted: ScriptedUpstream, model: str, model_id: str | None) -> None:
    """Its colons and slashes are one segment of the path, on the wire and in the signature."""
    fake = Signing(model_id=PROFILE_ARN)
    answer = edit(scripted, fake, {**KEYS, "model_id": model_id, "aws_region_name": "us-west-2"}, model)
    assert answer.status == 200, answer.body
    assert fake.seen[0].region == "us-east-2"


@pytest.mark.parametrize("is_callers", [False, True])
async def test_a_callers_keys_are_not_kept(is_callers: bool) -> None:
    """They sign their call, and are gone; this server's are found once."""
    signer, secret = Signer("bedrock"), f"secret/of/{is_callers}/0123456789"
    target = Target("bedrock", MODEL, params={**KEYS, "aws_secret_access_key": secret}, is_callers=is_callers)
    headers = await signer.signed_headers(Call("POST", "https://bedrock.example/model"), target, "us-west-2")
    assert headers["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={ACCESS}/")
    gc.collect()
    kept = [each for each in gc.get_objects() if isinstance(each, Credentials) and each.secret_key == secret]
    assert len(kept) == (not is_callers)


def test_configured_headers_do_not_break_the_signature(scripted: ScriptedUpstream) -> None:
    """They travel beside it."""
    answer = edit(scripted, Signing(), {**KEYS, "extra_headers": {"x-team": "a"}})
    assert answer.status == 200, answer.body
    assert scripted.asked[0].headers["x-team"] == "a"


def test_a_second_attempt_is_signed_anew_over_the_whole_body(scripted: ScriptedUpstream) -> None:
    """After a 503 the next target gets image and all, with its own signature."""
    fake = Signing()
    outcomes = iter([Outcome.DOWN])

    def once_down(asked: Asked) -> Script:
        fake.outcome = next(outcomes, Outcome.OK)
        return fake.answer(asked)

    scripted.serve(once_down)
    first = Target("bedrock", MODEL, None, scripted.url, KEYS)
    second = replace(first, params={**KEYS, "aws_session_token": TOKEN})
    settings = replace(settings_of(first), routes=Routes([Route(MODEL, (first, second))], MODEL))
    with serving(settings) as server:
        assert send(server.edits_url).status == 200
    assert [signed.token for signed in fake.seen] == [None, TOKEN]
    assert [fake.images_of(asked) for asked in scripted.asked] == [[PHOTO.read_bytes()]] * 2


def test_own_keys_go_before_a_key_of_the_environment(scripted: ScriptedUpstream) -> None:
    """A target with AWS keys of its own is signed for, though a Bedrock API key is in the environment."""
    fake = Signing()
    scripted.serve(fake.answer)
    with serving(settings_of(Target("bedrock", MODEL, "bedrock-api-key", scripted.url, KEYS))) as server:
        assert send(server.edits_url).status == 200
    assert fake.seen[0].access_key == ACCESS


class Sts:
    """AWS' token service, as far as roles go: it gives keys for `role`, once they are asked for with the right keys."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.signed: list[Signed] = []

    def answer(self, asked: Asked) -> Script:
        """An AssumeRoleResponse."""
        self.signed.append(verified(asked, SECRET))
        self.asked.append(parse_qs(asked.body.decode()))
        given = {"AccessKeyId": "ASIAOFTHEROLE", "SecretAccessKey": "secret of the role", "SessionToken": TOKEN}
        tags = "".join(
            f"<{name}>{escape(value)}</{name}>" for name, value in {**given, "Expiration": "2099-01-01T00:00:00Z"}.items()
        )
        body = (
            f"<AssumeRoleResponse><AssumeRoleResult><Credentials>{tags}</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )
        return [head("text/xml") + chunk(body.encode()) + END]


@pytest.fixture
def sts() -> Iterator[tuple[Sts, ScriptedUpstream]]:
    """The token service, and where it is."""
    service = Sts()
    with upstream() as running:
        running.serve(service.answer)
        yield service, running


def test_a_role_is_assumed_once_for_many_edits(scripted: ScriptedUpstream, sts: tuple[Sts, ScriptedUpstream]) -> None:
    """Its keys sign until they expire; STS is asked with the target's own keys, session name and external id."""
    service, running = sts
    fake = Signing("secret of the role")
    scripted.serve(fake.answer)
    role = {"aws_role_name": "arn:aws:iam::123456789012:role/editor", "aws_session_name": "edits", "aws_external_id": "ext"}
    params = {**KEYS, **role, "aws_sts_endpoint": running.url}
    with serving(settings_of(Target("bedrock", MODEL, None, scripted.url, params))) as server:
        answers = [send(server.edits_url) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200], answers[0].body
    assert fake.seen == [Signed("ASIAOFTHEROLE", "us-west-2", "bedrock", TOKEN)] * 2
    [asked] = service.asked
    assert (asked["Action"], asked["RoleArn"]) == (["AssumeRole"], ["arn:aws:iam::123456789012:role/editor"])
    assert (asked["RoleSessionName"], asked["ExternalId"]) == (["edits"], ["ext"])
    assert service.signed == [Signed(ACCESS, "us-west-2", "sts", None)]


def test_without_credentials_nothing_is_sent(scripted: ScriptedUpstream) -> None:
    """A 502 that says whose matter it is, and no reason: those name profiles and accounts."""
    answer = edit(scripted, Signing(), {"aws_profile_name": "not-there"})
    assert (answer.status, answer.error["code"]) == (502, "upstream_unauthorized"), answer.body
    assert "not-there" not in answer.body.decode()
    assert scripted.asked == []


def test_no_secret_is_told_or_logged(scripted: ScriptedUpstream) -> None:
    """AWS explains a wrong signature with all that was signed, the session token among it: callers do not see that."""
    fake = Signing()
    fake.outcome = Outcome.UNAUTHORIZED
    scripted.serve(fake.answer)
    target = Target("bedrock", MODEL, None, scripted.url, {**KEYS, "aws_session_token": TOKEN})
    with serving(settings_of(target)) as server:
        answer = send(server.edits_url)
        shown = answer.body.decode() + server.log_text
    assert (answer.status, answer.error["code"]) == (502, "upstream_unauthorized")
    assert not any(secret in shown for secret in (ACCESS, SECRET, TOKEN))


CONFIGURED = """\
model_list:
  - model_name: edit
    litellm_params: {{model: bedrock/us.stability.stable-image-inpaint-v1:0, aws_profile_name: {profile}}}
"""


@pytest.mark.parametrize("profile", ["null", "studio"])
def test_credentials_are_found_where_aws_has_them(scripted: ScriptedUpstream, tmp_path: Path, profile: str) -> None:
    """In the environment, or in the profile of a shared file; endpoint and region by AWS' variables."""
    fake = Signing()
    scripted.serve(fake.answer)
    config, shared = tmp_path / "config.yaml", tmp_path / "credentials"
    config.write_text(CONFIGURED.format(profile=profile))
    shared.write_text(f"[studio]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\n")
    environ = {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": scripted.url, "AWS_REGION": "us-east-1"}
    keys = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}
    environ |= {"AWS_SHARED_CREDENTIALS_FILE": str(shared)} if profile == "studio" else keys
    with started("--config", str(config), **environ) as (_, url, _):
        answer = send(f"{url}/v1/images/edits")
    assert answer.status == 200, answer.body
    assert fake.seen == [Signed(ACCESS, "us-east-1", "bedrock", None)]
