"""Other routes to what the labs show: token by token, query by query, direction by direction; no moments, no shared algebra."""

import numpy as np

from lt_helpers import LinearTransformer


def probe(model, x, y):
    """The implicit weight, read off by d queries along the axes, through attention over tokens.    x (n, d), y (n,) -> (d,)"""
    d = x.shape[1]
    repeated = [np.broadcast_to(values, (d, *values.shape)) for values in (x, y)]
    return model(*repeated, np.eye(d), form="tokens")


def cut(model, layers):
    """The model's first layers -> LinearTransformer"""
    return LinearTransformer(model.P[:layers], model.Q[:layers])


def probe_layers(model, x, y):
    """The implicit weight before the first and after each layer -> (L+1, d)"""
    paths = [probe(cut(model, layers), x, y) for layers in range(1, model.layers + 1)]
    return np.array([np.zeros(x.shape[1]), *paths])


def tokens_by_layer(model, x, y):
    """The context's tokens (x, y) before the first and after each layer, one token at a time -> (L+1, n, D)"""
    tokens = [np.concatenate([x, y[:, None]], axis=1)]
    for P, Q in zip(model.P, model.Q, strict=True):
        before, after = tokens[-1], tokens[-1].copy()
        for head_P, head_Q in zip(P, Q, strict=True):
            for i, token in enumerate(before):
                for other in before:
                    after[i] += head_P @ other * (other @ head_Q @ token) / len(before)
        tokens.append(after)
    return np.array(tokens)


def rescaling_by_layer(model, x, y):
    """The factor by which each layer scales what a token's label holds: what happens to a token (0, 1) -> (L,)"""
    factors = []
    tokens = tokens_by_layer(model, x, y)
    for P, Q, before in zip(model.P, model.Q, tokens, strict=False):
        unit = np.zeros(before.shape[1])
        unit[-1] = 1.0
        added = sum(
            head_P @ other * (other @ head_Q @ unit) / len(before)
            for head_P, head_Q in zip(P, Q, strict=True)
            for other in before
        )
        factors.append(1 + added[-1])
    return np.array(factors)


def step_by_layer(model, x, y):
    """The step along the gradient that is nearest to what a layer adds to w, and the cosine of the two -> (L,), (L,)"""
    w, tokens, rho = probe_layers(model, x, y), tokens_by_layer(model, x, y), rescaling_by_layer(model, x, y)
    steps, cosines = [], []
    for layer in range(model.layers):
        label_left = tokens[layer][:, -1] + x @ w[layer]  # a y: what is left of the token's own label
        gradient = x.T @ (label_left - x @ w[layer]) / len(x)
        push = w[layer + 1] - rho[layer] * w[layer]
        steps.append(push @ gradient / (gradient @ gradient))
        cosines.append(push @ gradient / np.linalg.norm(push) / np.linalg.norm(gradient))
    return np.array(steps), np.array(cosines)


def ridge(x, y, penalty):
    """argmin |y - X w|^2 + penalty |w|^2, by least squares with d more rows -> (d,)"""
    d = x.shape[1]
    rows = np.concatenate([x, np.sqrt(penalty) * np.eye(d)])
    return np.linalg.lstsq(rows, np.concatenate([y, np.zeros(d)]), rcond=None)[0]


def noise_left(x, y):
    """The noise that least squares leaves over, unbiased -> sigma"""
    w = np.linalg.lstsq(x, y, rcond=None)[0]
    return np.sqrt(((y - x @ w) ** 2).sum() / (len(x) - x.shape[1]))


def ada_ridge(x, y):
    """Ridge regression that takes what is left over for the noise: AdaRR -> (d,)"""
    return ridge(x, y, noise_left(x, y) ** 2)


def principal(x):
    """Eigenvalues, ascending, and directions of X'X/n, by the singular values of X -> s (d,), V (d, d) in columns"""
    _, singular, V = np.linalg.svd(x / np.sqrt(len(x)))
    return singular[::-1] ** 2, V[::-1].T


def normal_scores(x, y, sigmas):
    """log p(y | X, sigma) with y ~ N(0, X X' + sigma^2 I), up to a constant -> (K,)"""
    scores = []
    for sigma in sigmas:
        covariance = x @ x.T + sigma**2 * np.eye(len(y))
        scores.append(-(np.linalg.slogdet(covariance)[1] + y @ np.linalg.solve(covariance, y)) / 2)
    return np.array(scores)


