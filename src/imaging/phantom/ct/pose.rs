//! Where a body lies on the table: the turn and the shift between its own coordinates and the patient's. Knows no anatomy.

use tocsin_domain::volume::Geometry;

use super::super::dice::Dice;

/// How differently bodies of a kind lie: deviations in degrees and mm.
pub struct Sway {
    pub yaw: f32,
    pub pitch: f32,
    pub roll: f32,
    pub across: f32,
    pub height: f32,
}

/// Where the body lies in the patient's coordinates (LPS): rotation, then shift.
pub struct Pose {
    /// Rows of the inverse rotation: patient to body.
    inverse: [[f64; 3]; 3],
    shift: [f64; 3],
}

impl Pose {
    pub fn draw(dice: &mut Dice, sway: &Sway) -> Self {
        let degrees = |d: f32| f64::from(d).to_radians();
        let (yaw, pitch, roll) = (
            degrees(dice.normal(0.0, sway.yaw)),
            degrees(dice.normal(0.0, sway.pitch)),
            degrees(dice.normal(0.0, sway.roll)),
        );
        let (sy, cy) = yaw.sin_cos();
        let (sp, cp) = pitch.sin_cos();
        let (sr, cr) = roll.sin_cos();
        let about_z = [[cy, -sy, 0.0], [sy, cy, 0.0], [0.0, 0.0, 1.0]];
        let about_x = [[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]];
        let about_y = [[cr, 0.0, sr], [0.0, 1.0, 0.0], [-sr, 0.0, cr]];
        let shift = [
            f64::from(dice.normal(0.0, sway.across)),
            f64::from(dice.normal(0.0, sway.height)),
            0.0,
        ];
        Self {
            inverse: product(product(about_z, about_x), about_y),
            shift,
        }
    }

    /// Place of a voxel in the body's coordinates, mm.
    pub fn place(&self, geometry: &Geometry, index: usize) -> [f64; 3] {
        let plane = geometry.rows * geometry.columns;
        let (at, o) = (geometry.origins[index / plane], geometry.orientation);
        let down = ((index % plane) / geometry.columns) as f64 * geometry.pixel_spacing[0];
        let right = (index % geometry.columns) as f64 * geometry.pixel_spacing[1];
        self.to_body([0, 1, 2].map(|i| at[i] + o[i] * right + o[i + 3] * down))
    }

    /// A place of the body in the patient's coordinates (LPS), mm.
    pub fn to_patient(&self, p: [f64; 3]) -> [f64; 3] {
        let turned = |i: usize| (0..3).map(|k| self.inverse[k][i] * p[k]).sum::<f64>();
        [0, 1, 2].map(|i| turned(i) + self.shift[i])
    }

    pub(super) fn to_body(&self, p: [f64; 3]) -> [f64; 3] {
        self.turn([p[0] - self.shift[0], p[1] - self.shift[1], p[2] - self.shift[2]])
    }

    pub(super) fn turn(&self, d: [f64; 3]) -> [f64; 3] {
        self.inverse
            .map(|row| row[0] * d[0] + row[1] * d[1] + row[2] * d[2])
    }
}

fn product(a: [[f64; 3]; 3], b: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    let cell = |r: usize, c: usize| (0..3).map(|k| a[r][k] * b[k][c]).sum();
    [0, 1, 2].map(|r| [0, 1, 2].map(|c| cell(r, c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_the_patients_coordinates() {
        let sway = Sway {
            yaw: 8.0,
            pitch: 8.0,
            roll: 8.0,
            across: 9.0,
            height: 9.0,
        };
        let pose = Pose::draw(&mut Dice::new(4, 0), &sway);
        let p = [12.0, -30.0, 7.0];
        for (a, b) in pose.to_body(pose.to_patient(p)).into_iter().zip(p) {
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }
}
