"""The subject cut out of a small copy: GrabCut (Rother, Kolmogorov, Blake 2004), asked in several ways, and its answers' vote.

Where GrabCut begins, and which colours it sees, decides what it finds. So it begins at what stands out, at the middle, at a
head and shoulders; and sees the picture as it is, or with little of its light, so that shadows count less, or with sharpness
for light, so that what is out of focus is behind. The answers vote, and those that agree with each other and with softer
guesses, and run along edges, have more votes: fewer small changes of a picture tip them all.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Bytes8, Floats
from streamedit.darkroom.subjects.likeness import guesses
from streamedit.darkroom.subjects.saliency import Saliency, middle, places

_DECIDED = 6
"""The power of an answer's worth that is its votes."""

_COLOURED = 4.0
"""The deviation of colours (CIE Lab) from which sharpness may take the place of light: a grey picture has nothing else."""


def cut(copies: Sequence[Saliency]) -> Floats:
    """1 where the subject is, else 0, in the size of the first of a picture's small copies."""
    asked = [(list(_answers(seen)), seen) for seen in copies]
    height, width = copies[0].likely.shape
    answers = [floats(cv2.resize(floats(one), (width, height))) for some, _ in asked for one in some]
    own = np.concatenate([_worth(some, seen) for some, seen in asked])
    agreed = np.array([[_alike(one, other) for other in answers] for one in answers]) @ own / max(1e-9, own.sum())
    votes = (own * agreed**2 + 1e-9) ** _DECIDED
    return _tidy(np.asarray(np.tensordot(votes / votes.sum(), np.stack(answers), 1) > 0.5, np.uint8))


def _answers(seen: Saliency) -> Iterator[Bytes8]:
    picture = cv2.convertScaleAbs(seen.rgb, alpha=255)
    yield _grabbed(_with_little_light(seen.rgb), _salient(seen))
    yield _grabbed(picture, _central(seen))
    yield _grabbed(picture, _portrayed(seen))
    if cv2.cvtColor(seen.rgb, cv2.COLOR_RGB2LAB)[..., 1:].std(axis=(0, 1)).max() > _COLOURED:
        yield _grabbed(_with_sharpness(seen), _both(seen))


def _worth(answers: list[Bytes8], seen: Saliency) -> np.typing.NDArray[np.float64]:
    """What an answer is worth on its own: how it runs along edges, and how much of it softer guesses say too."""
    lab = cv2.GaussianBlur(cv2.cvtColor(seen.rgb, cv2.COLOR_RGB2LAB), (0, 0), 0.7)
    soft = guesses(seen)
    return np.array([np.sqrt(_along_edges(one, lab)) * np.mean([_alike(one, guess) for guess in soft]) for one in answers])


