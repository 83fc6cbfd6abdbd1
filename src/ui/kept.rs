//! `{{kept "template" value zone=… claims=…}}`: a part of a page that many people look at, rendered once for as long as it says
//! the same. What was named behind the value is `frame` inside, so that nothing of the person who looks goes in unseen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError,
    RenderErrorReason,
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Parts of one age; what two ages did not ask for is forgotten.
const MOST: usize = 4_096;

/// The template with everything that it is given. A cryptographic hash: a collision would show another patient.
type Key = [u8; 32];

/// What was rendered: the present age, and the one before it.
#[derive(Default)]
pub struct Kept(Mutex<[HashMap<Key, Arc<str>>; 2]>);

impl Kept {
    fn get(&self, key: &Key) -> Option<Arc<str>> {
        let mut ages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(html) = ages[0].get(key) {
            return Some(html.clone());
        }
        let html = ages[1].remove(key)?;
        ages[0].insert(*key, html.clone());
        Some(html)
    }

    fn put(&self, key: Key, html: Arc<str>) {
        let mut ages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ages[0].len() >= MOST {
            ages[1] = std::mem::take(&mut ages[0]);
        }
        ages[0].insert(key, html);
    }
}

impl HelperDef for Kept {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let name = helper.param(0).and_then(|name| name.value().as_str());
        let value = helper.param(1).and_then(|value| value.value().as_object());
        let (Some(name), Some(value)) = (name, value) else {
            return Err(fault("kept wants the name of a template and an object"));
        };
        let around = helper.hash().iter();
        let around: Map<String, Value> = around
            .map(|(key, value)| ((*key).to_owned(), value.value().clone()))
            .collect();
        // A site's template may be another one by now.
        if registry.dev_mode() {
            out.write(&render(registry, name, value, around)?)?;
            return Ok(());
        }
        let key = key(name, value, &around)?;
        let html = match self.get(&key) {
            Some(html) => html,
            None => {
                let html: Arc<str> = render(registry, name, value, around)?.into();
                self.put(key, html.clone());
                html
            }
        };
        out.write(&html)?;
        Ok(())
    }
}

fn key(name: &str, value: &Map<String, Value>, around: &Map<String, Value>) -> Result<Key, RenderError> {
    let bytes = serde_json::to_vec(&(name, value, around)).map_err(|_| fault("a value without a text"))?;
    Ok(Sha256::digest(bytes).into())
}

fn render(
    registry: &Handlebars<'_>,
    name: &str,
    value: &Map<String, Value>,
    around: Map<String, Value>,
) -> Result<String, RenderError> {
    let mut data = value.clone();
    data.insert("frame".to_owned(), Value::Object(around));
    registry.render_with_context(name, &Context::from(Value::Object(data)))
}

fn fault(reason: &str) -> RenderError {
    RenderErrorReason::Other(reason.to_owned()).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn registry() -> Handlebars<'static> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_helper("kept", Box::new(Kept::default()));
        registry
            .register_template_string("row", "<td>{{name}} {{frame.zone}}</td>")
            .expect("a row");
        registry
            .register_template_string(
                "rows",
                "{{#each rows}}{{kept \"row\" this zone=@root.zone}}{{/each}}",
            )
            .expect("rows");
        registry
    }

    #[test]
    fn what_is_kept_is_what_would_be_rendered_and_another_value_is_another_part() {
        let registry = registry();
        let say = |name: &str, zone: &str| {
            let values = json!({ "rows": [{ "name": name }, { "name": name }], "zone": zone });
            registry.render("rows", &values).expect("rows")
        };
        let row = "<td>&lt;b&gt; UTC</td>";
        assert_eq!(say("<b>", "UTC"), row.repeat(2));
        assert_eq!(say("<b>", "UTC"), row.repeat(2));
        assert_eq!(say("c", "UTC"), "<td>c UTC</td>".repeat(2));
        assert_eq!(say("c", "CET"), "<td>c CET</td>".repeat(2));
    }

    #[test]
    fn a_value_that_is_missing_in_a_kept_part_is_an_error_with_its_place() {
        let error = registry().render("rows", &json!({ "rows": [{}], "zone": "UTC" }));
        assert!(error.is_err());
    }

    #[test]
    fn what_is_asked_for_stays_and_the_rest_goes() {
        let kept = Kept::default();
        let key = |n: usize| -> Key { Sha256::digest(n.to_le_bytes()).into() };
        for n in 0..3 * MOST {
            kept.put(key(n), Arc::from("x"));
            assert!(kept.get(&key(0)).is_some(), "{n}");
        }
        assert!(kept.get(&key(1)).is_none());
    }
}
