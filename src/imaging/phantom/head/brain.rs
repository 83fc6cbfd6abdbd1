//! What is inside the skull of a phantom: cortex, white matter, deep nuclei, fluid, falx and tentorium, cerebellum and
//! stem, vessels and the calcifications of healthy people. HU as on a non-contrast scan at 120 kV. Holds no blood.

use super::super::dice::Dice;
use super::super::shape::{Field, V3, ellipsoid, mix, ramp, rod, smooth};
use super::anatomy::{Class, Tissue, petrous};
use super::calcified::Calcified;
use super::infarct::Infarct;

/// Measures and densities of one brain.
pub struct Brain {
    fluid: f32,
    white: f32,
    grey: f32,
    /// Fluid between brain and bone, mm.
    margin: f32,
    /// Width of a sulcus, mm; grows with age.
    sulcus: f32,
    ribbon: f32,
    gyrus: f32,
    /// Scale of the ventricles' radii.
    ventricles: f32,
    falx: f32,
    falx_hu: f32,
    fissure: f32,
    vessel_hu: f32,
    vessel: f32,
    cistern: f32,
    calcified: Calcified,
    leukoaraiosis: f32,
    infarct: Option<Infarct>,
    /// Whether the larger arteries are in the brain; not when something else draws them.
    arteries: bool,
    folds: Field,
    patch: Field,
}

impl Brain {
    pub fn draw(dice: &mut Dice, ventricles_at_least: f32) -> Self {
        let age = dice.between(0.0, 1.0);
        let white = dice.between(22.0, 30.0);
        Self {
            fluid: dice.between(2.0, 11.0),
            white,
            grey: white + dice.between(5.0, 11.0),
            margin: 0.8 + 3.2 * age * dice.between(0.4, 1.2),
            sulcus: 0.4 + 2.6 * age * dice.between(0.5, 1.2),
            ribbon: dice.between(2.4, 4.0),
            gyrus: dice.between(11.0, 17.0),
            ventricles: (0.55 + 0.75 * age * dice.between(0.6, 1.4)).max(ventricles_at_least),
            falx: dice.between(0.5, 1.5),
            falx_hu: dice.between(42.0, 72.0),
            fissure: 0.4 + 1.6 * age,
            vessel_hu: dice.between(38.0, 66.0),
            vessel: dice.between(0.7, 1.2),
            cistern: 0.7 + 0.5 * age,
            calcified: Calcified::draw(dice, age),
            leukoaraiosis: if dice.chance(0.5 * age) {
                dice.between(2.0, 9.0)
            } else {
                0.0
            },
            infarct: dice.chance(0.08).then(|| {
                let at = [
                    dice.sign() * dice.between(20.0, 50.0),
                    dice.between(-40.0, 50.0),
                    dice.between(0.0, 45.0),
                ];
                let size = [
                    dice.between(5.0, 20.0),
                    dice.between(5.0, 25.0),
                    dice.between(5.0, 20.0),
                ];
                Infarct {
                    at,
                    size,
                    hu: 16.0,
                    share: 0.8,
                    widening: 0.0,
                }
            }),
            arteries: true,
            folds: Field::new(dice),
            patch: Field::new(dice),
        }
    }

    /// Densities of white matter and of cortex, HU.
    pub fn white_and_grey(&self) -> (f32, f32) {
        (self.white, self.grey)
    }

    pub fn with_infarct(mut self, infarct: Infarct) -> Self {
        self.infarct = Some(infarct);
        self
    }

    /// Darker white matter around the ventricles of both sides, by `hu`.
    pub fn with_leukoaraiosis(mut self, hu: f32) -> Self {
        self.leukoaraiosis = self.leukoaraiosis.max(hu);
        self
    }

    /// A brain whose arteries something else draws, and whose sinuses have a density of `venous_hu`.
    pub fn without_arteries(mut self, venous_hu: f32) -> Self {
        self.arteries = false;
        self.vessel_hu = venous_hu;
        self
    }

