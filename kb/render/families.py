"""Parametric families of home-technology products.

Each family is a function of one `Params`: what the caller pinned is used, everything else is
drawn from the seeded generator. So a catalogue product is a family with pinned parameters, and a
random object for training is the same family with none.
"""

import math
import random

from kit import *  # noqa: F403 - the kit is this module's vocabulary
import kit

BODY = ["white", "cream", "light grey", "grey", "graphite", "black", "red", "coral", "orange",
        "yellow", "mustard", "lime", "green", "forest green", "mint", "olive", "teal",
        "turquoise", "sky blue", "blue", "navy", "purple", "lilac", "pink", "magenta", "burgundy",
        "brown", "tan"]
ACCENT = ["black", "white", "red", "orange", "yellow", "lime", "turquoise", "blue", "purple",
          "pink", "graphite", "mint", "coral"]
LIGHTS = ["6fe08a", "58b9ff", "ffffff", "ffb04a", "ff5a4a", "b27bff", "3ff0d8"]


class Params:
    """Pinned or drawn parameters, and the words that describe what was drawn."""

    def __init__(self, fixed, seed):
        self.fixed, self.rng, self.seed = dict(fixed), random.Random(f"p{seed}"), seed
        self.used, self.words = {}, []

    def _keep(self, name, drawn):
        v = self.fixed.get(name, drawn)
        self.used[name] = v
        return v

    def num(self, name, lo, hi):
        return self._keep(name, self.rng.uniform(lo, hi))

    def count(self, name, lo, hi):
        return self._keep(name, self.rng.randint(lo, hi))

    def pick(self, name, options):
        return self._keep(name, self.rng.choice(options))

    def flag(self, name, chance=0.5):
        return self._keep(name, self.rng.random() < chance)

    def col(self, name="colour", options=BODY):
        return self._keep(name, self.rng.choice(options))

    def say(self, words):
        self.words.append(words)


def ink(on):
    """A mark's colour that shows on `on`."""
    lum = sum(rgb(on)) / 3
    return material("2a2c30" if lum > 0.25 else "e8e8e6", 0.4)


# --- power ---------------------------------------------------------------------------------

def wall_battery(P):
    c = P.col(options=["white", "light grey", "graphite", "black", "cream", "forest green", "navy", "sky blue"])
    a = P.col("accent", ["graphite", "white", "orange", "green", "turquoise", "blue", "copper", "black"])
    w, h, d = P.num("w", 48, 75), P.num("h", 70, 115), P.num("d", 10, 18)
    with frame((0, -3, 30)):
        rbox(w * 0.5, 3, h * 0.6, metal("gunmetal", 0.5), (0, 1.5, h * 0.2), r=0.5)
        with frame((0, 0, h / 2), FRONT):
            prism(rrect(w, h, P.num("r", 3, 14)), d, material(c, 0.32, coat=0.2), bevel=min(2.2, d * 0.2), segs=5)
            style = P.pick("style", ["band", "panel", "split"])
            if style == "band":
                prism(rrect(w + 0.4, h * 0.12, 1.0, 0, -h * 0.36), d + 0.3, plastic(a), bevel=1.5)
                P.say(f"with a {a} band")
            elif style == "panel":
                prism(rrect(w * 0.72, h * 0.8, 4), d + 0.6, plastic(a, 0.45), bevel=0.5)
                P.say(f"with a {a} front panel")
            else:
                prism(rrect(w * 1.004, 0.7, 0.1, 0, h * 0.12), d + 0.05, plastic("black"), bevel=0.1)
            led = P.pick("led", ["bar", "ring", "dots"])
            col = P.pick("led_colour", LIGHTS)
            z = d + (0.65 if style == "panel" else 0.05)
            with frame((0, 0, z)):
                if led == "bar":
                    prism(rrect(1.4, h * 0.26, 0.7, 0, h * 0.16), 0.3, glow(col, 4), bevel=0.1)
                    P.say("with a light bar")
                elif led == "ring":
                    ring(w * 0.13, 0.8, glow(col, 4), (0, h * 0.2, 0.2), flat=0.5)
                    disc(w * 0.11, 0.15, screen(), (0, h * 0.2, 0))
                    P.say("with a light ring")
                else:
                    for k in range(5):
                        disc(0.9, 0.3, glow(col, 4) if k < 4 else plastic("grey"), ((k - 2) * 4, h * 0.2, 0))
                    P.say("with five lights")
                logo(w * 0.06, ink(a if style == "panel" else c), (0, -h * 0.2, 0.02))
        for k in range(9):
            rbox(0.5, d * 0.6, 0.7, plastic("black"), (w / 2 - 0.2, -d / 2, h * 0.3 + k * 2.2), r=0.2)
        if P.flag("conduit", 0.7):
            tube([(w * 0.3, -d / 2, 1), (w * 0.3, -d / 2, -12), (w * 0.3, -d / 2, -32)], 1.3, plastic("light grey"))


def ev_charger(P):
    c = P.col(options=["black", "white", "graphite", "navy", "light grey", "red"])
    a = P.col("accent", ["lime", "orange", "turquoise", "blue", "yellow", "white"])
    w, h, d = P.num("w", 17, 24), P.num("h", 26, 38), P.num("d", 8, 12)
    with frame((0, -1, 22)):
        with frame((0, 0, h / 2), FRONT):
            prism(P.pick("plan", ["round", "drop"]) == "round" and rrect(w, h, w * 0.35)
                  or soft([(-w / 2, h / 2), (-w / 2, -h * 0.2), (0, -h / 2), (w / 2, -h * 0.2), (w / 2, h / 2)], 7, True),
                  d, material(c, 0.3, coat=0.4), bevel=1.6, segs=5)
            disc(w * 0.3, 0.5, screen(), (0, h * 0.16, d), bevel=0.2)
            ring(w * 0.31, 0.45, glow({"white": "ffffff"}.get(a, PALETTE[a]), 2.5), (0, h * 0.16, d + 0.2))
            text("7.4", w * 0.2, glow("ffffff", 2), (0, h * 0.18, d + 0.55))
            text("kW", w * 0.1, glow("ffffff", 2), (0, h * 0.06, d + 0.55))
            logo(1.0, ink(c), (0, -h * 0.16, d + 0.02))
        cable = plastic(a, 0.5)
        tube([(0, -d / 2, 1), (0, -d / 2, -8), (5, -d / 2, -17), (w * 0.75, -d / 2, -10), (w * 0.86, -d / 2, h * 0.5),
              (w * 0.66, -d / 2 - 1, h * 0.78), (w * 0.5, -d / 2 - 3, h * 0.5)], 1.0, cable)
        tube([(0, -d / 2, -7), (-w * 0.5, -d / 2, -16), (-w * 0.8, -d / 2, -4), (-w * 0.62, -d / 2, h * 0.55)], 1.0, cable)
        with frame((-w * 0.62, -d / 2, h * 0.5)):
            lathe(soft([(0, 0), (2.2, 0), (2.2, 6), (1.5, 9), (0, 9)], 0.8), plastic("graphite"))
    P.say(f"with a {a} cable")


def power_station(P):
    c = P.col(options=["black", "graphite", "orange", "yellow", "white", "olive", "sky blue", "red"])
    a = P.col("accent", ["orange", "lime", "yellow", "graphite", "white", "turquoise", "red"])
    w, h, d = P.num("w", 26, 36), P.num("h", 17, 24), P.num("d", 17, 24)
    rbox(w, d, h, plastic(c, 0.5), (0, 0, 0.8), r=2.5, bevel=1.2)
    for s in (-1, 1):
        rbox(w * 0.16, d + 0.8, h + 0.6, plastic(a, 0.5), (s * w * 0.43, 0, 0.5), r=2.2, bevel=1.4)
        for t in (-1, 1):
            disc(1.6, 1, rubber(), (s * w * 0.38, t * d * 0.38, 0))
    hh = h + 1
    tube([(-w * 0.43, 0, hh - 1), (-w * 0.41, 0, hh + 3), (-w * 0.32, 0, hh + 4.6), (w * 0.32, 0, hh + 4.6),
          (w * 0.41, 0, hh + 3), (w * 0.43, 0, hh - 1)], 1.1, plastic(a if P.flag("bright_handle") else "black", 0.5))
    with frame((0, -d / 2, h / 2 + 0.8), FRONT):
        prism(rrect(w * 0.62, h * 0.8, 1), 0.15, plastic("black", 0.5), bevel=0.1)
        prism(rrect(w * 0.24, h * 0.26, 0.5, 0, h * 0.2), 0.3, screen(), bevel=0.1)
        text("87%", h * 0.16, glow("7fe3ff", 3), (0, h * 0.2, 0.32))
        n = P.count("sockets", 1, 2)
        for k in range(n):
            x = -w * 0.2 + k * 0.4 * w
            disc(h * 0.12, 0.4, plastic("graphite"), (x, -h * 0.17, 0.1))
            for s in (-1, 1):
                disc(0.35, 0.1, plastic("black"), (x + s * 0.9, -h * 0.17, 0.45))
        P.say(f"with {n} sockets" if n > 1 else "with one socket")
        logo(0.8, ink("black"), (0, -h * 0.33, 0.17))
    for k in range(3):
        usb_c((-w * 0.22 if k == 0 else w * (0.17 + 0.1 * (k - 1)), -d / 2 - 0.18, h * 0.72), size=1.5)