def slope_over_redraws(predict, x, sigma, truths, noises):
    """How much of each principal direction an answer keeps: the slope of its component on least squares' over redraws; and how well a line
    describes it, the square of the cosine between the two -> (d,), (d,)

    predict : function x, y -> w.    truths (K, d), noises (K, n).
    """
    _, V = principal(x)
    answers, fits = [], []
    for truth, noise in zip(truths, noises, strict=True):
        y = x @ truth + sigma * noise
        answers.append(V.T @ predict(x, y))
        fits.append(V.T @ np.linalg.lstsq(x, y, rcond=None)[0])
    answers, fits = np.array(answers), np.array(fits)
    together = (answers * fits).sum(axis=0)
    square_of_fits = (fits**2).sum(axis=0)
    return together / square_of_fits, together**2 / (square_of_fits * (answers**2).sum(axis=0))


def kept_of_one_more(model, x, y, eigenvalues):
    """What a DIAG or GD++ model keeps of one more feature: uncorrelated with the others, of mean square s, and with hardly any effect on y,
    which least squares would find whole -> (J,)"""
    n, d = x.shape
    kept = []
    for s in eigenvalues:
        others = np.concatenate([x, y[:, None]], axis=1)
        free = np.linalg.svd(others, full_matrices=True)[0][:, d + 1]  # orthogonal to all columns
        extra = free * np.sqrt(n * s)
        effect = 1e-5
        wider = np.insert(x, d, extra, axis=1)
        kept.append(probe(model.with_dim(d + 1), wider, y + effect * extra)[d] / effect)
    return np.array(kept)


def nearest_noise(w, x, y, largest=30.0):
    """The sigma whose ridge weight is nearest to w, by trying many and then more around the best -> sigma"""
    low, high = 0.0, largest
    for _ in range(4):
        sigmas = np.linspace(low, high, 301)
        apart = [np.linalg.norm(ridge(x, y, sigma**2) - w) for sigma in sigmas]
        best = int(np.argmin(apart))
        low, high = sigmas[max(best - 1, 0)], sigmas[min(best + 1, 300)]
    return sigmas[best]


def tokens_of(S, n):
    """Tokens that have given second moments: D that are not zero, and zeros up to n.    S (B, D, D)  ->  x (B, n, d), y (B, n)"""
    tokens = np.zeros((len(S), n, S.shape[1]))
    tokens[:, : S.shape[1]] = np.sqrt(n) * np.linalg.cholesky(S).mT
    return tokens[..., :-1], tokens[..., -1]


def at_noise(x, y, truth, sigma):
    """Labels that were drawn at sigma = 1, at another noise.    x (B, n, d), y (B, n), truth (B, d)  ->  y (B, n)"""
    clean = np.einsum("bnd,bd->bn", x, truth)
    return clean + sigma * (y - clean)


def probe_many(model, x, y):
    """The implicit weights of many sequences, read off by d queries each, through attention.    x (B, n, d), y (B, n)  ->  (B, d)"""
    (B, n, d), context = x.shape, np.concatenate([x, y[..., None]], axis=2)
    queries = np.zeros((B, d, d + 1))
    queries[:, range(d), range(d)] = 1
    with np.errstate(over="ignore", invalid="ignore"):
        for P, Q in zip(model.P, model.Q, strict=True):
            reads, learns = np.zeros_like(queries), np.zeros_like(context)
            for head_P, head_Q in zip(P, Q, strict=True):
                keys, values = context @ head_Q, context @ head_P.T
                reads += queries @ keys.mT @ values / n
                learns += context @ keys.mT @ values / n
            queries, context = queries + reads, context + learns
    return -queries[..., -1]


def ridge_many(x, y, penalty):
    """Ridge regression of many sequences, one by one.    x (B, n, d), y (B, n)  ->  (B, d)"""
    return np.array([ridge(*one, penalty) for one in zip(x, y, strict=True)])


def probe_many_layers(model, x, y):
    """The implicit weights of many contexts before the first and after each layer -> (B, L+1, d)"""
    paths = [probe_many(cut(model, layers), x, y) for layers in range(1, model.layers + 1)]
    return np.stack([np.zeros_like(paths[0]), *paths], axis=1)
