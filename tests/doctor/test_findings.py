"""What is said as a whole."""

from collections.abc import Sequence
from dataclasses import fields

from examined import GOOD_KEY, MOCK, patient, text_of
from hypothesis import given
from hypothesis import strategies as st

from streamedit.doctor import EXAMINATIONS, examine
from streamedit.doctor.facts import Facts, Visit
from streamedit.doctor.findings import Level
from streamedit.parties import ApiKey
from streamedit.stores.sql.inspection import Inspection
from streamedit.targets import Target

_HEAR = "canary"
_SECRETS = st.lists(st.from_regex(r"canary-[a-z0-9]{1,30}", fullmatch=True), min_size=10, max_size=10)


@given(secrets=_SECRETS, scheme=st.sampled_from(["http", "https"]), host=st.sampled_from(["127.0.0.1", "0.0.0.0"]))
def test_no_secret_is_said(secrets: Sequence[str], scheme: str, host: str) -> None:
    """Whatever stands where, good or bad: neither keys, passwords, names of users nor what is behind a host."""
    one, two, three, four, five, six, seven, eight, nine, ten = secrets
    target = Target("openai", "gpt-image-2", one, f"{scheme}://{two}:{three}@h.example/{four}?key={five}")
    settings = patient(
        target,
        MOCK,
        keys=(six, GOOD_KEY),
        secret=seven,
        redis_url=f"redis://{eight}:{nine}@h.example/0",
        database_url=f"postgresql://{two}:{three}@h.example/d?password={ten}",
        webhooks=({"url": f"{scheme}://h.example/{four}", "secret": "whsec_" + "A" * 32},),
        otel={"endpoint": f"{scheme}://h.example/{four}", "headers": {"x": five}},
        budgets=({"limit_usd": 1},),
        storage={
            "bucket": {
                "name": "pictures",
                "endpoint": f"{scheme}://h.example",
                "allow_http": True,
                "access_key_id": one,
                "secret_access_key": two,
                "session_token": three,
            }
        },
    )
    key = ApiKey("key_a", one, six.encode(), 0.0, 3.0, metadata={"who": two})
    facts = Facts(host, 2, 1.0, ("place",), 0o777, database=Inspection("1", "1", (key,), 1), visits=[Visit("h", "no")])
    said = text_of(examine(settings, facts))
    assert "h.example" in said
    assert _HEAR not in said
    assert "whsec_" not in said


def test_the_worst_comes_first() -> None:
    """And what is well last."""
    levels = [finding.level for finding in examine(patient(keys=("sk-1234",)), Facts(workers=2))]
    ranks = [list(Level).index(level) for level in levels]
    assert ranks == sorted(ranks, reverse=True)
    assert {Level.RISK, Level.OK} <= set(levels)


def test_every_finding_speaks_in_sentences() -> None:
    """Whoever reads one needs to know nothing else."""
    settings = patient(Target("openai", "a", "sk", "http://h.example"), keys=("sk-1234",), user_header="x", callers_keys=True)
    found = examine(settings, Facts("0.0.0.0", 2, 0.0, ("a",), 0o777, 0o777, 0o777, 0, 0, 1 << 40))
    assert len({finding.topic for finding in found}) > len(fields(Facts))
    assert all(finding.what.endswith(".") for finding in found)
    assert all(finding.why or finding.mend for finding in found if finding.level in (Level.RISK, Level.WARNING))


def test_each_examination_is_made_once() -> None:
    """A table has no line twice."""
    assert len(set(EXAMINATIONS)) == len(EXAMINATIONS)