def power_bank(P):
    c = P.col()
    a = P.col("accent", ACCENT)
    w, d, h = P.num("w", 6.4, 8.4), P.num("len", 12, 16), P.num("h", 1.8, 3.0)
    rbox(w, d, h, material(c, 0.42, coat=0.1), (0, 0, 0), r=P.num("r", 0.6, 2.2), bevel=min(0.8, h * 0.35), segs=6)
    if P.flag("stripe"):
        # drawn as the body's section and pulled along it, so that it hugs the rounded edges
        prism(rrect(w + 0.07, h + 0.07, min(0.8, h * 0.35) * 1.1, 0, h / 2), d * 0.09, material(a, 0.4), (0, -d * 0.25, 0), FRONT, bevel=0.02)
        P.say(f"with a {a} stripe")
    n = P.count("ports", 1, 2)
    xs = [0.0] if n == 1 else [-w * 0.2, w * 0.2]
    for x in xs:
        usb_c((x, -d / 2, h / 2), size=1.35)
    P.say("with one port" if n == 1 else "with two ports")
    if P.flag("usb_a", 0.25):
        usb_a((w * 0.3, -d / 2, h / 2), size=1.2)
    leds = P.count("leds", 3, 5)
    for k in range(leds):
        dot(0.16, glow("f6fbff", 3) if k < leds - 1 else plastic("grey"), ((k - (leds - 1) / 2) * 0.62, d * 0.37, h), UP, 0.03)
    rbox(0.2, 1.6, 0.5, metal("gunmetal"), (w / 2, d * 0.25, h / 2 - 0.25), r=0.09)
    logo(0.62, ink(c), (0, 0.6, h + 0.005))
    text(P.pick("label", ["10 000", "20 000", "5 000", "27 000"]) + " mAh", 0.55, ink(c), (0, -0.9, h + 0.005))


def smart_plug(P):
    c = P.col()
    a = P.col("accent", ["6fe08a", "58b9ff", "ffffff", "ffb04a", "b27bff"])
    r, h = P.num("r", 2.4, 3.4), P.num("h", 3.0, 4.6)
    sq = P.flag("square", 0.4)
    out = squircle(2 * r, 2 * r, 5) if sq else circle(r)
    P.say("square" if sq else "round")
    # It lies on its pins' side, tilted up so that the socket face looks at the viewer.
    with frame((0, 0, r), FRONT):
        with frame((0, 0, -h / 2)):
            prism(out, h, material(c, 0.35), bevel=0.5, segs=5)
            prism([(x * 1.012, y * 1.012) for x, y in out], 0.35, glow(a, 2.5), (0, 0, h * 0.62), bevel=0.05)
            lathe(soft([(0, h + 0.02), (r * 0.62, h + 0.02), (r * 0.68, h + 0.1), (r * 0.74, h + 0.02), (r * 0.74, h - 0.2)], 0.03), material(c, 0.3))
            disc(r * 0.63, 0.04, plastic("graphite" if sum(rgb(c)) > 0.3 else "light grey", 0.5), (0, 0, h), bevel=0.01)
            for s in (-1, 1):
                disc(0.28, 0.05, plastic("08080a"), (s * r * 0.3, 0, h + 0.04), bevel=0)
                prism(rrect(0.5, 0.25, 0.05, 0, s * r * 0.56), 0.06, metal("silver"), (0, 0, h + 0.04), bevel=0)
                tube([(s * r * 0.3, 0, 0.1), (s * r * 0.3, 0, -1.9)], 0.24, metal("silver"))
            prism(rrect(1.3, 0.7, 0.3, 0, r * 0.86), 0.08, plastic("grey"), (0, 0, h * 0.99), bevel=0.03)


# --- robots ----------------------------------------------------------------------------------

def robot_vacuum(P):
    c = P.col(options=["white", "black", "graphite", "light grey", "navy", "cream", "mint", "pink", "burgundy", "sky blue"])
    a = P.col("accent", ["copper", "orange", "turquoise", "silver", "red", "lime", "brass", "blue"])
    r, h = P.num("r", 16, 18), P.num("h", 7, 9.5)
    dee = P.flag("dshape", 0.25)
    mat = material(c, 0.25, coat=0.5)
    if dee:
        out = soft([(-r, -r * 0.95), (r, -r * 0.95), (r, 0)] + [(r * math.cos(math.pi * k / 30), r * math.sin(math.pi * k / 30)) for k in range(1, 30)] + [(-r, 0)], 3, True)
        P.say("d-shaped")
    else:
        out = circle(r, 96)
    prism(out, h - 1.2, mat, (0, 0, 1.2), bevel=1.0, segs=5)
    prism([(x * 1.012, y * 1.012) for x, y in out], h * 0.42, plastic("graphite" if c != "graphite" else "black", 0.45), (0, 0, 1.6), bevel=0.5)
    prism([(x * 0.95, y * 0.95) for x, y in out], 0.8, rubber(), (0, 0, 0.2), bevel=0.1)
    if P.flag("stripe"):
        prism([(x * 1.018, y * 1.018) for x, y in out], 0.75, metal(a, 0.25) if a in METALS else plastic(a), (0, 0, 1.6 + h * 0.42), bevel=0.15)
        P.say(f"with a {a} stripe")
    ring(r * 0.84, 0.14, plastic("black", 0.6), (0, 0, h), flat=0.4)
    if P.flag("turret"):
        lathe(soft([(0, 0), (4.6, 0), (4.6, 0.5), (4.2, 0.7), (4.2, 1.9), (4.6, 2.1), (4.6, 2.7), (0, 2.9)], 0.3), plastic("graphite" if c != "graphite" else "black", 0.3), (0, r * 0.28, h - 0.1))
        lathe([(4.22, 0.8), (4.24, 1.8)], lens(), (0, r * 0.28, h - 0.1))
        ring(4.5, 0.16, metal(a, 0.25) if a in METALS else plastic(a), (0, r * 0.28, h + 2.5))
        P.say("with a lidar turret")
    else:
        disc(2.3, 0.15, metal("silver", 0.25, True), (0, r * 0.28, h), bevel=0.1)
        disc(0.9, 0.2, lens(), (0, r * 0.28, h + 0.05), bevel=0.1)
    prism(rrect(5.4, 1.9, 0.95, 0, -r * 0.52), 0.12, screen(), (0, 0, h), bevel=0.05)
    for k, lc in enumerate((P.pick("led_colour", LIGHTS), "ffffff")):
        dot(0.35, glow(lc, 3), (-1.1 + 2.2 * k, -r * 0.52, h + 0.12), UP, 0.03)
    logo(1.1, ink(c), (0, -r * 0.12, h + 0.01))
    prism(rrect(4, 1.1, 0.5), 0.2, lens(), (0, -r * 1.008, 4.2), FRONT, bevel=0.05)
    for k in range(3):
        ang = math.radians(120 * k + 20)
        tube([(-r * 0.72, -r * 0.66, 0.5), (-r * 0.72 + 5 * math.cos(ang), -r * 0.66 + 5 * math.sin(ang), 0.2)], 0.18, plastic(a if a not in METALS else "orange"))


def lawn_robot(P):
    c = P.col(options=["green", "forest green", "black", "orange", "white", "graphite", "red", "yellow", "lime"])
    a = P.col("accent", ["orange", "lime", "yellow", "white", "graphite", "red"])
    L, w, h = P.num("l", 54, 64), P.num("w", 36, 44), P.num("h", 20, 27)
    with frame((0, 0, 4)):
        blob(w, L, h * 1.1, material(c, 0.28, coat=0.5), (0, 0, h * 0.2), e1=0.75, e2=P.num("e", 0.45, 0.75), cut=-0.3)
        blob(w * 1.04, L * 1.03, h * 0.62, plastic("graphite" if c not in ("graphite", "black") else "grey", 0.55), (0, 0, h * 0.12), e1=0.4, e2=0.5, cut=-0.5)
        blob(w * 0.52, L * 0.55, h * 0.3, material(a, 0.35), (0, L * 0.02, h * 0.65), e1=0.7, e2=0.5)
        rbox(w * 0.26, w * 0.2, 1.2, screen(), (0, -L * 0.1, h * 0.77), (0.06, 0, 0), r=1.5, bevel=0.3)
        disc(2.6, 2.0, plastic("red"), (0, L * 0.12, h * 0.75), bevel=0.8)
        for s in (-1, 1):
            blob(5, 3, 2.2, glow("fff4d8", 3), (s * w * 0.24, -L * 0.455, h * 0.3), (0, 0, s * 0.35), e1=0.7, e2=0.7)
        logo(2.6, ink(c), (0, -L * 0.475, h * 0.42), (math.radians(68), 0, 0))
    for s in (-1, 1):
        wheel(10.5, 7, rubber(), plastic(a, 0.4), (s * w * 0.49, L * 0.26, 10.5), lugs=18)
        wheel(4.5, 4, rubber(), plastic(a, 0.4), (s * w * 0.26, -L * 0.4, 4.5))
    P.say(f"with {a} wheels")


def delivery_robot(P):
    c = P.col(options=["white", "blue", "orange", "yellow", "black", "mint", "red", "sky blue", "lilac"])
    a = P.col("accent", ["blue", "orange", "black", "yellow", "turquoise", "pink", "white", "graphite"])
    L, w, h = P.num("l", 62, 76), P.num("w", 46, 54), P.num("h", 32, 44)
    n = P.pick("wheels", [4, 6])
    R = 11
    with frame((0, 0, R * 0.9)):
        blob(w, L, h, material(c, 0.25, coat=0.6), (0, 0, h * 0.5), e1=0.32, e2=0.35)
        blob(w * 1.012, L * 1.008, h * 0.26, plastic(a, 0.4), (0, 0, h * 0.3), e1=0.3, e2=0.35)
        blob(w * 0.9, L * 0.9, h * 0.2, material(c, 0.3, coat=0.3), (0, 0, h * 0.97), e1=0.4, e2=0.35)
        rbox(w * 0.62, 1.2, h * 0.26, screen(), (0, -L * 0.5 + 0.5, h * 0.54), r=0.5, bevel=0.3)
        for s in (-1, 1):
            disc(w * 0.055, 0.8, glow("c8f4ff", 4), (s * w * 0.17, -L * 0.5 - 0.1, h * 0.67), FRONT)
            disc(1.6, 0.6, glow("ff4a3a", 3), (s * w * 0.3, -L * 0.5 + 0.4, h * 0.3), FRONT)
        logo(w * 0.055, ink(c), (0, -L * 0.487, h * 0.9), (math.radians(70), 0, 0))
        with frame((-w * 0.501, 0, h * 0.62), (math.pi / 2, 0, -math.pi / 2)):
            logo(w * 0.09, ink(c))
        with frame((w * 0.501, 0, h * 0.62), (math.pi / 2, 0, math.pi / 2)):
            logo(w * 0.09, ink(c))
        if P.flag("mast", 0.7):
            tube([(w * 0.3, L * 0.36, h), (w * 0.3, L * 0.36, h + 34)], 0.5, metal("gunmetal"))
            fc = P.col("flag_colour", ["orange", "red", "yellow", "lime", "pink"])
            prism([(0, 0), (15, 5), (0, 10)], 0.3, plastic(fc, 0.6), (w * 0.3, L * 0.36, h + 23), FRONT, bevel=0.1)
            P.say(f"with a {fc} flag")
    ys = [-0.33, 0.33] if n == 4 else [-0.36, 0, 0.36]
    for y in ys:
        for s in (-1, 1):
            wheel(R, 8, rubber(), plastic(a if a not in ("black",) else "grey", 0.4), (s * w * 0.53, y * L, R), lugs=0)
    P.say(f"with {'six' if n == 6 else 'four'} wheels")


