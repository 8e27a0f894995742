//! The passes between products, row by row, written so that the compiler makes SIMD of them.

#[cfg(target_arch = "x86_64")]
use super::Level;
use super::{Isa, for_each_isa};
use crate::clip::model::Activation;

const LANES: usize = 16;

/// Adds up in lanes, which keeps the order of additions free to be vectorised.
#[inline(always)]
fn sum(values: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0f32; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane += term(*v);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|v| term(*v)).sum::<f32>()
}

#[inline(always)]
fn largest(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, v) in lanes.iter_mut().zip(chunk) {
            *lane = if *v > *lane { *v } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |a, b| a.max(*b))
}

/// `e^x` to about an ulp (the Cephes polynomial), without branches; NaN stays NaN.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Adding it rounds to an integer that then stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, so that the difference keeps its digits.
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    p = p * r + 1.398_199_9e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 5.000_000_3e-1;
    (p * r * r + r + 1.0) * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000))
}

/// The error function to 1.5e-7 (Abramowitz and Stegun 7.1.26).
#[inline(always)]
fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let p = ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_8) * t - 0.284_496_74) * t
        + 0.254_829_6)
        * t;
    (1.0 - p * exp(-x * x)).copysign(x)
}

#[inline(always)]
fn layer_norm_body(x: &[f32], weight: &[f32], bias: &[f32], eps: f32, out: &mut [f32]) {
    let mean = sum(x, |v| v) / x.len() as f32;
    let variance = sum(x, |v| (v - mean) * (v - mean)) / x.len() as f32;
    let scale = 1.0 / (variance + eps).sqrt();
    for (((o, v), w), b) in out.iter_mut().zip(x).zip(weight).zip(bias) {
        *o = (v - mean) * scale * w + b;
    }
}

for_each_isa! {
    /// Layer normalisation of one row.
    fn layer_norm(x: &[f32], weight: &[f32], bias: &[f32], eps: f32, out: &mut [f32])
        = layer_norm_body
}

#[inline(always)]
fn softmax_body(row: &mut [f32]) {
    let top = largest(row);
    for v in row.iter_mut() {
        *v = exp(*v - top);
    }
    let scale = 1.0 / sum(row, |v| v);
    for v in row.iter_mut() {
        *v *= scale;
    }
}

for_each_isa! {
    /// Softmax of one row, in place.
    fn softmax(row: &mut [f32]) = softmax_body
}

#[inline(always)]
fn activate_body(act: Activation, x: &[f32], bias: &[f32], out: &mut [f32]) {
    let each = x.iter().zip(bias).map(|(x, b)| x + b).zip(out);
    match act {
        Activation::QuickGelu => each.for_each(|(x, o)| *o = x / (1.0 + exp(-1.702 * x))),
        Activation::Gelu => each.for_each(|(x, o)| {
            *o = 0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2));
        }),
        // tanh by the sigmoid: (1 + tanh u) / 2 = 1 / (1 + e^-2u).
        Activation::GeluPytorchTanh => each.for_each(|(x, o)| {
            let u = 0.797_884_6 * (x + 0.044_715 * x * x * x);
            *o = x / (1.0 + exp(-2.0 * u));
        }),
    }
}

for_each_isa! {
    /// `out = act(x + bias)`
    fn activate(act: Activation, x: &[f32], bias: &[f32], out: &mut [f32]) = activate_body
}

#[inline(always)]
fn add_body(x: &[f32], bias: &[f32], out: &mut [f32]) {
    for ((o, x), b) in out.iter_mut().zip(x).zip(bias) {
        *o += x + b;
    }
}

for_each_isa! {
    /// `out += x + bias`
    fn add(x: &[f32], bias: &[f32], out: &mut [f32]) = add_body
}

