//! Facts in the form in which CEL reads them. Absent numbers are left out, so that `has(…)` means what it says.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::{Context, Env, Value as CelValue};
use serde_json::Value;

/// CEL's standard library and its string functions; which of them rules may call is `operators`' choice.
pub(super) static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut env = Env::stdlib();
    // Declared once on a fresh environment, so there is nothing it can collide with.
    let added = env.add_extension(cel::extensions::strings);
    debug_assert!(added.is_ok());
    Arc::new(env)
});

/// The variables of one evaluation, in CEL's form: absent numbers left out, so that `has(…)` means what it says.
pub struct Facts {
    pub(super) context: Context<'static, 'static>,
    pub(super) longest: usize,
}

impl Facts {
    /// Takes an object whose members are the variables.
    pub fn of(facts: &Value) -> Self {
        let mut context = Context::with_env(Arc::clone(&ENV));
        for (name, value) in facts.as_object().into_iter().flatten() {
            context.add_variable_from_value(name.as_str(), to_cel(value));
        }
        Self {
            context,
            longest: longest(facts),
        }
    }
}

fn to_cel(value: &Value) -> CelValue {
    match value {
        Value::Null => CelValue::Null,
        Value::Bool(b) => CelValue::Bool(*b),
        Value::Number(n) => n
            .as_i64()
            .map_or_else(|| CelValue::Float(n.as_f64().unwrap_or(f64::NAN)), CelValue::Int),
        Value::String(text) => CelValue::from(text.as_str()),
        Value::Array(items) => CelValue::from(items.iter().map(to_cel).collect::<Vec<_>>()),
        Value::Object(fields) => {
            let known = fields.iter().filter(|(_, v)| !v.is_null());
            let map: HashMap<String, CelValue> = known.map(|(k, v)| (k.clone(), to_cel(v))).collect();
            CelValue::from(map)
        }
    }
}

/// The longest list or map anywhere in the facts.
fn longest(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(longest).fold(items.len(), usize::max),
        Value::Object(fields) => fields.values().map(longest).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}