# --- light ----------------------------------------------------------------------------------

def _bar(a, b, r, mat):
    tube([a, b], r, mat, smooth=False)


def desk_lamp(P):
    c = P.col()
    a = P.col("accent", ["brass", "silver", "copper", "black", "white", "orange"])
    am = metal(a, 0.25) if a in METALS else plastic(a)
    body = material(c, 0.35, coat=0.2)
    base = P.pick("base", ["round", "square", "clamp"])
    P.say(f"with a {base} base")
    if base == "round":
        lathe(soft([(0, 0), (9, 0), (9, 1.4), (8.2, 2.0), (0, 2.2)], 0.5), body)
        ring(8.7, 0.22, am, (0, 0, 1.7))
    elif base == "square":
        rbox(17, 17, 2.2, am, r=1.2, bevel=0.4)
        rbox(4, 4, 0.8, body, (0, 3, 2.2), r=0.8)
    else:
        rbox(5, 6, 6, body, r=1, bevel=0.4)
        disc(2.6, 0.8, am, (0, -1, 6))
    z0 = 6.5 if base == "clamp" else 2.4
    lean = P.num("lean", 0.15, 0.5)
    l1, l2 = P.num("arm1", 20, 27), P.num("arm2", 18, 25)
    p0 = (0, 3, z0)
    p1 = (l1 * math.sin(lean), 3, z0 + l1 * math.cos(lean))
    up = P.num("up", 0.35, 0.9)
    p2 = (p1[0] - l2 * math.cos(up), 3, p1[2] + l2 * math.sin(up))
    twin = P.flag("twin", 0.4)
    for dy in ((-0.9, 0.9) if twin else (0,)):
        _bar((p0[0], p0[1] + dy, p0[2]), (p1[0], p1[1] + dy, p1[2]), 0.45 if twin else 0.7, body)
        _bar((p1[0], p1[1] + dy, p1[2]), (p2[0], p2[1] + dy, p2[2]), 0.45 if twin else 0.7, body)
    for p in (p0, p1, p2):
        disc(1.5, 3.0, am, (p[0], p[1] + 1.5, p[2]), FRONT, bevel=0.3)
    head = P.pick("head", ["cone", "dome", "bar"])
    with frame(p2, (0, P.num("nod", -0.5, -0.15), 0)):
        if head == "bar":
            rbox(26, 4.2, 1.4, body, (-9, 0, -2.2), r=2, bevel=0.5)
            rbox(23, 3, 0.2, glow("fff1d6", 6), (-9, 0, -2.35), r=1.4, bevel=0)
        else:
            prof = [(1.6, 2.0), (2.2, 0), (3.4, -2.5), (7.2, -9)] if head == "cone" else [(1.2, 1.2), (4.5, 0.2), (7.2, -3), (8, -7)]
            lathe(prof + [(r - 0.3, z) for r, z in reversed(prof)], body, (-1.5, 0, -1))
            disc(1.6, 2.6, am, (-1.5, 0, 0.6), bevel=0.5)
            blob(5.5, 5.5, 6, glow("ffe3b0", 7), (-1.5, 0, -6), e1=1, e2=1)
    P.say({"bar": "with a light bar", "cone": "with a cone shade", "dome": "with a dome shade"}[head])


def mushroom_lamp(P):
    c = P.col(options=["coral", "orange", "white", "mint", "pink", "lilac", "yellow", "sky blue", "burgundy", "olive", "cream"])
    R, h = P.num("r", 10, 14), P.num("h", 22, 30)
    m = material(c, 0.18, coat=0.8)
    lit = material(c, 0.25, coat=0.6, glow=0.55)
    stem = P.pick("stem", ["flare", "straight", "ball"])
    if stem == "flare":
        lathe(soft([(0, 0), (R * 0.62, 0), (R * 0.6, 0.8), (R * 0.26, h * 0.3), (R * 0.24, h * 0.7), (0, h * 0.72)], 3), m)
    elif stem == "straight":
        lathe(soft([(0, 0), (R * 0.4, 0), (R * 0.4, h * 0.7), (0, h * 0.7)], 0.6), m)
    else:
        blob(R * 1.1, R * 1.1, R * 1.0, m, (0, 0, R * 0.46), e1=1, e2=1, cut=-0.92)
        lathe([(R * 0.2, R * 0.8), (R * 0.2, h * 0.7)], m)
    prof = [(0, R * P.num("tall", 0.55, 0.95))]
    H = prof[0][1]
    prof = [(R * math.sin(t), H * math.cos(t)) for t in [math.pi / 2 * k / 16 for k in range(17)]]
    prof += [(R, -0.9), (R - 0.7, -1.2), (R - 1.2, -0.6), (0, 0.3)]
    lathe(prof, lit, (0, 0, h * 0.68))
    disc(1.3, 0.9, metal("brass"), (0, 0, h * 0.68 + H - 0.2), bevel=0.3)
    tube([(0, R * 0.5, 0.5), (2, R * 0.9, 0.3), (6, R * 1.25, 0.3)], 0.25, fabric("black"))
    P.say("with a domed shade")


def globe_light(P):
    c = P.col("glow", ["ffd9a0", "ffe9c8", "a8d8ff", "ffb3c8", "c8ffd8"])
    b = P.col(options=["oak", "walnut", "black", "white", "brass", "copper", "teal", "red"])
    R = P.num("r", 6, 11)
    bm = wood(b) if b in WOODS else metal(b) if b in METALS else plastic(b)
    shape = P.pick("foot", ["cube", "disc", "tripod"])
    if shape == "cube":
        rbox(R * 1.3, R * 1.3, R * 0.7, bm, r=0.8, bevel=0.3)
        z = R * 0.7
    elif shape == "disc":
        lathe(soft([(0, 0), (R * 0.8, 0), (R * 0.7, R * 0.35), (0, R * 0.35)], 0.5), bm)
        z = R * 0.35
    else:
        for k in range(3):
            t = 2 * math.pi * k / 3 - math.pi / 2
            tube([(R * 0.8 * math.cos(t), R * 0.8 * math.sin(t), 0), (R * 0.3 * math.cos(t), R * 0.3 * math.sin(t), R * 0.9)], 0.45, bm)
        ring(R * 0.34, 0.45, bm, (0, 0, R * 0.85))
        z = R * 0.8
    blob(2 * R, 2 * R, 2 * R, material(c, 0.3, glow=1.1), (0, 0, z + R * 0.92), e1=1, e2=1)
    P.say(f"on a {shape} foot")


# --- sound -----------------------------------------------------------------------------------

def headphones(P):
    c = P.col()
    a = P.col("accent", ["tan", "black", "cream", "grey", "white", "brown", "burgundy"])
    trim = P.pick("trim", ["silver", "copper", "brass", "gunmetal"])
    w, R = P.num("w", 15, 17.5), P.num("r", 3.7, 4.6)
    body, pad, tm = material(c, 0.3, coat=0.3), leather(a), metal(trim, 0.22)
    top = P.num("top", 15, 18)
    # Standing on its cups, tipped back a little, as in a shop.
    with frame((0, 0, R * 0.86), (P.num("tip", -0.25, 0.05), 0, 0)):
        def arc(k, s=1.0):
            t = math.pi * k / 20
            return (-w / 2 * s * math.cos(t), 0, R + (top - R) * math.sin(t) ** 0.75 * s)
        tube([arc(k) for k in range(21)], 0.38, tm)
        tube([arc(k) for k in range(4, 17)], 0.95, body)
        tube([(x, y, z - 1.0) for x, y, z in (arc(k, 0.97) for k in range(6, 15))], 1.0, pad)
        for s in (-1, 1):
            oval = P.pick("cup", ["round", "oval"]) == "oval"
            sc = (1.0, 0.8) if oval else (1, 1)
            with frame((s * w / 2, 0, 0.6), (0, s * math.radians(84), 0)):
                lathe(soft([(0, 2.0), (R * 0.85, 1.9), (R, 1.0), (R, -0.4), (R * 0.92, -0.7), (0, -0.7)], 0.5), body, scale=(sc[0] * 1.12 if oval else 1, sc[1]))
                ring(R * 0.72, 0.85, pad, (0, 0, -1.2), flat=0.9)
                disc(R * 0.6, 0.3, fabric("black", 9), (0, 0, -1.1))
                lathe(soft([(R * 0.62, 2.02), (R * 0.66, 2.1), (R * 0.7, 1.98)], 0.02), tm, scale=(sc[0] * 1.12 if oval else 1, sc[1]))
                logo(0.8, ink(c), (0, 0, 2.03), (0, 0, math.pi / 2), word=False)
            tube([(s * w / 2, 0, R + 0.3), (s * w / 2, 0, R * 0.2)], 0.5, tm)
    P.say(f"with {a} cushions")


