"""Form of the relation between touches and conversion: none, linear, U, plateau, two slopes, S (row VI5).

Each form is a sum of known curves of x, so that for every place of its knot it is fitted by weighted least squares
repeated until it stands still: maximum likelihood of binomial counts with identity link. An OLS criterion on zeros
and ones would favour whatever follows the spread. Forms are compared by AICc (Hurvich and Tsai 1989).
Not here: what to do about a form; a form that is not sure is `undetermined`, which is the usual answer for one
segment and month: a plateau at 6 touches is seen in 8 % of samples of 300 leads and in 88 % of 3,000.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from orchestration.audit.points import Points

FORMS = ("none", "linear", "quadratic", "plateau", "segmented", "s_curve")
MARGIN = 4.0  # AICc by which a form must win
STEEPNESS = (0.5, 1.0, 2.0)  # of the S curve, per touch
# a knot beyond this share of the units hardly changes what the line says of them
_RANGE = 0.8
# a second slope under this share of the first one is hardly a rise
_LEVEL = 0.25
# a slope within so many standard errors of zero counts as level
_SURE = 2.0
_EDGE = 1e-9
_ROUNDS = 25
_HALVINGS = 8
_STEPS = 2  # of a drawn sample, from the fit of the whole
_HALF_CHI_SQUARE = 1.9207294103470622
Decision = str
# what a rising form would have the team do (a minimum inside: ends); two forms that say the same are no contradiction
DECISIONS: dict[str, Decision] = {
    "none": "nothing",
    "linear": "more",
    "quadratic": "optimum",
    "u_shape": "ends",
    "plateau": "stop",
    "segmented": "stop",
    "s_curve": "persist",
}
# both have the team go on; they differ in how soon it pays
_AGREEING = ({"more", "persist"},)


@dataclass(frozen=True)
class Shape:
    """The form of one segment.

    Attributes:
        form: one of FORMS, u_shape (a minimum inside), or undetermined; None with `reason`.
        best: the form with the lowest AICc, whatever the margin.
        aicc: form -> AICc, of the best knot where it has one.
        knot: touches of the knot, vertex or middle of the best form.
        reason: fewer_than_4_counts, no_events where nothing can be fitted.
        decision: what the form would have the team do, by the signs of its slopes: nothing, more, less, optimum, ends,
            stop or persist; None where the form is undetermined or has a reason.
    """

    form: str | None
    best: str | None
    aicc: dict[str, float]
    knot: float | None
    reason: str | None
    decision: Decision | None = None


@dataclass(frozen=True)
class _Fit:
    """The best knot of a form for each row of counts. inside: AICc of the best knot within _RANGE of the units."""

    aicc: np.ndarray
    knot: np.ndarray
    inside: np.ndarray
    beta: np.ndarray


def shape(points: Points) -> Shape:
    """Form of the share of y by x over the units of `points`; y is an outcome between 0 and 1."""
    cells = points.outcomes()
    if len(cells) < 4:
        return Shape(None, None, {}, None, "fewer_than_4_counts")
    x = np.array([float(c[0]) for c in cells])
    n = np.array([[float(c[1]) for c in cells]])
    k = np.array([[float(c[2]) for c in cells]])
    if not 0 < k.sum() < n.sum():
        return Shape(None, None, {}, None, "no_events")
    found = {form: _best_of(form, x, n, k) for form in FORMS}
    found = {form: fit for form, fit in found.items() if np.isfinite(fit.aicc[0])}
    decisions = {form: _decision(form, fit.beta[0]) for form, fit in found.items()}
    if "segmented" in found:
        decisions["segmented"] = _two_slopes(found["segmented"], x, n[0])
    form, best = _judged(found, decisions)
    knot = found[best].knot[0]
    decision = decisions.get(form)
    if decisions[best] == "ends":
        form, best = "u_shape" if form == best else form, "u_shape"
    return Shape(
        form=form,
        best=best,
        aicc={name: float(fit.aicc[0]) for name, fit in found.items()},
        knot=None if np.isnan(knot) else float(knot),
        reason=None,
        decision=decision,
    )


def _judged(found: dict[str, _Fit], decisions: dict[str, Decision]) -> tuple[str, str]:
    """(form or undetermined, form of lowest AICc)."""
    aicc = {form: fit.aicc[0] for form, fit in found.items()}
    ordered = sorted(aicc, key=lambda form: (aicc[form], FORMS.index(form)))
    best = ordered[0]
    if aicc["none"] - aicc[best] < MARGIN:
        return "none", best
    if best != "linear" and aicc["linear"] - aicc[best] < MARGIN:
        return "undetermined", best
    # a plateau whose knot lies beyond nearly all units says what the line says, and two slopes hold every line
    nested = ("segmented",) if best == "linear" else ()
    against = {form: (fit.inside if best == "linear" else fit.aicc)[0] for form, fit in found.items()}
    rivals = [
        form
        for form in ordered[1:]
        if form not in nested
        and {decisions[form], decisions[best]} not in _AGREEING
        and decisions[form] != decisions[best]
        and against[form] - aicc[best] < MARGIN
    ]
    return ("undetermined" if rivals else best), best


def _decision(form: str, beta: np.ndarray) -> Decision:
    """What a fitted form would have the team do."""
    if form == "none":
        return "nothing"
    if form == "quadratic":
        return "ends" if beta[2] > 0 else "optimum"
    return DECISIONS[form] if beta[1] > 0 else "less"


def _two_slopes(fit: _Fit, x: np.ndarray, n: np.ndarray) -> Decision:
    """What two slopes would have the team do; a slope that is not surely above or below zero is level."""
    ((_, curves),) = _curves("segmented", x, fit.knot[:1])
    beta = fit.beta[0]
    slopes, errors = _sure_slopes(curves[None], fit.beta[:1], n[None])
    signs = [
        0 if abs(slope) <= _SURE * error else int(np.sign(slope))
        for slope, error in zip(slopes[0], errors[0], strict=True)
    ]
    if signs == [1, 1]:
        return "stop" if beta[1] + beta[2] < _LEVEL * beta[1] else "more"
    return _BY_SIGNS[signs[0], signs[1]]


_BY_SIGNS: dict[tuple[int, int], Decision] = {
    (1, 0): "stop",
    (1, -1): "stop",
    (0, 1): "persist",
    (-1, 1): "ends",
    (0, 0): "nothing",
    (0, -1): "less",
    (-1, 0): "less",
    (-1, -1): "less",
}


Curves = tuple[float, np.ndarray]  # knot (nan without), one column per curve


def _curves(form: str, x: np.ndarray, inner: np.ndarray) -> Iterator[Curves]:
    """The curves of a form for each place of its knot; inner: the touch counts between the 5th and 95th percentile."""
    one = np.ones_like(x)
    if form == "none":
        yield np.nan, one[:, None]
    elif form == "linear":
        yield np.nan, np.column_stack([one, x])
    elif form == "quadratic":
        yield np.nan, np.column_stack([one, x, x * x])
    elif form == "plateau":
        for c in inner:
            yield c, np.column_stack([one, np.minimum(x, c)])
    elif form == "segmented":
        for c in inner:
            yield c, np.column_stack([one, x, np.maximum(x - c, 0)])
    else:
        for c in inner:
            for steep in STEEPNESS:
                yield c, np.column_stack([one, 1 / (1 + np.exp(-steep * (x - c)))])


# parameters of a form, the place and steepness of its knot counted
_PARAMETERS = {"none": 1, "linear": 2, "quadratic": 3, "plateau": 3, "segmented": 4, "s_curve": 4}


def _best_of(form: str, x: np.ndarray, n: np.ndarray, k: np.ndarray) -> _Fit:
    """The best knot of a form for each row of counts (samples x cells)."""
    totals = n.sum(axis=1)
    cumulated = np.cumsum(n[0]) / n[0].sum()
    inner = _inner(x, n)
    reach = x[np.searchsorted(cumulated, _RANGE)]
    parameters = _PARAMETERS[form]
    best, inside = np.full(len(n), np.inf), np.full(len(n), np.inf)
    knot = np.full(len(n), np.nan)
    kept = np.zeros((len(n), 3))
    places = list(_curves(form, x, inner))
    if not places:
        return _Fit(best, knot, inside, kept)
    # all places of the knot at once, each for all rows: a fit of a few dozen cells costs its calls, not its numbers
    size, rows = len(places), len(n)
    curves = np.repeat(np.stack([curve for _, curve in places]), rows, axis=0)
    likelihoods, betas = _fitted(curves, np.tile(n, (size, 1)), np.tile(k, (size, 1)))
    for at_place, (place, _) in enumerate(places):
        likelihood = likelihoods[at_place * rows : (at_place + 1) * rows]
        beta = betas[at_place * rows : (at_place + 1) * rows]
        score = (
            2 * parameters - 2 * likelihood + 2 * parameters * (parameters + 1) / (totals - parameters - 1)
        )
        at = np.full(len(n), place)
        if form == "quadratic":
            at = -beta[:, 1] / np.where(beta[:, 2] == 0, np.nan, 2 * beta[:, 2])
            holds = (at >= inner.min(initial=np.inf)) & (at <= inner.max(initial=-np.inf))
            score = np.where(holds, score, np.inf)
        better = score < best
        best, knot = np.where(better, score, best), np.where(better, at, knot)
        kept[better, : beta.shape[1]] = beta[better]
        inside = np.where(~(at > reach) & (score < inside), score, inside)
    return _Fit(best, knot, inside, kept)


def best_forms(points: Points, n: np.ndarray, k: np.ndarray) -> list[str | None]:
    """The form of lowest AICc of each row of counts; u_shape for a minimum inside; None where all or none have it.

    n, k: (rows, distinct x of `points` ascending), units and those with the outcome, drawn from those of `points`.
    Each row is fitted by a few steps from the fit of `points`, the first of which is as good as the whole way for rows
    that differ from it by chance (Le Cam 1956), and all rows at once.
    """
    cells = points.outcomes()
    x = np.array([float(c[0]) for c in cells])
    n_all, k_all = (np.array([[float(c[place]) for c in cells]]) for place in (1, 2))
    inner = _inner(x, n_all)
    totals = n.sum(axis=1)
    names = (*FORMS, "u_shape")
    scores = np.full((len(names), len(n)), np.inf)
    for place, form in enumerate(FORMS):
        curves = [curve for _, curve in _curves(form, x, inner)]
        if not curves:
            continue
        reached, beta = _stepped(np.stack(curves), n_all, k_all, n, k)
        size = _PARAMETERS[form]
        with np.errstate(divide="ignore", invalid="ignore"):
            penalty = 2 * size + 2 * size * (size + 1) / np.where(
                totals > size + 1, totals - size - 1, np.nan
            )
        score = np.where(np.isnan(penalty)[:, None], np.inf, penalty[:, None] - 2 * reached)
        if form == "quadratic":
            with np.errstate(divide="ignore", invalid="ignore"):
                vertex = -beta[:, :, 1] / (2 * beta[:, :, 2])
            holds = (vertex >= inner.min(initial=np.inf)) & (vertex <= inner.max(initial=-np.inf))
            score = np.where(holds, score, np.inf)
            scores[-1] = np.where(beta[:, 0, 2] > 0, score[:, 0], np.inf)
            score = np.where(beta[:, :, 2] > 0, np.inf, score)
        scores[place] = score.min(axis=1)
        if form == "segmented":
            at = score.argmin(axis=1)
            ends = _fall_and_rise(np.stack(curves)[at], beta[np.arange(len(n)), at], n)
            scores[-1] = np.where(ends, np.minimum(scores[-1], scores[place]), scores[-1])
            scores[place] = np.where(ends, np.inf, scores[place])
    told = (k.sum(axis=1) > 0) & (k.sum(axis=1) < totals)
    return [names[at] if is_told else None for at, is_told in zip(scores.argmin(axis=0), told, strict=True)]


def _fall_and_rise(curves: np.ndarray, beta: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Mask of the rows whose two slopes surely fall first and rise then; curves: (rows, cells, 3)."""
    slope, error = _sure_slopes(curves, beta, n)
    return (slope[:, 0] < -_SURE * error[:, 0]) & (slope[:, 1] > _SURE * error[:, 1])


