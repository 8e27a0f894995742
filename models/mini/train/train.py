"""Trains the mini CLIP on two CPU cores. One command does everything: reads the sources into a cache,
asks the teachers once, trains, exports.

    python train.py --grocery DIR --clipart DIR --renders DIR --kb DIR --angles DIR --run RUN --to ..

Run it again after a stop and it goes on from RUN/checkpoint.pt. The schedule follows the training
clock (`--minutes`), so that it ends in time on a busy machine; `--steps` follows the step count instead.
"""

import argparse
import copy
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import CLIPImageProcessor, PreTrainedTokenizerFast

import data
import distort
import evaluate
import export
import model as clip
import teachers
import tokenizer

SHORT = 12  # words; longer captions are drawn in one step of eight only

# Most of the training sees smaller pictures, which cost less; position embeddings are interpolated.
SIDES = [(0.64, 80), (math.inf, clip.PIXELS)]


class Heads(nn.Module):
    """What training needs beside the model: learned product vectors and the teachers' read-outs."""

    def __init__(self, products: int):
        super().__init__()
        self.products = nn.Parameter(torch.randn(products, clip.WIDTH))
        self.product_scale = nn.Parameter(torch.tensor(math.log(16.0)))
        self.pair_scale = nn.Parameter(torch.tensor(math.log(12.0)))
        self.vision_teacher = nn.Linear(clip.HIDDEN, 1280)
        self.text_teacher = nn.Linear(clip.WIDTH, 384)


class Texts:
    """Captions by product and by clip-art row, with the text teacher's vectors."""

    def __init__(self, pictures: data.Pictures, cache: Path):
        self.by_product = [data.product_captions(p) for p in pictures.products]
        self.by_row = {i: r.captions for i, r in enumerate(pictures.rows) if r.captions}
        every = sorted({c for said in self.by_product for c in said} | {c for said in self.by_row.values() for c in said})
        self.at = {c: i for i, c in enumerate(every)}
        self.every = every
        file = cache / "texts.pt"
        saved = torch.load(file) if file.exists() else {"texts": [], "vectors": torch.zeros(0, 384)}
        known = dict(zip(saved["texts"], saved["vectors"]))
        missing = [t for t in every if t not in known]
        if missing:
            print(f"text teacher: {len(missing)} texts", flush=True)
            known |= dict(zip(missing, teachers.text_features(missing)))
            torch.save({"texts": every, "vectors": torch.stack([known[t] for t in every])}, file)
        self.vectors = torch.stack([known[t] for t in every])

    @staticmethod
    def draw(said: list[str], rng, long: bool) -> str:
        if not long:
            said = [s for s in said if s.count(" ") < SHORT] or said
        return said[rng.integers(len(said))]