def earbuds(P):
    c = P.col()
    b = P.col("bud", ["white", "black", "cream", "graphite", "mint", "pink", "silver"])
    w, d, h = P.num("w", 5.6, 7.0), P.num("d", 3.6, 4.6), P.num("h", 2.6, 3.4)
    body = material(c, 0.3, coat=0.4)
    rbox(w, d, h * 0.62, body, r=d * 0.42, bevel=h * 0.25, segs=6)
    rbox(w * 0.9, d * 0.86, 0.15, plastic("black", 0.55), (0, 0, h * 0.56), r=d * 0.36, bevel=0.05)
    with frame((0, d / 2 - 0.35, h * 0.66), (math.radians(P.num("open", 60, 85)), 0, 0)):
        with frame((0, 0, 0), (math.radians(15), 0, 0)):
            rbox(w, d, h * 0.5, body, (0, d * 0.45, -h * 0.1), r=d * 0.42, bevel=h * 0.22, segs=6)
    dot(0.16, glow(P.pick("led", ["6fe08a", "ffb04a", "ffffff"]), 4), (w * 0.2, -d / 2, h * 0.31), h=0.04)
    bm = metal(b) if b in METALS else material(b, 0.2, coat=0.7)
    for s in (-1, 1):
        with frame((s * w * 0.22, -0.1, h * 0.62), (0.25, s * 0.12, 0)):
            blob(2.1, 1.9, 1.7, bm, (0, 0, 0.3), (0, s * 0.35, 0), e1=0.85, e2=0.9)
            if P.flag("stem", 0.6):   # the stem stands in the case, its shoulder shows
                blob(0.9, 1.0, 2.2, bm, (s * 0.35, -0.75, 0.0), (0.2, 0, 0), e1=0.5, e2=0.9)
                prism(rrect(0.22, 0.7, 0.1), 0.04, metal("silver"), (s * 0.35, -1.27, 0.35), FRONT, bevel=0.01)
            ring(0.52, 0.1, metal("silver"), (s * 0.28, 0, 1.08), (0, s * 0.35, 0), flat=0.5)
            blob(1.1, 1.1, 0.9, rubber("graphite"), (-s * 0.85, 0.25, 0.75), e1=0.8, e2=0.9)
    logo(0.32, ink(c), (-w * 0.04, -d / 2 - 0.01, h * 0.31), FRONT)
    P.say(f"{b} buds in an open case")


def smart_speaker(P):
    c = P.col()
    a = P.pick("ring_colour", LIGHTS + ["ffc23a"])
    shape = P.pick("shape", ["cylinder", "ball", "cone", "box"])
    r, h = P.num("r", 5, 8), P.num("h", 12, 20)
    f = fabric(c, 3.6)
    if shape == "ball":
        R = r * 1.25
        blob(2 * R, 2 * R, 2 * R * 0.95, f, (0, 0, R * 0.9), e1=0.9, e2=1, cut=-0.9)
        top, tr = R * 1.8, R * 0.42
        disc(R * 0.4, 0.8, plastic("graphite"), (0, 0, top - 0.2))
    elif shape == "box":
        w = h * 1.3
        rbox(w, r * 1.5, h * 0.85, f, (0, 0, 0.6), r=2.2, bevel=1.5)
        rbox(w * 0.96, r * 1.4, 0.8, rubber(), (0, 0, 0), r=2)
        rbox(w * 0.5, r * 0.6, 0.2, plastic("graphite"), (0, 0, h * 0.85 + 0.55), r=1.4)
        top, tr = h * 0.85 + 0.6, r * 0.4
    else:
        k = 0.8 if shape == "cone" else 1.0
        lathe(soft([(0, 0), (r * 0.94, 0), (r * 0.94, 0.8), (0, 0.8)], 0.2), rubber())
        lathe(soft([(0, 0.7), (r, 0.7), (r * k, h), (0, h)], 0.9), f)
        lathe(soft([(0, h - 0.05), (r * k * 0.9, h - 0.05), (r * k * 0.9, h + 0.45), (0, h + 0.5)], 0.25), plastic("graphite" if c != "graphite" else "light grey", 0.3))
        top, tr = h + 0.5, r * k * 0.72
    P.say(shape)
    if P.flag("ring"):
        ring(tr * 1.08, 0.34, glow(a, 5), (0, 0, top), flat=0.8)
        if shape in ("cylinder", "cone"):
            ring(tr / 0.72 * 1.005, 0.3, glow(a, 5), (0, 0, h - 1.3))
        P.say("with a light ring")
    for t in range(4):
        g = math.pi / 2 * t
        disc(0.28, 0.06, plastic("light grey"), (tr * 0.55 * math.cos(g), tr * 0.55 * math.sin(g), top), bevel=0.02)
    y = {"ball": -r * 1.235, "box": -r * 0.75 - 0.02, "cone": -r * 0.99, "cylinder": -r - 0.02}[shape]
    with frame((0, y, 2.6 if shape != "ball" else r * 1.3), FRONT):
        prism(rrect(3.4, 0.95, 0.2), 0.06, metal("silver", 0.35), bevel=0.02)
        text("Larkmere", 0.6, plastic("black"), (0, 0, 0.07))
    if P.flag("strap", 0.2):
        tube([(r, 0, h * 0.6), (r + 2.5, 0, h * 0.75), (r, 0, h * 0.9)], 0.4, leather("tan"))


def radio(P):
    c = P.col(options=["walnut", "oak", "cherry", "turquoise", "red", "cream", "mint", "yellow", "black"])
    a = P.col("accent", ["cream", "brass", "turquoise", "white", "red", "black", "mustard"])
    w, h, d = P.num("w", 22, 32), P.num("h", 13, 18), P.num("d", 8, 11)
    m = wood(c) if c in WOODS else material(c, 0.2, coat=0.6)
    with frame((0, d / 2, h / 2 + 1), FRONT):
        prism(rrect(w, h, P.num("r", 1.5, 5)), d, m, bevel=0.5, segs=4)
        am = metal(a, 0.3) if a in METALS else plastic(a, 0.45)
        left = P.pick("side", [-1, 1])
        prism(rrect(w * 0.52, h * 0.78, 1.2, left * w * 0.19, 0), 0.15, perforated("tan" if a == "cream" else a, 0.75, 0.3, 0.06, plane="xy"), (0, 0, d), bevel=0.1)
        prism(rrect(w * 0.3, h * 0.34, 0.6, -left * w * 0.29, h * 0.2), 0.15, am, (0, 0, d), bevel=0.05)
        for k in range(7):
            prism(rrect(0.12, 1.2 if k % 3 == 0 else 0.7, 0.02, -left * w * 0.29 + (k - 3) * w * 0.036, h * 0.2), 0.2, ink(a), (0, 0, d), bevel=0)
        prism(rrect(0.18, h * 0.28, 0.02, -left * w * 0.25, h * 0.2), 0.22, plastic("red"), (0, 0, d), bevel=0)
        for k in range(2):
            lathe(soft([(0, 1.5), (1.5, 1.5), (1.7, 0.2), (1.9, 0)], 0.2), metal("brass") if a != "brass" else plastic("cream"), (-left * w * (0.22 + 0.14 * k), -h * 0.22, d))
        logo(0.5, ink(c), (-left * w * 0.29, -h * 0.42, d + 0.02))
    for s in (-1, 1):
        for t in (-1, 1):
            lathe([(0.5, 0), (0.8, 1.3)], metal("brass"), (s * w * 0.38, t * d * 0.28, 0))
    tube([(w * 0.4, d * 0.3, h), (w * 0.62, d * 0.3, h + P.num("aerial", 10, 18))], 0.18, metal("silver"))
    if P.flag("handle", 0.4):
        tube([(-w * 0.36, 0, h + 0.6), (-w * 0.33, 0, h + 3.4), (w * 0.33, 0, h + 3.4), (w * 0.36, 0, h + 0.6)], 0.5, leather("brown"))
    P.say(f"with a {a} dial")


# --- networks, screens ---------------------------------------------------------------------

def router(P):
    c = P.col(options=["black", "white", "graphite", "navy", "red", "light grey", "teal"])
    a = P.col("accent", ["red", "blue", "orange", "turquoise", "grey", "lime"])
    w, d, h = P.num("w", 22, 30), P.num("d", 14, 20), P.num("h", 3.4, 5)
    m = plastic(c, 0.4)
    rbox(w, d, h, m, (0, 0, 0.5), r=P.num("r", 1, 4), bevel=0.9, segs=5)
    rbox(w * 0.9, d * 0.9, 0.6, rubber(), r=1)
    vee = P.pick("top", ["vee", "vents"])
    if vee == "vee":
        for s in (-1, 1):
            prism(soft([(0, -d * 0.42), (s * w * 0.42, d * 0.1), (s * w * 0.42, d * 0.3), (0, -d * 0.2)], 0.3, True), 0.2, plastic(a, 0.3), (0, 0, h + 0.45), bevel=0.1)
    else:
        for k in range(9):
            rbox(w * 0.55, 0.35, 0.1, plastic("08080a" if c != "black" else "2a2a2c"), (0, -d * 0.1 + k * d * 0.05, h + 0.46), r=0.15, bevel=0)
    n = P.pick("antennas", [2, 4, 0, 3])
    for k in range(n):
        x = (k - (n - 1) / 2) * w / max(1, n - 1) * 0.86
        with frame((x, d / 2 - 0.3, h * 0.6), (0.15, (x / w) * 0.55, 0)):
            disc(0.9, 1.6, m, (0, 0, -0.6), bevel=0.2)
            rbox(1.9, 0.9, P.num("antenna", 14, 20), m, (0, 0.2, 0.8), r=0.4, bevel=0.3, taper=0.75)
    P.say(f"with {['no', 'one', 'two', 'three', 'four'][n]} antennas")
    for k in range(5):
        dot(0.24, glow("6fe08a" if k else "58b9ff", 4), (-3 + k * 1.5, -d / 2 - 0.01, h * 0.5 + 0.3), h=0.06)
    logo(1.0, ink(c), (0, -d * 0.36 if vee != "vee" else d * 0.2, h + 0.52))


