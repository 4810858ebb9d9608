"""Subject and background apart: what is behind out of focus or replaced, the subject cut out or coloured, the mask's edge."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import cv2
import numpy as np

from streamedit.darkroom.backdrops import BACKDROPS
from streamedit.darkroom.canvas import Brief, Canvas, Effect, Operation
from streamedit.darkroom.layers import enlarged
from streamedit.darkroom.linear_light import GAMMA
from streamedit.darkroom.mending.membranes import averaged
from streamedit.darkroom.optics import banded, floats, luma, mixed, noise, side, smoothstep, soft
from streamedit.darkroom.photograph import Floats, bands
from streamedit.darkroom.recolouring import recoloured
from streamedit.darkroom.subjects.matting import foreground, stages
from streamedit.errors import InvalidRequest

_DISC_PX = 5.0
"""A disc of more than this radius is drawn in a smaller copy."""

_FLAT = ("colour", "image")
"""Backdrops that stay as they are; the others, smooth, get as much grain as keeps them from showing steps."""

_INDOORS = ("colour", "gradient", "studio", "bright studio", "white", "dark studio")
"""Backdrops that do not colour the light on the subject."""


def blur_background(canvas: Canvas, brief: Brief) -> Effect:
    """What is behind the subject out of focus, as a wide lens draws it: lights become discs. The subject's colours are kept out
    of the blur, or it would wear a halo."""
    matte = stages(canvas.rgb, canvas.alpha)

    def effect(part: float) -> Canvas:
        radius_px = brief.amount * part * side(canvas.rgb) / 18
        share = matte(part)
        behind = _out_of_focus(canvas.rgb, share, radius_px)
        spare = brief.spare and part == 1
        return replace(canvas, rgb=_over(canvas.rgb, behind, share, min(1.0, radius_px / 1.5), spare=spare))

    return effect


def replace_background(canvas: Canvas, brief: Brief) -> Effect:
    """The subject before something else: of `details.kind`, of a colour, or the request's second image. What was transparent is
    filled too: the result is opaque."""
    kind = brief.details.kind or ("colour" if brief.details.colours else "image" if brief.others else "")
    if not kind:
        raise InvalidRequest(
            f"Say what the background shall be: a colour, or one of {', '.join(BACKDROPS)}; or send a second image.",
            param="prompt",
            code="background_required",
        )
    if kind not in BACKDROPS:
        raise InvalidRequest(
            f"There is no background {kind!r}; there are {', '.join(BACKDROPS)}.", param="prompt", code="unknown_background"
        )
    behind = BACKDROPS[kind](_size(canvas), brief)
    if kind not in _FLAT:
        behind += noise(behind, brief.seed)[..., None] * np.float32(1 / 600)
    matte = stages(canvas.rgb, canvas.alpha)

    def effect(part: float) -> Canvas:
        share = matte(part)
        shown = behind * (1 - _shadow(share))[..., None] if "studio" in kind or kind == "white" else behind
        spare = brief.spare and part == 1
        subject = canvas.rgb if kind in _INDOORS else _in_the_light_of(behind, canvas.rgb, share, spare=spare)
        done = _over(subject, shown, share, 1.0, spare=spare or subject is not canvas.rgb)
        if part < 1:
            opaque = canvas.rgb if canvas.alpha is None else banded(mixed, behind, canvas.rgb, canvas.alpha)
            cv2.addWeighted(opaque, 1 - part, done, part, 0, dst=done)
        return replace(canvas, rgb=done, alpha=None)

    return effect


def cut_out(canvas: Canvas, brief: Brief) -> Effect:
    """The subject alone, all else transparent; its outline without the old background's colours. With a mask: only there."""
    matte = stages(canvas.rgb)

    def effect(part: float) -> Canvas:
        share = matte(part)
        left = floats(1 - share)
        left *= np.float32(-part)
        if canvas.weight is not None:
            left *= canvas.weight
        left += 1
        if canvas.alpha is not None:
            left *= canvas.alpha
        return replace(canvas, rgb=foreground(canvas.rgb, share, spare=brief.spare and part == 1), alpha=left)

    return effect