#[inline(always)]
fn mix_body(shares: &[f32], values: &[f32], out: &mut [f32]) {
    /// Sums that stay in registers.
    const WIDE: usize = 64;
    let width = out.len();
    let mut at = 0;
    while at + WIDE <= width {
        let mut sums = [0f32; WIDE];
        for (share, row) in shares.iter().zip(values.chunks_exact(width)) {
            let row = &row[at..at + WIDE];
            for (sum, v) in sums.iter_mut().zip(row) {
                *sum += share * v;
            }
        }
        out[at..at + WIDE].copy_from_slice(&sums);
        at += WIDE;
    }
    let rest = &mut out[at..];
    rest.fill(0.0);
    for (share, row) in shares.iter().zip(values.chunks_exact(width)) {
        for (o, v) in rest.iter_mut().zip(&row[at..]) {
            *o += share * v;
        }
    }
}

for_each_isa! {
    /// `out = Σ shares[i] × values[i]`, the rows of `values` as long as `out`.
    fn mix(shares: &[f32], values: &[f32], out: &mut [f32]) = mix_body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each_isa(check: impl Fn(Isa)) {
        Isa::available().into_iter().for_each(check);
    }

    #[test]
    fn softmax_adds_up_to_one_and_survives_large_scores() {
        each_isa(|isa| {
            let mut row: Vec<f32> = (0..37).map(|i| i as f32 * 10.0).collect();
            softmax(isa, &mut row);
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            assert!((row[35] / row[36] - (-10f32).exp()).abs() < 1e-9);
        });
    }

    #[test]
    fn activations_are_those_of_the_textbook() {
        let x: Vec<f32> = (-60..60).map(|i| i as f32 / 7.0).collect();
        let zero = vec![0.0; x.len()];
        type Exact = fn(f64) -> f64;
        let cases: [(Activation, Exact); 2] = [
            (Activation::QuickGelu, |x| x / (1.0 + (-1.702 * x).exp())),
            (Activation::GeluPytorchTanh, |x| {
                let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
                0.5 * x * (1.0 + u.tanh())
            }),
        ];
        each_isa(|isa| {
            let mut out = vec![0.0; x.len()];
            for (act, exact) in cases {
                activate(isa, act, &x, &zero, &mut out);
                for (x, got) in x.iter().zip(&out) {
                    let want = exact(f64::from(*x));
                    assert!((f64::from(*got) - want).abs() < 2e-6, "{act:?}({x}): {got}, {want}");
                }
            }
            activate(isa, Activation::Gelu, &[1.0, -2.0, 0.5, 40.0], &zero, &mut out);
            for (got, want) in out.iter().zip([0.841_344_8, -0.045_500_26, 0.345_731_2, 40.0]) {
                assert!((got - want).abs() < 1e-6, "gelu: {got}, {want}");
            }
        });
    }

    #[test]
    fn a_mix_weighs_every_row_at_any_width() {
        each_isa(|isa| {
            for width in [1, 16, 64, 70, 130] {
                let values: Vec<f32> = (0..3 * width).map(|i| i as f32).collect();
                let mut out = vec![f32::NAN; width];
                mix(isa, &[1.0, 10.0, 100.0], &values, &mut out);
                for (i, got) in out.iter().enumerate() {
                    let want = i + 10 * (width + i) + 100 * (2 * width + i);
                    assert!((got - want as f32).abs() < 0.1, "{width}: {i}");
                }
            }
        });
    }

    #[test]
    fn a_normalised_row_has_mean_zero_and_variance_one() {
        each_isa(|isa| {
            let x: Vec<f32> = (0..50).map(|i| (i * i) as f32).collect();
            let mut out = vec![0.0; 50];
            layer_norm(isa, &x, &[1.0; 50], &[0.0; 50], 1e-5, &mut out);
            assert!(out.iter().sum::<f32>().abs() < 1e-3);
            assert!((out.iter().map(|v| v * v).sum::<f32>() / 50.0 - 1.0).abs() < 1e-3);
        });
    }
}