def ereader(P):
    c = P.col(options=["black", "white", "graphite", "mint", "navy", "burgundy", "tan", "sky blue"])
    w, h, t = P.num("w", 11.5, 14), P.num("h", 15.5, 18.5), P.num("t", 0.7, 1.0)
    tilt = P.num("tilt", 1.0, 1.25)
    paper, letter = material("dcd8cc", 0.6), material("2c2c2c", 0.7)
    grip = P.flag("grip", 0.4)
    with frame((0, 0, 0.3), (tilt, 0, 0)):
        ww = w + (2.6 if grip else 0)
        prism(rrect(ww, h, 0.9, 1.3 if grip else 0, h / 2), t, material(c, 0.45), bevel=0.25, segs=4)
        prism(rrect(w * 0.86, h * 0.83, 0.1, 0, h * 0.54), 0.03, paper, (0, 0, t), bevel=0)
        rng = random.Random(f"page{P.seed}")
        text(P.pick("title", ["Chapter One", "The Heron", "Low Tide", "Field Notes"]), w * 0.075, letter, (0, h * 0.87, t + 0.04))
        y = h * 0.8
        while y > h * 0.18:
            ln = w * 0.72 * (1 if rng.random() < 0.8 else rng.uniform(0.3, 0.8))
            x = -w * 0.36
            while x < -w * 0.36 + ln - 0.2:
                wl = min(rng.uniform(0.35, 1.5), w * 0.36 - x)
                prism(rrect(wl, 0.16, 0.05, x + wl / 2, y), 0.01, letter, (0, 0, t + 0.035), bevel=0)
                x += wl + 0.2
            y -= h * 0.036
        if grip:
            for k in (0.45, 0.6):
                prism(rrect(0.5, h * 0.11, 0.2, w / 2 + 1.3, h * k), 0.12, plastic("grey"), (0, 0, t), bevel=0.05)
        logo(0.36, ink(c), (0, h * 0.06, t + 0.02))
        # its folded cover is the stand that keeps it upright: a leaf leaning away at the back
        cover = leather(P.col("cover", ["tan", "grey", "teal", "burgundy", "navy"]))
        x = 1.3 if grip else 0
        prism(rrect(ww + 0.3, h + 0.3, 0.9, x, h / 2), 0.25, cover, (0, 0, -0.26), bevel=0.08)
        with frame((0, h * 0.72, -0.3), (2 * (math.pi / 2 - tilt), 0, 0)):
            prism(rrect(ww, h * 0.72, 0.5, x, -h * 0.36), 0.25, cover, (0, 0, -0.2), bevel=0.08)


def tablet(P):
    c = P.col(options=["silver", "gunmetal", "champagne", "navy", "coral", "white"])
    w, h, t = P.num("w", 22, 27), P.num("h", 15, 18), 0.8
    wall = P.pick("picture", ["hills", "tiles", "sun"])
    with frame((0, 0, 0.4), (P.num("tilt", 1.05, 1.3), 0, 0)):
        prism(rrect(w, h, 1.2, 0, h / 2), t, metal(c, 0.35) if c in METALS else plastic(c), bevel=0.25, segs=4)
        prism(rrect(w * 0.97, h * 0.95, 1.0, 0, h / 2), 0.03, screen(), (0, 0, t), bevel=0)
        with frame((0, h / 2, t + 0.035)):
            W, H = w * 0.9, h * 0.84
            prism(rrect(W, H, 0.1), 0.005, material("2f6fb0" if wall == "hills" else "1c2233" if wall == "tiles" else "f1b27a", 0.3, glow=0.9), bevel=0)
            if wall == "hills":
                for k, hc in enumerate(("3c8f78", "1f5f58", "123f44")):
                    pts = [(-W / 2, -H / 2)] + [(W / 2, -H / 2)] + [(W / 2 - W * j / 20, -H * (0.05 + 0.16 * k) + H * 0.12 * math.sin(j * 0.7 + k * 2)) for j in range(21)]
                    prism(pts, 0.01, material(hc, 0.3, glow=0.8), (0, 0, 0.004 * (k + 1)), bevel=0)
            elif wall == "tiles":
                rng = random.Random(f"tiles{P.seed}")
                for i in range(5):
                    for j in range(3):
                        prism(rrect(W * 0.15, H * 0.24, 0.3, (i - 2) * W * 0.19, (j - 1) * H * 0.3), 0.01,
                              material(PALETTE[rng.choice(ACCENT[2:])], 0.3, glow=0.8), (0, 0, 0.01), bevel=0)
            else:
                disc(H * 0.22, 0.01, material("f04a2a", 0.3, glow=1.2), (W * 0.1, 0, 0.008), bevel=0)
                prism(rrect(W, H * 0.3, 0.1, 0, -H * 0.35), 0.01, material("7a3355", 0.3, glow=0.8), (0, 0, 0.014), bevel=0)
        disc(0.15, 0.02, lens(), (0, h * 0.965, t + 0.03), bevel=0)
    tube([(-w * 0.3, 1.0, 3), (-w * 0.3, h * 0.42, 0.3), (w * 0.3, h * 0.42, 0.3), (w * 0.3, 1.0, 3)], 0.3, metal("silver"))
    P.say("on a stand")


def smart_watch(P):
    c = P.col()
    case = P.pick("case", ["silver", "gunmetal", "brass", "copper"])
    square = P.flag("square", 0.5)
    R = P.num("r", 1.9, 2.3)
    out = rrect(R * 1.75, R * 2.05, R * 0.5) if square else circle(R)
    P.say(f"{'square' if square else 'round'} with a {c} strap")
    m, strap = metal(case, 0.22), rubber(c) if P.flag("rubber", 0.6) else leather(c)
    # The strap is closed into a loop and the watch leans on it, as on a shop's cushion.
    rr = 2.9
    with frame((0, 0, rr * 0.98), (math.radians(P.num("lean", 38, 60)), 0, 0)):
        n = 48
        bm = bmesh.new()
        rows = []
        for k in range(n):
            t = 2 * math.pi * k / n
            wv = R * (0.62 + 0.16 * max(0, math.cos(t)))
            row = [bm.verts.new((x * wv, -q * rr * 0.92 * math.sin(t), q * rr * math.cos(t)))
                   for x, q in ((-1, 1.0), (1, 1.0), (1, 1.09), (-1, 1.09))]
            rows.append(row)
        for k in range(n):
            a, b = rows[k], rows[(k + 1) % n]
            for j in range(4):
                bm.faces.new((a[j], a[(j + 1) % 4], b[(j + 1) % 4], b[j]))
        kit._mesh(bm, strap, (0, 0, 0), UP, 40, 0.06)
        with frame((0, 0, rr * 1.02)):
            prism(out, 0.85, m, bevel=0.22, segs=5)
            prism([(x * 0.9, y * 0.9) for x, y in out], 0.12, screen(), (0, 0, 0.82), bevel=0.05)
            disc(0.3, 0.35, m, (R * (0.87 if square else 1.0), 0, 0.42), (0, math.pi / 2, 0), bevel=0.06)
            face = P.pick("face", ["digital", "hands", "rings"])
            g = P.pick("face_colour", LIGHTS)
            with frame((0, 0, 0.95)):
                if face == "digital":
                    text("10:09", R * 0.52, glow("ffffff", 3), (0, R * 0.2, 0))
                    text("22°  6 342", R * 0.22, glow(g, 3), (0, -R * 0.32, 0))
                elif face == "hands":
                    for ang, ln, wd in ((0.9, 0.5, 0.12), (-0.9, 0.7, 0.08)):
                        prism(rrect(wd, R * ln, 0.03, 0, R * ln / 2), 0.01, glow("ffffff", 3), rot=(0, 0, -ang), bevel=0)
                    for k in range(12):
                        a = math.pi / 6 * k
                        disc(0.05, 0.01, glow(g, 3), (R * 0.7 * math.cos(a), R * 0.7 * math.sin(a), 0), bevel=0)
                else:
                    for k, gc in enumerate((g, "ff5a4a", "58b9ff")):
                        ring(R * (0.68 - 0.17 * k), 0.1, glow(gc, 3), flat=0.2)


def weather_station(P):
    c = P.col(options=["oak", "walnut", "white", "black", "beech", "sky blue", "cream"])
    w, h, d = P.num("w", 15, 20), P.num("h", 8.5, 12), P.num("d", 3, 5)
    m = wood(c) if c in WOODS else plastic(c)
    g = P.pick("digits", ["e8f6ff", "7fe3ff", "ffb04a", "9dff9a"])
    with frame((0, 0, h / 2), (math.pi / 2 - 0.12, 0, 0)):
        with frame((0, 0, -d / 2)):
            prism(rrect(w, h, P.num("r", 0.4, 2.5)), d, m, bevel=0.3)
            prism(rrect(w * 0.88, h * 0.76, 0.5), 0.06, screen(), (0, 0, d), bevel=0.02)
            with frame((0, 0, d + 0.07)):
                text("21.4°", h * 0.36, glow(g, 3), (-w * 0.17, h * 0.1, 0))
                text("48 %", h * 0.17, glow(g, 3), (w * 0.26, h * 0.2, 0))
                text("1013", h * 0.14, glow(g, 2.5), (w * 0.26, -h * 0.02, 0))
                disc(h * 0.075, 0.02, glow("ffd23a", 3), (w * 0.2, -h * 0.22, 0), bevel=0)
                for k in range(5):
                    prism(rrect(0.7, 0.5 + 0.35 * ((k * 7) % 4), 0.1, -w * 0.36 + k * 1.15, -h * 0.25), 0.01, glow("58b9ff", 2.5), bevel=0)
    if P.flag("sensor", 0.6):
        with frame((w * 0.5 + 5, -1.5, 0)):
            for k in range(6):
                lathe(soft([(1.6, 0), (3.4, -0.5), (3.5, -0.3), (1.7, 0.7)], 0.1), plastic("white"), (0, 0, 1.2 + k * 1.15))
            lathe(soft([(0, 7.2), (3.4, 7.0), (3.0, 8.2), (0, 8.6)], 0.4), plastic("white"))
            disc(2.2, 1, plastic("light grey"))
        P.say("with an outdoor sensor")
    P.say("with a digital display")