    /// Tissue at the anatomical place `q`, `depth` mm under the inner table, at relative radius `r`.
    pub fn tissue(&self, q: V3, depth: f32, r: f32) -> Tissue {
        let p = [q[0].abs(), q[1], q[2]];
        let tentorium = self.tentorium(p);
        if q[2] < tentorium && q[1] > petrous(p[0]) - 10.0 * smooth(30.0, 14.0, p[0]) {
            return self.posterior_fossa(q, p, depth, tentorium);
        }
        let mut tissue = self.cerebrum(q, p, depth, r);
        if q[1] > 0.0 {
            tissue.hu = self.tent_sheet(p, q[2] - tentorium, tissue.hu);
        }
        tissue
    }

    fn cerebrum(&self, q: V3, p: V3, depth: f32, r: f32) -> Tissue {
        let (mut fluid, grey) = self.folding(q, p, depth, r);
        let lateral =
            lateral_ventricle(p, self.ventricles) - self.infarct.as_ref().map_or(0.0, |i| i.pull(q));
        let deep = deep_grey(p);
        let mut solid = mix(self.white, self.grey, grey.max(deep));
        solid -= self.leukoaraiosis * smooth(14.0, 4.0, lateral) * (1.0 - deep);
        if let Some(old) = &self.infarct {
            let share = old.share * smooth(2.0, -2.0, ellipsoid(q, old.at, old.size));
            solid = mix(solid, old.hu, share);
        }
        solid += 1.2 * self.patch.mm(q, 9.0);
        fluid = fluid.max(self.cisterns(p));
        let ventricle = ramp(self.ventricle(p, lateral));
        let mut hu = mix(mix(solid, self.fluid, fluid), self.fluid, ventricle);
        hu = self.midline(q, p, depth, hu);
        hu = self.vessels(q, p, depth, hu);
        hu = self.calcified.paint(q, p, hu);
        let class = match (ventricle > 0.5, fluid > 0.3) {
            (true, _) => Class::Ventricle,
            (false, true) => Class::Subarachnoid,
            (false, false) => Class::Brain,
        };
        Tissue {
            hu,
            depth,
            class,
            cisternal: fluid * (1.0 - ventricle),
        }
    }

    /// Shares of sulcal fluid and of cortex. Folds run straight down from the surface: the field is read at the
    /// projection of the point to the surface, and bends a little with depth.
    fn folding(&self, q: V3, p: V3, depth: f32, r: f32) -> (f32, f32) {
        let surface = ramp(depth - self.margin * (1.0 + 0.5 * self.patch.mm(q, 30.0)));
        let inner = depth - self.margin;
        let (mut fluid, mut grey) = (surface, ramp(inner - self.ribbon));
        if inner < 26.0 {
            let s = 1.0 / r.clamp(0.35, 1.2);
            let on_surface = [q[0] * s, q[1] * s, q[2] * s + 0.2 * inner];
            let away = self.folds.mm(on_surface, self.gyrus).abs() * self.gyrus * 0.7;
            let reach = 12.0 + 8.0 * self.patch.mm(on_surface, 24.0);
            let width = self.sulcus / 2.0 * smooth(reach + 3.0, reach - 6.0, inner);
            fluid = fluid.max(((width - away) / 1.2 + 0.35).clamp(0.0, 1.0) * ramp(inner - reach));
            grey = grey.max(ramp(away - width - self.ribbon) * ramp(inner - reach - self.ribbon));
        }
        let sylvian = self.sylvian(p);
        fluid = fluid.max(ramp(sylvian));
        (fluid, grey.max(ramp(sylvian - self.ribbon)))
    }