class Trainer:
    def __init__(self, a):
        self.a, cache = a, a.cache
        torch.manual_seed(a.seed)
        self.rng = np.random.default_rng(a.seed)
        self.pictures = p = data.Pictures(cache)
        self.tok = Tokenizer.from_file(str(cache / "tokenizer.json"))
        self.texts = Texts(p, cache)
        self.photo, self.angle, self.studio = p.where("photo"), p.where("angle"), p.where("studio")
        self.clip, self.render = p.where("clip"), p.where("render")
        self.label = np.array([r.product for r in p.rows])
        self.whole = np.array([r.view == 0 for r in p.rows])
        self.views: dict[int, list[int]] = {}
        for i in self.render:
            self.views.setdefault(p.rows[i].instance, []).append(int(i))
        self.things = [v for v in self.views.values() if len(v) > 1]
        self.teach(cache)
        self.model = clip.build(self.tok, a.drop_path)
        start = self.rng.choice(self.photo, 512, replace=False)
        clip.prime(self.model, distort.normalise(distort.photos(p.pixels[np.sort(start)], 96, self.whole[np.sort(start)])))
        self.heads = Heads(len(p.products))
        self.ema = copy.deepcopy(self.model.state_dict())
        self.bank = torch.zeros(len(p.products), clip.WIDTH)
        self.queue = torch.zeros(0, clip.WIDTH)
        decay, plain = [], []
        for name, w in [*self.model.named_parameters(), *self.heads.named_parameters()]:
            (decay if w.ndim > 1 and "embedding" not in name and name != "products" else plain).append(w)
        self.opt = torch.optim.AdamW(
            [{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}],
            lr=a.lr, betas=(0.9, 0.98), fused=True)
        self.step, self.elapsed = 0, 0.0
        self.see = torch.compile(clip.see) if a.compile else clip.see

    def teach(self, cache: Path) -> None:
        """The vision teacher's directions (unit rows) and soft labels; zero where it saw nothing."""
        raw = np.load(cache / "teacher.npy")
        kinds = np.array([r.kind for r in self.pictures.rows])
        known = np.flatnonzero(np.isin(kinds, ["photo", "studio"]))
        x = torch.from_numpy(raw[known].astype(np.float32))
        x = F.normalize((x - x.mean(0)) / (x.std(0) + 1e-2), dim=-1)
        self.teacher = torch.zeros(len(kinds), x.shape[1], dtype=torch.float16)
        self.teacher[known] = x.half()
        classes = len(self.pictures.products)
        file = cache / f"soft-{classes}.pt"
        if not file.exists():
            groups = np.array([self.pictures.rows[i].instance for i in self.photo])
            torch.save(teachers.soft_labels(raw[self.photo], self.label[self.photo], groups, classes, self.a.seed), file)
        soft = torch.load(file)
        # One opinion a photo: the mean over its views.
        groups = torch.tensor([self.pictures.rows[i].instance for i in self.photo])
        _, at = groups.unique(return_inverse=True)
        mean = torch.zeros(int(at.max()) + 1, classes).index_add_(0, at, soft)
        mean = mean / mean.sum(-1, keepdim=True)
        self.soft = torch.zeros(len(kinds), classes)
        self.soft[self.photo] = 0.5 * soft + 0.5 * mean[at]
        self.soft[self.angle] = F.one_hot(torch.from_numpy(self.label[self.angle]), classes).float()

    def progress(self) -> float:
        if self.a.steps:
            return self.step / self.a.steps
        return self.elapsed / (60 * self.a.minutes)

    def rate(self, t: float) -> float:
        warm = min(1.0, (self.step + 1) / 80)
        return self.a.lr * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, t))))

    def pairs(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Two pictures of the same thing: clip art with itself, a render with another view."""
        renders = round(n * self.a.render_share) if self.things else 0
        left = list(self.rng.choice(self.clip, n - renders, replace=False))
        right = list(left)
        for t in self.rng.choice(len(self.things), renders, replace=False) if renders else []:
            one, two = self.rng.choice(self.things[t], 2, replace=False)
            left.append(one), right.append(two)
        return np.array(left), np.array(right)

    def batch(self, size: int, t: float):
        a, pixels = self.a, self.pictures.pixels
        grow = min(1.0, 0.3 + 0.6 * t)
        photo = np.sort(self.rng.choice(self.photo, a.photos, replace=False))
        scenes = distort.to_float(pixels[photo])[:, :3]
        if len(self.angle):
            photo = np.concatenate([photo, np.sort(self.rng.choice(self.angle, a.angle_photos, replace=False))])
        studio = np.sort(self.rng.choice(self.studio, min(a.studio, len(self.studio)), replace=False))
        left, right = self.pairs(a.pairs)
        shop = pixels[photo]
        x, partner, own = distort.mix(distort.photos(shop, size, self.whole[photo], grow), a.mix)
        x = torch.cat([
            x,
            distort.objects(pixels[studio], size, scenes, 0.9, 0.3 * grow),
            distort.objects(pixels[left], size, scenes, 0.7, 0.4 * grow),
            distort.objects(pixels[right], size, scenes, 0.1, grow),
        ])
        return distort.normalise(x), photo, studio, left, right, partner, own

    def losses(self, size: int, t: float) -> tuple[torch.Tensor, dict]:
        a, heads = self.a, self.heads
        x, photo, studio, left, right, partner, own = self.batch(size, t)
        long = self.rng.random() < 0.125
        shown = np.unique(np.concatenate([self.label[photo], self.label[studio]]))
        said = [self.texts.draw(self.texts.by_product[p], self.rng, long) for p in shown]
        said += [self.texts.draw(self.texts.by_row[i], self.rng, long) for i in left]
        extra = self.rng.integers(len(self.texts.every), size=8)
        said += [s for s in (self.texts.every[i] for i in extra) if long or s.count(" ") < SHORT]
        with torch.autocast("cpu", torch.bfloat16, enabled=not a.f32):
            pooled, image = self.see(self.model, x)
            words = clip.read(self.model, *tokenizer.encode(self.tok, said))
        pooled = pooled.float()
        image, words = F.normalize(image.float(), dim=-1), F.normalize(words.float(), dim=-1)
        n, s, k = len(photo), len(studio), len(left)
        shop, shelf, one, two = image.split([n, s, k, k])

        # Products: learned vectors, then the studio pictures' last embeddings, then the words.
        classes = len(heads.products)
        target = F.one_hot(torch.from_numpy(self.label[photo]), classes).float()
        target = 0.6 * target + 0.4 * self.soft[photo]
        target = own[:, None] * target + (1 - own[:, None]) * target[partner]
        target = 0.97 * target + 0.03 / classes
        owner = torch.from_numpy(self.label[studio])
        vectors, scale = F.normalize(heads.products, dim=-1), heads.product_scale.exp().clamp(max=40)
        out = {"product": F.cross_entropy(scale * shop @ vectors.T, target)}
        out["studio"] = F.cross_entropy(scale * shelf @ vectors.T, owner, label_smoothing=0.03)
        self.bank[owner] = shelf.detach()
        if (self.bank.abs().sum(1) > 0).all():
            out["gap"] = F.cross_entropy(scale * shop @ self.bank.T, target)

        sharp = self.model.logit_scale.exp().clamp(max=60)
        place = torch.full((classes,), -1)
        place[shown] = torch.arange(len(shown))
        goods = words[: len(shown)]
        out["words"] = F.cross_entropy(sharp * shop @ goods.T, target[:, shown] / target[:, shown].sum(1, keepdim=True))
        out["words"] = out["words"] + F.cross_entropy(sharp * shelf @ goods.T, place[owner])
        every = words[: len(shown) + len(left)]
        match = torch.arange(len(shown), len(every))
        out["clip words"] = 0.5 * (
            F.cross_entropy(sharp * one @ every.T, match)
            + F.cross_entropy(sharp * every[len(shown):] @ one.T, torch.arange(k)))

        # The same thing twice, among the pairs of this batch and of many before it.
        near = heads.pair_scale.exp().clamp(max=40)
        right_one = torch.arange(k)
        others = torch.cat([one, self.queue])
        out["pair"] = 0.5 * (
            F.cross_entropy(near * two @ others.T, right_one) + F.cross_entropy(near * one @ two.T, right_one))
        self.queue = torch.cat([one.detach(), self.queue])[: a.queue]

        # The teachers.
        seen = torch.from_numpy(np.concatenate([photo, studio, left, right]))
        wanted = self.teacher[seen].float()
        wanted[:n] = own[:, None] * wanted[:n] + (1 - own[:, None]) * wanted[:n][partner]
        has = wanted.abs().sum(1) > 0
        out["vision teacher"] = 1 - F.cosine_similarity(heads.vision_teacher(pooled)[has], wanted[has], dim=-1).mean()
        meant = self.texts.vectors[[self.texts.at[c] for c in said]]
        out["text teacher"] = 1 - F.cosine_similarity(heads.text_teacher(words), meant, dim=-1).mean()

        weight = {
            "product": 1.0, "studio": 1.0, "gap": 0.7, "words": 0.3, "clip words": 0.15,
            "pair": 0.5, "vision teacher": 6.0 - 3.0 * min(1.0, t), "text teacher": 1.0,
        }
        return sum(weight[k] * v for k, v in out.items()), {k: v.item() for k, v in out.items()}

    def one_step(self) -> dict:
        t = self.progress()
        for group in self.opt.param_groups:
            group["lr"] = self.rate(t)
        self.model.train()
        loss, parts = self.losses(next(side for until, side in SIDES if t < until), t)
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([*self.model.parameters(), *self.heads.parameters()], 2.0)
        self.opt.step()
        keep = min(self.a.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for k, v in self.model.state_dict().items():
                self.ema[k].lerp_(v, 1 - keep) if v.is_floating_point() else self.ema[k].copy_(v)
        self.step += 1
        return parts

    def save(self, file: Path) -> None:
        state = {k: getattr(self, k) for k in ("step", "elapsed", "ema", "bank", "queue")}
        state |= {k: getattr(self, k).state_dict() for k in ("model", "heads", "opt")}
        state |= {"rng": self.rng.bit_generator.state, "torch": torch.get_rng_state()}
        torch.save(state, file.with_suffix(".new"))
        file.with_suffix(".new").replace(file)

    def load(self, file: Path) -> None:
        state = torch.load(file, weights_only=False)
        for k in ("model", "heads", "opt"):
            getattr(self, k).load_state_dict(state[k])
        for k in ("step", "elapsed", "ema", "bank", "queue"):
            setattr(self, k, state[k])
        self.rng.bit_generator.state = state["rng"]
        torch.set_rng_state(state["torch"])
        print(f"going on from step {self.step}, {self.elapsed / 60:.1f} minutes", flush=True)


class Exam:
    """The figures on `val.csv` and the held-back clip art, prepared once."""

    def __init__(self, a):
        export.write(clip.build(Tokenizer.from_file(str(a.cache / "tokenizer.json")), 0).state_dict(), a.cache, a.run / "exam")
        processor = CLIPImageProcessor.from_pretrained(a.run / "exam")
        self.tok = PreTrainedTokenizerFast.from_pretrained(a.run / "exam")
        self.catalogue = evaluate.Catalogue(processor, a.grocery / "catalogue", a.grocery / "val.csv")
        held = json.loads((a.cache / "held.json").read_text())[:250]
        self.held = evaluate.never_seen(processor, a.clipart, held) if held else None

    def figures(self, model, state: dict) -> dict:
        judge = copy.deepcopy(model).eval()
        judge.load_state_dict({k: v.half().float() if v.is_floating_point() else v for k, v in state.items()})
        out = self.catalogue.figures(judge, self.tok)
        if self.held:
            out["held"] = evaluate.never_seen_figures(judge, *self.held)["recall@1"]
        return out


def draw_curve(log: Path, to: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    rows = [json.loads(line) for line in log.read_text().splitlines()]
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
    x = [r["minutes"] for r in rows]
    for key in ("recall@1", "recall@5", "category@1", "title recall@1", "held"):
        left.plot(x, [r["val"].get(key, float("nan")) for r in rows], label=key)
    left.set(xlabel="minutes of training", title="grocery val.csv; `held`: unseen clip art", ylim=(0, 1))
    left.grid(alpha=0.3), left.legend(fontsize=8)
    for key in rows[-1]["loss"]:
        right.plot(x, [r["loss"].get(key, float("nan")) for r in rows], label=key)
    right.set(xlabel="minutes of training", title="training losses, unweighted"), right.legend(fontsize=8)
    right.grid(alpha=0.3)
    fig.tight_layout(), fig.savefig(to, dpi=80), plt.close(fig)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--grocery", type=Path, required=True)
    p.add_argument("--clipart", type=Path, required=True)
    p.add_argument("--renders", type=Path)
    p.add_argument("--kb", type=Path)
    p.add_argument("--angles", type=Path, help="renders of the sample catalogue by new_angles.py")
    p.add_argument("--run", type=Path, required=True, help="checkpoint, log and curve go here")
    p.add_argument("--cache", type=Path, help="prepared data; RUN/cache if not given")
    p.add_argument("--to", type=Path, help="export the result to this folder")
    p.add_argument("--minutes", type=float, default=110)
    p.add_argument("--steps", type=int)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--lr", type=float, default=1.4e-3)
    p.add_argument("--photos", type=int, default=50, help="shop photos a batch")
    p.add_argument("--angle-photos", type=int, default=14, help="renders of the sample catalogue a batch")
    p.add_argument("--studio", type=int, default=24, help="catalogue pictures a batch")
    p.add_argument("--pairs", type=int, default=4, help="clip-art or render pairs a batch")
    p.add_argument("--render-share", type=float, default=0.4, help="renders among the pairs")
    p.add_argument("--queue", type=int, default=1024)
    p.add_argument("--ema", type=float, default=0.995)
    p.add_argument("--drop-path", type=float, default=0.05)
    p.add_argument("--mix", type=float, default=0.2, help="share of shop photos with CutMix")
    p.add_argument("--every", type=float, default=240, help="seconds between two measurements")
    p.add_argument("--views", type=int, default=5)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--compile", action="store_true")
    p.add_argument("--f32", action="store_true", help="no bf16")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    a.cache = a.cache or a.run / "cache"
    a.run.mkdir(parents=True, exist_ok=True)
    if not (a.cache / "index.json").exists():
        data.prepare(a.cache, a.grocery, a.clipart, a.renders, a.kb, a.angles, a.views, a.seed)
    if not (a.cache / "teacher.npy").exists():
        pictures = data.Pictures(a.cache)
        rows = np.sort(np.concatenate([pictures.where("studio"), pictures.where("photo")]))
        teachers.picture_features(pictures.pixels, rows, a.cache / "teacher.npy")

    trainer, exam = Trainer(a), Exam(a)
    checkpoint, log = a.run / "checkpoint.pt", a.run / "log.jsonl"
    if checkpoint.exists():
        trainer.load(checkpoint)
    sums, count, last, tick = {}, 0, time.monotonic(), time.monotonic()
    done = trainer.progress() >= 1
    while not done:
        for k, v in trainer.one_step().items():
            sums[k] = sums.get(k, 0.0) + v
        count += 1
        now = time.monotonic()
        trainer.elapsed, tick = trainer.elapsed + now - tick, now
        done = trainer.progress() >= 1
        if done or now - last > a.every:
            shown = count * (a.photos + len(trainer.angle[: a.angle_photos]) + a.studio + 2 * a.pairs) / (now - last)
            row = {
                "minutes": round(trainer.elapsed / 60, 2), "step": trainer.step, "pictures/s": round(shown, 1),
                "lr": round(trainer.rate(trainer.progress()), 6),
                "loss": {k: round(v / count, 4) for k, v in sums.items()},
                "val": {k: round(v, 4) for k, v in exam.figures(trainer.model, trainer.ema).items()},
            }
            with open(log, "a") as f:
                f.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
            trainer.save(checkpoint)
            draw_curve(log, a.run / "curve.png")
            sums, count = {}, 0
            last = tick = time.monotonic()  # measuring is not training time
    if a.to:
        export.write(trainer.ema, a.cache, a.to)


if __name__ == "__main__":
    main()