def keyboard(P):
    c = P.col()
    k1 = P.col("keys", ["white", "cream", "black", "graphite", "light grey", "lilac", "mint", "sky blue", "navy"])
    k2 = P.col("accent", ["orange", "turquoise", "yellow", "coral", "lilac", "red", "teal", "pink", "lime"])
    u = 1.9
    rows = [[1] * 13 + [2], [1.5] + [1] * 12 + [1.5], [1.75] + [1] * 11 + [2.25], [2.25] + [1] * 10 + [2.75], [1.25] * 3 + [6.25] + [1.25] * 4]
    if P.flag("compact", 0.3):
        rows = [r for i, r in enumerate(rows) if i != 0]
    W, D = 15 * u, len(rows) * u
    wire = P.flag("knob", 0.4)
    with frame((0, 0, 0.4), (math.radians(4), 0, 0)):
        rbox(W + 1.6, D + 1.6 + (2.4 if wire else 0), 2.0, material(c, 0.4, coat=0.1), (0, 1.2 if wire else 0, 0), r=P.num("r", 0.4, 1.6), bevel=0.35)
        rbox(W + 0.2, D + 0.2, 0.1, plastic("101012", 0.6), (0, 0, 1.95), r=0.3, bevel=0.03)
        a, b = material(k1, 0.5), material(k2, 0.5)
        for j, row in enumerate(rows):
            x = -W / 2
            for i, n in enumerate(row):
                acc = (j == 0 and i == 0) or (j == 2 and i == len(row) - 1) or (n > 6) or (j == len(rows) - 1 and i in (0, 1))
                rbox(n * u - 0.2, u - 0.2, 0.9, b if acc else a, (x + n * u / 2, D / 2 - u / 2 - j * u, 2.0), r=0.22, bevel=0.22, segs=3, taper=0.9)
                x += n * u
        if wire:
            disc(1.3, 1.6, metal("brass"), (W / 2 - 1.2, D / 2 + 1.5, 1.9), bevel=0.2)
            logo(0.55, ink(c), (-W / 2 + 4, D / 2 + 1.4, 2.02))
            P.say("with a knob")
    P.say(f"with {k1} keys and {k2} accents")


def projector(P):
    c = P.col(options=["white", "yellow", "black", "mint", "grey", "coral", "sky blue", "cream"])
    a = P.col("accent", ["graphite", "black", "silver", "orange", "copper"])
    w, d, h = P.num("w", 13, 22), P.num("d", 13, 18), P.num("h", 9, 15)
    rbox(w, d, h, material(c, 0.3, coat=0.3), (0, 0, 0.8), r=P.num("r", 1.5, 5), bevel=1.2, segs=5)
    lx = P.pick("lens_at", [-0.2, 0.0, 0.2]) * w
    R = min(w, h) * P.num("lens", 0.26, 0.34)
    am = metal(a, 0.3) if a in METALS else plastic(a, 0.35)
    with frame((lx, -d / 2, h * 0.54), FRONT):
        lathe(soft([(R * 1.25, -0.3), (R * 1.25, 0.6), (R * 1.0, 0.9), (R * 0.95, 0.2), (R * 0.75, -0.2)], 0.15), am)
        lathe([(0, 0.55), (R * 0.45, 0.42), (R * 0.8, 0.1)], lens())
        ring(R * 0.5, 0.06, material("5a3cff", 0.2, glow=0.6), (0, 0, 0.42))
    for s in (-1, 1):
        with frame((s * w / 2, 0, h * 0.55), (math.pi / 2, 0, s * math.pi / 2)):
            prism(rrect(d * 0.6, h * 0.55, 0.8), 0.08, perforated("grey", 0.8, 0.33, 0.03, plane="xy"), bevel=0.03)
        for t in (-1, 1):
            disc(0.9, 0.9, rubber(), (s * w * 0.36, t * d * 0.36, 0))
    if lx:
        prism(rrect(w * 0.3, h * 0.5, 0.5, -lx * 1.4, h * 0.54), 0.06, perforated(c, 0.7, 0.32, 0.03, plane="xy"), (0, -d / 2, 0), FRONT, bevel=0.02)
    disc(2.2, 0.25, am, (0, 0, h + 0.75), bevel=0.1)
    logo(0.9, ink(c), (0, -d * 0.3, h + 0.82))
    if P.flag("handle", 0.4):
        tube([(-w * 0.48, 0, h), (-w * 0.4, 0, h + 4.2), (w * 0.4, 0, h + 4.2), (w * 0.48, 0, h)], 0.5, leather("brown"))
        P.say("with a handle")
    P.say(f"with a {a} lens ring")


# --- cameras, doors, climate -----------------------------------------------------------------

def security_camera(P):
    c = P.col(options=["white", "black", "graphite", "cream", "mint", "sky blue", "yellow", "red"])
    shape = P.pick("shape", ["ball", "bullet", "pebble"])
    led = P.pick("led", LIGHTS)
    m = material(c, 0.3, coat=0.3)
    lathe(soft([(0, 0), (3.6, 0), (3.6, 0.7), (3.0, 1.1), (0, 1.2)], 0.4), m)
    tube([(0, 0, 1), (0, 0.3, 3.4), (0, 0.6, 5.2)], 0.7, metal("silver", 0.25) if P.flag("steel") else m)
    with frame((0, 0, 8), (P.num("nod", -0.15, 0.2), 0, 0)):
        if shape == "ball":
            R = 4
            blob(2 * R, 2 * R, 2 * R, m, e1=1, e2=1)
            with frame((0, -R * 0.72, 0), FRONT):
                lathe(soft([(0, 1.0), (2.5, 0.75), (2.95, -0.1)], 0.2), screen())
        elif shape == "bullet":
            with frame((0, 5, 0), FRONT):
                lathe(soft([(0, 0), (3.0, 0), (3.3, 9.5), (3.0, 10), (0, 10)], 0.8), m)
                disc(2.8, 0.2, screen(), (0, 0, 9.9))
        else:
            with frame((0, 1.7, 0), FRONT):
                prism(squircle(8, 8, 4), 3.4, m, bevel=1.0, segs=5)
                prism(squircle(6.6, 6.6, 4), 0.2, screen(), (0, 0, 3.4), bevel=0.05)
        y = {"ball": -4 * 0.72 - 0.95, "bullet": -5.1, "pebble": -1.9}[shape]
        with frame((0, y, 0), FRONT):
            lathe(soft([(1.35, -0.2), (1.35, 0.15), (1.1, 0.2), (0.9, -0.05)], 0.05), metal("gunmetal"))
            lathe([(0, 0.2), (0.6, 0.12), (0.95, -0.1)], lens())
            dot(0.17, glow(led, 5), (0, -1.95, -0.12 if shape == "ball" else 0.02), UP, 0.1)
    logo(0.5, ink(c), (0, -2.6, 1.05), (0.15, 0, 0), word=False)
    P.say(f"{shape} shaped")


def photo_camera(P):
    c = P.col("grip", ["brown", "black", "tan", "olive", "burgundy", "navy", "mint", "coral", "pink"])
    body = P.col(options=["silver", "gunmetal", "black", "cream", "champagne"])
    w, h, d = P.num("w", 11.5, 13.5), P.num("h", 7, 8.2), P.num("d", 3.4, 4.6)
    bm = metal(body, 0.33) if body in METALS else plastic(body, 0.4)
    rbox(w, d, h, bm, r=d * 0.4, bevel=0.3)
    rbox(w * 1.008, d * 1.02, h * 0.56, leather(c), (0, 0, h * 0.16), r=d * 0.4, bevel=0.1)
    R = h * P.num("lens", 0.36, 0.43)
    x = P.pick("lens_at", [0.0, 0.1]) * w
    with frame((x, -d / 2, h * 0.47), FRONT):
        Ln = P.num("reach", 2.0, 4.2)
        lathe(soft([(R, 0), (R, Ln * 0.5), (R * 0.92, Ln * 0.52), (R * 0.92, Ln), (R * 0.72, Ln), (R * 0.6, Ln - 0.8)], 0.12), plastic("black", 0.35))
        lathe([(R * 0.995, Ln * 0.15), (R * 1.01, Ln * 0.3), (R * 0.995, Ln * 0.42)], rubber("graphite"))
        lathe(soft([(R * 1.1, 0), (R * 1.1, 0.35), (R, 0.45)], 0.05), metal("silver"))
        lathe([(0, Ln - 0.35), (R * 0.4, Ln - 0.5), (R * 0.66, Ln - 0.75)], lens())
    rbox(w * 0.24, d * 0.8, h * 0.16, bm, (x, 0, h * 0.98), r=0.5, bevel=0.3, taper=0.85)
    prism(rrect(w * 0.13, h * 0.1, 0.15, w * 0.36, h * 0.84), 0.1, lens(), (0, -d / 2, 0), FRONT, bevel=0.03)
    lathe(soft([(0, 0.8), (1.1, 0.8), (1.15, 0)], 0.1), metal("silver"), (-w * 0.34, 0, h))
    lathe(soft([(0, 0.9), (0.5, 0.9), (0.6, 0)], 0.1), plastic("red") if P.flag("red_button") else metal("silver"), (w * 0.38, 0, h))
    lathe(soft([(0, 0.6), (0.9, 0.6), (0.95, 0)], 0.1), metal("gunmetal"), (w * 0.24, 0.2, h))
    logo(0.38, ink(body), (-w * 0.27, -d / 2 - 0.02, h * 0.86), FRONT)
    if P.flag("strap", 0.5):
        tube([(-w / 2, 0, h * 0.85), (-w * 0.66, -1, h * 0.5), (-w * 0.7, -3, 0.3), (-w * 0.4, -6, 0.25), (0, -7.5, 0.25), (w * 0.45, -6, 0.25), (w * 0.7, -3, 0.3), (w * 0.66, -1, h * 0.5), (w / 2, 0, h * 0.85)], 0.28, leather(c))
    P.say(f"with {c} leather")