def _sure_slopes(curves: np.ndarray, beta: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(first and second slope, their errors) of rows of two slopes, (rows, 2) each."""
    p = np.clip(np.einsum("bcs,bs->bc", curves, beta), 1e-4, 1 - 1e-4)
    normal = (curves * (n / (p * (1 - p)))[..., None]).transpose(0, 2, 1) @ curves
    covariance = np.linalg.pinv(normal)
    along = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    variance = np.einsum("is,bst,it->bi", along, covariance, along)
    return beta @ along.T, np.sqrt(np.maximum(variance, 0.0))


def _stepped(
    curves: np.ndarray, n_all: np.ndarray, k_all: np.ndarray, n: np.ndarray, k: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(log likelihood (rows, places), coefficients (rows, places, curves)) _STEPS steps from the fit of n_all, k_all.

    curves: (places, cells, curves). Of a step, its half and its quarter the best is taken, or none.
    """
    places, cells, size = curves.shape
    _, start = _fitted(curves, np.tile(n_all, (places, 1)), np.tile(k_all, (places, 1)))
    beta = np.broadcast_to(start, (len(n), places, size))

    def reached(beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        p = np.clip((curves @ beta.transpose(1, 2, 0)).transpose(2, 0, 1), _EDGE, 1 - _EDGE)
        likelihood = np.einsum("bc,bpc->bp", k, np.log(p)) + np.einsum("bc,bpc->bp", n - k, np.log1p(-p))
        return likelihood, p

    likelihood, p = reached(beta)
    squares = np.einsum("pcs,pct->pcst", curves, curves).reshape(places, cells, -1)
    for _ in range(_STEPS):
        safe = np.clip(p, 1e-4, 1 - 1e-4)
        weight = 1 / (safe * (1 - safe))
        # sums over cells, for each place one product of matrices
        normal = ((weight * n[:, None]).transpose(1, 0, 2) @ squares).transpose(1, 0, 2)
        normal = normal.reshape(len(n), places, size, size)
        right = ((weight * k[:, None]).transpose(1, 0, 2) @ curves).transpose(1, 0, 2)
        scale = np.maximum(np.trace(normal, axis1=2, axis2=3), 1e-300)[..., None, None]
        step = np.linalg.solve(normal + 1e-10 * np.eye(size) * scale, right[..., None])[..., 0] - beta
        best = beta
        for part in (1.0, 0.5, 0.25):
            tried = beta + part * step
            at, p_at = reached(tried)
            better = at > likelihood
            likelihood = np.where(better, at, likelihood)
            best = np.where(better[..., None], tried, best)
            p = np.where(better[..., None], p_at, p)
        beta = best
    return likelihood, beta


def _inner(x: np.ndarray, n: np.ndarray) -> np.ndarray:
    """The touch counts between the 5th and 95th percentile, their ends left out: where a knot can stand."""
    cumulated = np.cumsum(n[0]) / n[0].sum()
    return x[(cumulated >= 0.05) & (cumulated - n[0] / n[0].sum() <= 0.95)][1:-1]


def plateau_knots(points: Points) -> tuple[float, float, float] | None:
    """Best knot of a plateau and the least and greatest that the data do not leave out at 95 %; None where none fits.

    By profile likelihood: a knot is left out when its log likelihood lies 1.92 (half the 95 % quantile of chi square
    with one degree of freedom) below that of the best one.
    """
    cells = points.outcomes()
    if len(cells) < 4:
        return None
    x = np.array([float(c[0]) for c in cells])
    n = np.array([[float(c[1]) for c in cells]])
    k = np.array([[float(c[2]) for c in cells]])
    if not 0 < k.sum() < n.sum():
        return None
    profile = [(place, _fitted(curves, n, k)[0][0]) for place, curves in _curves("plateau", x, _inner(x, n))]
    if not profile:
        return None
    knot, best = max(profile, key=lambda each: each[1])
    kept = [float(place) for place, likelihood in profile if best - likelihood <= _HALF_CHI_SQUARE]
    return float(knot), min(kept), max(kept)


def _fitted(curves: np.ndarray, n: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(log likelihood, coefficients) by iteratively reweighted least squares, for every row of counts at once.

    curves: (rows, cells, curves of the form), or (cells, curves) for all rows; n and k: (rows, cells).
    The first curve is the constant: the fit begins at the common share, and a step that would leave the shares
    between 0 and 1 or lower the likelihood is halved, so that no form fits worse than none.
    """
    curves = np.broadcast_to(curves, (len(n), *curves.shape[-2:]))
    size = curves.shape[2]
    share = k.sum(axis=1) / n.sum(axis=1)
    beta = np.zeros((len(n), size))
    beta[:, 0] = share
    p = np.broadcast_to(share[:, None], n.shape)
    likelihood = _likelihood(p, n, k)
    ridge = np.eye(size) * 1e-10
    active = np.ones(len(n), dtype=bool)
    for _ in range(_ROUNDS):
        safe = np.clip(p, 1e-4, 1 - 1e-4)
        weight = 1 / (safe * (1 - safe))
        normal = curves.transpose(0, 2, 1) @ (curves * (weight * n)[..., None])
        right = np.einsum("bc,bci->bi", weight * k, curves)
        scale = np.trace(normal, axis1=1, axis2=2)[:, None, None]
        step = np.linalg.solve(normal + ridge * scale, right[..., None])[..., 0] - beta
        before, moving = likelihood, active.copy()
        for _ in range(_HALVINGS):
            tried = np.where(moving[:, None], beta + step, beta)
            at = np.clip(np.einsum("bci,bi->bc", curves, tried), _EDGE, 1 - _EDGE)
            reached = _likelihood(at, n, k)
            taken = moving & (reached > likelihood)
            beta = np.where(taken[:, None], tried, beta)
            p = np.where(taken[:, None], at, p)
            likelihood = np.where(taken, reached, likelihood)
            moving &= ~taken
            if not moving.any():
                break
            step = step / 2
        active = likelihood - before >= 1e-9
        if not active.any():
            break
    return likelihood, beta


def _likelihood(p: np.ndarray, n: np.ndarray, k: np.ndarray) -> np.ndarray:
    return (k * np.log(p) + (n - k) * np.log1p(-p)).sum(axis=1)
