//! Texture of an image: what a reconstruction kernel does to edges and to noise. Knows no anatomy.

use super::super::dice::Dice;
use super::plan::Kernel;

/// A kernel on a pixel grid.
pub struct Texture {
    /// Blur of the noise, pixels.
    blur: f32,
    /// Share of the blurred noise that is taken away again: leaves fine grain.
    grain: f32,
    /// Enhancement of edges (negative: smoothing).
    edge: f32,
}

impl Texture {
    pub fn draw(dice: &mut Dice, kernel: Kernel, pixel_mm: f64) -> Self {
        let (blur_mm, grain, edge) = match kernel {
            Kernel::Smooth => (dice.between(0.8, 1.2), 0.0, dice.between(-0.6, -0.2)),
            Kernel::Standard => (
                dice.between(0.5, 0.85),
                dice.between(0.0, 0.2),
                dice.between(-0.1, 0.15),
            ),
            Kernel::Sharp => (
                dice.between(0.35, 0.55),
                dice.between(0.3, 0.7),
                dice.between(0.2, 0.7),
            ),
        };
        Self {
            blur: blur_mm / pixel_mm as f32,
            grain,
            edge,
        }
    }

    /// Raises or lowers the contrast of edges by an unsharp mask.
    pub fn sharpen(&self, image: &mut [f32], columns: usize) {
        let mut soft = image.to_vec();
        blur(&mut soft, columns, self.blur.max(0.6));
        for (v, s) in image.iter_mut().zip(&soft) {
            *v += self.edge * (*v - s);
        }
    }

    /// Adds correlated noise of deviation `hu` in the middle, less toward the border, where rays are short.
    pub fn add_noise(&self, image: &mut [f32], columns: usize, hu: f32, dice: &mut Dice) {
        let mut noise = vec![0.0; image.len()];
        dice.fill_normal(&mut noise);
        blur(&mut noise, columns, self.blur);
        if self.grain > 0.0 {
            let mut soft = noise.clone();
            blur(&mut soft, columns, 2.0 * self.blur);
            noise
                .iter_mut()
                .zip(&soft)
                .for_each(|(n, s)| *n -= self.grain * s);
        }
        let power = noise.iter().map(|n| f64::from(n * n)).sum::<f64>() / noise.len().max(1) as f64;
        let scale = hu / (power.sqrt() as f32).max(1e-6);
        let middle = columns as f32 / 2.0;
        for (r, (pixels, noise)) in image
            .chunks_exact_mut(columns)
            .zip(noise.chunks_exact(columns))
            .enumerate()
        {
            let y = r as f32 / middle - 1.0;
            for (c, (v, n)) in pixels.iter_mut().zip(noise).enumerate() {
                let x = c as f32 / middle - 1.0;
                *v += n * scale * (1.15 - 0.45 * (x * x + y * y)).max(0.4);
            }
        }
    }
}

/// Gaussian blur of a row-major image, borders repeated.
fn blur(image: &mut [f32], columns: usize, sigma: f32) {
    let radius = (sigma * 2.5).ceil().max(1.0) as usize;
    let mut weights: Vec<f32> = (0..=radius)
        .map(|i| (-0.5 * (i as f32 / sigma.max(0.05)).powi(2)).exp())
        .collect();
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    weights.iter_mut().for_each(|w| *w /= sum);
    let rows = image.len() / columns;
    let mut padded = vec![0.0; columns + 2 * radius];
    for row in image.chunks_exact_mut(columns) {
        padded[..radius].fill(row[0]);
        padded[radius..radius + columns].copy_from_slice(row);
        padded[radius + columns..].fill(row[columns - 1]);
        for (c, v) in row.iter_mut().enumerate() {
            let centre = c + radius;
            let mut sum = padded[centre] * weights[0];
            for (i, w) in weights.iter().enumerate().skip(1) {
                sum += w * (padded[centre - i] + padded[centre + i]);
            }
            *v = sum;
        }
    }
    let source = image.to_vec();
    let line = |r: isize| {
        let r = r.clamp(0, rows as isize - 1) as usize;
        &source[r * columns..(r + 1) * columns]
    };
    for (r, row) in image.chunks_exact_mut(columns).enumerate() {
        let r = r as isize;
        row.iter_mut().zip(line(r)).for_each(|(v, s)| *v = s * weights[0]);
        for (i, w) in weights.iter().enumerate().skip(1) {
            let (above, below) = (line(r - i as isize), line(r + i as isize));
            row.iter_mut()
                .zip(above.iter().zip(below))
                .for_each(|(v, (a, b))| *v += w * (a + b));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blur_keeps_the_mean_and_noise_has_the_deviation_asked_for() {
        let mut flat = vec![7.0; 64 * 64];
        blur(&mut flat, 64, 1.4);
        assert!(flat.iter().all(|v| (v - 7.0).abs() < 1e-4));
        let texture = Texture::draw(&mut Dice::new(1, 0), Kernel::Sharp, 0.45);
        let mut image = vec![0.0; 128 * 128];
        texture.add_noise(&mut image, 128, 4.0, &mut Dice::new(1, 1));
        let middle: Vec<f32> = (48..80)
            .flat_map(|r| image[r * 128 + 48..r * 128 + 80].to_vec())
            .collect();
        let power = middle.iter().map(|v| v * v).sum::<f32>() / middle.len() as f32;
        assert!((3.5..5.5).contains(&power.sqrt()), "{}", power.sqrt());
    }
}