def thermostat(P):
    c = P.col("ring", ["silver", "copper", "brass", "white", "black", "gunmetal"])
    g = P.pick("face_colour", ["ff8a2a", "3aa0ff", "ffffff", "6fe08a", "ff5a4a"])
    R, d = P.num("r", 4.2, 5.6), P.num("d", 2.4, 3.4)
    colour = P.col(options=["white", "graphite", "black", "cream", "navy"])
    m = metal(c, 0.25, True) if c in METALS else gloss(c)
    with frame((0, 0, 14), FRONT):
        if P.flag("plate", 0.5):
            prism(rrect(R * 2.5, R * 2.5, 1.6), 0.5, plastic(colour), bevel=0.2)
        lathe(soft([(R, 0), (R, d), (R * 0.92, d + 0.3), (R * 0.86, d)], 0.25), m)
        lathe(soft([(0, d + 0.12), (R * 0.8, d + 0.05), (R * 0.87, d - 0.1)], 0.2), screen())
        with frame((0, 0, d + 0.14)):
            text(P.pick("temp", ["21", "19", "20.5", "22"]) + "°", R * 0.6, glow("ffffff", 3), (0.1 * R, 0.02 * R, 0), bold=0.01)
            text(P.pick("word", ["HEAT", "COOL", "AUTO"]), R * 0.17, glow(g, 3), (0, -R * 0.42, 0))
            for k in range(28):
                a = math.radians(220 - k * 260 / 27)
                prism(rrect(R * 0.1, R * 0.028, 0.01, R * 0.68, 0), 0.01, glow(g, 3) if k < P.count("ticks", 10, 22) else plastic("grey"), rot=(0, 0, a), bevel=0)
    P.say(f"round with a {c} ring")


def doorbell(P):
    c = P.col(options=["gunmetal", "black", "white", "copper", "brass", "silver", "navy", "graphite"])
    w, h, d = P.num("w", 4.4, 6), P.num("h", 12, 15.5), P.num("d", 2.2, 3)
    m = metal(c, 0.3, True) if c in METALS else plastic(c, 0.35)
    g = P.pick("led", LIGHTS)
    with frame((0, 0, 14), FRONT):
        prism(rrect(w, h, P.num("r", 0.6, 2.9)), d, m, bevel=0.35, segs=4)
        prism(rrect(w * 0.8, h * 0.42, w * 0.2, 0, h * 0.23), 0.08, screen(), (0, 0, d), bevel=0.03)
        lathe(soft([(w * 0.24, 0), (w * 0.24, 0.3), (w * 0.18, 0.3)], 0.05), metal("gunmetal"), (0, h * 0.3, d + 0.05))
        lathe([(0, 0.32), (w * 0.1, 0.28), (w * 0.18, 0.1)], lens(), (0, h * 0.3, d + 0.05))
        ring(w * 0.29, 0.16, glow(g, 4), (0, -h * 0.25, d + 0.08))
        lathe(soft([(0, 0.35), (w * 0.22, 0.3), (w * 0.26, 0)], 0.1), metal("silver", 0.3) if c != "silver" else plastic("black"), (0, -h * 0.25, d))
        for k in range(5):
            prism(rrect(w * 0.4, 0.16, 0.07, 0, h * 0.02 - k * 0.32), 0.03, plastic("08080a"), (0, 0, d), bevel=0)
        logo(0.3, ink(c), (0, -h * 0.43, d + 0.01))
    P.say(f"in {c}")


def air_purifier(P):
    c = P.col(options=["white", "cream", "graphite", "black", "sky blue", "lilac", "mint", "light grey"])
    a = P.col("accent", ["oak", "walnut", "black", "copper", "beech", "grey"])
    w, h = P.num("w", 22, 32), P.num("h", 40, 62)
    sq = P.flag("square", 0.5)
    out = rrect(w, w, w * 0.22) if sq else circle(w / 2)
    legs = P.flag("legs", 0.5)
    z = 7 if legs else 1
    am = wood(a, "z") if a in WOODS else metal(a) if a in METALS else plastic(a)
    if legs:
        for k in range(4):
            t = math.pi / 4 + math.pi / 2 * k
            lathe([(0.9, 0), (1.4, 8)], am, (w * 0.4 * math.cos(t), w * 0.4 * math.sin(t), 0), (0.12 * math.sin(t), -0.12 * math.cos(t), 0))
    else:
        prism([(x * 0.93, y * 0.93) for x, y in out], 1.2, am, bevel=0.2)
    prism(out, h, plastic(c, 0.35), (0, 0, z), bevel=1.2, segs=4)
    grid = perforated("light grey" if c != "light grey" else "white", 1.5, 0.32, 0.03, plane="xz") if c != "black" else perforated("graphite", 1.5, 0.32, 0.1)
    prism([(x * 1.006, y * 1.006) for x, y in out], h * 0.55, grid, (0, 0, z + h * 0.06), bevel=0.05)
    if P.flag("band", 0.5):
        prism([(x * 1.015, y * 1.015) for x, y in out], 1.8, am, (0, 0, z + h * 0.68), bevel=0.3)
        P.say(f"with a {a} band")
    lathe(soft([(w * 0.32, 0.9), (w * 0.38, 0.6), (w * 0.4, -0.4)], 0.2), am, (0, 0, z + h))
    for k in range(8):
        ring(w * 0.04 * (k + 1) * 0.95, 0.2, plastic("grey" if c != "grey" else "black"), (0, 0, z + h + 0.1))
    with frame((0, -w / 2 - 0.05, z + h * 0.82), FRONT):
        if not sq:
            prism(rrect(5, 2.6, 1.2), 0.4, screen(), (0, 0, -0.2), bevel=0.05)
            text("008", 1.5, glow("7fffb0", 4), (0, 0, 0.22))
        else:
            disc(2.6, 0.3, screen(), bevel=0.05)
            ring(2.3, 0.18, glow("7fffb0", 4), (0, 0, 0.3))
            text("08", 1.8, glow("ffffff", 4), (0, 0, 0.32))
        logo(1.0, ink(c), (0, -h * 0.09, 0.1 if sq else 0.06))
    P.say("square" if sq else "round")


def fan(P):
    c = P.col()
    a = P.col("accent", ["brass", "silver", "copper", "white", "black", "graphite"])
    R, h = P.num("r", 11, 15), P.num("h", 8, 22)
    am = metal(a, 0.25) if a in METALS else plastic(a)
    m = material(c, 0.3, coat=0.3)
    lathe(soft([(0, 0), (R * 0.62, 0), (R * 0.6, 1.4), (R * 0.2, 2.4), (0, 2.4)], 0.6), m)
    tube([(0, 0, 2), (0, 0, h + R * 0.2)], 1.0, am)
    with frame((0, 0, h + R), (P.num("nod", -0.15, 0.1), 0, 0)):
        with frame((0, 0, 0), FRONT):
            lathe(soft([(0, -6), (3.4, -6), (4.0, -1), (0, -1)], 1.0), m)
            for s in range(-2, 4):
                rr = R * math.sqrt(max(0.02, 1 - (s / 5.0) ** 2)) if s in (-2, 3) else R
                ring(rr, 0.22, am, (0, 0, s * 0.9))
            for k in range(36):
                t = 2 * math.pi * k / 36
                cs, sn = math.cos(t), math.sin(t)
                for z0, q in ((2.9, 3.6), (-2.0, -2.6)):
                    tube([(R * cs, R * sn, z0 * 0.8), (R * 0.8 * cs, R * 0.8 * sn, z0), (R * 0.2 * cs, R * 0.2 * sn, q)], 0.07, am)
            n = P.count("blades", 3, 5)
            for k in range(n):
                blade = soft([(0.6, -0.4), (R * 0.5, -R * 0.34), (R * 0.86, -R * 0.2), (R * 0.88, R * 0.2), (R * 0.4, R * 0.2)], 2.0, True)
                with frame((0, 0, 0), (0, 0, 2 * math.pi * k / n)):
                    prism(blade, 0.2, m, (0, 0, 0), (0.35, 0, 0), bevel=0.05)
            lathe(soft([(0, 3.9), (R * 0.2, 3.7), (R * 0.22, 3.2), (0, 3.2)], 0.2), m)
    P.say(f"with a {a} cage")


def kettle(P):
    c = P.col()
    a = P.col("accent", ["black", "oak", "walnut", "white", "cream", "brass"])
    r, h = P.num("r", 8, 9.5), P.num("h", 15, 20)
    am = wood(a) if a in WOODS else metal(a) if a in METALS else plastic(a, 0.35)
    goose = P.pick("spout", ["gooseneck", "short"])
    P.say(f"with a {goose} spout")
    body = metal("silver", 0.2) if P.flag("steel", 0.2) else material(c, 0.22, coat=0.7)
    lathe(soft([(0, 0), (r * 1.05, 0), (r * 1.05, 1.6), (r * 0.9, 2.0), (0, 2.0)], 0.5), plastic("black", 0.4))
    if P.pick("form", ["cone", "round", "cylinder"]) == "cone":
        prof = [(0, 2.2), (r, 2.2), (r * 0.62, h), (0, h)]
    elif P.used["form"] == "round":
        prof = [(0, 2.2), (r * 0.9, 2.2), (r * 1.12, h * 0.42), (r * 0.6, h), (0, h)]
    else:
        prof = [(0, 2.2), (r * 0.84, 2.2), (r * 0.8, h), (0, h)]
    lathe(soft(prof, [0, 1.2, 5 if P.used["form"] == "round" else 1.2, 1.0, 0][:len(prof)], n=12), body)
    top = r * 0.6 if P.used["form"] != "cylinder" else r * 0.78
    lathe(soft([(0, h + 1.1), (top * 0.8, h + 0.8), (top * 0.92, h)], 0.4), body)
    lathe(soft([(0, h + 3.0), (1.5, h + 2.9), (1.2, h + 0.9)], 0.4), am)
    ring(r * (1.0 if P.used["form"] == "cone" else 0.88), 0.2, metal("silver"), (0, 0, 2.6))
    if goose == "gooseneck":
        tube([(-r * 0.7, 0, 5), (-r * 1.25, 0, 6), (-r * 1.45, 0, h * 0.62), (-r * 1.62, 0, h * 0.95), (-r * 2.0, 0, h * 1.0)], 0.75, body)
    else:
        with frame((-r * 0.55, 0, h * 0.72), (0, -0.75, 0)):
            lathe([(2.6, 0), (1.2, 4.4), (1.0, 4.4)], body)
    tube([(r * 0.5, 0, h * 0.98), (r * 1.2, 0, h * 1.02), (r * 1.6, 0, h * 0.8), (r * 1.5, 0, h * 0.4), (r * 1.35, 0, h * 0.32)], 0.95, am)
    logo(0.9, ink(c if not P.used["steel"] else "silver"), (0, -r * (0.9 if P.used["form"] == "cone" else 1.01 if P.used["form"] == "round" else 0.84), h * 0.36), (math.radians(78 if P.used["form"] == "cone" else 88), 0, 0), word=False)


