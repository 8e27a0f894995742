"""Fits scorer.txt, the weights of the answerer without a model, on questions.jsonl; and says how it does on
products that it was not fitted on (each product held out in turn), or on another set of questions.

    cargo test --release --lib rows_for_fitting -- --ignored
    python fit.py target/train.rows [target/kb.rows ...]

needs numpy alone. A file of rows has a line a question: what is asked, and the features of each piece of
the entry. Only the first file is fitted on.
"""

import json
import sys
from pathlib import Path

import numpy as np

OUT = Path(__file__).parent.parent / "scorer.txt"


def plain(text: str) -> str:
    return " ".join(text.lower().replace("’", "'").split())


class Asked:
    def __init__(self, line: str):
        row = json.loads(line)
        self.question, self.product, self.facts = row["q"], row["id"], row["facts"]
        self.texts = [r["text"] for r in row["rows"]]
        self.x = np.array([r["f"] for r in row["rows"]])
        said = [plain(t) for t in self.texts]
        facts = [[f] if isinstance(f, str) else f for f in self.facts or []]
        self.y = np.array([any(plain(s) in t for f in facts for s in f) for t in said], float)
        self.of_question = row["whole"][10:]


def read(path: str) -> list[Asked]:
    return [Asked(line) for line in Path(path).read_text().splitlines()]


def logistic(x, y, weight, decay):
    """Newton's method; the constant is last and free."""
    x = np.c_[x, np.ones(len(x))]
    w = np.zeros(x.shape[1])
    ridge = np.full(len(w), decay)
    ridge[-1] = 1e-6
    for _ in range(40):
        p = 1 / (1 + np.exp(-(x @ w).clip(-30, 30)))
        gradient = x.T @ (weight * (p - y)) + ridge * w
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag(ridge)
        step = np.linalg.solve(hessian, gradient)
        w -= step
        if np.abs(step).max() < 1e-6:
            break
    return w


def chance(w, x):
    return 1 / (1 + np.exp(-(x @ w[:-1] + w[-1]).clip(-30, 30)))


def whole(asked: Asked, p: np.ndarray) -> np.ndarray:
    """As `whole` in src/answer/extract/score.rs."""
    logit = lambda c: np.log(np.clip(c, 1e-4, 1 - 1e-4) / (1 - np.clip(c, 1e-4, 1 - 1e-4)))
    order = np.argsort(-p, kind="stable")
    at = lambda rank: logit(p[order[rank]]) if rank < len(p) else -6.0
    best = asked.x[order[0]]
    most = lambda i: max(0.0, asked.x[:, i].max())
    return np.array([at(0), at(0) - at(1), at(0) - at(3), best[0], best[1], best[3], best[6],
                     most(0), most(1), most(6), *asked.of_question])


def fit_piece(asked):
    use = [a for a in asked if a.y.any()]
    x = np.concatenate([a.x for a in use])
    y = np.concatenate([a.y for a in use])
    # Each question counts the same, however many pieces hold its fact.
    weight = np.concatenate([np.where(a.y > 0, 1 / a.y.sum(), 1 / (1 - a.y).sum() * 1.0) for a in use])
    return logistic(x, y, weight * 2, 1.0)


def fit_whole(asked, chances):
    x = np.stack([whole(a, p) for a, p in zip(asked, chances)])
    # What is answered is what the first quotes hold.
    y = np.array([float(a.y.any()) for a in asked])
    weight = np.where(y > 0, 0.5 / max(1, y.sum()), 0.5 / max(1, (1 - y).sum())) * len(y)
    return logistic(x, y, weight, 1.0)


def report(name, asked, chances, covers):
    answerable = [k for k, a in enumerate(asked) if a.facts is not None]
    hit = lambda k, n: asked[k].y[np.argsort(-chances[k], kind="stable")[:n]].any()
    others = [k for k in range(len(asked)) if asked[k].facts is None]
    top = [np.mean([hit(k, n) for k in answerable]) for n in (1, 2, 3, 5)]
    print(f"{name}: fact in the first 1, 2, 3, 5: " + " ".join(f"{t:.3f}" for t in top))
    covers = np.array(covers)
    for bar in (0.3, 0.4, 0.5, 0.6, 0.7):
        refused = np.mean(covers[others] < bar) if others else float("nan")
        strict = np.mean([hit(k, 3) and covers[k] >= bar for k in answerable])
        print(f"   at {bar}: refused {refused:.3f}, strict coverage {strict:.3f}, "
              f"answered {np.mean(covers[answerable] >= bar):.3f}")


def main():
    asked = read(sys.argv[1])
    products = sorted({a.product for a in asked})
    fold = {p: i % 8 for i, p in enumerate(products)}
    held = [None] * len(asked)
    for k in range(8):
        w = fit_piece([a for a in asked if fold[a.product] != k])
        for i, a in enumerate(asked):
            if fold[a.product] == k:
                held[i] = chance(w, a.x)
    covers = [None] * len(asked)
    for k in range(8):
        train = [i for i, a in enumerate(asked) if fold[a.product] != k]
        w = fit_whole([asked[i] for i in train], [held[i] for i in train])
        for i, a in enumerate(asked):
            if fold[a.product] == k:
                covers[i] = chance(w, whole(a, held[i])[None])[0]
    report("held out", asked, held, covers)
    piece = fit_piece(asked)
    total = fit_whole(asked, held)
    OUT.write_text("piece " + " ".join(f"{v:.4f}" for v in piece) + "\nwhole "
                   + " ".join(f"{v:.4f}" for v in total) + "\n")
    print("piece", np.round(piece, 2))
    print("whole", np.round(total, 2))
    for other in sys.argv[2:]:
        rows = read(other)
        chances = [chance(piece, a.x) for a in rows]
        report(other, rows, chances, [chance(total, whole(a, p)[None])[0] for a, p in zip(rows, chances)])


if __name__ == "__main__":
    main()