    /// Distance to the fluid of the sylvian fissure: a bent sheet from the surface to the insula.
    fn sylvian(&self, p: V3) -> f32 {
        let sheet = (p[2] + 6.0 - 0.5 * (p[1] + 20.0) + 0.35 * (p[0] - 46.0)).abs() - 0.5 * self.sulcus - 0.4;
        let insula = (p[0] - 38.0 + 0.004 * (p[1] + 8.0).powi(2) + 0.2 * (p[2] - 4.0))
            .abs()
            .max((p[2] - 4.0).abs() - 14.0)
            - 0.4 * self.sulcus;
        let within = (p[1] + 8.0).abs() - 28.0;
        sheet.max(37.0 - p[0]).min(insula).max(within)
    }

    fn cisterns(&self, p: V3) -> f32 {
        let k = self.cistern;
        let suprasellar = ellipsoid(p, [0.0, -10.0, -19.0], [12.0 * k, 11.0 * k, 7.0 * k]);
        let ambient = (ellipsoid(p, [0.0, 12.0, -14.0], [21.0, 19.0, 18.0])).abs() - 1.6 * k;
        let ambient = ambient.max(p[2] + 3.0).max(-26.0 - p[2]);
        let quadrigeminal = ellipsoid(p, [0.0, 30.0, -6.0], [10.0 * k, 5.0 * k, 6.0 * k]);
        ramp(suprasellar.min(ambient).min(quadrigeminal))
    }

    fn ventricle(&self, p: V3, lateral: f32) -> f32 {
        let k = self.ventricles;
        let third = (p[0] - 2.2 * k)
            .max((p[1] + 0.0).abs() - 15.0)
            .max((p[2] + 4.0).abs() - 9.0);
        let septum = 0.9 - p[0];
        lateral.max(septum).min(third)
    }

    /// Interhemispheric fissure and falx, where no corpus callosum joins the halves.
    fn midline(&self, q: V3, p: V3, depth: f32, hu: f32) -> f32 {
        let callosum = ellipsoid([0.0, q[1], q[2]], [0.0, 2.0, 0.0], [30.0, 44.0, 30.0]);
        if callosum < -1.0 || p[0] > 8.0 {
            return hu;
        }
        let open = ramp(-callosum);
        let grey = mix(
            hu,
            self.grey,
            ramp(p[0] - self.fissure - self.ribbon) * open * ramp(p[0] * 0.1 - 1.0),
        );
        let fluid = mix(grey, self.fluid, ramp(p[0] - self.fissure) * open);
        let far = ramp(6.0 - callosum) * if q[2] > -18.0 { 1.0 } else { 0.0 };
        let mut falx = self.falx_hu;
        if self.calcified.falx > 0.0 && self.patch.mm(q, 10.0) > 0.55 {
            falx = self.calcified.hu;
        }
        let sheet = mix(fluid, falx, ramp(p[0] - self.falx) * far);
        let sinus = (p[0] - 5.0 * self.vessel + 0.55 * depth).max(depth - 8.0);
        mix(
            sheet,
            self.vessel_hu + 4.0,
            ramp(sinus) * if q[2] > -10.0 { 1.0 } else { 0.0 },
        )
    }

    fn vessels(&self, q: V3, p: V3, depth: f32, hu: f32) -> f32 {
        let k = self.vessel;
        let mut d = if self.arteries { arteries(p, k) } else { f32::MAX };
        let transverse = (q[2] + 21.0).abs().max(depth - 5.5 * k) - 3.0 * k;
        if q[1] > 35.0 {
            d = d.min(transverse);
        }
        mix(hu, self.vessel_hu, ramp(d))
    }

    /// Height of the tentorium over a point: a tent, highest in the middle.
    fn tentorium(&self, p: V3) -> f32 {
        -2.0 - 0.42 * p[0] - 0.012 * (p[1] - 34.0) * (p[1] - 34.0).abs() - 12.0 * smooth(6.0, -14.0, p[1])
    }