def bike_light(P):
    c = P.col(options=["red", "black", "orange", "yellow", "lime", "blue", "turquoise", "pink", "graphite"])
    R, L = P.num("r", 1.6, 2.2), P.num("l", 7, 10)
    rear = P.flag("rear", 0.4)
    m = material(c, 0.35)
    with frame((0, 0, 4.2)):
        with frame((0, L / 2, 0), FRONT):
            lathe(soft([(0, 0), (R * 0.85, 0), (R * 0.9, L * 0.72), (R * 1.15, L * 0.8), (R * 1.2, L), (R * 1.0, L), (R * 0.8, L - 0.5)], 0.25), m)
            disc(R * 1.0, 0.1, glow("ff2a1a" if rear else "fff6e0", 6), (0, 0, L - 0.5))
            for k in range(7):
                ring(R * 0.9, 0.14, plastic("black"), (0, 0, L * 0.15 + k * L * 0.07))
            lathe(soft([(R * 1.12, L - 0.1), (R * 1.22, L + 0.1), (R * 1.0, L + 0.05)], 0.05), metal("gunmetal"))
        rbox(1.0, 1.6, 0.4, rubber(), (0, -L * 0.05, R * 0.85), r=0.4, bevel=0.1)
        dot(0.16, glow("6fe08a", 4), (0, L * 0.12, R * 0.88), UP)
        rbox(1.6, 3, 1.2, plastic("black"), (0, 0, -R - 0.9), r=0.3)
    ring(1.9, 0.55, rubber(), (0, 0, 1.75), FRONT, flat=2.0)
    P.say("rear light" if rear else "front light")


def smart_planter(P):
    c = P.col()
    a = P.pick("led", ["6fe08a", "58b9ff", "ffffff", "ff8a2a"])
    r, h = P.num("r", 6, 9), P.num("h", 11, 16)
    sq = P.flag("square", 0.3)
    out = [(0.8 * x, 0.8 * y) for x, y in (rrect(2 * r, 2 * r, r * 0.4) if sq else circle(r))]
    prism(out, h, material(c, 0.55), bevel=0.7, segs=4, taper=1.22)
    prism([(x * 1.1, y * 1.1) for x, y in out], 0.2, material("2a1c14", 0.9, bump=0.6, mottle=0.4), (0, 0, h - 0.05), bevel=0)
    if not sq:
        ring(r * 0.84, 0.22, glow(a, 4), (0, 0, h * 0.12))
    prism(rrect(3.0, 1.0, 0.5), 0.3, screen(), (0, -r * 0.82 - r * 0.1, h * 0.45), FRONT, bevel=0.05)
    dot(0.25, glow(a, 5), (0, -r * 0.92 - 0.28, h * 0.45), h=0.06)
    plant((0, 0, h), r * 1.5, random.Random(f"leaf{P.seed}"), P.pick("plant", ["long", "round"]))
    P.say("with a plant")


def plant(at, size, rng, kind="long", leaves=13):
    """Leaves on stalks; also used for the pot plants that stand around in customers' homes."""
    g = [material(c, 0.45, coat=0.2) for c in ("2f7a3a", "3f8f3f", "24632f")]
    with frame(at):
        for k in range(leaves):
            az = k * 2.4 + rng.uniform(-0.3, 0.3)
            lean = rng.uniform(0.15, 0.95)
            ln = size * rng.uniform(0.7, 1.2)
            w = ln * (0.16 if kind == "long" else 0.5)
            with frame((0, 0, 0), (0, 0, az)):
                bm = bmesh.new()
                n, rows = 8, []
                base = ln * (0.0 if kind == "long" else 0.45)
                for i in range(n + 1):
                    t = i / n
                    bend = lean * (0.35 + 0.9 * t)
                    q = base + (ln - base) * t
                    x, z = q * math.sin(bend), q * math.cos(bend)
                    ww = w * math.sin(math.pi * min(0.98, t * 0.93 + 0.06)) * 0.5
                    rows.append([bm.verts.new((x, y, z + abs(y) * 0.25)) for y in (-ww, 0, ww)])
                for a, b in zip(rows, rows[1:]):
                    for j in range(2):
                        bm.faces.new((a[j], a[j + 1], b[j + 1], b[j]))
                kit._mesh(bm, g[k % 3], (0, 0, 0), UP, 60)
                if kind != "long":
                    tube([(0, 0, 0), (base * math.sin(lean * 0.35), 0, base * math.cos(lean * 0.35))], 0.15, g[0])


def kitchen_scale(P):
    c = P.col()
    w, d = P.num("w", 17, 22), P.num("d", 19, 24)
    rbox(w, d, 1.6, material(c, 0.3, coat=0.3), (0, 0, 0.5), r=P.num("r", 1, 4), bevel=0.5)
    if P.flag("bowl", 0.5):
        R = w * 0.5
        prof = [(R * 0.5, 2.2)] + [(R * (0.5 + 0.5 * math.sin(t)), 2.2 + R * 0.75 * (1 - math.cos(t))) for t in [math.pi / 2 * k / 12 for k in range(1, 13)]]
        lathe([(0, 2.2)] + prof + [(q - 0.25, z) for q, z in reversed(prof)], metal("silver", 0.18), (0, d * 0.06, 0))
        P.say("with a steel bowl")
    else:
        disc(w * 0.4, 0.5, metal("silver", 0.25, True), (0, d * 0.07, 2.1), bevel=0.15)
    prism(rrect(w * 0.44, d * 0.12, 0.5, 0, -d * 0.41), 0.05, screen(), (0, 0, 2.1), bevel=0)
    text("248 g", d * 0.08, glow("e8f6ff", 3), (0, -d * 0.41, 2.16))
    for s in (-1, 1):
        disc(0.8, 0.1, plastic("grey"), (s * w * 0.36, -d * 0.41, 2.1), bevel=0.03)


def drone(P):
    c = P.col()
    a = P.col("accent", ["orange", "red", "black", "white", "lime", "yellow", "blue"])
    blob(9, 18, 6.5, material(c, 0.3, coat=0.4), (0, 0, 5.5), e1=0.6, e2=0.55)
    blob(7, 8, 3, plastic(a), (0, 3, 8), e1=0.6, e2=0.6)
    blob(3.6, 3.4, 3.4, plastic("graphite"), (0, -8.4, 4.0), e1=0.6, e2=0.6)
    disc(1.1, 0.5, lens(), (0, -10, 4.0), FRONT)
    span = P.num("span", 13, 17)
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * span, sy * span * 0.85
            tube([(sx * 3.5, sy * 6, 5.5), (x * 0.6, y * 0.75, 6.4), (x, y, 6.0)], 0.8, material(c, 0.3))
            lathe(soft([(0, 0), (1.5, 0), (1.5, 2.6), (0, 2.6)], 0.3), plastic("graphite"), (x, y, 5.2))
            tube([(x, y, 5.2), (x, y, 0.3)], 0.5, plastic(a))
            t = P.rng.uniform(0, 3)
            for q in (0, math.pi):
                prism(soft([(0, -0.4), (8, -0.5), (8.4, 0.4), (2, 1.0)], 0.3, True), 0.12, plastic(a, 0.4), (x, y, 7.9), (0.1, 0, t + q), bevel=0)
            if P.flag("guards", 0.3):
                ring(9, 0.3, plastic("black"), (x, y, 7.4))
    logo(1.0, ink(c), (0, -3.4, 8.75), (0.1, 0, 0), word=False)
    P.say(f"with {a} propellers")


# name -> (builder, words for it, where it lives)
FAMILIES = {
    "wall_battery": (wall_battery, ["home battery", "wall battery"], "wall"),
    "ev_charger": (ev_charger, ["car charger", "wall charger for electric cars"], "wall"),
    "power_station": (power_station, ["portable power station"], "floor"),
    "power_bank": (power_bank, ["power bank", "portable charger"], "table"),
    "smart_plug": (smart_plug, ["smart plug"], "table"),
    "robot_vacuum": (robot_vacuum, ["robot vacuum", "robot vacuum cleaner"], "floor"),
    "lawn_robot": (lawn_robot, ["lawn robot", "robot lawn mower"], "ground"),
    "delivery_robot": (delivery_robot, ["delivery robot"], "ground"),
    "desk_lamp": (desk_lamp, ["desk lamp"], "table"),
    "mushroom_lamp": (mushroom_lamp, ["table lamp", "mushroom lamp"], "table"),
    "globe_light": (globe_light, ["globe lamp", "night light"], "table"),
    "headphones": (headphones, ["headphones", "over-ear headphones"], "table"),
    "earbuds": (earbuds, ["earbuds", "wireless earbuds"], "table"),
    "smart_speaker": (smart_speaker, ["smart speaker", "speaker"], "table"),
    "radio": (radio, ["radio", "kitchen radio"], "table"),
    "router": (router, ["router", "wifi router"], "table"),
    "ereader": (ereader, ["e-reader"], "table"),
    "tablet": (tablet, ["tablet"], "table"),
    "smart_watch": (smart_watch, ["smart watch"], "table"),
    "weather_station": (weather_station, ["weather station"], "table"),
    "keyboard": (keyboard, ["keyboard", "mechanical keyboard"], "table"),
    "projector": (projector, ["projector"], "table"),
    "security_camera": (security_camera, ["security camera", "indoor camera"], "table"),
    "photo_camera": (photo_camera, ["camera", "compact camera"], "table"),
    "thermostat": (thermostat, ["thermostat"], "wall"),
    "doorbell": (doorbell, ["video doorbell", "doorbell"], "wall"),
    "air_purifier": (air_purifier, ["air purifier"], "floor"),
    "fan": (fan, ["desk fan", "fan"], "table"),
    "kettle": (kettle, ["kettle", "electric kettle"], "table"),
    "bike_light": (bike_light, ["bike light"], "table"),
    "smart_planter": (smart_planter, ["smart planter", "plant pot"], "table"),
    "kitchen_scale": (kitchen_scale, ["kitchen scale"], "table"),
    "drone": (drone, ["drone", "camera drone"], "ground"),
}
