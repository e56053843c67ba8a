"""The mathematics of the library's functions, as text: what each computes, and the derivative rule of each input.

``g`` is ∂L/∂out, the gradient that has arrived. ``·`` and ``⊙`` multiply element by element, two names side by side are
a matrix product, ``ᵀ`` exchanges rows and columns, and Σ and Π reach to the end of their parentheses. Where an axis
was combined, Σ and Π go along it, and g and out are repeated along it. What follows a semicolon is said in words:
conventions, and what a letter means. Axes along which an input was broadcast are summed out after the rule, and not
written down.
"""

from __future__ import annotations


def formula(name: str) -> str:
    """Return what a function of the library computes; nothing for an unknown name.

    >>> formula("tanh")
    'out = tanh(x)'
    """
    return _TABLE[name][0] if name in _TABLE else ""


def derivative(name: str, position: int) -> str:
    """Return the derivative rule of one input of a function of the library; nothing where there is none.

    Args:
        name: the name of the primitive.
        position: which input, from 0. A function of any number of inputs has one text for them all, xᵢ.

    >>> derivative("multiply", 0)
    '∂L/∂x = g · y'
    >>> derivative("where", 0)
    ''
    """
    rules = _TABLE.get(name, ("",))[1:]
    if name in _OF_EACH_INPUT:
        position = min(position, 0)
    return rules[position] if 0 <= position < len(rules) else ""


_OF_EACH_INPUT = frozenset({"concatenate", "stack", "einsum"})

_ELEMENTWISE = {
    "add": ("out = x + y", "∂L/∂x = g", "∂L/∂y = g"),
    "subtract": ("out = x − y", "∂L/∂x = g", "∂L/∂y = −g"),
    "multiply": ("out = x · y", "∂L/∂x = g · y", "∂L/∂y = g · x"),
    "divide": ("out = x / y", "∂L/∂x = g / y", "∂L/∂y = −g · out / y"),
    "remainder": (
        "out = x − y · ⌊x / y⌋",
        "∂L/∂x = g; at a jump the derivative of its right side",
        "∂L/∂y = −g · ⌊x / y⌋; at a jump the derivative of its right side",
    ),
    "negative": ("out = −x", "∂L/∂x = −g"),
    "identity": ("out = x", "∂L/∂x = g"),
    "astype": ("out = x; in another dtype", "∂L/∂x = g; converted back to the dtype of x"),
    "by_convention": ("out = values", "∂L/∂values = g; NaN where mask: there is no derivative", ""),
    "square": ("out = x²", "∂L/∂x = g · 2x"),
    "sqrt": ("out = √x", "∂L/∂x = g / (2 · out); infinite at x = 0"),
    "power": (
        "out = xʸ",
        "∂L/∂x = g · y · xʸ⁻¹; 0 where y = 0",
        "∂L/∂y = g · out · log(x); 0 where x = 0 and y ≥ 0, NaN where x < 0",
    ),
    "power_log": (
        "out = xʸ · log(x)ᵏ; 0 where x = 0 and y > 0",
        "∂L/∂x = g · (y · xʸ⁻¹ · log(x)ᵏ + k · xʸ⁻¹ · log(x)ᵏ⁻¹)",
        "∂L/∂y = g · out · log(x)",
    ),
    "exp": ("out = eˣ", "∂L/∂x = g · out"),
    "expm1": ("out = eˣ − 1", "∂L/∂x = g · (out + 1)"),
    "log": ("out = log(x)", "∂L/∂x = g / x"),
    "log1p": ("out = log(1 + x)", "∂L/∂x = g / (1 + x)"),
    "sin": ("out = sin(x)", "∂L/∂x = g · cos(x)"),
    "cos": ("out = cos(x)", "∂L/∂x = −g · sin(x)"),
    "tan": ("out = tan(x)", "∂L/∂x = g · (1 + out²)"),
    "arctan": ("out = arctan(x)", "∂L/∂x = g / (1 + x²)"),
    "sinh": ("out = sinh(x)", "∂L/∂x = g · cosh(x)"),
    "cosh": ("out = cosh(x)", "∂L/∂x = g · sinh(x)"),
    "tanh": ("out = tanh(x)", "∂L/∂x = g · (1 − out²)"),
}