def feather(canvas: Canvas, brief: Brief) -> Effect:
    """The mask's edge soft, inwards: what was not to be edited still is not. A thin mask keeps its middle."""
    weight = _mask(canvas)
    width_px = brief.details.number or 0.02 * side(canvas.rgb)
    inside_px = floats(cv2.distanceTransform((weight > 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE))
    width_px = float(min(width_px, inside_px.max()))

    def effect(part: float) -> Canvas:
        return replace(canvas, weight=floats(weight * smoothstep(inside_px / max(1e-3, width_px * part))))

    return effect


def invert_mask(canvas: Canvas, _: Brief) -> Effect:
    """What was to be kept is edited, what was to be edited is kept."""
    weight = _mask(canvas)
    return lambda part: replace(canvas, weight=floats(weight + (1 - 2 * weight) * np.float32(part)))


def recolour(canvas: Canvas, brief: Brief) -> Effect:
    """What is under the mask, or else the subject, in another colour: its light and its texture stay."""
    if not brief.details.colours:
        raise InvalidRequest(
            "Say which colour it shall have: 'make it red', '#c0ffee'.", param="prompt", code="colour_required"
        )
    area = None if canvas.weight is not None else stages(canvas.rgb, canvas.alpha)

    def effect(part: float) -> Canvas:
        counted = canvas.weight if area is None else area(1.0)
        goal = recoloured(canvas.rgb, canvas.rgb[..., 0] if counted is None else counted, brief.details.colours[0])(canvas.rgb)
        far = np.float32(brief.amount * part)
        for rows in bands(*goal.shape[:2]):
            share = far if area is None else (area(1.0)[rows] * far)[..., None]
            goal[rows] = canvas.rgb[rows] + (goal[rows] - canvas.rgb[rows]) * share
        return replace(canvas, rgb=goal)

    return effect


BACKGROUND: Mapping[str, Operation] = MappingProxyType(
    {
        "blur the background": blur_background,
        "replace the background": replace_background,
        "cut out": cut_out,
        "feather": feather,
        "invert the mask": invert_mask,
        "recolour": recolour,
    }
)
"""By the names of the grammar's table."""


def _size(canvas: Canvas) -> tuple[int, int]:
    height, width = canvas.rgb.shape[:2]
    return height, width


def _mask(canvas: Canvas) -> Floats:
    if canvas.weight is None:
        raise InvalidRequest("That needs a mask: send one with the image.", param="mask", code="mask_required")
    return canvas.weight


def _over(rgb: Floats, behind: Floats, matte: Floats, far: float, *, spare: bool = False) -> Floats:
    """The subject, in its own colours, before something else, which may be a smaller layer; painted into a spare picture."""
    done = foreground(rgb, matte, spare=spare and far == 1)
    for rows in bands(*matte.shape):
        around = enlarged(behind, rgb.shape, np.arange(rows.start, rows.stop, dtype=np.float32)[:, None])
        laid = mixed(around, done[rows], matte[rows])
        done[rows] = laid if far == 1 else rgb[rows] + (laid - rgb[rows]) * np.float32(far)
    return done


def _out_of_focus(rgb: Floats, matte: Floats, radius_px: float) -> Floats:
    """What is not the subject, every point a disc. A wide one in small."""
    height, width = matte.shape
    shrink = radius_px / _DISC_PX
    if shrink <= 1:
        reach_px = int(np.ceil(radius_px)) + 1
        return banded(lambda band, its: _spread(_weighed(band, 1 - its), radius_px), rgb, matte, halo_px=reach_px)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    return _spread(floats(cv2.resize(_weighed(*_halved(rgb, matte, size)), size)), _DISC_PX)


def _weighed(rgb: Floats, weight: Floats) -> Floats:
    """Linear light times its weight, and the weight; lights count more, as those of a night burn the film."""
    linear = floats(cv2.pow(np.clip(rgb, 0, 1), GAMMA))
    heavy = (weight + np.float32(1e-5)) * (1 + 5 * smoothstep((luma(rgb) - 0.75) / 0.25))
    return floats(np.dstack([linear * heavy[..., None], heavy]))


def _spread(weighed: Floats, radius_px: float) -> Floats:
    """Through a round aperture."""
    spread = floats(cv2.filter2D(weighed, -1, _disc(radius_px), borderType=cv2.BORDER_REFLECT))
    return floats(cv2.pow(np.clip(spread[..., :3] / spread[..., 3:], 0, 1), 1 / GAMMA))


def _halved(rgb: Floats, matte: Floats, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Twice the size: small lights must not drown before they are weighed. And how much of each pixel is not the subject."""
    height, width = matte.shape
    twice = (min(width, 2 * size[0]), min(height, 2 * size[1]))
    sums = averaged(rgb, lambda rows: 1 - matte[rows], twice)
    mean = floats(np.ascontiguousarray(sums[..., 3]))
    return floats(sums[..., :3] / np.maximum(mean, np.float32(1e-3))[..., None]), mean


def _disc(radius_px: float) -> Floats:
    reach = int(np.ceil(radius_px))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius_px + 0.5 - np.hypot(y, x), 0, 1).astype(np.float32)
    return floats(disc / disc.sum())


def _shadow(matte: Floats) -> Floats:
    """Of the subject, on what it stands on: soft, a little below it, more of it the lower."""
    height = matte.shape[0]
    down = np.array([[1, 0, 0], [0, 1, side(matte) / 40]])
    fallen = cv2.warpAffine(matte, down, (matte.shape[1], height), borderMode=cv2.BORDER_REPLICATE)
    low = smoothstep(np.linspace(-0.7, 1.1, height, dtype=np.float32))[:, None]
    return floats(0.42 * np.clip(soft(floats(fallen), side(matte) / 28), 0, 1) * low)


def _in_the_light_of(behind: Floats, rgb: Floats, matte: Floats, *, spare: bool) -> Floats:
    """With a trace of the surroundings' colour and brightness; done to the picture itself where that is spare."""
    around = np.array(cv2.mean(behind)[:3]) ** GAMMA + 1e-3
    own = np.array(cv2.mean(rgb, (matte > 0.5).astype(np.uint8))[:3]) ** GAMMA + 1e-3
    tint, level = (around / around.mean()) ** 0.1, (around.mean() / own.mean()) ** 0.08
    return floats(np.multiply(rgb, np.clip(tint * level, 0.75, 1.15).astype(np.float32), out=rgb if spare else None))