    fn tent_sheet(&self, p: V3, above: f32, hu: f32) -> f32 {
        let notch = 17.0 - (p[0] * p[0] + (p[1] - 10.0) * (p[1] - 10.0)).sqrt();
        mix(
            hu,
            self.falx_hu,
            ramp(above.abs() - self.falx * 0.8) * ramp(notch),
        )
    }

    fn posterior_fossa(&self, q: V3, p: V3, depth: f32, tentorium: f32) -> Tissue {
        let stem = rod(p, ([0.0, 8.0, -12.0], 15.0), ([0.0, 12.0, -40.0], 13.0)).min(rod(
            p,
            ([0.0, 12.0, -40.0], 11.0),
            ([0.0, 20.0, -80.0], 8.0),
        ));
        let lobes = ellipsoid(p, [20.0, 44.0, -38.0], [34.0, 32.0, 26.0]).max(self.margin - depth);
        let folia = 3.0 * self.folds.mm([q[0], q[1], q[2] * 4.0], 9.0);
        let core = smooth(-8.0, -14.0, lobes);
        let cerebellum = mix(self.grey - 1.0 + folia, self.white + 3.0, 0.7 * core);
        let solid = ramp(lobes.min(stem));
        let mut hu = mix(
            self.fluid,
            if stem < lobes {
                self.white + 4.0
            } else {
                cerebellum
            },
            solid,
        );
        let fourth = ellipsoid(p, [0.0, 26.0, -36.0], [6.5 * self.ventricles + 1.5, 5.0, 9.0]);
        hu = mix(hu, self.fluid, ramp(fourth));
        hu = self.vessels(q, p, depth, hu);
        hu = self.tent_sheet(p, q[2] - tentorium, hu);
        let class = match (fourth < 0.0, solid < 0.5) {
            (true, _) => Class::Ventricle,
            (false, true) => Class::Subarachnoid,
            (false, false) => Class::Infratentorial,
        };
        Tissue {
            hu,
            depth,
            class,
            cisternal: (1.0 - solid) * (1.0 - ramp(fourth)),
        }
    }
}

/// Distance to the middle cerebral artery's stem, `k` times as wide as usual.
pub fn middle_cerebral_artery(p: V3, k: f32) -> f32 {
    rod(p, ([6.0, -12.0, -17.0], 1.8 * k), ([34.0, -14.0, -12.0], 1.3 * k))
}

fn arteries(p: V3, k: f32) -> f32 {
    let carotid = ([8.0, -14.0, -30.0], 2.4 * k);
    let basilar = ([0.0, 2.0, -40.0], 1.9 * k);
    middle_cerebral_artery(p, k)
        .min(rod(p, ([6.0, -12.0, -17.0], 2.2 * k), carotid))
        .min(rod(p, basilar, ([0.0, -2.0, -18.0], 1.9 * k)))
}

/// Distance to a lateral ventricle: frontal horn, body, atrium, occipital and temporal horn.
fn lateral_ventricle(p: V3, k: f32) -> f32 {
    let horn = ([9.0, -32.0, 6.0], 4.5 * k);
    let body = ([13.0, -2.0, 19.0], 5.0 * k);
    let atrium = ([24.0, 34.0, 11.0], 6.5 * k);
    rod(p, horn, body)
        .min(rod(p, body, atrium))
        .min(rod(p, atrium, ([21.0, 56.0, 6.0], 2.5 * k)))
        .min(rod(p, atrium, ([33.0, 6.0, -15.0], 1.8 * k)))
}

/// Share of the deep grey nuclei: head of the caudate, lentiform nucleus, thalamus.
fn deep_grey(p: V3) -> f32 {
    let caudate = ellipsoid(p, [15.0, -24.0, 9.0], [5.0, 9.0, 8.0]);
    let lentiform = ellipsoid(p, [25.0, -4.0, 3.0], [7.0, 17.0, 10.0]);
    let thalamus = ellipsoid(p, [11.0, 12.0, 6.0], [8.0, 14.0, 9.0]);
    0.85 * ramp(caudate.min(lentiform).min(thalamus))
}