_PIECEWISE = {
    "abs": ("out = |x|", "∂L/∂x = g · sign(x); 0 at the kink x = 0"),
    "signed": (
        "out = values · sign(x)",
        "∂L/∂values = g · sign(x)",
        "∂L/∂x = 0; NaN where x = 0 and slope = 0, as there a function of |x| may be smooth",
        "",
    ),
    "sign": ("out = sign(x)", "∂L/∂x = 0"),
    "maximum": (
        "out = max(x, y)",
        "∂L/∂x = g where x > y, g / 2 where x = y, else 0; a tie is shared",
        "∂L/∂y = g where y > x, g / 2 where y = x, else 0; a tie is shared",
    ),
    "minimum": (
        "out = min(x, y)",
        "∂L/∂x = g where x < y, g / 2 where x = y, else 0; a tie is shared",
        "∂L/∂y = g where y < x, g / 2 where y = x, else 0; a tie is shared",
    ),
    "clip": (
        "out = max where x > max or min > max, min where x < min, else x; None sets no limit",
        "∂L/∂x = 0 where x < min or x > max, else g; on the bounds themselves g goes to x",
        "∂L/∂min = 0 where min > max, g where x < min, else 0",
        "∂L/∂max = g where x > max or min > max, else 0",
    ),
    "masked": ("out = values where mask, else 0", "∂L/∂values = g where mask, else 0", ""),
    "where": (
        "out = x where condition, else y",
        "",
        "∂L/∂x = g where condition, else 0",
        "∂L/∂y = 0 where condition, else g",
    ),
}

_REDUCTION = {
    "sum": ("out = Σ x", "∂L/∂x = g; the same for every element that was added"),
    "mean": ("out = (Σ x) / N; of N elements", "∂L/∂x = g / N; N elements share g equally"),
    "max": (
        "out = max(x)",
        "∂L/∂x = g / k where x = out, else 0; k elements tie for the largest and share g",
    ),
    "min": (
        "out = min(x)",
        "∂L/∂x = g / k where x = out, else 0; k elements tie for the smallest and share g",
    ),
    "prod": ("out = Π x", "∂L/∂x = g · out / x; where x is 0, out / x is the product of the other factors"),
    "var": (
        "out = (Σ (x − x̄)²) / (N − ddof); x̄ is the mean of N elements",
        "∂L/∂x = g · 2 · (x − x̄) / (N − ddof); x̄ is the mean of N elements",
    ),
    "std": (
        "out = √((Σ (x − x̄)²) / (N − ddof)); x̄ is the mean of N elements",
        "∂L/∂x = g · (x − x̄) / (out · (N − ddof)); 0 where out = 0; x̄ is the mean of N elements",
    ),
    "norm": ("out = √(Σ x²)", "∂L/∂x = g · x / out; 0 where out = 0"),
    "cumsum": (
        "outᵢ = x₀ + x₁ + … + xᵢ; along axis",
        "∂L/∂xᵢ = gᵢ + gᵢ₊₁ + …; from i to the end of axis: xᵢ is part of these sums",
    ),
}

_SHAPE = {
    "reshape": ("out = x in another shape", "∂L/∂x = g in the shape of x"),
    "ravel": ("out = the elements of x in a row", "∂L/∂x = g in the shape of x"),
    "transpose": (
        "out = xᵀ; with axes given, the axes of x in that order",
        "∂L/∂x = gᵀ; with axes given, the axes of g put back in their order",
    ),
    "swapaxes": ("out = x with axis1 and axis2 exchanged", "∂L/∂x = g with axis1 and axis2 exchanged back"),
    "moveaxis": (
        "out = x with its axes moved from source to destination",
        "∂L/∂x = g with its axes moved back from destination to source",
    ),
    "expand_dims": ("out = x with new axes of length 1", "∂L/∂x = g in the shape of x"),
    "squeeze": ("out = x without axes of length 1", "∂L/∂x = g in the shape of x"),
    "broadcast_to": ("out = x repeated to fill shape", "∂L/∂x = Σ g over the repetitions of x"),
    "flip": ("out = x reversed along axis", "∂L/∂x = g reversed along axis"),
    "pad": ("out = x with a border of constant_values", "∂L/∂x = g without the border"),
    "concatenate": ("out = x₀, x₁, … joined along axis", "∂L/∂xᵢ = the part of g where xᵢ stands in out"),
    "stack": ("out = x₀, x₁, … joined along a new axis", "∂L/∂xᵢ = g at index i of the new axis"),
}

_INDEXING = {
    "getitem": ("out = x[index]", "∂L/∂x = zeros, with g added at index; an element picked twice gets both"),
    "scatter": ("out = zeros, with values added at index", "∂L/∂values = g[index]"),
}

_LINALG = {
    "matmul": (
        "out = x y; a vector counts as a row on the left, as a column on the right",
        "∂L/∂x = g yᵀ; for each matrix of a stack",
        "∂L/∂y = xᵀ g; for each matrix of a stack",
    ),
    "linear": (
        "out = x weightᵀ + bias",
        "∂L/∂x = g weight",
        "∂L/∂weight = gᵀ x; over all rows of x",
        "∂L/∂bias = g; then summed over the rows, along which bias was broadcast",
    ),
    "dot": (
        "out = x y; summed over the last axis of x and the last but one (or only) axis of y",
        "∂L/∂x = g yᵀ; summed over the axes that y alone brings into out",
        "∂L/∂y = xᵀ g; summed over the axes that x alone brings into out",
    ),
    "outer": (
        "out = x yᵀ; x and y as columns of all their elements",
        "∂L/∂x = g y; in the shape of x",
        "∂L/∂y = gᵀ x; in the shape of y",
    ),
    "einsum": (
        "out = Σ x₀ · x₁ · …; over the labels that the result does not have",
        "∂L/∂xᵢ = Σ g · (the other operands); over the labels that xᵢ does not have; 0 off a diagonal that was picked",
    ),
}