def _salient(seen: Saliency) -> Bytes8:
    """Labels to begin with: what stands out is the subject."""
    labels = np.where(seen.likely > seen.threshold, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[seen.likely > 0.1 * seen.threshold + 0.9] = cv2.GC_FGD
    labels[seen.likely < 0.3 * seen.threshold] = cv2.GC_BGD
    return labels


def _central(seen: Saliency) -> Bytes8:
    """The middle is the subject; the rim is not, unless it stands out; the subject may leave below."""
    y, x = places(*seen.likely.shape)
    labels = _oval(y, x)
    labels[(y < -0.46) | ((np.abs(x) > 0.44) & (y < 0.15) & (seen.likely < seen.threshold))] = cv2.GC_BGD
    labels[y * y + x * x < 0.01] = cv2.GC_FGD
    return labels


def _portrayed(seen: Saliency) -> Bytes8:
    """Head and shoulders are the subject; the rim beside them is not, unless it stands out."""
    y, x = places(*seen.likely.shape)
    half = 0.2 + 0.2 * np.clip((y - 0.05) / 0.25, 0, 1)
    labels = np.where((y > -0.38) & (np.abs(x) < half), cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[(y < -0.46) | ((np.abs(x) > 0.44) & (y < 0.15) & (seen.likely < seen.threshold))] = cv2.GC_BGD
    labels[(np.abs(x) < 0.06) & (y > -0.1) & (y < 0.3)] = cv2.GC_FGD
    return labels


def _both(seen: Saliency) -> Bytes8:
    """The middle is the subject, and certainly so where it stands out; what does not at all is background."""
    labels = _oval(*places(*seen.likely.shape))
    labels[seen.likely < 0.4 * seen.threshold] = cv2.GC_BGD
    labels[(seen.likely > seen.threshold) & (middle(*seen.likely.shape) > 0.8)] = cv2.GC_FGD
    return labels


def _oval(y: Floats, x: Floats) -> Bytes8:
    return np.where((y / 0.46) ** 2 + (x / 0.40) ** 2 < 1, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)


def _grabbed(picture: cv2.typing.MatLike, labels: Bytes8) -> Bytes8:
    """Two rounds: in more of them GrabCut forgets where it began. Where all is of one kind there is nothing to cut."""
    inside = _odd(labels)  # both labels of a subject are odd
    if inside.all() or not inside.any() or np.ptp(picture) == 0:
        return inside
    cv2.setRNGSeed(0)  # of this thread: GrabCut begins with random clusters
    cv2.grabCut(picture, labels, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
    return _odd(labels)


def _odd(labels: Bytes8) -> Bytes8:
    return np.asarray(labels & 1, np.uint8)


def _with_little_light(rgb: Floats) -> Bytes8:
    """CIE Lab as bytes, its lightness halved."""
    lab = cv2.cvtColor(cv2.GaussianBlur(rgb, (0, 0), 0.5), cv2.COLOR_RGB2LAB)
    return _spread(floats(lab * np.array([0.5, 1, 1], np.float32)))


def _with_sharpness(seen: Saliency) -> Bytes8:
    """CIE Lab as bytes, with sharpness where its lightness was."""
    lab = cv2.cvtColor(cv2.GaussianBlur(seen.rgb, (0, 0), 0.5), cv2.COLOR_RGB2LAB)
    return _spread(floats(np.dstack([seen.sharp * 15, lab[..., 1:]])))


def _spread(planes: Floats) -> Bytes8:
    """The strongest plane's deviation a fifth of the bytes' range."""
    centred = planes - planes.mean(axis=(0, 1))
    strength = 50 / max(1e-3, float(centred.std(axis=(0, 1)).max()))
    return np.asarray(np.clip(centred * strength + 128, 0, 255), np.uint8)


def _alike(one: Bytes8 | Floats, other: Bytes8 | Floats) -> float:
    """Intersection over union."""
    return float(np.minimum(one, other).sum() / max(1, np.maximum(one, other).sum()))


def _along_edges(inside: Bytes8, lab: cv2.typing.MatLike) -> float:
    """The mean difference in colour across an outline, as far as one sees more of it; what is all or nothing has none."""
    if not 0.02 < inside.mean() < 0.95:
        return 0
    across = []
    for axis in (0, 1):
        turns = np.diff(inside, axis=axis) != 0
        steps = np.linalg.norm(np.roll(lab, -2, axis) - np.roll(lab, 1, axis), axis=2)
        across.append(steps[: turns.shape[0], : turns.shape[1]][turns])
    return float(np.minimum(np.concatenate(across), 30).mean())


def _tidy(inside: Bytes8) -> Floats:
    """Without crumbs: pieces of less than a tenth of the largest, holes of less than a fiftieth of all around."""
    inside = _without_crumbs(inside, 0.1)
    return floats(1 - _without_crumbs(np.asarray(1 - inside, np.uint8), 0.02))


def _without_crumbs(inside: Bytes8, share: float) -> Bytes8:
    _, pieces, figures, _ = cv2.connectedComponentsWithStats(inside, connectivity=4)
    areas = figures[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    return np.asarray((areas >= max(1, share * areas.max()))[pieces] * inside, np.uint8)
