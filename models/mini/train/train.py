"""Trains the mini CLIP on two CPU cores. One command does everything: reads the sources into a cache,
teaches the picture teacher the products, trains, exports.

    python train.py --grocery DIR --clipart DIR --kb DIR --angles DIR --run RUN --to ..

Each core has a process of its own, which sees its own pictures on one thread; the gradients are averaged
once a step. On a shared machine that loses far less than two threads that wait for each other in every
operation. The schedule counts steps, so a run can be repeated, and one that is paused loses nothing. Run it
again after a stop and it goes on from RUN/checkpoint.pt.
"""

import argparse
import copy
import json
import math
import shutil
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from tokenizers import Tokenizer
from transformers import CLIPImageProcessor, CLIPModel

import data
import distort
import evaluate
import export
import model as clip
import precision
import teachers
import tokenizer
from watch import Exam, draw_curve

SMALL = 96  # px; the first part of training sees smaller pictures, which cost little more than half
SHORT = 12  # words; longer captions are drawn in one step of eight only
LATE = 2 / 3  # from here on, training looks more like the use that is measured
STILL = {False: 0.12, True: 0.4}  # share of photos shown as they are, before LATE and after
PAUSE = 10.0  # seconds; a step that took longer was paused, and the clock counts no more than this
WEIGHTS = {
    "patches": 1.0, "picture": 2.0, "product": 1.0, "category": 0.5, "studio": 0.5, "shelf": 1.0, "landing": 1.0,
    "words": 1.0, "clip words": 0.1, "pair": 0.1, "text teacher": 0.5}


class Heads(nn.Module):
    """What training needs beside the model: learned product vectors and the teachers' read-outs."""

    def __init__(self, products: int):
        super().__init__()
        self.products = nn.Parameter(torch.randn(products, clip.EMBED))
        self.product_scale = nn.Parameter(torch.tensor(math.log(16.0)))
        self.patches = nn.Sequential(nn.LayerNorm(clip.HIDDEN), nn.Linear(clip.HIDDEN, teachers.WIDTH))
        self.picture = nn.Linear(clip.HIDDEN, teachers.WIDTH)
        self.text_teacher = nn.Linear(clip.EMBED, 384)


class Texts:
    """Captions by product and by clip-art row, with the text teacher's vectors."""

    def __init__(self, pictures: data.Pictures, cache: Path):
        self.titles = [p["title"] for p in pictures.products]
        self.by_product = [data.product_captions(p) for p in pictures.products]
        self.by_row = {i: r.captions for i, r in enumerate(pictures.rows) if r.captions}
        every = sorted({c for said in self.by_product for c in said} | {c for said in self.by_row.values() for c in said})
        self.at = {c: i for i, c in enumerate(every)}
        file = cache / "texts.pt"
        if not file.exists():
            print(f"text teacher: {len(every)} texts", flush=True)
            torch.save(teachers.text_features(every), file)
        self.vectors = torch.load(file)

    @staticmethod
    def draw(said: list[str], rng, long: bool) -> str:
        if not long:
            said = [s for s in said if s.count(" ") < SHORT] or said
        return said[rng.integers(len(said))]


class Shelf:
    """Both catalogues' pictures, just as a search will see them: through CLIP's own preprocessing. They
    are few and always the same, so they can be learned by heart, if they are shown like this."""

    def __init__(self, products: list[dict]):
        found = [(i, path) for i, p in enumerate(products) for path in p["images"]]
        images = [data.load(path, "RGB") for _, path in found]
        self.label = np.array([i for i, _ in found])
        self.pixels = {}
        for side in (SMALL, clip.PIXELS):
            size = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
            processor = CLIPImageProcessor.from_dict(export.PREPROCESSOR | size)
            self.pixels[side] = evaluate.pixels_of(processor, images)
        grocery = np.array([products[i]["set"] == "grocery" for i in self.label])
        self.grocery, self.sample = grocery.nonzero()[0], (~grocery).nonzero()[0]


