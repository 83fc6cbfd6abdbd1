//! What a thorax is before vessels are laid into it: skin, fat, muscle, spine, lungs, the mediastinum's fat and what lies
//! under the diaphragm. Densities are design values near those of a scan at 120 kV.

use super::frame::{Frame, fissure};
use crate::phantom::shape::{V3, ellipsoid, mix, ramp, smooth};

const AIR: f32 = -1000.0;
const FAT: f32 = -100.0;
const MUSCLE: f32 = 58.0;

/// Density at a point of the body, HU.
pub fn tissue(frame: &Frame, lung_hu: f32, p: V3) -> f32 {
    let q = frame.middle(p);
    let skin = frame.skin(q);
    if skin > 1.0 {
        return AIR;
    }
    let pleura = frame.pleura(q);
    let outer = if pleura > -1.0 {
        shell(frame, q, skin, pleura)
    } else {
        0.0
    };
    let inner = if pleura < 1.0 {
        cavity(frame, lung_hu, q)
    } else {
        0.0
    };
    mix(mix(outer, inner, ramp(pleura)), AIR, ramp(-skin))
}

/// Skin, fat, muscle and spine.
fn shell(frame: &Frame, q: V3, skin: f32, pleura: f32) -> f32 {
    if skin > -2.0 {
        return 20.0;
    }
    let spine = [q[0], q[1] - Frame::spine(q[2]), q[2]];
    if spine[0].abs() < 50.0 && spine[1] > -22.0 {
        let column = vertebra(frame, spine);
        if column > f32::MIN {
            return column;
        }
    }
    let septa = frame.grain.mm(q, 6.0);
    let fat = FAT + 12.0 * septa;
    let thick = frame.fat * (1.0 + 0.3 * frame.form.mm(q, 50.0)) + frame.breast(q);
    let gland = if frame.breasts > 0.0 {
        smooth(2.0, 10.0, frame.breast(q))
    } else {
        0.0
    };
    let fat = mix(fat, 20.0, gland * smooth(0.1, 0.4, septa));
    let axilla = ellipsoid([q[0].abs(), q[1], q[2]], [128.0, -2.0, 68.0], [20.0, 36.0, 52.0])
        + 9.0 * frame.form.mm(q, 24.0)
        + 3.0 * septa;
    let layer = (pleura + 9.0 * frame.form.mm(q, 46.0)) / 13.0;
    let planes =
        smooth(0.16, 0.04, (layer - layer.round()).abs()) * smooth(-0.3, 0.2, frame.form.mm(q, 31.0));
    let muscle = mix(MUSCLE + 8.0 * septa, FAT, 0.8 * planes);
    let intercostal = mix(muscle, -25.0, smooth(4.0, 1.0, (pleura - 6.0).abs()) * 0.4);
    let muscle = mix(intercostal, fat, ramp(axilla));
    mix(muscle, fat, smooth(-1.0, 1.0, skin + 2.0 + thick))
}

/// Vertebrae, discs and the canal around the middle of a vertebral body; `f32::MIN` beside them.
fn vertebra(frame: &Frame, s: V3) -> f32 {
    let level = (s[2] + 400.0).rem_euclid(23.0) - 11.5;
    let body = ellipsoid([s[0], s[1], 0.0], [0.0; 3], [17.5, 14.5, 40.0]);
    let disc = smooth(8.0, 9.5, level.abs());
    let spongy = 190.0 + 60.0 * frame.grain.mm(s, 3.0);
    if body < 0.5 {
        let shell = smooth(-2.2, -1.0, body).max(smooth(6.8, 7.8, level.abs()));
        let bone = mix(spongy, 520.0, shell);
        return mix(bone, 85.0, disc);
    }
    let canal = ellipsoid([s[0], s[1], 0.0], [0.0, 23.0, 0.0], [10.0, 8.5, 40.0]);
    if canal < 0.0 {
        let cord = ellipsoid([s[0], s[1], 0.0], [0.0, 23.0, 0.0], [5.0, 4.0, 40.0]);
        return mix(8.0, 36.0, ramp(cord));
    }
    let up = level.abs() < 8.0;
    let arch = canal < 5.0 && (up || s[1] > 27.0);
    let across = [s[0].abs(), s[1] - 22.0 - 0.25 * s[0].abs()];
    let transverse = across[0] < 34.0 && across[1].abs() < 5.0 && level.abs() < 6.0 && across[0] > 8.0;
    let spinous = s[0].abs() < 3.5 && s[1] > 30.0 && s[1] < 56.0 && level.abs() < 9.0;
    if arch || transverse || spinous {
        return 430.0 + 120.0 * frame.grain.mm(s, 4.0);
    }
    f32::MIN
}

/// Lung, mediastinal fat, and below the diaphragm the abdomen.
fn cavity(frame: &Frame, lung_hu: f32, q: V3) -> f32 {
    let below = frame.diaphragm(q) - q[2];
    if below > 3.0 {
        return abdomen(frame, q, below);
    }
    let side = q[0].abs() - Frame::mediastinum(q);
    let strands = frame.grain.mm(q, 5.0);
    let fat = FAT + 14.0 * strands;
    let lung = if side > -1.0 { lung(frame, lung_hu, q) } else { 0.0 };
    let chest = mix(lung, fat, ramp(side));
    if below > -1.0 {
        let sheet = mix(chest, 52.0, ramp(-below));
        return mix(sheet, abdomen(frame, q, below), ramp(2.0 - below));
    }
    chest
}

/// Parenchyma: denser toward the back, where blood sinks, and at the fissures.
pub fn lung(frame: &Frame, lung_hu: f32, q: V3) -> f32 {
    let sunk = 45.0 * smooth(-20.0, 95.0, q[1]);
    let lobules = 16.0 * frame.grain.mm(q, 4.5) + 14.0 * frame.form.mm(q, 30.0);
    let hu = lung_hu + sunk + lobules;
    let line = fissure(&frame.form, q);
    mix(hu, -690.0, 0.8 * smooth(1.3, 0.3, line))
}

/// Liver on the right, stomach and spleen on the left, fat between.
fn abdomen(frame: &Frame, q: V3, below: f32) -> f32 {
    let grain = frame.grain.mm(q, 7.0);
    let fat = FAT + 10.0 * grain;
    let lobe_left = 42.0 - 0.25 * (q[1] + 60.0).max(0.0) - 0.3 * (below - 10.0).max(0.0);
    let crura = ellipsoid(q, [6.0, 46.0, -160.0], [36.0, 40.0, 90.0]) + 4.0 * frame.form.mm(q, 20.0);
    if q[0] < lobe_left && below > 1.5 && crura > 0.0 {
        return 66.0 + 5.0 * grain;
    }
    let spleen = ellipsoid(q, [88.0, 46.0, -152.0], [30.0, 38.0, 34.0]);
    let stomach = ellipsoid(q, [58.0, -8.0, -148.0], [36.0, 46.0, 30.0]);
    let hu = mix(fat, 95.0 + 22.0 * frame.form.mm(q, 12.0), ramp(spleen));
    let content = if q[1] < -12.0 { -990.0 } else { 18.0 };
    let hu = mix(hu, 62.0, ramp(stomach - 3.5));
    mix(hu, content, ramp(stomach))
}