_ACTIVATION = {
    "relu": ("out = max(x, 0)", "∂L/∂x = g where x > 0, else 0"),
    "leaky_relu": (
        "out = x where x > 0, else negative_slope · x",
        "∂L/∂x = g where x > 0, else negative_slope · g",
    ),
    "elu": ("out = x where x > 0, else alpha · (eˣ − 1)", "∂L/∂x = g where x > 0, else g · alpha · eˣ"),
    "sigmoid": (
        "out = 1 / (1 + e⁻ˣ)",
        "∂L/∂x = g · out · (1 − out); 1 − out is computed as sigmoid(−x), to every digit",
    ),
    "softplus": ("out = log(1 + eˣ)", "∂L/∂x = g · σ(x); σ is the sigmoid"),
    "silu": ("out = x · σ(x); σ is the sigmoid", "∂L/∂x = g · σ(x) · (1 + x · σ(−x)); σ is the sigmoid"),
    "erf": ("out = erf(x); the error function", "∂L/∂x = g · 2 / √π · exp(−x²)"),
    "gelu": (
        "out = x · Φ(x); Φ is the normal distribution function, or with approximate='tanh' its approximation",
        "∂L/∂x = g · (Φ(x) + x · φ(x)); φ is the derivative of Φ: the normal density, or that of the approximation",
    ),
}

_SOFTMAX = {
    "logsumexp": ("out = log(Σ eˣ)", "∂L/∂x = g ⊙ softmax(x); along axis"),
    "softmax": ("out = eˣ / (Σ eˣ)", "∂L/∂x = out ⊙ (g − Σ g ⊙ out)"),
    "log_softmax": ("out = x − log(Σ eˣ)", "∂L/∂x = g − exp(out) ⊙ (Σ g); exp(out) is the softmax"),
}

_LOSS = {
    "nll_loss": (
        "out = −(Σ t ⊙ log_probabilities) / n; t is the targets, an index as a row with 1 at its place, smoothed to "
        "t · (1 − label_smoothing) + label_smoothing / classes; n is the number of rows for the mean, else 1",
        "∂L/∂log_probabilities = −g ⊙ t / n; t is the targets as probabilities, after label_smoothing; n is the number "
        "of rows for the mean, else 1",
        "∂L/∂targets = −g ⊙ (1 − label_smoothing) · log_probabilities / n; n is the number of rows for the mean, "
        "else 1",
    ),
    "cross_entropy": (
        "out = −(Σ t ⊙ log(softmax(logits))) / n; t is the targets, an index as a row with 1 at its place, smoothed to "
        "t · (1 − label_smoothing) + label_smoothing / classes; n is the number of rows for the mean, else 1",
        "∂L/∂logits = g ⊙ (softmax(logits) · s − t) / n; t is the targets as probabilities, after label_smoothing; s "
        "is the sum of t in each row, 1 for probabilities; n is the number of rows for the mean, else 1",
        "∂L/∂targets = −g ⊙ (1 − label_smoothing) · log(softmax(logits)) / n; n is the number of rows for the mean, "
        "else 1",
    ),
    "sigmoid_cross_entropy": (
        "out = (1 − targets) · max(logits, 0) − targets · min(logits, 0) + log(1 + exp(−|logits|)); "
        "this is −targets · log(σ(logits)) − (1 − targets) · log(1 − σ(logits)) with the sigmoid σ",
        "∂L/∂logits = g · (σ(logits) − targets); σ is the sigmoid",
        "∂L/∂targets = −g · logits",
    ),
    "binary_cross_entropy": (
        "out = −target · log(probability) − (1 − target) · log(1 − probability); logarithms end at −100",
        "∂L/∂probability = g · (probability − target) / max(probability · (1 − probability), 10⁻¹²)",
        "∂L/∂target = g · (log(1 − probability) − log(probability)); logarithms end at −100",
    ),
}

# the name of a primitive -> what it computes, then the rule of each input; "" where no gradient flows
_TABLE: dict[str, tuple[str, ...]] = {
    **_ELEMENTWISE,
    **_PIECEWISE,
    **_REDUCTION,
    **_SHAPE,
    **_INDEXING,
    **_LINALG,
    **_ACTIVATION,
    **_SOFTMAX,
    **_LOSS,
}