class Trainer:
    def __init__(self, a, rank: int):
        self.a, self.rank, cache = a, rank, a.cache
        torch.manual_seed(a.seed)
        self.rng = np.random.default_rng(a.seed)
        self.pictures = p = data.Pictures(cache)
        self.teacher = teachers.ready(cache / "teacher.pt", len(p.products))
        self.tok = Tokenizer.from_file(str(cache / "tokenizer.json"))
        self.texts = Texts(p, cache)
        self.photo, self.angle, self.clip = p.where("photo"), p.where("angle"), p.where("clip")
        self.label = np.array([r.product for r in p.rows])
        self.whole = np.array([r.view == 0 for r in p.rows])
        self.front = self.photo[self.whole[self.photo]]
        self.shelf = Shelf(p.products)
        sets = np.array([x["set"] == "grocery" for x in p.products])
        studio = p.where("studio")
        self.studio, self.sample = studio[sets[self.label[studio]]], studio[~sets[self.label[studio]]]
        kinds = sorted({(x["set"], x["category"]) for x in p.products})
        self.kind = torch.zeros(len(p.products), len(kinds))
        for i, x in enumerate(p.products):
            self.kind[i, kinds.index((x["set"], x["category"]))] = 1.0
        self.model = clip.build(self.tok, a.drop_path)
        self.heads = Heads(len(p.products))
        self.begin()
        self.ema = copy.deepcopy(self.model.state_dict())
        decay, plain = [], []
        for name, w in [*self.model.named_parameters(), *self.heads.named_parameters()]:
            (decay if w.ndim > 1 and "embedding" not in name and name != "products" else plain).append(w)
        self.opt = torch.optim.AdamW(
            [{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}],
            lr=a.lr, betas=(0.9, 0.98), fused=True)
        self.step, self.elapsed = 0, 0.0

    @torch.no_grad()
    def begin(self) -> None:
        """From `prime`, or from the weights of an earlier model: its catalogue pictures are the first product
        vectors then."""
        if not self.a.init:
            start = np.sort(self.rng.choice(self.photo, 512, replace=False))
            pixels = distort.photos(self.pictures.pixels[start], self.whole[start], clip.PIXELS)
            return clip.prime(self.model, distort.normalise(pixels))
        self.model.load_state_dict(CLIPModel.from_pretrained(self.a.init).float().state_dict())
        known = evaluate.embed(self.model.eval(), self.shelf.pixels[clip.PIXELS])
        sums = torch.zeros_like(self.heads.products).index_add_(0, torch.from_numpy(self.shelf.label), known)
        self.heads.products.copy_(F.normalize(sums, dim=-1) * clip.EMBED**0.5)

    def progress(self) -> float:
        return self.step / self.a.steps

    def rate(self, t: float) -> float:
        warm = min(1.0, (self.step + 1) / (self.a.steps / 20))
        return self.a.lr * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, t))))

    def some(self, rows: np.ndarray, n: int) -> np.ndarray:
        return np.sort(self.rng.choice(rows, min(n, len(rows)), replace=False))

    def batch(self, side: int):
        """Distorted pictures in 0..1, their rows, how many are scenes, how many catalogue pictures."""
        a, pixels = self.a, self.pictures.pixels

        share = STILL[self.progress() > LATE]
        some, p, q = self.some, round(share * a.photos), round(share * a.angle_photos)
        shop = np.concatenate([
            some(self.front, p), some(self.photo, a.photos - p),
            some(self.angle, q), some(self.angle, a.angle_photos - q)])
        still = np.zeros(len(shop), bool)
        still[:p] = still[a.photos : a.photos + q] = True
        goods = np.concatenate([some(self.studio, a.studio), some(self.sample, a.sample)])
        pair = some(self.clip, a.pairs)
        scenes = distort.to_float(pixels[shop[: a.photos]])[:, :3]
        # Most catalogue pictures, and the first of each clip-art pair, are laid on white.
        parts = [
            distort.photos(pixels[shop], self.whole[shop], side, still),
            distort.objects(pixels[goods], scenes, 0.7, side, clean=0.2),
            distort.objects(pixels[pair], scenes, 0.8, side),
            distort.objects(pixels[pair], scenes, 0.1, side),
        ]
        return torch.cat(parts), np.concatenate([shop, goods, pair, pair]), len(shop), len(goods)

    def losses(self) -> tuple[torch.Tensor, dict]:
        a, heads = self.a, self.heads
        side = SMALL if self.progress() < a.small else clip.PIXELS
        x, rows, n, s = self.batch(side)
        label, classes = torch.from_numpy(self.label[rows]), len(heads.products)

        # What each picture is: partly its product, or two where it is mixed; for the rest, what the teacher
        # says on seeing just this. Clip art is no product.
        target = F.one_hot(label[: n + s], classes).float()
        x[:n], target[:n] = distort.mixed(x[:n], target[:n], a.mix)
        maps, said = self.teacher(x)
        target = (1 - a.opinion) * (0.95 * target + 0.05 / classes) + a.opinion * said[: n + s].softmax(-1)

        shown = np.concatenate([self.some(self.shelf.grocery, a.shelf), self.some(self.shelf.sample, a.sample_shelf)])
        long = self.rng.random() < 0.125
        goods = self.rng.choice(classes, a.texts, replace=False)
        captions = [self.texts.titles[p] for p in goods[: a.texts // 2]]
        captions += [self.texts.draw(self.texts.by_product[p], self.rng, long) for p in goods[a.texts // 2 :]]
        captions += [self.texts.draw(self.texts.by_row[i], self.rng, long) for i in rows[n + s : n + s + a.pairs]]
        with precision.autocast():
            tokens, pooled, image = clip.see(self.model, distort.normalise(x))
            words = clip.read(self.model, *tokenizer.encode(self.tok, captions))
            self.model.eval()  # no stochastic depth for what is to be learned exactly
            known = clip.see(self.model, self.shelf.pixels[side][shown])[2]
            self.model.train()
        tokens, pooled = tokens.float(), pooled.float()
        image, words, known = (F.normalize(t.float(), dim=-1) for t in (image, words, known))

        # The teacher, patch by patch and as a whole.
        cells = F.interpolate(maps, size=(side // clip.PATCH,) * 2, mode="bilinear")
        near = F.cosine_similarity(heads.patches(tokens), cells.flatten(2).transpose(1, 2), dim=-1)
        out = {"patches": 1 - near.mean()}
        out["picture"] = 1 - F.cosine_similarity(heads.picture(pooled), maps.mean((2, 3)), dim=-1).mean()

        # Photos, catalogue pictures and words meet at the products' vectors. A search has no such vectors,
        # only catalogue pictures: those must land on them, and late in training stand in for them.
        vectors, scale = F.normalize(heads.products, dim=-1), heads.product_scale.exp().clamp(max=30)
        whose = torch.from_numpy(self.shelf.label[shown])
        out["shelf"] = F.cross_entropy(scale * known @ vectors.T, whose)
        out["landing"] = 1 - (known * vectors[whose].detach()).sum(-1).mean()
        goals = vectors
        if self.progress() > LATE:
            goals = vectors.clone()
            goals[whose] = known
        guess = F.log_softmax(scale * image[:n] @ goals.T, dim=-1)
        out["product"] = -(target[:n] * guess).sum(-1).mean()
        kinds = (guess.exp() @ self.kind).clamp(min=1e-6).log()
        out["category"] = -((target[:n] @ self.kind) * kinds).sum(-1).mean()
        out["studio"] = F.cross_entropy(scale * image[n : n + s] @ vectors.T, target[n:])
        out["words"] = F.cross_entropy(scale * words[: a.texts] @ goals.T, torch.from_numpy(goods), label_smoothing=0.05)

        # Clip art meets its name, and itself in another setting, among all else in the batch.
        sharp, match = self.model.logit_scale.exp().clamp(max=30), torch.arange(a.pairs)
        one, two = image[n + s : n + s + a.pairs], image[n + s + a.pairs :]
        out["clip words"] = F.cross_entropy(sharp * one @ words.T, match + a.texts)
        others = torch.cat([one, image[: n + s].detach()])
        out["pair"] = F.cross_entropy(sharp * two @ others.T, match)
        meant = self.texts.vectors[[self.texts.at[c] for c in captions]]
        out["text teacher"] = 1 - F.cosine_similarity(heads.text_teacher(words), meant, dim=-1).mean()
        return sum(WEIGHTS[k] * v for k, v in out.items()), {k: v.item() for k, v in out.items()}

    def one_step(self) -> dict:
        # Every step draws from a seed of its own, so that a resumed run goes on as it would have.
        self.rng = np.random.default_rng((self.a.seed, self.rank, self.step))
        torch.manual_seed(int(self.rng.integers(1 << 40)))
        for group in self.opt.param_groups:
            group["lr"] = self.rate(self.progress())
        self.model.train()
        loss, parts = self.losses()
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        self.share_gradients()
        nn.utils.clip_grad_norm_([*self.model.parameters(), *self.heads.parameters()], 1.0)
        self.opt.step()
        keep = min(self.a.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for k, v in self.model.state_dict().items():
                self.ema[k].lerp_(v, 1 - keep) if v.is_floating_point() else self.ema[k].copy_(v)
        self.step += 1
        return parts

    def share_gradients(self) -> None:
        """The mean over the processes."""
        grads = [w.grad for group in self.opt.param_groups for w in group["params"] if w.grad is not None]
        flat = torch.cat([g.flatten() for g in grads])
        dist.all_reduce(flat)
        flat /= self.a.workers
        for g, mean in zip(grads, flat.split([g.numel() for g in grads])):
            g.copy_(mean.view_as(g))

    def save(self, file: Path) -> None:
        state = {k: getattr(self, k) for k in ("step", "elapsed", "ema")}
        state |= {k: getattr(self, k).state_dict() for k in ("model", "heads", "opt")}
        torch.save(state, file.with_suffix(".new"))
        file.with_suffix(".new").replace(file)

    def load(self, file: Path) -> None:
        state = torch.load(file, weights_only=False)
        for k in ("model", "heads", "opt"):
            getattr(self, k).load_state_dict(state[k])
        for k in ("step", "elapsed", "ema"):
            setattr(self, k, state[k])
        print(f"going on from step {self.step}, {self.elapsed / 60:.1f} minutes", flush=True)


def work(rank: int, a) -> None:
    torch.set_num_threads(1)
    precision.choose(a.precision)
    dist.init_process_group(
        "gloo", init_method=f"file://{(a.run / 'meet').resolve()}", rank=rank, world_size=a.workers,
        timeout=timedelta(hours=6))  # a paused run must not give up
    trainer, checkpoint, log = Trainer(a, rank), a.run / "checkpoint.pt", a.run / "log.jsonl"
    exam = Exam(a) if rank == 0 else None
    if exam:
        print(f"the picture teacher alone on val.csv: {exam.of_teacher(trainer.teacher):.3f}", flush=True)
    if checkpoint.exists():
        trainer.load(checkpoint)
    dist.barrier()
    batch = a.workers * (a.photos + a.angle_photos + a.studio + a.sample + 2 * a.pairs + a.shelf + a.sample_shelf)
    sums, count, last, tick = {}, 0, trainer.elapsed, time.monotonic()
    while trainer.progress() < 1:
        for k, v in trainer.one_step().items():
            sums[k] = sums.get(k, 0.0) + v
        count += 1
        if rank > 0:
            continue
        now = time.monotonic()
        trainer.elapsed, tick = trainer.elapsed + min(now - tick, PAUSE), now
        speed = count * batch / (trainer.elapsed - last)
        if trainer.step in (2, 10, 50) or trainer.step % 200 == 0:
            print(f"step {trainer.step}: {speed:.1f} pictures/s", flush=True)
        if trainer.progress() >= 1 or trainer.elapsed - last > a.every:
            row = {
                "minutes": round(trainer.elapsed / 60, 2), "step": trainer.step,
                "pictures/s": round(speed, 1),
                "lr": round(trainer.rate(trainer.progress()), 6),
                "loss": {k: round(v / count, 4) for k, v in sums.items()},
                "val": {k: round(v, 4) for k, v in exam.figures(trainer.model, trainer.heads, trainer.ema).items()},
            }
            with open(log, "a") as f:
                f.write(json.dumps(row) + "\n")
            print(json.dumps(row), flush=True)
            trainer.save(checkpoint)
            draw_curve(log, a.run / "curve.png")
            sums, count = {}, 0
            last, tick = trainer.elapsed, time.monotonic()  # measuring is not training time
    if rank == 0 and a.to:
        export.write(trainer.ema, a.cache, a.to)


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--grocery", type=Path, required=True)
    p.add_argument("--clipart", type=Path, required=True)
    p.add_argument("--kb", type=Path, required=True)
    p.add_argument("--angles", type=Path, required=True, help="renders of the sample catalogue by new_angles.py")
    p.add_argument("--run", type=Path, required=True, help="cache, checkpoint, log and curve go here")
    p.add_argument("--to", type=Path, help="export the result to this folder")
    p.add_argument("--init", type=Path, help="a model folder of this shape to start from, in place of noise")
    p.add_argument("--steps", type=int, default=5200)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--lr", type=float, default=1.5e-3)
    p.add_argument("--small", type=float, default=0.5, help="part of the schedule with small pictures")
    p.add_argument("--photos", type=int, default=20, help="shop photos a process and step")
    p.add_argument("--angle-photos", type=int, default=7, help="renders of the sample catalogue a process and step")
    p.add_argument("--studio", type=int, default=3, help="distorted grocery catalogue pictures")
    p.add_argument("--sample", type=int, default=2, help="distorted sample catalogue pictures")
    p.add_argument("--shelf", type=int, default=8, help="grocery catalogue pictures just as a search sees them")
    p.add_argument("--sample-shelf", type=int, default=4, help="sample catalogue pictures likewise")
    p.add_argument("--pairs", type=int, default=2, help="clip art, shown twice each, a process and step")
    p.add_argument("--texts", type=int, default=32, help="product captions a process and step, half of them plain titles")
    p.add_argument("--opinion", type=float, default=0.7, help="the teacher's share in a picture's label")
    p.add_argument("--mix", type=float, default=0.5, help="share of photos that are mixed with another")
    p.add_argument("--ema", type=float, default=0.99)
    p.add_argument("--drop-path", type=float, default=0.1)
    p.add_argument("--views", type=int, default=3, help="stored views of each shop photo")
    p.add_argument("--every", type=float, default=600, help="seconds between two measurements")
    p.add_argument("--workers", type=int, default=2, help="processes, one for each core")
    p.add_argument("--precision", choices=["auto", "bf16", "f32"], default="auto", help="auto: the faster on this machine")
    a = p.parse_args()
    torch.set_num_threads(a.workers)
    a.precision = precision.choose(a.precision)
    print(f"computing in {a.precision}", flush=True)
    a.cache = a.run / "cache"
    if not (a.cache / "index.json").exists():
        data.prepare(a.cache, a.grocery, a.clipart, a.kb, a.angles, a.views, a.seed)
        if a.init:  # its words are spelt by its own tokenizer
            for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
                shutil.copyfile(a.init / name, a.cache / name)
    if not (a.cache / "teacher.pt").exists():
        teachers.taught(data.Pictures(a.cache), a.cache / "teacher.pt", a.seed)
    if not (a.cache / "texts.pt").exists():
        Texts(data.Pictures(a.cache), a.cache)  # asks the text teacher, before there are many of us
    (a.run / "meet").unlink(missing_ok=True)
    # Told to end, it takes its processes along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    mp.spawn(work, (a,), nprocs=a.workers, daemon=True)


if __name__ == "__main__":
    main()
